//! The campaign files, and the keys where a process must be given them.
//!
//! Never here: a secret; of a key only its file and its fingerprint's agreement are told.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use ballot::{Campaign, rfc3339};

use super::report::Report;
use super::units::{many, span};
use super::{Subject, Where};
use crate::config::{Keys, all_different, keys_file, read_campaign};
use crate::process::check_grace;

/// The campaigns whose files can be read.
pub(super) fn read(report: &mut Report, subject: &Subject<'_>) -> Vec<Campaign> {
    let mut campaigns = Vec::new();
    for file in &subject.campaigns {
        let name = match file {
            Some(file) => format!("campaign file {}", base(file)),
            None => "the built-in campaign".to_owned(),
        };
        let Some(campaign) = report.take(&name, read_campaign(*file), "mend the file") else {
            continue;
        };
        let Campaign { id, choices, choices_per_ballot_max: most, .. } = &campaign;
        let (choices, days) = (choices.len(), campaign.days().len());
        let voters = many(campaign.voters_per_day_max);
        report.ok(
            name,
            format!(
                "{id}: {choices} choices, at most {most} a ballot, {days} voting days, at most \
                 {voters} voters a day"
            ),
        );
        let grace = check_grace(&campaign);
        report.take(&format!("grace {id}"), grace, "give more in the campaign file");
        campaigns.push(campaign);
    }
    report.take("campaigns", all_different(&campaigns, subject.keys), "give each its own");
    campaigns
}

/// Whether a campaign is still to come, open, or over.
pub(super) fn window(report: &mut Report, campaign: &Campaign, now_ms: i64) {
    let Campaign { id, opens_at_ms, closes_at_ms, .. } = campaign;
    let what = format!("window {id}");
    if now_ms >= *closes_at_ms {
        let found = format!("over since {}", rfc3339(*closes_at_ms));
        let fix = "no ballots are taken; is this the right file, and closes_at right?";
        report.warning(what, found, fix);
    } else if now_ms < *opens_at_ms {
        let (when, wait) = (rfc3339(*opens_at_ms), span(opens_at_ms - now_ms));
        report.ok(what, format!("opens in {wait}, at {when}"));
    } else {
        let (when, left) = (rfc3339(*closes_at_ms), span(closes_at_ms - now_ms));
        report.ok(what, format!("open, for {left} more, until {when}"));
    }
}

/// Each campaign with its keys, where they are needed and sound.
pub(super) fn with_keys(
    report: &mut Report,
    campaigns: Vec<Campaign>,
    subject: &Subject<'_>,
    clock: &dyn journal::Clock,
) -> Vec<(Campaign, Option<Keys>)> {
    let mut all = Vec::new();
    for campaign in campaigns {
        window(report, &campaign, clock.now_ms());
        let keys = match (subject.keys, &subject.journal) {
            (Some(given), Where::Kafka(..)) => {
                let fix = "`weir topics` makes it when it makes the topics; or bring a copy";
                sound(report, &campaign.id, &keys_file(given, &campaign.id), fix)
            }
            (Some(_), Where::Directory(_)) | (None, _) => None,
        };
        all.push((campaign, keys));
    }
    all
}

/// The keys of a file that must be there, if they are in order.
pub(super) fn sound(report: &mut Report, campaign: &str, file: &Path, fix: &str) -> Option<Keys> {
    let what = format!("keys {campaign}");
    let keys = report.take(&what, Keys::existing(file, fix), "mend the file")?;
    report.take(&what, keys.token_keys(campaign), "mend the file")?;
    let mode = fs::metadata(file).map_or(0, |metadata| metadata.permissions().mode() & 0o777);
    let file = file.display();
    if mode & 0o077 == 0 {
        report.ok(what, format!("{file}: readable, for its owner only"));
    } else {
        let found = format!("{file}: others can read it too (mode {mode:03o})");
        report.warning(what, found, format!("chmod 600 {file}"));
    }
    Some(keys)
}

fn base(file: &Path) -> String {
    let name = file.file_name().unwrap_or(file.as_os_str());
    name.to_string_lossy().into_owned()
}
