//! What of a campaign only a restart may change.
//!
//! Never here: what the rules in the journal say; that is compared with them.

use ballot::Campaign;

use crate::exit::Failure;

/// Refuses a change of what is no rule of the journal, but decides who may vote, or was handed out
/// at the start.
pub(super) fn same_policy(was: &Campaign, is: &Campaign) -> Result<(), Failure> {
    let identity = |of: &Campaign| format!("{:?}", of.identity);
    let voters_max = |of: &Campaign| of.voters_per_day_max.to_string();
    let fields = [
        ("id", was.id.clone(), is.id.clone()),
        ("zone", was.zone.clone(), is.zone.clone()),
        ("identity", identity(was), identity(is)),
        ("challenge", format!("{:?}", was.challenge), format!("{:?}", is.challenge)),
        ("results", format!("{:?}", was.results), format!("{:?}", is.results)),
        ("channels", was.channels.join(", "), is.channels.join(", ")),
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
