//! Proof of work at the edge.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::direct::{BODY, Caller, edge, site};
use super::kit::{NOON_MS, Running};
use super::world::{counts, noted, solve, working};

/// The seed that this voter is given.
async fn seed(caller: &mut Caller<'_>, name: &str) -> String {
    let answer = caller.cast(name).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "challenge_required"));
    let problem = answer.json();
    assert_eq!(problem["retry"], "later");
    let challenge = &problem["challenge"];
    assert_eq!((&challenge["kind"], &challenge["bits"]), (&json!("work"), &json!(8)));
    challenge["seed"].as_str().unwrap().to_owned()
}

/// The first solution of a seed that is good enough, or the first that is not.
fn solution(seed: &str, is_good: bool) -> String {
    let good = |nonce: &u32| Sha256::digest(format!("{seed}.{nonce}"))[0] == 0;
    let nonce = (0..).find(|nonce| good(nonce) == is_good).unwrap();
    format!("work {seed} {nonce}")
}

async fn refused(edge: &Running, name: &str, solution: &str) {
    let answer = solve(&mut Caller::from(edge, "203.0.113.9").await, name, solution).await;
    assert_eq!(answer.code(), "challenge_required", "{solution}");
    assert!(answer.json()["challenge"]["seed"].is_string(), "there is a new one");
}

#[tokio::test]
async fn only_whoever_was_noted_is_asked_and_a_solution_has_the_ballot_cast() {
    let edge = working().await;
    let mut usual = Caller::from(&edge, "203.0.113.9").await;
    assert_eq!(usual.cast("ben").await.status, 202);
    assert_eq!(counts(&edge), [0; 5]);

    let mut caller = noted(&edge, "ann").await;
    let seed = seed(&mut caller, "ann").await;
    let solution = solution(&seed, true);
    assert_eq!(solve(&mut caller, "ann", &solution).await.status, 202);
    // What is acknowledged is answered for, without a solution.
    assert_eq!(caller.cast("ann").await.status, 202);
    let other = caller.cast_with("ann", &[], r#"{"choices":[2]}"#).await;
    assert_eq!(other.code(), "already_voted");
    assert_eq!(counts(&edge), [1, 1, 0, 0, 0]);
}

#[tokio::test]
async fn what_is_refused_for_another_reason_is_not_asked_first() {
    let edge = working().await;
    let mut caller = noted(&edge, "ann").await;
    let invalid = caller.cast_with("ann", &[], r#"{"choices":[99]}"#).await;
    assert_eq!(invalid.code(), "invalid_choices");
    let tomorrow = caller.cast_with("ann", &[], r#"{"choices":[1],"day":"2023-12-19"}"#).await;
    assert_eq!(tomorrow.code(), "not_open");
    assert_eq!(counts(&edge), [0; 5]);
}

#[tokio::test]
async fn a_solution_of_somebody_else_is_none() {
    let edge = working().await;
    let mut ann = noted(&edge, "ann").await;
    let solution = solution(&seed(&mut ann, "ann").await, true);
    drop(noted(&edge, "eve").await);
    refused(&edge, "eve", &solution).await;
    assert_eq!(counts(&edge), [1, 0, 1, 0, 0]);
    assert_eq!(solve(&mut ann, "ann", &solution).await.status, 202);
}

#[tokio::test]
async fn a_solution_that_is_short_late_or_of_another_kind_is_asked_for_again() {
    let edge = working().await;
    let mut ann = noted(&edge, "ann").await;
    let seed = seed(&mut ann, "ann").await;
    let good = solution(&seed, true);
    for other in [solution(&seed, false), format!("captcha {seed}"), "work".into(), String::new()] {
        refused(&edge, "ann", &other).await;
    }
    edge.clock.set(NOON_MS + 300_000);
    refused(&edge, "ann", &good).await;
    assert_eq!(counts(&edge), [1, 0, 4, 1, 0]);
    edge.clock.set(NOON_MS + 299_999);
    assert_eq!(solve(&mut ann, "ann", &good).await.status, 202);
}

#[tokio::test]
async fn a_campaign_without_a_challenge_asks_nobody() {
    let edge = edge(site(&[], None)).await;
    let mut caller = noted(&edge, "ann").await;
    let answer = caller.cast_with("ann", &[("weir-challenge", b"work x 1")], BODY).await;
    assert_eq!(answer.status, 202);
    assert_eq!(counts(&edge), [0; 5]);
    // No other problem says anything of one.
    let late = caller.cast_with("ann", &[], r#"{"choices":[2]}"#).await.json();
    assert_eq!((&late["code"], late.get("challenge")), (&Value::from("already_voted"), None));
}
