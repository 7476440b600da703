//! How a server ends: what is in flight finishes, event streams end, and force drops the rest.

use hyper::{Request, StatusCode};
use ingest::server::Report;
use tokio::net::TcpStream;

use super::kit::{SHORT, Server, eventually, limits, short_idle, within};

async fn refuses(server: &Server) {
    within(async {
        while TcpStream::connect(server.address).await.is_ok() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn a_drain_finishes_what_is_in_flight_and_takes_nothing_new() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.get("/gate").await;
    server.has_begun(1).await;
    server.shutdown.drain();
    refuses(&server).await;
    server.gate.add_permits(1);
    let heard = String::from_utf8(peer.until_closed().await).unwrap();
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("done"), "{heard}");
    assert!(heard.contains("connection: close"), "{heard}");
    assert_eq!(server.ended().await, Report { finished: 1, dropped: 0 });
}

#[tokio::test]
async fn a_drain_waits_for_a_handler_longer_than_any_timeout() {
    let server = Server::start(short_idle()).await;
    let (mut sender, connection) = server.connect_http2().await;
    let request = Request::get("http://test/slow").body("".into()).unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    server.has_begun(1).await;
    server.shutdown.drain();
    let answer = within(answer).await.unwrap().unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    drop(answer);
    within(connection).await.unwrap().unwrap();
    assert_eq!(server.ended().await, Report { finished: 1, dropped: 0 });
}

#[tokio::test]
async fn a_drain_closes_connections_that_have_nothing_in_flight() {
    let server = Server::start(limits()).await;
    let (_silent, mut half, mut idle) =
        (server.connect().await, server.connect().await, server.connect().await);
    half.send("GET / HTTP/1.1\r\nhost: te").await;
    idle.get("/").await;
    idle.hears("done", 1).await;
    eventually(|| server.counts().accepted == 3).await;
    server.shutdown.drain();
    idle.until_closed().await;
    assert_eq!(server.ended().await, Report { finished: 3, dropped: 0 });
}

#[tokio::test]
async fn an_event_stream_is_in_flight_until_the_drain_ends_it() {
    let server = Server::start(short_idle()).await;
    let mut peer = server.connect().await;
    peer.get("/events").await;
    let mut ticks = tokio::time::interval(SHORT * 2);
    for _ in 0..3 {
        ticks.tick().await;
        server.events.send("data: tally\n\n".into()).await.unwrap();
        peer.hears("data: tally", 1).await;
    }
    assert_eq!((server.counts().closed_idle, server.counts().active), (0, 1));
    server.events.send("data: last\n\n".into()).await.unwrap();
    server.shutdown.drain();
    let heard = String::from_utf8(peer.until_closed().await).unwrap();
    assert!(heard.contains("data: last"), "{heard}");
    assert!(heard.ends_with("0\r\n\r\n"), "not a proper end: {heard}");
    within(server.events.closed()).await;
    assert_eq!(server.ended().await, Report { finished: 1, dropped: 0 });
}

#[tokio::test]
async fn an_event_stream_whose_sender_is_gone_ends_and_its_connection_becomes_idle() {
    let mut server = Server::start(short_idle()).await;
    let mut peer = server.connect().await;
    peer.get("/events").await;
    peer.hears("HTTP/1.1 200 ", 1).await;
    server.events = tokio::sync::mpsc::channel(1).0;
    assert!(peer.until_closed().await.ends_with(b"0\r\n\r\n"));
    assert_eq!(server.counts().closed_idle, 1);
}

#[tokio::test]
async fn force_drops_what_is_stuck_on_http1_and_http2() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.get("/stuck").await;
    let (mut sender, connection) = server.connect_http2().await;
    let request = Request::get("http://test/stuck").body("".into()).unwrap();
    let answer = tokio::spawn(async move { sender.send_request(request).await });
    server.has_begun(2).await;
    server.shutdown.drain();
    refuses(&server).await;
    assert_eq!(server.counts().active, 2);
    server.shutdown.force();
    assert_eq!(peer.until_closed().await, b"");
    assert!(within(answer).await.unwrap().is_err());
    drop(within(connection).await.unwrap());
    assert_eq!(server.ended().await, Report { finished: 0, dropped: 2 });
}
