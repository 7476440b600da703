//! Requests whose end is in dispute, so that somebody in front may see another one in them: refused
//! or answered once, and the connection is over.

use ballot::{PseudonymKey, VotingDay};
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::client::Raw;
use super::direct::{BALLOTS, BODY};
use super::kit::{Running, Setup, within};

/// A good ballot of whoever is called so.
fn ballot(edge: &Running, name: &str) -> String {
    format!("{}content-length: {}\r\n\r\n{BODY}", head(edge, name), BODY.len())
}

/// The same up to the headers that say where it ends.
fn head(edge: &Running, name: &str) -> String {
    let token = edge.token(name);
    format!(
        "POST {BALLOTS} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n"
    )
}

/// Whether this edge has acknowledged a ballot of the voter called so.
fn has_voted(edge: &Running, name: &str) -> bool {
    let voter = PseudonymKey::new(&[7; 32]).voter(name.as_bytes());
    let day = VotingDay::new(2023, 12, 18).unwrap();
    edge.batcher.acknowledged(voter, day).is_some()
}

/// Sends this and a good ballot behind it. The connection must end with one answer at most, and
/// that ballot must not be taken. The status.
async fn ends_with_one_answer(edge: &Running, first: impl AsRef<[u8]>, what: &str) -> u16 {
    let mut peer = Raw::connect(edge.address).await;
    peer.send([first.as_ref(), ballot(edge, "smuggled").as_bytes()].concat()).await;
    let heard = peer.until_closed().await;
    let answers = heard.matches("HTTP/1.").count();
    assert!(answers <= 1, "{what}: {heard}");
    assert!(!has_voted(edge, "smuggled"), "{what}: {heard}");
    heard.split(' ').nth(1).map_or(400, |status| status.parse().unwrap())
}

