//! The operator's listener: alive, ready or why not, and what is counted.

use std::sync::Arc;

use ingest::metrics::{Watched, watch_connections};
use ingest::server::{Limits, Shutdown, serve};
use ingest::{Ops, Readiness};
use tokio::net::TcpListener;

use super::client::{Answer, send};
use super::kit::{Running, Setup};

#[tokio::test]
async fn an_edge_that_should_take_no_ballots_is_not_ready_and_says_why_but_lives() {
    let edge = Running::start(Setup::default()).await;
    let ops = start(&edge).await;
    assert_eq!(get(ops, "/readyz").await.json()["ready"], true);
    edge.check.observe(0, 0, 2_001);
    let answer = get(ops, "/readyz").await;
    assert_eq!(answer.status, 503);
    let complaint = answer.json()["complaints"][0].as_str().unwrap().to_owned();
    assert_eq!(complaint, "c: the clock is -2001 ms ahead of the journal's");
    edge.shutdown.drain();
    assert_eq!(get(ops, "/readyz").await.json()["complaints"][0], "draining");
    assert_eq!(get(ops, "/livez").await.status, 200);
    assert_eq!(get(ops, "/metrics/").await.code(), "unknown_route");
}

#[tokio::test]
async fn what_happened_is_counted_under_the_names_of_the_page() {
    let edge = Running::start(Setup::default()).await;
    let (limits, counters) = (Limits::default(), &edge.counters);
    let watched = Watched { listener: "api", limits: &limits, counters };
    watch_connections(&edge.registry, &[watched]).unwrap();
    let ops = start(&edge).await;
    let shown = async || String::from_utf8(get(ops, "/metrics").await.body.to_vec()).unwrap();
    let before = shown().await;
    assert!(!before.contains("weir_last_durable_append"), "nothing has been appended: {before}");
    edge.acknowledged("ann", &[1]).await;
    assert_eq!(edge.cast("ann", r#"{"choices":[2]}"#).await.status, 409);
    assert_eq!(edge.get("/nothing").await.status, 404);
    assert_eq!(edge.get("/v1/campaigns/d").await.status, 404);
    let answer = get(ops, "/metrics").await;
    assert_eq!(answer.header("content-type"), "text/plain; version=0.0.4");
    // A second time: what was read before is not counted again.
    let text = shown().await;
    for line in [
        r#"weir_requests_total{campaign="c",outcome="accepted",route="ballots"} 1"#,
        r#"weir_requests_total{campaign="c",outcome="already_voted",route="ballots"} 1"#,
        r#"weir_requests_total{campaign="c",outcome="overloaded",route="ballots"} 0"#,
        r#"weir_requests_total{campaign="",outcome="unknown_campaign",route="campaign"} 1"#,
        r#"weir_requests_total{campaign="",outcome="unknown_route",route="unknown"} 1"#,
        r#"weir_request_duration_seconds_count{result="ok",route="ballots"} 1"#,
        r#"weir_request_duration_seconds_count{result="refused",route="ballots"} 1"#,
        r#"weir_request_duration_seconds_count{result="refused",route="unknown"} 1"#,
        r#"weir_request_duration_seconds_count{result="failed",route="ballots"} 0"#,
        r#"weir_ballots_in_flight{campaign="c"} 0"#,
        r#"weir_ballots_in_flight_max{campaign="c"} 8192"#,
        r#"weir_batch_ballots_sum{campaign="c"} 1"#,
        r#"weir_batch_wait_seconds_count{campaign="c"} 1"#,
        r#"weir_append_duration_seconds_count{campaign="c"} 1"#,
        r#"weir_append_errors_total{campaign="c",kind="refused"} 0"#,
        r#"weir_last_durable_append_timestamp_seconds{campaign="c"} 1702872000"#,
        "weir_tally_streams 0",
        r#"weir_connection_events_total{event="accepted",listener="api"} 4"#,
        r#"weir_connections_max{listener="api"} 16384"#,
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

async fn start(edge: &Running) -> std::net::SocketAddr {
    let readiness: Readiness = {
        let edge = edge.edge.clone();
        Arc::new(move || {
            let complaints = edge.complaints();
            if complaints.is_empty() { Ok(()) } else { Err(complaints) }
        })
    };
    let ops = Ops::new(edge.registry.clone(), readiness);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let serving = serve(listener, ops, Limits::default(), Shutdown::new(), Arc::default());
    drop(tokio::spawn(serving));
    address
}

async fn get(ops: std::net::SocketAddr, path: &str) -> Answer {
    let request = hyper::Request::get(path).header("host", "test");
    send(ops, request.body(http_body_util::Full::default()).unwrap()).await
}
