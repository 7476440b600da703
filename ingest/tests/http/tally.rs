//! The tally, at once and as a stream.

use std::time::Duration;

use hyper::Method;
use tokio::time::Instant;

use super::client::Raw;
use super::kit::{Running, Setup};

const TALLY: &str = "/v1/campaigns/c/tally";

#[tokio::test]
async fn a_client_that_has_the_tally_is_told_so_until_it_changes() {
    let edge = Running::start(Setup::default()).await;
    edge.tally_when(|_| true).await;
    let first = edge.get(TALLY).await;
    let etag = first.header("etag").to_owned();
    assert_eq!(first.header("cache-control"), "public, max-age=1");
    let same = edge.send(Method::GET, TALLY, &[("if-none-match", &etag)], "").await;
    assert_eq!((same.status.as_u16(), same.body.len()), (304, 0));
    assert_eq!(same.header("etag"), etag);
    edge.acknowledged("ann", &[1]).await;
    edge.tally_when(|tally| tally["ballots"] == 1).await;
    let changed = edge.send(Method::GET, TALLY, &[("if-none-match", &etag)], "").await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), etag);
}

#[tokio::test]
async fn head_is_told_what_get_would_be() {
    let edge = Running::start(Setup::default()).await;
    edge.tally_when(|_| true).await;
    for path in [TALLY, "/v1/campaigns/c", "/openapi.json", "/nothing"] {
        let get = edge.get(path).await;
        let head = edge.send(Method::HEAD, path, &[], "").await;
        assert_eq!((head.status, head.body.len()), (get.status, 0), "{path}");
        for name in ["content-type", "content-length", "etag", "cache-control"] {
            assert_eq!(head.header(name), get.header(name), "{path} {name}");
        }
    }
    let head = edge.send(Method::HEAD, "/v1/campaigns/c/tally/stream", &[], "").await;
    assert_eq!((head.status.as_u16(), head.header("content-type")), (200, "text/event-stream"));
}

#[tokio::test]
async fn without_a_result_there_is_none_yet() {
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    let answer = edge.get(TALLY).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "results_not_ready"));
    assert_eq!(answer.header("retry-after"), "1");
}

#[tokio::test]
async fn a_stream_begins_with_the_tally_brings_a_change_and_ends_on_the_drain() {
    let edge = Running::start(Setup::default()).await;
    edge.tally_when(|_| true).await;
    let mut reader = stream(&edge).await;
    let heard = reader.hears("\"ballots\":0").await;
    assert!(heard.contains("content-type: text/event-stream"), "{heard}");
    let etag = edge.get(TALLY).await.header("etag").to_owned();
    assert!(heard.contains("retry: 1") && heard.contains("event: tally\n"), "{heard}");
    assert!(heard.contains(&format!("id: {etag}\ndata: {{")), "{heard}");
    edge.acknowledged("ann", &[3]).await;
    reader.hears("\"counted\":1").await;
    edge.shutdown.drain();
    // The last chunk of HTTP/1.1 says that the end is no accident.
    assert!(reader.until_closed().await.ends_with("0\r\n\r\n"));
}

#[tokio::test]
async fn a_stream_without_a_result_waits_for_one() {
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    let mut reader = stream(&edge).await;
    let heard = reader.hears("retry: ").await;
    assert!(heard.starts_with("HTTP/1.1 200 ") && !heard.contains("event:"), "{heard}");
}

#[tokio::test]
async fn a_stream_sends_at_most_four_documents_a_second() {
    let edge = Running::start(Setup::default()).await;
    edge.tally_when(|_| true).await;
    let opened = Instant::now();
    let mut reader = stream(&edge).await;
    for i in 0u64..30 {
        edge.acknowledged(&format!("voter {i}"), &[1]).await;
        edge.tally_when(|tally| tally["ballots"].as_u64().unwrap() > i).await;
    }
    let heard = reader.hears("\"counted\":30").await;
    let events = heard.matches("event: tally").count();
    let most = opened.elapsed().as_millis() / 250 + 2;
    assert!(events as u128 <= most, "{events} events in {:?}", opened.elapsed());
    assert!(opened.elapsed() > Duration::from_millis(500), "too short to say anything");
}

async fn stream(edge: &Running) -> Raw {
    let mut raw = Raw::connect(edge.address).await;
    raw.send(format!("GET {TALLY}/stream HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    raw
}
