//! What has no answer while all is well for a minute, and why. Everything else must have one.
//! And which alerts may be pending then.
//!
//! Never here: a query that would have an answer if it were asked better.

/// Where it is asked, and why it may have no answer.
const SILENT: [(&str, &str); 3] = [
    ("pipeline: Alerts", "no alert waits or fires"),
    ("rule: campaign_choice:weir_votes:delta6h_before", "nothing is older than five minutes"),
    ("rule: campaign_choice:weir_votes:share6h_before", "nothing is older than five minutes"),
];

/// Alerts of the machine's disk, which other tests fill beside this one: the file system of
/// `weir up` is theirs.
const OF_THE_DISK: [&str; 2] = ["WeirDiskFillsSoon", "WeirDiskNearlyFull"];

/// Whether a question may have no answer.
pub(crate) fn may_be_silent(of: &str) -> bool {
    SILENT.iter().any(|(silent, _)| *silent == of)
}

/// Whether an alert may wait for its time.
pub(crate) fn may_be_pending(alert: &str) -> bool {
    OF_THE_DISK.contains(&alert)
}
