//! What `weir up` says once it is up: where everything is, and two commands to try it out.
//!
//! The commands work as they are printed: the token is good until the campaign's end.

use std::convert::Infallible;
use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use aggregator::View;
use ballot::{Campaign, Token};

use super::founded::Founded;
use super::ports::Ports;
use crate::args::UpArgs;
use crate::say;

/// The identity behind the token that is printed. It is nobody's, and says so.
const DEMO_ID: &str = "demo-1";

/// How many choices the printed ballot names, if that many are allowed.
const DEMO_CHOICES: u32 = 3;

/// Says `lines` as soon as there is a tally of every campaign, and then does nothing for ever.
pub(super) async fn greet(views: Vec<View>, lines: String) -> Infallible {
    for mut view in views {
        if view.served.wait_for(Option::is_some).await.is_err() {
            // The view has ended, and so will the process.
            return pending().await;
        }
    }
    say(&lines);
    pending().await
}

/// The lines. Only the built-in campaign, which is for trying out, comes with a token; for others
/// there is a command that makes one.
pub(super) fn lines(ports: &Ports, founded: &[Founded], args: &UpArgs, now_ms: i64) -> String {
    let (built_in, flags) = (args.campaigns.is_empty(), flags(args));
    let (api, ops) = (origin(ports.api_address), origin(ports.ops_address));
    let mut lines = vec![
        format!("weir is up: the public API is at {api}"),
        format!("For operators only: {ops}/metrics {ops}/readyz {ops}/livez"),
    ];
    for founded in founded {
        let campaign = &founded.campaign;
        let url = format!("{api}/v1/campaigns/{}", campaign.id);
        lines.push(format!("\n{} {}", campaign.id, campaign.title));
        lines.push(format!("  campaign  {url}"));
        lines.push(format!("  tally     {url}/tally"));
        lines.push(format!("  stream    {url}/tally/stream"));
        if now_ms < campaign.closes_at_ms && built_in {
            lines.push(format!("To vote once a day as {DEMO_ID}, whom nobody is:"));
            lines.push(format!("  {}", vote(campaign, &demo_token(founded), &url)));
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

fn demo_token(founded: &Founded) -> String {
    let Founded { campaign, keys, .. } = founded;
    let token = Token {
        voter: keys.pseudonym_key().voter(DEMO_ID.as_bytes()),
        follower: true,
        expires_at_s: u64::try_from(campaign.closes_at_ms.div_euclid(1_000)).unwrap_or(0),
    };
    // They were checked when the campaign was founded.
    keys.token_keys(&campaign.id).map_or_else(|_| String::new(), |keys| keys.mint(&token))
}

/// An address as the start of a URL that works on this machine.
fn origin(mut address: SocketAddr) -> String {
    if address.ip().is_unspecified() {
        address.set_ip(match address.ip() {
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        });
    }
    format!("http://{address}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_can_be_opened_on_this_machine() {
        let origin = |address: &str| origin(address.parse().unwrap());
        assert_eq!(origin("0.0.0.0:80"), "http://127.0.0.1:80");
        assert_eq!(origin("[::]:80"), "http://[::1]:80");
        assert_eq!(origin("10.0.0.7:80"), "http://10.0.0.7:80");
    }
}
