//! What is unusual travels with the ballot into the journal, where an auditor finds it, and the
//! ballot counts all the same.

use std::time::Duration;

use ballot::{PseudonymKey, Record, Risk, Token, TokenKeys};
use journal::{Journal as _, Reader as _};
use tokio::time::advance;

use super::direct::{BALLOTS, BODY, Caller, edge, metric, site};
use super::kit::{Running, TOKEN_KEY, within};

/// What a voter may ask in a row until it is noted.
const VOTER_NOTED: u32 = 8;
/// Ballots in a row from one network until it is noted.
const PREFIX_NOTED: u32 = 1_000;

/// What the journal has of the voter called so: one ballot, with these signs.
async fn risk(edge: &Running, name: &str) -> Risk {
    let journal = edge.cluster.process("auditor");
    let voter = PseudonymKey::new(&[7; 32]).voter(name.as_bytes());
    let partition = voter.partition(2);
    let bounds = journal.bounds(partition).await.unwrap();
    let mut reader = journal.read(partition, bounds.start);
    let (mut next, mut found) = (bounds.start, Vec::new());
    while next < bounds.end {
        for record in within(reader.next()).await.unwrap() {
            next = record.offset + 1;
            let Ok(Record::Batch(batch)) = Record::decode(&record.value) else { continue };
            let signs = batch.ballots().zip(0..).filter(|(ballot, _)| ballot.voter == voter);
            found.extend(signs.map(|(_, index)| batch.risk(index)));
        }
    }
    assert_eq!(found.len(), 1, "{found:?}");
    found[0]
}

fn noted(edge: &Running, sign: &str) -> u64 {
    metric(edge, &format!("weir_ballots_noted_total{{campaign=\"c\",sign=\"{sign}\"}}"))
}

#[tokio::test(start_paused = true)]
async fn a_ballot_after_many_attempts_is_noted_and_one_like_any_other_is_not() {
    let edge = edge(site(&[], None)).await;
    let mut caller = Caller::from(&edge, "203.0.113.9").await;
    assert_eq!(caller.cast("ben").await.status, 202);
    for _ in 0..VOTER_NOTED {
        assert_eq!(caller.cast_with("ann", &[], r#"{"choices":[0]}"#).await.status, 422);
    }
    assert_eq!(caller.cast("ann").await.status, 202);
    assert_eq!(risk(&edge, "ann").await, Risk::BURST);
    assert_eq!(risk(&edge, "ben").await, Risk::NONE);
    assert_eq!(noted(&edge, "burst"), 1);
    // A retry adds no ballot, and is noted no second time.
    assert_eq!(caller.cast("ann").await.status, 202);
    assert_eq!((risk(&edge, "ann").await, noted(&edge, "burst")), (Risk::BURST, 1));
}

#[tokio::test(start_paused = true)]
async fn a_fresh_identity_is_noted() {
    let edge = edge(site(&[], None)).await;
    let voter = PseudonymKey::new(&[7; 32]).voter(b"new");
    let token = Token { voter, follower: true, fresh: true, expires_at_s: 4_000_000_000 };
    let bearer = format!("Bearer {}", TokenKeys::new("c", &[TOKEN_KEY]).unwrap().mint(&token));
    let headers: [(&str, &[u8]); 2] =
        [("authorization", bearer.as_bytes()), ("content-type", b"application/json")];
    let mut caller = Caller::from(&edge, "203.0.113.9").await;
    assert_eq!(caller.send(hyper::Method::POST, BALLOTS, &headers, BODY).await.status, 202);
    assert_eq!((risk(&edge, "new").await, noted(&edge, "fresh")), (Risk::FRESH, 1));
}

#[tokio::test(start_paused = true)]
async fn ballots_at_equal_intervals_are_noted_and_those_of_other_networks_are_not() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    let mut proxy = Caller::from(&edge, "10.0.0.1").await;
    let machine: [(&str, &[u8]); 1] = [("x-forwarded-for", b"203.0.113.9")];
    let people: [(&str, &[u8]); 1] = [("x-forwarded-for", b"198.51.100.1")];
    for number in 0..12 {
        // The clock's measure does not last for ever.
        edge.check.observe(0, 0, 0);
        assert_eq!(proxy.cast_with(&format!("m{number}"), &machine, BODY).await.status, 202);
        advance(Duration::from_millis(400 + number * 131 % 300)).await;
        assert_eq!(proxy.cast_with(&format!("p{number}"), &people, BODY).await.status, 202);
        advance(Duration::from_millis(1_600 - number * 131 % 300)).await;
    }
    assert_eq!(risk(&edge, "m3").await, Risk::NONE);
    assert_eq!(risk(&edge, "m11").await, Risk::CADENCE);
    assert_eq!(risk(&edge, "p11").await, Risk::NONE);
    assert!((1..=3).contains(&noted(&edge, "cadence")), "{}", noted(&edge, "cadence"));
}

#[tokio::test(start_paused = true)]
async fn ballots_of_a_crowded_network_are_noted_and_all_are_taken() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    let mut proxy = Caller::from(&edge, "10.0.0.1").await;
    let carrier: [(&str, &[u8]); 1] = [("x-forwarded-for", b"203.0.113.9")];
    // Attempts that are no ballots need no journal, for whom time would have to pass.
    for number in 0..PREFIX_NOTED {
        let name = format!("attempt {}", number / VOTER_NOTED);
        assert_eq!(proxy.cast_with(&name, &carrier, r#"{"choices":[0]}"#).await.status, 422);
    }
    assert_eq!(proxy.cast_with("crowd", &carrier, BODY).await.status, 202);
    let other: [(&str, &[u8]); 1] = [("x-forwarded-for", b"198.51.100.1")];
    assert_eq!(proxy.cast_with("other", &other, BODY).await.status, 202);
    assert_eq!(risk(&edge, "crowd").await, Risk::PREFIX);
    assert_eq!(risk(&edge, "other").await, Risk::NONE);
    assert_eq!(noted(&edge, "prefix"), 1);
}
