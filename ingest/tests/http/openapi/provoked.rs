//! Has a server give each documented answer: what all operations share, ballots, results, receipts.
//!
//! Each answer that takes something to provoke is of an edge of its own. Never here: whether it is
//! right.

use std::time::Duration;

use hyper::Method;
use ingest::server::Limits;
use ingest::{BatchLimits, Site};
use journal::simulated::{Faults, Options};

use super::direct::Direct;
use super::{Answer, Case, pages, sign_ins, wechat};
use crate::client::Raw;
use crate::kit::{DAY_MS, NOON_MS, Running, Setup, campaign_text, within};
use crate::overload::slow_ballots;

const BALLOT: &str = r#"{"choices":[1]}"#;
/// What a voter may ask in a row until it is noted.
const VOTER_NOTED: usize = 8;

/// The address of a template in a campaign.
pub(super) fn path(template: &str, campaign: &str) -> String {
    let path = template.replace("{id}", campaign).replace("{campaign}", campaign);
    let path = path.replace("{receipt}", "0-0-0").replace("{name}", "page.js");
    if path == "/auth/wechat/login" { format!("{path}?campaign={campaign}") } else { path }
}

/// The documented answer, of this edge if it is one of an edge like any other.
pub(super) async fn provoke(usual: &Running, case: &Case<'_>) -> Answer {
    match case.code {
        "unknown_campaign" => usual.send(case.method.clone(), &path(case.path, "d"), &[], "").await,
        "method_not_allowed" => usual.send(Method::DELETE, &path(case.path, "c"), &[], "").await,
        _ => of(&Running::start(setup(case)).await, case).await,
    }
}

async fn of(edge: &Running, case: &Case<'_>) -> Answer {
    let path = path(case.path, "c");
    match (case.id, case.code) {
        ("castBallot", code) => ballot(edge, code).await,
        ("receipt", code) => receipt(edge, code).await,
        (_, "rate_limited") => Direct::exhausted(&edge.edge).await.send(&case.method, &path).await,
        ("tally" | "frontiers", "good" | "results_hidden") => {
            counted(edge).await;
            again(edge, case, &path).await
        }
        ("me", "good") => {
            edge.acknowledged("ann", &[1]).await;
            edge.fetch_as("ann", &path).await
        }
        // HEAD, since GET has no end.
        ("tallyStream", "good") => edge.send(Method::HEAD, &path, &[], "").await,
        ("verifyDomain", "good") => edge.get(&format!("/MP_verify_{}.txt", sign_ins::VERIFY)).await,
        ("home" | "page" | "board" | "poster" | "asset", _) => pages::provoke(edge, case).await,
        ("signIn" | "login" | "callback", _) => sign_ins::provoke(edge, case).await,
        ("verifyEvents" | "wechatEvent", _) => wechat::provoke(edge, case).await,
        _ => edge.get(&path).await,
    }
}

/// The answer, or the one to a client that has the document already.
pub(super) async fn again(edge: &Running, case: &Case<'_>, path: &str) -> Answer {
    let first = edge.get(path).await;
    if case.status != "304" {
        return first;
    }
    edge.send(Method::GET, path, &[("if-none-match", first.header("etag"))], "").await
}

/// Waits for a result.
async fn counted(edge: &Running) {
    within(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while edge.get("/v1/campaigns/c/frontiers").await.status != 200 {
            ticks.tick().await;
        }
    })
    .await;
}

fn setup(case: &Case<'_>) -> Setup {
    let (id, code) = (case.id, case.code);
    let mut setup = Setup {
        aggregating: matches!(
            (id, code),
            ("tally" | "frontiers" | "receipt", "good" | "results_hidden" | "rate_limited")
        ),
        sign_in: sign_ins::way(id, code),
        // It is everybody's who needs one.
        site: Site { public_url: Some("https://vote.example".to_owned()), ..Site::default() },
        ..Setup::default()
    };
    match code {
        "unknown_route" => setup.voting = false,
        "overloaded" => setup.batches = BatchLimits { in_flight_max: 0, ..setup.batches },
        "request_timeout" => {
            setup.limits = Limits { body_timeout: Duration::from_millis(50), ..setup.limits };
        }
        // Long enough for three scans to meet.
        "rate_limited" if id == "receipt" => {
            setup.options = Options { read_latency_ms: 200..=200, ..Options::default() };
        }
        "results_hidden" => setup.campaign = format!("results = \"hidden\"\n{}", campaign_text()),
        "challenge_required" => setup.campaign = campaign_text() + "[challenge]\nkind = \"work\"\n",
        _ => {}
    }
    setup
}

