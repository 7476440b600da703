//! Who asks too often: refused alone, told when to come back, and nothing is taken from them.

use std::time::Duration;

use hyper::Method;
use tokio::time::advance;

use super::direct::{BALLOTS, BODY, Caller, edge, metric, refused, site};
use super::kit::Running;

/// What a voter may ask in a row.
const VOTER_MAX: usize = 30;
/// Not the ballot that `cast` casts.
const OTHER: &str = r#"{"choices":[2]}"#;
/// What a connection may ask in a row.
const CONNECTION_MAX: usize = 200;

#[tokio::test(start_paused = true)]
async fn a_voter_who_floods_is_refused_and_keeps_the_ballot_that_was_acknowledged() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    let mut caller = Caller::from(&edge, "10.0.0.1").await;
    let first = caller.cast("ann").await;
    assert_eq!(first.status, 202);
    for _ in 1..VOTER_MAX {
        assert_eq!(caller.cast("ann").await.body, first.body);
    }
    // Another connection, another network: it is the voter who is meant.
    let mut elsewhere = Caller::from(&edge, "203.0.113.9").await;
    for caller in [&mut caller, &mut elsewhere] {
        let refused = caller.cast_with("ann", &[], OTHER).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "rate_limited"));
        assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
        assert_ne!(refused.json()["retry"], "never");
        assert!(refused.json()["detail_en"].as_str().unwrap().contains("you have cast stands"));
        // On the same connection another voter is none the worse.
        assert_eq!(caller.cast("ben").await.status, 202);
    }
    assert_eq!(refused(&edge, "voter"), 2);
    // Nor is whoever asks without a token, or with a bad one, anybody's burden.
    assert_eq!(caller.cast_with("ann", &[("authorization", b"Bearer x")], BODY).await.status, 401);
    advance(Duration::from_secs(2)).await;
    let again = caller.cast("ann").await;
    assert_eq!((again.status.as_u16(), again.body), (202, first.body));
}

