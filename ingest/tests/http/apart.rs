//! Taking ballots and counting them apart, as on Kafka: an edge beside which nobody counts, and a
//! process that counts and serves the result but takes no ballots.

use ballot::{Record, Rules};
use hyper::Method;
use journal::Journal;
use prometheus::TextEncoder;
use serde_json::Value;

use super::client::Raw;
use super::kit::{HOUR_MS, NOON_MS, Running, Setup};
use super::receipts::append;

const CAMPAIGN: &str = "/v1/campaigns/c";
const TALLY: &str = "/v1/campaigns/c/tally";

async fn only_results() -> Running {
    Running::start(Setup { voting: false, ..Setup::default() }).await
}

#[tokio::test]
async fn a_ballot_is_acknowledged_and_the_edge_is_ready_while_nobody_counts() {
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    for name in ["ann", "ben", "cem"] {
        let receipt = edge.acknowledged(name, &[1, 5]).await;
        let own = edge.fetch_as(name, &format!("/v1/receipts/c/{receipt}?outcome")).await;
        assert_eq!((own.status.as_u16(), &own.json()["outcome"]), (200, &"pending".into()));
    }
    let tally = edge.get(TALLY).await;
    assert_eq!((tally.status.as_u16(), tally.code().as_str()), (503, "results_not_ready"));
    assert_eq!(tally.header("retry-after"), "1");
    assert_eq!(edge.edge.complaints(), Vec::<String>::new());
    let again = edge.cast("ann", r#"{"choices":[2]}"#).await;
    assert_eq!(again.code(), "already_voted");
}

#[tokio::test]
async fn where_only_results_are_served_ballots_and_receipts_are_no_addresses() {
    let edge = only_results().await;
    // Of another process.
    let receipt = format!("/v1/receipts/c/{}", append(&edge, "ann", &[1], NOON_MS).await);
    edge.tally_when(|tally| tally["ballots"] == 1).await;
    let nothing = edge.get("/nothing").await;
    assert_eq!((nothing.status.as_u16(), nothing.code().as_str()), (404, "unknown_route"));
    for answer in [
        edge.cast("ben", r#"{"choices":[1]}"#).await,
        edge.cast_with("forged", "nonsense").await,
        edge.fetch_as("ann", &receipt).await,
        edge.get(&receipt).await,
    ] {
        assert_eq!((answer.status, answer.json()), (nothing.status, nothing.json()));
    }
    let elsewhere = edge.send(Method::POST, "/v1/campaigns/d/ballots", &[], "").await;
    assert_eq!(elsewhere.code(), "unknown_campaign");
    assert_eq!(edge.batcher.in_flight(), 0);
    assert_eq!(edge.cluster.log(0).len() + edge.cluster.log(1).len(), 3, "rules twice, and ann's");
}

#[tokio::test]
async fn where_only_results_are_served_the_other_routes_work_and_no_batcher_is_measured() {
    let edge = only_results().await;
    append(&edge, "ann", &[3], NOON_MS).await;
    edge.tally_when(|tally| tally["votes"][2] == 1).await;
    let mut reader = Raw::connect(edge.address).await;
    reader.send(format!("GET {TALLY}/stream HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    reader.hears("\"counted\":1").await;
    assert_eq!(edge.get("/openapi.json").await.status, 200);
    assert_eq!(edge.edge.complaints(), Vec::<String>::new());
    let metrics = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    assert!(metrics.contains("weir_tally_streams 1"), "{metrics}");
    for of_batchers in ["weir_ballots_in", "weir_batch_", "weir_append_", "weir_last_"] {
        assert!(!metrics.contains(of_batchers), "{metrics}");
    }
}

#[tokio::test]
async fn where_only_results_are_served_the_campaign_is_shown_by_its_file_then_by_the_result() {
    let setup = Setup { voting: false, aggregating: false, ..Setup::default() };
    let uncounted = Running::start(setup).await.get(CAMPAIGN).await;
    assert_eq!(uncounted.status, 200);
    let edge = only_results().await;
    edge.tally_when(|_| true).await;
    let counted = edge.get(CAMPAIGN).await.json();
    assert_eq!(uncounted.json(), counted);
    assert_eq!(counted["closes_at"], "2023-12-19T09:00:00.000Z");
    assert_eq!(
        (&counted["day"], &counted["days"][1]["day"]),
        (&"2023-12-18".into(), &"2023-12-19".into())
    );

    let mut extended = Rules::clone(&edge.batcher.rules());
    extended.days.last_mut().unwrap().end_ms += HOUR_MS;
    let journal = edge.cluster.process("organiser");
    for partition in 0..2 {
        let rules = Record::Rules(extended.clone()).encode();
        journal.append(partition, NOON_MS, rules).await.unwrap();
    }
    let folded = |tally: &Value, partition| tally["partitions"][partition]["frontier"] == 2;
    edge.tally_when(|tally| folded(tally, 0) && folded(tally, 1)).await;
    assert_eq!(edge.get(CAMPAIGN).await.json()["closes_at"], "2023-12-19T10:00:00.000Z");
}
