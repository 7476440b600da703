//! Far more ballots at once than an edge holds in flight: many HTTP/2 streams on few connections,
//! because a process on a small machine has few descriptors.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::storm::{Address, Population};

/// Below the 32 streams that an edge allows on one connection.
const STREAMS: u32 = 28;

/// What became of ballots cast at once.
#[derive(Debug, Default)]
pub(crate) struct Wave {
    /// How many got this code, and how long the first and the last of them took.
    pub(crate) codes: BTreeMap<String, (u32, Duration, Duration)>,
    /// Whether every refusal said when to try again.
    pub(crate) all_say_when: bool,
}

impl Wave {
    pub(crate) fn count(&self, code: &str) -> u32 {
        self.codes.get(code).map_or(0, |found| found.0)
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (code, (count, first, last)) in &self.codes {
            let (first, last) = (first.as_millis(), last.as_millis());
            write!(f, "{count} x {code} after {first} to {last} ms; ")?;
        }
        Ok(())
    }
}

/// Casts a ballot of each of these voters, all at once, and waits for every answer.
pub(crate) async fn wave(edge: &Address, population: &Population, voters: Vec<u32>) -> Wave {
    let mut senders = Vec::new();
    for _ in 0..voters.len().div_ceil(STREAMS as usize) {
        senders.push(connect(&edge.host).await);
    }
    let began = Instant::now();
    let mut casts = JoinSet::new();
    for (place, voter) in voters.into_iter().enumerate() {
        let sender = senders[place % senders.len()].clone();
        let uri = format!("http://{}{}/ballots", edge.host, edge.path);
        let request = Request::post(uri)
            .header("authorization", format!("Bearer {}", population.token(voter)))
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from_static(b"{\"choices\":[1]}")))
            .unwrap();
        casts.spawn(cast(sender, request, began));
    }
    let mut wave = Wave { all_say_when: true, ..Wave::default() };
    while let Some(answered) = casts.join_next().await {
        let (code, says_when, took) = answered.unwrap();
        wave.all_say_when &= says_when;
        let found = wave.codes.entry(code).or_insert((0, took, took));
        *found = (found.0 + 1, found.1.min(took), found.2.max(took));
    }
    wave
}

async fn connect(host: &str) -> SendRequest<Full<Bytes>> {
    let stream = TcpStream::connect(host).await.unwrap();
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    // Ends with its last sender.
    tokio::spawn(connection);
    sender
}

/// The answer's code, whether it says when to try again if it should, and how long it took.
async fn cast(
    mut sender: SendRequest<Full<Bytes>>,
    request: Request<Full<Bytes>>,
    began: Instant,
) -> (String, bool, Duration) {
    sender.ready().await.unwrap();
    let answer = sender.send_request(request).await.unwrap();
    let (status, says_when) = (answer.status(), answer.headers().contains_key("retry-after"));
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    let took = began.elapsed();
    let body: Value = serde_json::from_slice(&body).unwrap();
    match body["code"].as_str() {
        Some(code) => (code.to_owned(), says_when, took),
        None => (status.as_str().to_owned(), true, took),
    }
}
