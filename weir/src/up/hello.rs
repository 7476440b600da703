//! What `weir up` says once it is up: where everything is, and two commands to try it out.
//!
//! The commands work as they are printed: the token is good until the campaign's end.

use std::io::IsTerminal as _;

use ballot::{Campaign, Mode, Token};
use ingest::poster;
use journal::Embedded;

use crate::args::UpArgs;
use crate::process::{Opened, Ports, origin, origin_by};

/// The identity behind the token that is printed. It is nobody's, and says so.
const DEMO_ID: &str = "demo-1";

/// How many choices the printed ballot names, if that many are allowed.
const DEMO_CHOICES: u32 = 3;

/// The lines. Only the built-in campaign, which is for trying out, comes with a token; for others
/// there is a command that makes one.
pub(super) fn lines(
    ports: &Ports,
    opened: &[Opened<Embedded>],
    args: &UpArgs,
    now_ms: i64,
) -> String {
    let (built_in, flags) = (args.campaigns.is_empty(), flags(args));
    let (api, ops) = (api(ports, args), origin(ports.ops_address));
    let mut lines = vec![
        format!("weir is up: the public API is at {api}"),
        format!("For operators only: {ops}/metrics {ops}/readyz {ops}/livez"),
    ];
    for opened in opened {
        let campaign = &opened.campaign;
        let url = format!("{api}/v1/campaigns/{}", campaign.id);
        lines.push(format!("\n{} {}", campaign.id, campaign.title));
        let page = format!("{api}/campaigns/{}", campaign.id);
        let votes = opened.keys.is_some();
        if votes && std::io::stderr().is_terminal() {
            lines.push(poster::terminal(&page));
        }
        if votes {
            lines.push(format!("  vote      {page}"));
            lines.push(format!("  poster    {page}/poster.svg"));
        }
        lines.push(format!("  board     {page}/board"));
        lines.push(format!("  campaign  {url}"));
        lines.push(format!("  tally     {url}/tally"));
        lines.push(format!("  stream    {url}/tally/stream"));
        if votes && campaign.identity.mode == Mode::Demo {
            lines.push(
                "Its voters are not checked: every browser is one. It is to try it out.".to_owned(),
            );
        }
        if now_ms < campaign.closes_at_ms && built_in {
            lines.push(format!("To vote once a day as {DEMO_ID}, whom nobody is:"));
            lines.push(format!("  {}", vote(campaign, &demo_token(opened), &url)));
        } else if now_ms < campaign.closes_at_ms {
            // A token in the log of a real campaign would be a vote for whoever reads it.
            let token = format!("'\"$(weir token --campaign FILE{flags} ID)\"'");
            lines.push("To vote as ID, which counts like any other vote:".to_owned());
            lines.push(format!("  {}", vote(campaign, &token, &url)));
        }
        lines.push("To see what has been counted:".to_owned());
        lines.push(format!("  curl -sS {url}/tally"));
    }
    lines.join("\n")
}

/// The origin that voters see.
fn api(ports: &Ports, args: &UpArgs) -> String {
    let here = || origin_by(args.site.tls().is_some(), ports.api_address);
    args.site.public_url.clone().unwrap_or_else(here)
}

/// The flags by which another command finds the same keys.
fn flags(args: &UpArgs) -> String {
    match &args.keys {
        Some(keys) => format!(" --keys {}", keys.display()),
        None => format!(" --data {}", args.data.dir.display()),
    }
}

/// The command that casts a ballot.
fn vote(campaign: &Campaign, token: &str, url: &str) -> String {
    let choices = 1..=demo_choices(campaign);
    let choices: Vec<_> = choices.map(|number| number.to_string()).collect();
    format!(
        "curl -sS -H 'Authorization: Bearer {token}' -H 'Content-Type: application/json' \
         -d '{{\"choices\":[{}]}}' {url}/ballots",
        choices.join(",")
    )
}

fn demo_choices(campaign: &Campaign) -> u32 {
    DEMO_CHOICES.clamp(campaign.choices_per_ballot_min, campaign.choices_per_ballot_max)
}

fn demo_token(opened: &Opened<Embedded>) -> String {
    let Opened { campaign, keys: Some(keys), .. } = opened else { return String::new() };
    let token = Token {
        voter: keys.pseudonym_key().voter(DEMO_ID.as_bytes()),
        follower: true,
        fresh: false,
        expires_at_s: u64::try_from(campaign.closes_at_ms.div_euclid(1_000)).unwrap_or(0),
    };
    // They were checked when the campaign was founded.
    keys.token_keys(&campaign.id).map_or_else(|_| String::new(), |keys| keys.mint(&token))
}
