//! A journal that stalls, refuses or leaves in doubt, and more ballots than are admitted.

use std::sync::Arc;
use std::time::Duration;

use ingest::BatchLimits;
use ingest::server::Limits;
use journal::simulated::Faults;
use prometheus::TextEncoder;
use tokio::time::Instant;

use super::client::Raw;
use super::kit::{Running, Setup, eventually, within};

const BODY: &str = r#"{"choices":[1]}"#;

#[tokio::test]
async fn beyond_the_bound_ballots_are_refused_at_once_and_taken_again_after() {
    let batches = BatchLimits { in_flight_max: 4, ..BatchLimits::default() };
    let edge = Arc::new(Running::start(Setup { batches, ..Setup::default() }).await);
    edge.cluster.stall(Duration::from_secs(2));
    let waiting: Vec<_> = (0..4)
        .map(|i| {
            let edge = Arc::clone(&edge);
            tokio::spawn(async move { edge.cast(&format!("voter {i}"), BODY).await })
        })
        .collect();
    eventually(|| edge.batcher.in_flight() == 4).await;
    for i in 0..20 {
        let asked = Instant::now();
        let answer = edge.cast(&format!("more {i}"), BODY).await;
        // Ten times what it may take on a quiet machine.
        assert!(asked.elapsed() < Duration::from_millis(500), "{:?}", asked.elapsed());
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "overloaded"));
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.json()["retry"], "safe");
    }
    for waiting in waiting {
        assert_eq!(within(waiting).await.unwrap().status, 202);
    }
    eventually(|| edge.batcher.in_flight() == 0).await;
    edge.acknowledged("more 0", &[1]).await;
    edge.tally_when(|tally| tally["ballots"] == 5).await;
}

