//! One caller who wants all tally streams: a connection and a network have a few, others the rest.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest::server::Handler as _;
use tokio::io::duplex;

use super::direct::{edge, site};
use super::kit::{Running, eventually, within};

const CONNECTION_MAX: usize = 4;
const NETWORK_MAX: usize = 200;
const STREAM: &str = "http://test/v1/campaigns/c/tally/stream";

/// A connection from there that carries several requests at once.
struct Watcher(SendRequest<Empty<Bytes>>);

impl Watcher {
    async fn from(edge: &Running, address: &str) -> Self {
        let handler = edge.edge.connected(SocketAddr::new(address.parse().unwrap(), 40_000));
        let (near, far) = duplex(64 * 1024);
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler.handle(request).await) }
        });
        let mut serving = http2::Builder::new(TokioExecutor::new());
        // As many as a proxy spreads over its connections.
        serving.max_concurrent_streams(1_000);
        // Both end with the test's runtime.
        drop(tokio::spawn(serving.serve_connection(TokioIo::new(far), service)));
        let (sender, driving) = handshake(TokioExecutor::new(), TokioIo::new(near)).await.unwrap();
        drop(tokio::spawn(driving));
        Self(sender)
    }

    /// The answer to one more stream, as somebody whom a proxy has seen there.
    async fn watch(&mut self, forwarded: &str) -> Response<Incoming> {
        let request = Request::get(STREAM).header("x-forwarded-for", forwarded);
        let request = request.body(Empty::new()).unwrap();
        within(async {
            self.0.ready().await.unwrap();
            self.0.send_request(request).await.unwrap()
        })
        .await
    }
}

fn is_refused(answer: &Response<Incoming>) -> bool {
    assert!([200, 429].contains(&answer.status().as_u16()), "{answer:?}");
    let is_refused = answer.status() == 429;
    assert_eq!(is_refused, answer.headers().contains_key("retry-after"));
    is_refused
}

#[tokio::test]
async fn a_voters_connection_has_four_streams_and_gets_another_for_one_that_ends() {
    let edge = edge(site(&[], None)).await;
    let mut watcher = Watcher::from(&edge, "203.0.113.9").await;
    let mut open = Vec::new();
    for _ in 0..CONNECTION_MAX {
        open.push(watcher.watch("").await);
    }
    assert!(open.iter().all(|answer| !is_refused(answer)));
    assert!(is_refused(&watcher.watch("").await));
    let mut elsewhere = Watcher::from(&edge, "203.0.113.9").await;
    assert!(!is_refused(&elsewhere.watch("").await), "another connection is another voter's");
    open.pop();
    eventually(|| super::direct::metric(&edge, "weir_tally_streams") == 3).await;
    assert!(!is_refused(&watcher.watch("").await));
}

#[tokio::test]
async fn a_network_has_two_hundred_streams_whatever_way_they_come_and_others_have_the_rest() {
    let edge = edge(site(&["10.0.0.0/8"], None)).await;
    let mut proxy = Watcher::from(&edge, "10.0.0.1").await;
    let mut open = Vec::new();
    for number in 0..NETWORK_MAX {
        let answer = proxy.watch(&format!("203.0.113.{number}")).await;
        assert!(!is_refused(&answer), "{number}");
        open.push(answer);
    }
    assert!(is_refused(&proxy.watch("203.0.113.250").await));
    assert!(is_refused(&Watcher::from(&edge, "203.0.113.9").await.watch("").await));
    open.push(proxy.watch("198.51.100.1").await);
    open.push(Watcher::from(&edge, "198.51.100.2").await.watch("").await);
    assert!(open.iter().all(|answer| !is_refused(answer)));
}

#[tokio::test]
async fn on_this_machine_streams_are_not_counted_by_network() {
    let edge = edge(site(&[], None)).await;
    let mut here = Watcher::from(&edge, "127.0.0.1").await;
    let mut open = Vec::new();
    for _ in 0..=NETWORK_MAX {
        open.push(here.watch("").await);
    }
    assert!(open.iter().all(|answer| !is_refused(answer)));
}
