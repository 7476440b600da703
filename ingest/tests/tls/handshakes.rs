//! Handshakes that are not finished: each ends in time, and none is in anybody's way.

use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::{Instant, interval};

use ingest::server::{Limits, Report};

use super::client::Raw;
use super::kit::{eventually, within};
use super::secured::{Client, Http, Pair, SHORT, Secured, limits};

/// Half-open handshakes at once.
const MANY: usize = 300;

fn short_first_request() -> Limits {
    Limits { first_request_timeout: SHORT, ..limits() }
}

#[tokio::test]
async fn a_handshake_that_stops_anywhere_is_closed_as_a_silent_connection_is() {
    let pair = Pair::new();
    let hello = Client::usual(&[&pair]).hello();
    // Nothing; the head of a record; half of what a client says first; all of it, but no more.
    for said in [&[][..], &hello[..5], &hello[..hello.len() / 2], &hello] {
        let server = Secured::start(&pair, short_first_request()).await;
        let connecting = Instant::now();
        let mut peer = Raw::connect(server.address).await;
        peer.send(said).await;
        peer.until_closed().await;
        let took = connecting.elapsed();
        assert!(took >= SHORT, "closed after {took:?}, {} bytes", said.len());
        eventually(|| server.counts().active == 0).await;
        assert_eq!(server.counts().closed_first_request, 1);
    }
}

#[tokio::test]
async fn a_handshake_that_comes_byte_by_byte_is_closed() {
    let pair = Pair::new();
    let server = Secured::start(&pair, short_first_request()).await;
    let hello = Client::usual(&[&pair]).hello();
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let mut ticks = interval(SHORT / 10);
    let mut sent = 0;
    for byte in hello {
        if stream.write_all(&[byte]).await.is_err() {
            break;
        }
        sent += 1;
        ticks.tick().await;
        if server.counts().closed_first_request == 1 {
            break;
        }
    }
    assert!(sent < 100, "{sent} bytes were taken");
    assert_eq!(server.counts().closed_first_request, 1);
    eventually(|| server.counts().active == 0).await;
}

#[tokio::test]
async fn silence_after_the_handshake_has_no_more_time_than_silence_before() {
    let pair = Pair::new();
    let server = Secured::start(&pair, short_first_request()).await;
    for protocol in ["http/1.1", "h2"] {
        let client = Client::new(&[&pair], rustls::ALL_VERSIONS, &[protocol]);
        let before = server.counts().closed_first_request;
        let _silent = client.connect(server.address).await.unwrap();
        eventually(|| server.counts().closed_first_request == before + 1).await;
    }
    eventually(|| server.counts().active == 0).await;
}

#[tokio::test]
async fn a_drain_ends_handshakes_at_once_and_waits_for_no_deadline() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    let hello = Client::usual(&[&pair]).hello();
    let mut peers = Vec::new();
    for said in [&[][..], &hello[..hello.len() / 2], &hello] {
        let mut peer = Raw::connect(server.address).await;
        peer.send(said).await;
        peers.push(peer);
    }
    // Its handshake is done, and it has asked nothing.
    let _silent = Client::usual(&[&pair]).connect(server.address).await.unwrap();
    eventually(|| server.counts().active == 4).await;
    server.shutdown.drain();
    for peer in peers {
        peer.until_closed().await;
    }
    assert_eq!(server.ended().await, Report { finished: 4, dropped: 0 });
}

#[tokio::test]
async fn force_ends_handshakes_too() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    let peer = Raw::connect(server.address).await;
    eventually(|| server.counts().active == 1).await;
    server.shutdown.force();
    peer.until_closed().await;
    let Report { finished, dropped } = server.ended().await;
    assert_eq!(finished + dropped, 1);
}

#[tokio::test]
async fn many_half_open_handshakes_are_in_nobodys_way() {
    let pair = Pair::new();
    let server = Secured::start(&pair, limits()).await;
    let hello = Client::usual(&[&pair]).hello();
    let mut peers = Vec::new();
    for _ in 0..MANY {
        let mut peer = Raw::connect(server.address).await;
        peer.send(&hello[..hello.len() - 1]).await;
        peers.push(peer);
    }
    eventually(|| server.counts().active == MANY).await;
    let stream = Client::usual(&[&pair]).connect(server.address).await.unwrap();
    assert_eq!(Http::over(stream).await.get("/").await.0, 200);
    assert!(server.counts().active >= MANY);
    // Who goes in the middle of it leaves nothing behind.
    drop(peers);
    eventually(|| server.counts().active == 0).await;
}

#[tokio::test]
async fn half_open_handshakes_are_connections_like_others_and_as_many_are_allowed() {
    let pair = Pair::new();
    let server = Secured::start(&pair, Limits { connections_max: 2, ..limits() }).await;
    let _half_open = [Raw::connect(server.address).await, Raw::connect(server.address).await];
    eventually(|| server.counts().active == 2).await;
    let third = Raw::connect(server.address).await;
    assert_eq!(third.until_closed().await, "");
    assert_eq!(server.counts().refused_at_cap, 1);
}

#[tokio::test]
async fn an_answer_in_flight_survives_a_drain_over_tls() {
    use ingest::server::Body;
    let (pair, gate) = (Pair::new(), std::sync::Arc::new(tokio::sync::Semaphore::new(0)));
    let begun = std::sync::Arc::new(tokio::sync::Semaphore::new(0));
    let handler = {
        let (gate, begun) = (gate.clone(), begun.clone());
        move |_request: hyper::Request<hyper::body::Incoming>| {
            let gate = gate.clone();
            begun.add_permits(1);
            async move {
                gate.acquire().await.unwrap().forget();
                hyper::Response::new(Body::fixed("done"))
            }
        }
    };
    let server = Secured::serving(&pair, limits(), handler).await;
    let stream = Client::usual(&[&pair]).connect(server.address).await.unwrap();
    let mut http = Http::over(stream).await;
    let asking = tokio::spawn(async move { http.get("/").await });
    within(begun.acquire()).await.unwrap().forget();
    server.shutdown.drain();
    eventually(|| server.shutdown.is_draining()).await;
    gate.add_permits(1);
    assert_eq!(within(asking).await.unwrap(), (200, "done".into()));
    assert_eq!(server.ended().await, Report { finished: 1, dropped: 0 });
}
