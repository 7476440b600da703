//! What of a campaign only a restart may change.
//!
//! Never here: what the rules in the journal say; that is compared with them.

use ballot::{Campaign, Challenge, Identity, Results};

use crate::exit::Failure;

/// Refuses a change of what is no rule of the journal, but decides who may vote, or was handed out
/// at the start.
pub(super) fn same_policy(was: &Campaign, is: &Campaign) -> Result<(), Failure> {
    let voters_max = |of: &Campaign| of.voters_per_day_max.to_string();
    let fields = [
        ("id", was.id.clone(), is.id.clone()),
        ("zone", was.zone.clone(), is.zone.clone()),
        ("identity", identity(&was.identity), identity(&is.identity)),
        ("challenge", challenge(was.challenge.as_ref()), challenge(is.challenge.as_ref())),
        ("results", results(was.results).to_owned(), results(is.results).to_owned()),
        ("channels", channels(was), channels(is)),
        ("followers_only", was.followers_only.to_string(), is.followers_only.to_string()),
        ("voters_per_day_max", voters_max(was), voters_max(is)),
    ];
    match fields.into_iter().find(|(_, was, is)| was != is) {
        None => Ok(()),
        Some((field, was, is)) => Err(Failure::configuration(format!(
            "{field} differs: the file has {is}, this process runs with {was}; put it back: only a \
             restart can change it"
        ))),
    }
}

/// As its file has it.
fn identity(identity: &Identity) -> String {
    let Identity { mode, account, app_id, subscription_app_id, keyword } = identity;
    let fields = [
        ("account", account),
        ("app_id", app_id),
        ("subscription_app_id", subscription_app_id),
        ("keyword", keyword),
    ];
    let given = fields.into_iter().filter_map(|(name, field)| Some((name, field.as_ref()?)));
    let given = given.map(|(name, field)| format!(", {name} = {field:?}"));
    format!("mode = {:?}{}", mode.name(), given.collect::<String>())
}

fn challenge(challenge: Option<&Challenge>) -> String {
    match challenge {
        None => "none".to_owned(),
        Some(Challenge::Work { bits }) => format!("kind = \"work\", bits = {bits}"),
        Some(Challenge::Captcha { page_url, verify_url }) => {
            format!("kind = \"captcha\", page_url = {page_url:?}, verify_url = {verify_url:?}")
        }
    }
}

const fn results(results: Results) -> &'static str {
    match results {
        Results::Live => "\"live\"",
        Results::Hidden => "\"hidden\"",
    }
}

fn channels(of: &Campaign) -> String {
    if of.channels.is_empty() { "none".to_owned() } else { of.channels.join(", ") }
}