#[tokio::test]
async fn a_refused_request_gives_its_permit_back() {
    let batches = BatchLimits { in_flight_max: 1, ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    for body in ["", "{}", r#"{"choices":[0]}"#] {
        assert_ne!(edge.cast("ann", body).await.status, 503);
    }
    assert_eq!(edge.cast_with("forged", BODY).await.status, 401);
    edge.acknowledged("ann", &[1]).await;
}

#[tokio::test]
async fn a_ballot_in_doubt_is_safe_to_send_again_and_counts_once() {
    let batches = BatchLimits { deadline: Duration::from_millis(100), ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    edge.cluster.stall(Duration::from_millis(800));
    let doubtful = edge.cast("ann", BODY).await;
    assert_eq!((doubtful.status.as_u16(), doubtful.code().as_str()), (503, "journal_unavailable"));
    assert_eq!((doubtful.header("retry-after"), &doubtful.json()["retry"]), ("2", &"safe".into()));
    eventually(|| edge.batcher.in_flight() == 0).await;
    edge.acknowledged("ann", &[1]).await;
    edge.acknowledged("witness", &[2]).await;
    let tally = edge.tally_when(|tally| tally["votes"][1] == 1).await;
    assert!(tally["votes"][0].as_u64().unwrap() <= 1);
    edge.tally_when(|tally| tally["ballots"] == 2).await;
}

#[tokio::test]
async fn who_gives_up_on_a_journal_that_does_not_answer_is_counted_and_who_goes_at_once_apart() {
    let batches = BatchLimits { deadline: Duration::from_secs(60), ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    edge.cluster.stall(Duration::from_secs(60));
    let mut peers = slow_ballots(&edge, "ann", 2).await;
    // While its body does not come nobody waits for us.
    let bodiless = slow_ballots(&edge, "cem", 1).await;
    let mut impatient = Raw::connect(edge.address).await;
    impatient.send(slow_head(&edge, "ben") + BODY).await;
    for peer in &mut peers {
        peer.send(BODY).await;
    }
    eventually(|| edge.batcher.in_flight() == 4).await;
    drop(impatient);
    eventually(|| ballots_counted(&edge, "abandoned") == 1).await;
    // What is waited for is time itself: longer than a caller may be said to have waited.
    tokio::time::sleep(Duration::from_millis(1_200)).await;
    drop(bodiless);
    let broken = || ballots_counted(&edge, "abandoned") + ballots_counted(&edge, "request_broken");
    eventually(|| broken() == 2).await;
    assert_eq!(ballots_counted(&edge, "given_up"), 0);
    drop(peers);
    eventually(|| ballots_counted(&edge, "given_up") == 2).await;
    assert_eq!(broken(), 2);
}

/// The ballots that have been counted with this outcome.
fn ballots_counted(edge: &Running, outcome: &str) -> u64 {
    let line =
        format!("weir_requests_total{{campaign=\"c\",outcome=\"{outcome}\",route=\"ballots\"}} ");
    let text = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    let counted = text.lines().find_map(|found| found.strip_prefix(&line)?.parse().ok());
    counted.unwrap_or_else(|| panic!("{line} is not in\n{text}"))
}

#[tokio::test]
async fn a_journal_that_takes_nothing_is_told_and_nothing_is_acknowledged() {
    let edge = Running::start(Setup::default()).await;
    edge.cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
    assert_eq!(edge.cast("ann", BODY).await.code(), "journal_unavailable");
    edge.cluster.set_faults(Faults::NONE);
    edge.acknowledged("ann", &[2]).await;
}

#[tokio::test]
async fn a_clock_that_is_off_takes_no_ballot() {
    let edge = Running::start(Setup::default()).await;
    edge.check.observe(0, 0, 2_001);
    assert_eq!(edge.cast("ann", BODY).await.code(), "journal_unavailable");
    edge.check.observe(0, 0, 2_000);
    edge.acknowledged("ann", &[1]).await;
}

#[tokio::test]
async fn what_is_not_admitted_is_refused_before_any_of_its_body_is_read() {
    let batches = BatchLimits { in_flight_max: 0, ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    let mut peer = Raw::connect(edge.address).await;
    let head = "POST /v1/campaigns/c/ballots HTTP/1.1\r\nhost: test\r\ncontent-length: 15\r\n\r\n";
    peer.send(head).await;
    let heard = peer.hears("\"code\":\"overloaded\"").await;
    assert!(heard.starts_with("HTTP/1.1 503 "), "{heard}");
}

/// Ballots of this voter of which only the headers have come.
pub(crate) async fn slow_ballots(edge: &Running, name: &str, count: usize) -> Vec<Raw> {
    let held = edge.batcher.in_flight();
    let mut peers = Vec::new();
    for _ in 0..count {
        let mut peer = Raw::connect(edge.address).await;
        peer.send(slow_head(edge, name)).await;
        peers.push(peer);
    }
    eventually(|| edge.batcher.in_flight() == held + count).await;
    peers
}

fn slow_head(edge: &Running, name: &str) -> String {
    let (token, length) = (edge.token(name), BODY.len());
    format!(
        "POST /v1/campaigns/c/ballots HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    )
}

#[tokio::test]
async fn one_voter_who_sends_headers_only_holds_four_permits_at_most() {
    let batches = BatchLimits { in_flight_max: 32, ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    let mut held = slow_ballots(&edge, "ann", 4).await;
    let mut fifth = Raw::connect(edge.address).await;
    fifth.send(slow_head(&edge, "ann")).await;
    let heard = fifth.hears("\"code\":\"rate_limited\"").await;
    assert!(heard.starts_with("HTTP/1.1 429 ") && heard.contains("retry-after: 2"), "{heard}");
    // What comes whole is not asked, and others are not held up.
    edge.acknowledged("ann", &[1]).await;
    eventually(|| edge.batcher.in_flight() == 4).await;
    let mut other = slow_ballots(&edge, "ben", 1).await.remove(0);
    other.send(BODY).await;
    other.hears("HTTP/1.1 202 ").await;
    held.pop();
    // Three, once ben's is answered, too.
    eventually(|| edge.batcher.in_flight() == 3).await;
    drop(slow_ballots(&edge, "ann", 1).await);
}

#[tokio::test]
async fn headers_without_bodies_hold_a_quarter_of_the_permits_at_most() {
    let batches = BatchLimits { in_flight_max: 8, ..BatchLimits::default() };
    let edge = Running::start(Setup { batches, ..Setup::default() }).await;
    let _ann = slow_ballots(&edge, "ann", 1).await;
    let _ben = slow_ballots(&edge, "ben", 1).await;
    let mut third = Raw::connect(edge.address).await;
    third.send(slow_head(&edge, "cem")).await;
    let heard = third.hears("\"code\":\"overloaded\"").await;
    assert!(heard.starts_with("HTTP/1.1 503 "), "{heard}");
    edge.acknowledged("cem", &[1]).await;
}

#[test]
fn clients_with_a_ballot_each_are_told_of_overload_before_connections_are_closed() {
    let (ballots, connections) =
        (BatchLimits::default().in_flight_max, Limits::default().connections_max);
    assert!(ballots <= connections / 2, "{ballots} of {connections}");
}
