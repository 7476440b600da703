//! What voters meet: how they sign in, and the certificate.
//!
//! Never here: a call to WeChat, whose quotas are the campaign's; a secret.

use std::path::Path;

use ballot::{Campaign, Challenge};

use super::report::Report;
use crate::args::SiteArgs;
use crate::config::{Directory, Keys, keys_file};
use crate::exit::Failure;
use crate::identity::{Origin, captcha, chosen, secrets};

/// What the process is told about voters.
pub(super) struct Voters<'a> {
    pub(super) site: &'a SiteArgs,
    /// Whether it is the only process, on this directory.
    pub(super) data: Option<&'a Path>,
    /// Whether the campaign is the one inside the program.
    pub(super) built_in: bool,
    pub(super) keys: Option<&'a Path>,
}

pub(super) fn look(report: &mut Report, voters: &Voters<'_>, campaigns: &[Campaign]) {
    for campaign in campaigns {
        sign_in(report, voters, campaign);
    }
    if let Some(data) = &voters.site.identity_data {
        let what = "identity data";
        if data.is_dir() || data.parent().is_some_and(Path::is_dir) {
            report.ok(what, format!("{}: there, or it can be made", data.display()));
        } else {
            let found = format!("--identity-data {}: cannot be made", data.display());
            let fix = "give a directory, or one that can be made in one that is there";
            report.failed(what, &Failure::configuration(found), fix);
        }
    }
    if let Some(files) = voters.site.tls() {
        let what = "TLS certificate";
        let open = files.check();
        if report.take(what, open, "give the full chain as PEM, the leaf first").is_some() {
            report.ok(what, format!("{} and its key fit", files.chain.display()));
        }
    }
}

fn sign_in(report: &mut Report, voters: &Voters<'_>, campaign: &Campaign) {
    let what = format!("sign-in {}", campaign.id);
    let origin = match (voters.data, voters.built_in) {
        (Some(_), true) => Origin::BuiltIn,
        (Some(_), false) => Origin::File,
        (None, _) => Origin::Cluster,
    };
    let chosen = chosen(voters.site, origin, campaign.clone());
    let Some(campaign) = report.take(&what, chosen, "see docs/voters.md") else { return };
    let mode = campaign.identity.mode;
    let imitated = voters.site.imitates();
    let keys = keys(voters, &campaign.id);
    if keys.is_none() && secrets_are_needed(&campaign, imitated) {
        let found = "there are no keys yet, and what WeChat or a captcha needs is in them";
        let fix =
            "start once without, which makes the keys, or bring them; then add what is missing";
        report.failed(&what, &Failure::configuration(found), fix);
        return;
    }
    if let Some(keys) = keys {
        let secrets = if imitated { Ok(()) } else { secrets(&campaign, &keys).map(drop) };
        let all = secrets.and_then(|()| captcha(&campaign, &keys).map(drop));
        if report.take(&what, all, "add it to the keys").is_none() {
            return;
        }
    }
    let url = voters.site.public_url.as_deref();
    let found = format!(
        "mode {:?}, voters come to {}",
        mode.name(),
        url.unwrap_or("the address of --listen")
    );
    if mode.is_wechat()
        && !voters.site.imitates()
        && !url.is_some_and(|url| url.starts_with("https://"))
    {
        let fix = "give --public-url https://…: WeChat's browser warns of plain HTTP, and cookies \
                   go over it unprotected";
        report.warning(what, found, fix);
    } else {
        report.ok(what, found);
    }
}

/// Whether the keys must have more than Weir makes.
fn secrets_are_needed(campaign: &Campaign, imitated: bool) -> bool {
    let captcha = matches!(campaign.challenge, Some(Challenge::Captcha { .. }));
    captcha || campaign.identity.mode.is_wechat() && !imitated
}

/// The campaign's keys, if they can be read; what is wrong with them is told elsewhere.
fn keys(voters: &Voters<'_>, campaign: &str) -> Option<Keys> {
    let given = voters.keys.map(|given| keys_file(given, campaign));
    let made = || voters.data.map(|data| Directory::new(data, campaign).keys_file());
    Keys::read(&given.or_else(made)?).ok().flatten()
}
