//! A ballot by its receipt: its own voter's, reached or not, and what became of it.

use ballot::{BatchBuilder, Close, PseudonymKey, Record};
use journal::Journal;
use serde_json::Value;

use super::kit::{DAY_MS, NOON_MS, Running, Setup};

#[tokio::test]
async fn the_voter_sees_the_ballot_and_nobody_else_does() {
    let edge = Running::start(Setup::default()).await;
    let receipt = edge.acknowledged("ann", &[1, 5]).await;
    edge.tally_when(|tally| tally["ballots"] == 1).await;
    let own = edge.fetch_as("ann", &format!("/v1/receipts/c/{receipt}")).await;
    assert_eq!(own.status, 200);
    let expected = serde_json::json!({
        "receipt": receipt,
        "day": "2023-12-18",
        "cast_at": "2023-12-18T04:00:00.000Z",
        "choices": [1, 5],
        "reached": true,
    });
    assert_eq!(own.json(), expected);
    let others = edge.fetch_as("ben", &format!("/v1/receipts/c/{receipt}?outcome")).await;
    assert_eq!((others.status.as_u16(), others.code().as_str()), (404, "unknown_receipt"));
    let nobody = edge.get(&format!("/v1/receipts/c/{receipt}")).await;
    assert_eq!(nobody.code(), "unauthenticated");
    let partition = receipt.split('-').next().unwrap();
    for place in [
        format!("{partition}-0-0"),
        format!("{partition}-1-1"),
        format!("{partition}-2-0"),
        "2-0-0".to_owned(),
        "nonsense".to_owned(),
    ] {
        let answer = edge.fetch_as("ann", &format!("/v1/receipts/c/{place}")).await;
        assert_eq!(answer.code(), "unknown_receipt", "{place}");
    }
}

#[tokio::test]
async fn the_outcome_names_the_ballot_that_counted() {
    let edge = Running::start(Setup::default()).await;
    let first = edge.acknowledged("ann", &[1, 5]).await;
    // Another edge, which remembers nothing of the first.
    let second = append(&edge, "ann", &[9], NOON_MS).await;
    let invalid = append(&edge, "ann", &[21], NOON_MS).await;
    let outside = append(&edge, "ann", &[1], NOON_MS - DAY_MS).await;
    edge.tally_when(|tally| tally["outcomes"]["outside"] == 1).await;
    assert_eq!(outcome(&edge, "ann", &first).await["outcome"], "counted");
    let duplicate = outcome(&edge, "ann", &second).await;
    assert_eq!(duplicate["outcome"], "duplicate");
    let counted = serde_json::json!({ "receipt": first, "choices": [1, 5] });
    assert_eq!((&duplicate["counted"], &duplicate["choices"][0]), (&counted, &9.into()));
    assert_eq!(outcome(&edge, "ann", &invalid).await["outcome"], "invalid");
    let outside = outcome(&edge, "ann", &outside).await;
    assert_eq!((&outside["outcome"], &outside["day"]), (&"outside".into(), &Value::Null));
    // Remembered, and the same.
    assert_eq!(outcome(&edge, "ann", &second).await, duplicate);
}

#[tokio::test]
async fn what_the_fold_has_not_reached_is_pending() {
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    let receipt = edge.acknowledged("ann", &[1]).await;
    let pending = outcome(&edge, "ann", &receipt).await;
    assert_eq!((&pending["outcome"], &pending["reached"]), (&"pending".into(), &false.into()));
}

#[tokio::test]
async fn behind_the_days_close_a_ballot_is_late() {
    let edge = Running::start(Setup::default()).await;
    close(&edge, 0).await;
    edge.tally_when(|tally| tally["days"][0]["closed"] == true).await;
    // An edge that has seen the close takes no more; one that has not yet may.
    let refused = edge.cast("ann", r#"{"choices":[1]}"#).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "closed"));
    let receipt = append(&edge, "ann", &[1], NOON_MS).await;
    edge.tally_when(|tally| tally["outcomes"]["late"] == 1).await;
    let late = outcome(&edge, "ann", &receipt).await;
    assert_eq!((&late["outcome"], &late["reached"]), (&"late".into(), &true.into()));
}

#[tokio::test]
async fn behind_the_campaigns_close_a_ballot_is_late_though_never_reached() {
    let edge = Running::start(Setup::default()).await;
    close(&edge, 1).await;
    edge.tally_when(|tally| tally["final"] == true).await;
    // Of the day that was closed, and of one that was not.
    for (name, now_ms) in [("ann", NOON_MS + DAY_MS), ("ben", NOON_MS)] {
        edge.clock.set(now_ms);
        let refused = edge.cast(name, r#"{"choices":[1]}"#).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "closed"));
        let receipt = append(&edge, name, &[1], now_ms).await;
        let late = outcome(&edge, name, &receipt).await;
        assert_eq!((&late["outcome"], &late["reached"]), (&"late".into(), &false.into()));
    }
}

/// Closes a day in every partition, as an aggregator does when it is over.
async fn close(edge: &Running, day: usize) {
    let rules = edge.batcher.rules();
    let day = rules.days[day];
    let clock_ms = rules.closable_at_ms(&day);
    let close = Record::Close(Close { day: day.day, instant_ms: day.end_ms, clock_ms }).encode();
    let journal = edge.cluster.process("owner");
    for partition in 0..2 {
        journal.append(partition, clock_ms, close.clone()).await.unwrap();
    }
}

async fn outcome(edge: &Running, name: &str, receipt: &str) -> Value {
    let answer = edge.fetch_as(name, &format!("/v1/receipts/c/{receipt}?outcome")).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.json()
}

/// Appends a ballot past the edge's checks, and answers its receipt.
pub(crate) async fn append(edge: &Running, name: &str, choices: &[u32], cast_at_ms: i64) -> String {
    let voter = PseudonymKey::new(&[7; 32]).voter(name.as_bytes());
    let choices = choices.iter().copied().collect();
    let mut batch = BatchBuilder::new(1);
    batch.push(&ballot::Ballot { voter, choices, cast_at_ms });
    let value = Record::Batch(batch.finish()).encode();
    let partition = voter.partition(2);
    let journal = edge.cluster.process("other edge");
    let offset = journal.append(partition, cast_at_ms, value).await.unwrap();
    format!("{partition}-{offset}-0")
}
