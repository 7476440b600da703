//! Several requests on a connection, and more connections than there may be.

use hyper::{Request, StatusCode};
use ingest::server::Limits;
use tokio::io::AsyncReadExt as _;

use super::kit::{PREFACE, Server, eventually, limits, within};

#[tokio::test]
async fn a_connection_serves_one_request_after_another_and_several_sent_at_once() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    for _ in 0..3 {
        peer.get("/").await;
        peer.hears("done", 1).await;
    }
    peer.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n".repeat(5)).await;
    peer.hears("done", 5).await;
    assert_eq!(server.counts().accepted, 1);
}

#[tokio::test]
async fn a_connection_beyond_the_cap_is_closed_and_a_place_that_falls_free_is_used() {
    let server = Server::start(Limits { connections_max: 2, ..limits() }).await;
    let (mut first, mut second) = (server.connect().await, server.connect().await);
    for peer in [&mut first, &mut second] {
        peer.get("/").await;
        peer.hears("done", 1).await;
    }
    assert_eq!(server.connect().await.until_closed().await, b"");
    assert_eq!((server.counts().refused_at_cap, server.counts().active), (1, 2));

    drop(first);
    eventually(|| server.counts().active == 1).await;
    let mut third = server.connect().await;
    third.get("/").await;
    third.hears("done", 1).await;
    second.get("/").await;
    second.hears("done", 1).await;
}

#[tokio::test]
async fn an_http2_connection_that_opens_no_window_has_32_answers_held_for_it() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send(PREFACE).await;
    // An empty frame of settings.
    peer.send([0, 0, 0, 4, 0, 0, 0, 0, 0]).await;
    let mut head = [0; 9];
    within(peer.0.read_exact(&mut head)).await.unwrap();
    assert_eq!((head[0], head[1], head[3]), (0, 0, 4), "settings come first (RFC 9113, 3.4)");
    let mut settings = vec![0; usize::from(head[2])];
    within(peer.0.read_exact(&mut settings)).await.unwrap();
    // SETTINGS_MAX_CONCURRENT_STREAMS.
    let streams = settings.chunks(6).find(|setting| setting[..2] == [0, 3]).unwrap();
    assert_eq!(streams[2..], [0, 0, 0, 32]);
}

#[tokio::test]
async fn an_http2_connection_serves_many_requests_at_once() {
    let server = Server::start(limits()).await;
    let (sender, _connection) = server.connect_http2().await;
    let answers: Vec<_> = (0..10)
        .map(|_| {
            let mut sender = sender.clone();
            tokio::spawn(async move {
                let request = Request::get("http://test/gate").body("".into()).unwrap();
                sender.send_request(request).await.unwrap().status()
            })
        })
        .collect();
    // None is let through before all have come.
    server.has_begun(10).await;
    server.gate.add_permits(10);
    for answer in answers {
        assert_eq!(within(answer).await.unwrap(), StatusCode::OK);
    }
    assert_eq!(server.counts().accepted, 1);
}