#[tokio::test]
async fn a_length_and_chunks_are_not_taken_together() {
    let edge = Running::start(Setup::default()).await;
    let hidden = ballot(&edge, "smuggled");
    let (whole, chunk) = (hidden.len() + 5, format!("{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len()));
    for (framing, body) in [
        (format!("content-length: {whole}\r\ntransfer-encoding: chunked"), "0\r\n\r\n"),
        (format!("transfer-encoding: chunked\r\ncontent-length: {whole}"), "0\r\n\r\n"),
        ("content-length: 4\r\nTransfer-Encoding: chunked".to_owned(), chunk.as_str()),
        ("Transfer-Encoding: CHUNKED\r\ncontent-length: 0".to_owned(), chunk.as_str()),
        ("content-length: 4\r\nx: y\nTransfer-Encoding: chunked".to_owned(), chunk.as_str()),
    ] {
        let first = format!("{}{framing}\r\n\r\n{body}", head(&edge, "first"));
        assert_eq!(ends_with_one_answer(&edge, first, &framing).await, 400, "{framing}");
    }
    assert!(!has_voted(&edge, "first"));
    // The rest of one is no ballot either when both are agreed on what it is.
    let both = format!("content-length: {}\r\ntransfer-encoding: chunked", BODY.len());
    let chunk = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    let first = format!("{}{both}\r\n\r\n{chunk}", head(&edge, "both"));
    ends_with_one_answer(&edge, first, &both).await;
}

#[tokio::test]
async fn a_length_that_can_be_read_in_two_ways_is_refused() {
    let edge = Running::start(Setup::default()).await;
    for length in [
        "content-length: 15\r\ncontent-length: 0",
        "content-length: 0\r\ncontent-length: 15",
        "content-length: 15, 15",
        "content-length: 15,0",
        "content-length: +15",
        "content-length: -15",
        "content-length: 0x0f",
        "content-length: 1 5",
        "content-length: 15;q=1",
        "content-length: \"15\"",
        "content-length:",
        "content-length: 99999999999999999999",
        "content-length : 15",
        "content-length\t: 15",
        "content-length: 15\r\n ,0",
        "x: y\r\n\tcontent-length: 15",
        " content-length: 15",
        "content-length: 1\x005",
        "content-\0length: 15",
        "content-length: 15\rx: y",
    ] {
        let first = format!("{}{length}\r\n\r\n{BODY}", head(&edge, "first"));
        assert_eq!(ends_with_one_answer(&edge, first, length).await, 400, "{length:?}");
        assert!(!has_voted(&edge, "first"), "{length:?}");
    }
}

#[tokio::test]
async fn chunks_that_are_announced_in_another_way_end_the_connection() {
    let edge = Running::start(Setup::default()).await;
    let chunk = format!("{:x}\r\n{BODY}\r\n0\r\n\r\n", BODY.len());
    for (coding, is_refused) in [
        ("transfer-encoding: identity", true),
        ("transfer-encoding: xchunked", true),
        ("transfer-encoding: chunkedx", true),
        ("transfer-encoding: chunked, identity", true),
        ("transfer-encoding: chunked\r\ntransfer-encoding: identity", true),
        ("transfer-encoding: chunked;q=1", true),
        ("transfer-encoding: \"chunked\"", true),
        ("transfer-encoding:", true),
        ("transfer-encoding : chunked", true),
        ("transfer-encoding:\r\n chunked", true),
        ("transfer-encoding: \x0Bchunked", true),
        ("transfer-encoding: chunked\0", true),
        (" transfer-encoding: chunked", true),
        // Chunks they are; but somebody in front may not have thought so.
        ("transfer-encoding: gzip, chunked", false),
        ("transfer-encoding: chunked, chunked", false),
        ("transfer-encoding: identity\r\ntransfer-encoding: chunked", false),
        ("transfer-encoding: ,chunked", false),
    ] {
        let first = format!("{}{coding}\r\n\r\n{chunk}", head(&edge, coding));
        let status = ends_with_one_answer(&edge, first, coding).await;
        assert_eq!(status == 400, is_refused, "{coding:?}: {status}");
        assert_eq!(has_voted(&edge, coding), !is_refused, "{coding:?}");
    }
    let first = format!("{}transfer-encoding: chunked\r\n\r\n{chunk}", head(&edge, "old"));
    let first = first.replace("HTTP/1.1", "HTTP/1.0");
    assert_eq!(ends_with_one_answer(&edge, first, "HTTP/1.0").await, 400);
}

#[tokio::test]
async fn chunks_that_are_none_end_the_connection() {
    let edge = Running::start(Setup::default()).await;
    let head = format!("{}transfer-encoding: chunked\r\n\r\n", head(&edge, "first"));
    for body in [
        "0x0\r\n\r\n",
        "-1\r\n\r\n",
        "+0\r\n\r\n",
        "\r\n0\r\n\r\n",
        "fffffffffffffffff\r\n\r\n",
        "0;a\nb\r\n\r\n",
        "f\r\n{\"choices\":[1]}0\r\n\r\n",
        "e\r\n{\"choices\":[1]}\r\n0\r\n\r\n",
        "0\r\nx y\r\n\r\n",
    ] {
        let status = ends_with_one_answer(&edge, format!("{head}{body}"), body).await;
        assert_eq!(status, 400, "{body:?}");
    }
    assert!(!has_voted(&edge, "first"));
}

#[tokio::test]
async fn a_request_line_that_is_none_ends_the_connection() {
    let edge = Running::start(Setup::default()).await;
    for line in [
        "GET /v1/campaigns/c\r\n",
        "GET  /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c  HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c HTTP/1.1 \r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c HTTP/1.2\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c HTTP/3.0\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c http/1.1\r\nhost: test\r\n\r\n",
        "GET\0 /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c\0 HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET /v1/campaigns/c\x7F HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET http:// HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET http://[::1/ HTTP/1.1\r\nhost: test\r\n\r\n",
        "GET v1/campaigns/c HTTP/1.1\r\nhost: test\r\n\r\n",
        "\0\0\0\0",
    ] {
        assert_eq!(ends_with_one_answer(&edge, line, line).await, 400, "{line:?}");
    }
}

#[tokio::test]
async fn a_body_that_nobody_wanted_is_never_a_request() {
    let edge = Running::start(Setup::default()).await;
    let hidden = ballot(&edge, "smuggled");
    let length = hidden.len();
    for first in [
        "GET /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n".to_owned(),
        "DELETE /nothing HTTP/1.1\r\nhost: test\r\n".to_owned(),
        "HEAD /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n".to_owned(),
        format!("POST {BALLOTS} HTTP/1.1\r\nhost: test\r\n"),
        format!("POST {BALLOTS} HTTP/1.1\r\nhost: test\r\nexpect: 100-continue\r\n"),
        "GET /v1/campaigns/c HTTP/1.1\r\nhost: test\r\nupgrade: h2c\r\n".to_owned(),
    ] {
        let mut peer = TcpStream::connect(edge.address).await.unwrap();
        let head = format!("{first}content-length: {length}\r\n\r\n");
        peer.write_all(head.as_bytes()).await.unwrap();
        let mut heard = Vec::new();
        // The answer does not wait for the body.
        while !heard.windows(4).any(|window| window == b"\r\n\r\n") {
            assert_ne!(within(peer.read_buf(&mut heard)).await.unwrap(), 0);
        }
        let last = "GET /openapi.json HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n";
        // It may have been closed by now.
        drop(peer.write_all(format!("{hidden}{last}").as_bytes()).await);
        while let Ok(1..) = within(peer.read_buf(&mut heard)).await {}
        let heard = String::from_utf8_lossy(&heard);
        assert!(!has_voted(&edge, "smuggled") && !heard.contains("HTTP/1.1 202"), "{heard}");
    }
}

#[tokio::test]
async fn headers_and_request_lines_beyond_the_limit_are_told_and_the_connection_is_over() {
    let edge = Running::start(Setup::default()).await;
    let get = "GET /v1/campaigns/c HTTP/1.1\r\nhost: test\r\n";
    let many: String = (0..200).map(|number| format!("x-{number}: y\r\n")).collect();
    for (what, request, status) in [
        ("a long value", format!("{get}x: {}\r\n\r\n", "y".repeat(17_000)), 431),
        ("a long name", format!("{get}{}: y\r\n\r\n", "x".repeat(17_000)), 431),
        ("a long cookie", format!("{get}cookie: a={}\r\n\r\n", "b".repeat(17_000)), 431),
        ("many headers", format!("{get}{many}\r\n"), 431),
        ("no end", format!("{get}{}", "x: y\r\n".repeat(3_000)), 431),
        ("a long path", get.replace("/c ", &format!("/{} ", "c".repeat(17_000))) + "\r\n", 431),
        ("a long method", get.replace("GET", &"G".repeat(17_000)) + "\r\n", 431),
    ] {
        let heard = ends_with_one_answer(&edge, request, what).await;
        assert!(heard == status || heard == 414, "{what}: {heard}");
    }
    // Just within it.
    let mut peer = Raw::connect(edge.address).await;
    let within_it = format!("{get}x: {}\r\nconnection: close\r\n\r\n", "y".repeat(15_000));
    peer.send(within_it).await;
    assert!(peer.until_closed().await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn headers_beyond_the_limit_are_told_over_http2_too() {
    let edge = Running::start(Setup::default()).await;
    let stream = TcpStream::connect(edge.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, driving) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    drop(tokio::spawn(driving));
    let get = || hyper::Request::get("http://test/v1/campaigns/c");
    let long = get().header("x", "y".repeat(17_000)).body(String::new()).unwrap();
    // The client is told the limit, and may keep to it by itself.
    if let Ok(answer) = within(sender.send_request(long)).await {
        assert_eq!(answer.status(), 431);
    }
    let stream = TcpStream::connect(edge.address).await.unwrap();
    let io = TokioIo::new(stream);
    let (mut sender, driving) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    drop(tokio::spawn(driving));
    let answer = within(sender.send_request(get().body(String::new()).unwrap())).await.unwrap();
    assert_eq!(answer.status(), 200);
}
