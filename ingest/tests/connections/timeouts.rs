//! Peers that say nothing, or not enough.

use bytes::Bytes;
use hyper::{Request, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, interval, timeout};

use ingest::server::Limits;

use super::kit::{
    PREFACE, SHORT, Server, eventually, limits, short_first_request, short_idle, within,
};

/// Sends this much and waits for the end; the server must have waited its time, and counted it.
async fn is_closed_after(opening: &[u8]) -> Vec<u8> {
    let server = Server::start(short_first_request()).await;
    let connecting = Instant::now();
    let mut peer = server.connect().await;
    peer.send(opening).await;
    let heard = peer.until_closed().await;
    assert!(connecting.elapsed() >= SHORT, "closed after {:?}", connecting.elapsed());
    assert_eq!(server.counts().closed_first_request, 1);
    heard
}

#[tokio::test]
async fn a_silent_connection_is_closed() {
    assert_eq!(is_closed_after(b"").await, b"");
}

#[tokio::test]
async fn half_an_http2_preface_is_closed() {
    assert_eq!(is_closed_after(&PREFACE[..12]).await, b"");
}

#[tokio::test]
async fn a_full_http2_preface_followed_by_silence_is_closed() {
    is_closed_after(PREFACE).await;
}

#[tokio::test]
async fn a_full_http2_handshake_followed_by_silence_is_closed() {
    let empty_settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    is_closed_after(&[PREFACE, &empty_settings].concat()).await;
}

#[tokio::test]
async fn half_a_header_is_closed() {
    assert_eq!(is_closed_after(b"GET / HTTP/1.1\r\nhost: te").await, b"");
}

#[tokio::test]
async fn a_header_that_comes_byte_by_byte_is_closed() {
    let server = Server::start(short_first_request()).await;
    let mut peer = server.connect().await;
    peer.send("GET / HTTP/1.1\r\nx: ").await;
    let mut ticks = interval(SHORT / 10);
    within(async {
        while peer.0.write_all(b"x").await.is_ok() {
            ticks.tick().await;
        }
    })
    .await;
    assert_eq!(server.counts().closed_first_request, 1);
}

#[tokio::test]
async fn half_a_header_after_an_answer_is_closed() {
    let server = Server::start(short_idle()).await;
    let mut peer = server.connect().await;
    peer.send("GET / HTTP/1.1\r\nhost: test\r\n\r\nGET / HTTP/1.1\r\nhost: te").await;
    assert!(peer.until_closed().await.ends_with(b"done"));
    assert_eq!(server.counts().closed_idle, 1);
}

#[tokio::test]
async fn an_idle_http1_connection_is_closed_but_not_while_a_handler_works() {
    let server = Server::start(short_idle()).await;
    let mut peer = server.connect().await;
    let asked = Instant::now();
    // Sent at once, so that the client has no part in the time between them.
    peer.send("GET /slow HTTP/1.1\r\nhost: test\r\n\r\n".repeat(2)).await;
    peer.hears("done", 2).await;
    assert!(asked.elapsed() >= SHORT * 8);
    assert_eq!(peer.until_closed().await, b"");
    assert!(asked.elapsed() >= SHORT * 9);
    assert_eq!(server.counts().closed_idle, 1);
}

#[tokio::test]
async fn an_idle_http2_connection_is_closed_but_not_while_a_handler_works() {
    let server = Server::start(short_idle()).await;
    let (mut sender, connection) = server.connect_http2().await;
    let asked = Instant::now();
    let request = Request::get("http://test/slow").body("".into()).unwrap();
    let answer = within(sender.send_request(request)).await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(asked.elapsed() >= SHORT * 4);
    drop(answer);
    within(connection).await.unwrap().unwrap();
    assert!(asked.elapsed() >= SHORT * 5);
    assert_eq!(server.counts().closed_idle, 1);
    drop(sender);
}

#[tokio::test]
async fn an_idle_connection_is_closed_sooner_where_it_is_crowded() {
    let crowded = Limits { idle_timeout_crowded: SHORT, connections_max: 1, ..limits() };
    let server = Server::start(crowded).await;
    let mut peer = server.connect().await;
    peer.get("/").await;
    peer.hears("done", 1).await;
    assert_eq!(peer.until_closed().await, b"");
    assert_eq!(server.counts().closed_idle, 1);
}

#[tokio::test]
async fn a_stream_that_is_given_up_is_closed_though_its_reader_never_reads() {
    let mut server = Server::start(short_idle()).await;
    let mut peer = server.connect().await;
    peer.get("/events").await;
    server.has_begun(1).await;
    // Until nothing is taken any more: the kernel's buffers are full, and so is the channel.
    let megabyte = Bytes::from(vec![b'x'; 1 << 20]);
    while timeout(SHORT * 3, server.events.send(megabyte.clone())).await.is_ok() {}
    assert_eq!((server.counts().closed_idle, server.counts().active), (0, 1));
    drop(server.held.take());
    eventually(|| server.counts().active == 0).await;
    assert_eq!(server.counts().closed_idle, 1);
}