#[tokio::test(start_paused = true)]
async fn a_ballot_that_was_acknowledged_has_its_answer_again_however_often_it_is_asked_for() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    let mut caller = Caller::from(&edge, "10.0.0.1").await;
    let first = caller.cast("ann").await;
    for _ in 0..VOTER_MAX * 2 {
        let again = caller.cast("ann").await;
        assert_eq!((again.status.as_u16(), &again.body), (202, &first.body));
    }
    assert_eq!(refused(&edge, "voter"), 0, "nobody was refused");
    // It is that ballot and that day: whatever else this voter sends waits for the allowance.
    let today = r#"{"day":"2023-12-18","choices":[1]}"#;
    assert_eq!(caller.cast_with("ann", &[], today).await.body, first.body);
    let others = [OTHER, r#"{"day":"2023-12-19","choices":[1]}"#, r#"{"choices":[1,1]}"#, "{"];
    for body in others {
        assert_eq!(caller.cast_with("ann", &[], body).await.code(), "rate_limited", "{body}");
    }
    assert_eq!(refused(&edge, "voter"), 4);
    // A voter of whom no ballot is known has no such way.
    for _ in 0..VOTER_MAX {
        assert_eq!(caller.cast_with("ben", &[], r#"{"choices":[0]}"#).await.status, 422);
    }
    assert_eq!(caller.cast("ben").await.code(), "rate_limited");
    // Nor has a connection that asks too much.
    let mut direct = Caller::from(&edge, "203.0.113.9").await;
    for _ in 0..CONNECTION_MAX {
        assert_eq!(direct.cast("ann").await.status, 202);
    }
    assert_eq!(direct.cast("ann").await.code(), "rate_limited");
    assert_eq!(refused(&edge, "connection"), 1);
}

#[tokio::test(start_paused = true)]
async fn forged_tokens_take_nothing_from_the_voter_they_name() {
    let edge = edge(site(&[], None)).await;
    let mut caller = Caller::from(&edge, "10.0.0.1").await;
    let good = edge.token("ann");
    for at in 0..VOTER_MAX * 2 {
        let mut forged = good.clone().into_bytes();
        // Behind the version and the key's number.
        let at = 20 + at % 30;
        forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
        let bearer = [b"Bearer ", forged.as_slice()].concat();
        let headers: [(&str, &[u8]); 2] =
            [("authorization", &bearer), ("content-type", b"application/json")];
        let answer = caller.send(hyper::Method::POST, super::direct::BALLOTS, &headers, BODY).await;
        assert_eq!(answer.status, 401);
    }
    assert_eq!(caller.cast("ann").await.status, 202);
    assert_eq!(refused(&edge, "voter"), 0);
}

#[tokio::test(start_paused = true)]
async fn a_connection_of_one_voter_is_limited_and_the_next_one_is_not() {
    let edge = edge(site(&["203.0.113.0/28"], None)).await;
    for peer in ["203.0.113.99", "2001:db8::9", "::ffff:198.51.100.7"] {
        let before = refused(&edge, "connection");
        let mut caller = Caller::from(&edge, peer).await;
        for _ in 0..CONNECTION_MAX {
            assert_eq!(caller.get("/v1/campaigns/c").await.status, 200);
        }
        for path in ["/v1/campaigns/c", "/campaigns/c", "/openapi.json"] {
            let answer = caller.get(path).await;
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "rate_limited"));
            assert!(!answer.header("retry-after").is_empty());
        }
        assert_eq!(refused(&edge, "connection"), before + 3);
        let mut next = Caller::from(&edge, peer).await;
        assert_eq!(next.get("/v1/campaigns/c").await.status, 200);
        advance(Duration::from_secs(1)).await;
        assert_eq!(caller.get("/v1/campaigns/c").await.status, 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_may_be_a_proxys_is_not_limited() {
    let edge = edge(site(&["203.0.113.0/28"], None)).await;
    let peers = ["203.0.113.9", "127.0.0.1", "10.0.0.1", "192.168.7.7", "100.64.0.9", "fd00::1"];
    for peer in peers.into_iter().chain(["::ffff:10.0.0.1", "169.254.1.1", "::1"]) {
        let mut caller = Caller::from(&edge, peer).await;
        for _ in 0..CONNECTION_MAX + 50 {
            assert_eq!(caller.get("/v1/campaigns/c").await.status, 200, "{peer}");
        }
    }
    assert_eq!(refused(&edge, "connection"), 0);
}

#[tokio::test(start_paused = true)]
async fn who_is_refused_is_counted_by_limit_and_never_by_name() {
    let edge = edge(site(&[], None)).await;
    for by in ["voter", "prefix", "connection"] {
        assert_eq!(refused(&edge, by), 0);
    }
    for sign in ["burst", "prefix", "cadence", "fresh"] {
        let series = format!("weir_ballots_noted_total{{campaign=\"c\",sign=\"{sign}\"}}");
        assert_eq!(metric(&edge, &series), 0);
    }
    let mut caller = Caller::from(&edge, "203.0.113.9").await;
    for _ in 0..CONNECTION_MAX + 1 {
        caller.cast("ann").await;
    }
    let text = prometheus::TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    assert!(!text.contains("203.0.113"), "{text}");
}

/// How many of 60 views had to wait at an edge that is late, where a tick gives 16 their turn.
async fn delayed(edge: &Running, caller: &mut Caller<'_>) -> u64 {
    let delayed = || metric(edge, "weir_views_delayed_total");
    let before = delayed();
    advance(Duration::from_millis(100)).await;
    // A 405 and a 404 are no ballots either.
    for path in [BALLOTS, "/nothing", "/campaigns/c"].into_iter().cycle().take(60) {
        caller.get(path).await;
    }
    delayed() - before
}

#[tokio::test(start_paused = true)]
async fn views_give_way_to_ballots_that_hold_and_to_nothing_that_merely_looks_like_one() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    drop(tokio::spawn(edge.edge.upkeep()));
    let mut caller = Caller::from(&edge, "10.0.0.1").await;
    let forged = ("authorization", b"Bearer forged".as_slice());
    let json = ("content-type", b"application/json".as_slice());
    assert_eq!(caller.send(Method::POST, BALLOTS, &[forged, json], BODY).await.status, 401);
    assert_eq!(caller.cast_with("ann", &[], "{").await.status, 400);
    assert_eq!(delayed(&edge, &mut caller).await, 0);
    assert_eq!(caller.cast("ann").await.status, 202);
    assert!(delayed(&edge, &mut caller).await > 0);
    // The ballot that is known already is not for the journal, and its voter may ask for ever.
    advance(Duration::from_secs(2)).await;
    assert_eq!(caller.cast("ann").await.status, 202);
    assert_eq!(delayed(&edge, &mut caller).await, 0);
}