async fn ballot(edge: &Running, code: &str) -> Answer {
    match code {
        "malformed_ballot" => edge.cast("ann", "{}").await,
        "unauthenticated" => edge.cast_with("x", BALLOT).await,
        "not_a_follower" => edge.cast_with(&edge.mint("a", false, 4_000_000_000), BALLOT).await,
        "not_open" | "closed" => {
            let sign = if code == "closed" { 2 } else { -1 };
            edge.clock.set(NOON_MS + sign * DAY_MS);
            edge.cast("ann", BALLOT).await
        }
        "challenge_required" => {
            for _ in 0..VOTER_NOTED {
                assert_eq!(edge.cast("ann", r#"{"choices":[0]}"#).await.status, 422);
            }
            edge.cast("ann", BALLOT).await
        }
        "already_voted" => {
            edge.acknowledged("ann", &[2]).await;
            edge.cast("ann", BALLOT).await
        }
        "too_large" => edge.cast("ann", vec![b' '; 16 * 1024 + 1]).await,
        "unsupported_media_type" => {
            edge.send(Method::POST, "/v1/campaigns/c/ballots", &[], BALLOT).await
        }
        "invalid_choices" => edge.cast("ann", r#"{"choices":[21]}"#).await,
        "journal_unavailable" => {
            edge.cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
            edge.cast("ann", BALLOT).await
        }
        "request_timeout" => half_a_ballot(edge).await,
        "rate_limited" => {
            let _held = slow_ballots(edge, "ann", 4).await;
            half_a_ballot(edge).await
        }
        "overloaded" | "unknown_route" | "good" => edge.cast("ann", BALLOT).await,
        other => panic!("{other} has no test"),
    }
}

async fn receipt(edge: &Running, code: &str) -> Answer {
    let path = |receipt: &str| format!("/v1/receipts/c/{receipt}?outcome");
    match code {
        "unauthenticated" => edge.get(&path("0-1-0")).await,
        "unknown_receipt" | "unknown_route" => edge.fetch_as("ann", &path("0-1-0")).await,
        "journal_unavailable" => {
            edge.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
            edge.fetch_as("ann", &path("0-1-0")).await
        }
        "good" => {
            let receipt = edge.acknowledged("ann", &[1]).await;
            edge.tally_when(|tally| tally["ballots"] == 1).await;
            edge.fetch_as("ann", &path(&receipt)).await
        }
        "rate_limited" => {
            let mut receipts = Vec::new();
            for name in ["ann", "ben", "cem"] {
                receipts.push(path(&edge.acknowledged(name, &[1]).await));
            }
            edge.tally_when(|tally| tally["ballots"] == 3).await;
            let (ann, ben, cem) = tokio::join!(
                edge.fetch_as("ann", &receipts[0]),
                edge.fetch_as("ben", &receipts[1]),
                edge.fetch_as("cem", &receipts[2]),
            );
            let (good, mut limited): (Vec<_>, Vec<_>) =
                [ann, ben, cem].into_iter().partition(|answer| answer.status == 200);
            assert_eq!(good.len(), 2, "{limited:?}");
            limited.remove(0)
        }
        other => panic!("{other} has no test"),
    }
}

async fn half_a_ballot(edge: &Running) -> Answer {
    let token = edge.token("ann");
    let head = format!(
        "POST /v1/campaigns/c/ballots HTTP/1.1\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    );
    half(edge, &head).await
}

/// The answer to a request with this head, of which one byte of nine comes.
pub(super) async fn half(edge: &Running, head: &str) -> Answer {
    let mut raw = Raw::connect(edge.address).await;
    raw.send(format!("{head}host: test\r\ncontent-length: 9\r\n\r\n{{")).await;
    let heard = raw.until_closed().await;
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| {
        (name.parse::<hyper::header::HeaderName>().unwrap(), value.parse().unwrap())
    });
    let body = body.to_owned().into();
    Answer { status, headers: headers.collect(), body }
}
