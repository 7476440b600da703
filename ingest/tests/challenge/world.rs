//! An edge whose campaign has a challenge, and voters who have asked too often.

use ingest::{Captcha, SignIn};

use super::client::Answer;
use super::direct::{BODY, Caller, metric};
use super::kit::{Running, Setup, campaign_text};

/// What a voter may ask in a row until it is noted.
const VOTER_NOTED: u32 = 8;

/// The campaign's file with this table.
pub(crate) fn with(table: &str) -> String {
    campaign_text().replacen("[[choices]]", &format!("[challenge]\n{table}\n[[choices]]"), 1)
}

/// A campaign that asks for work of 8 bits.
pub(crate) async fn working() -> Running {
    let campaign = with("kind = \"work\"\nbits = 8");
    Running::start(Setup { campaign, aggregating: false, ..Setup::default() }).await
}

/// A campaign that asks for a captcha, of the provider at this address.
pub(crate) async fn asking(verify_url: &str) -> Running {
    let campaign = with(
        "kind = \"captcha\"\npage_url = \"https://c.example/check\"\n\
                         verify_url = \"https://c.example/siteverify\"",
    );
    let captcha = Some(Captcha::new(verify_url, "s3cret&".to_owned()).unwrap());
    let sign_in = SignIn { captcha, ..SignIn::default() };
    Running::start(Setup { campaign, sign_in, aggregating: false, ..Setup::default() }).await
}

/// A connection of a voter who has asked so often that it is noted.
pub(crate) async fn noted<'a>(edge: &'a Running, name: &str) -> Caller<'a> {
    let mut caller = Caller::from(edge, "203.0.113.9").await;
    for _ in 0..VOTER_NOTED {
        assert_eq!(caller.cast_with(name, &[], r#"{"choices":[0]}"#).await.status, 422);
    }
    caller
}

/// Casts with this solution.
pub(crate) async fn solve(caller: &mut Caller<'_>, name: &str, solution: &str) -> Answer {
    caller.cast_with(name, &[("weir-challenge", solution.as_bytes())], BODY).await
}

/// How many ballots have met the challenge so: asked, solved, wrong, expired, unreachable.
pub(crate) fn counts(edge: &Running) -> [u64; 5] {
    ["asked", "solved", "wrong", "expired", "unreachable"].map(|outcome| {
        metric(edge, &format!("weir_challenges_total{{campaign=\"c\",outcome=\"{outcome}\"}}"))
    })
}
