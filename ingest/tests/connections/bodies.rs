//! Requests whose body is too long, too slow, or not there.

use std::time::Duration;

use ingest::server::Limits;
use tokio::io::AsyncWriteExt;

use super::kit::{BODY_BYTES_MAX, PATIENCE, Server, limits};

#[tokio::test]
async fn a_body_within_the_limit_is_read_whole_in_pieces_or_at_once() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    let head =
        format!("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: {BODY_BYTES_MAX}\r\n\r\n");
    peer.send([head.as_bytes(), &vec![b'x'; BODY_BYTES_MAX]].concat())
        .await;
    peer.hears("16384 bytes", 1).await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    peer.send("3\r\nabc\r\n").await;
    peer.send("4\r\ndefg\r\n0\r\n\r\n").await;
    peer.hears("7 bytes", 1).await;
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_any_of_it_is_sent() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 16385\r\n\r\n")
        .await;
    peer.hears("HTTP/1.1 413 ", 1).await;
}

#[tokio::test]
async fn five_megabytes_to_a_limit_of_sixteen_kilobytes_are_not_read() {
    const SENT: usize = 5_000_000;
    // No timeout may be what ends this.
    let server = Server::start(Limits {
        body_timeout: PATIENCE * 10,
        ..limits()
    })
    .await;
    let peer = server.connect().await;
    let (mut reader, mut writer) = peer.0.into_split();
    let writing = tokio::spawn(async move {
        let head = format!("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: {SENT}\r\n\r\n");
        writer.write_all(head.as_bytes()).await?;
        writer.write_all(&vec![b'x'; SENT]).await
    });
    let mut heard = Vec::new();
    super::kit::within(async {
        while !heard.starts_with(b"HTTP/1.1 413 ") {
            tokio::io::AsyncReadExt::read_buf(&mut reader, &mut heard)
                .await
                .unwrap();
        }
    })
    .await;
    // The server closes without having read on, so that the rest cannot be delivered.
    assert!(super::kit::within(writing).await.unwrap().is_err());
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_exceeds_the_limit() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n")
        .await;
    for _ in 0..5 {
        // The end is never sent: 5 times 4,000 are the answer's reason.
        let chunk = format!("fa0\r\n{}\r\n", "x".repeat(4_000));
        peer.send(chunk).await;
    }
    peer.hears("HTTP/1.1 413 ", 1).await;
}

#[tokio::test]
async fn a_slow_body_is_answered_408_at_the_deadline() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nabc")
        .await;
    peer.hears("HTTP/1.1 408 ", 1).await;
}

#[tokio::test]
async fn a_header_that_is_too_large_is_answered_431() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send(format!(
        "GET / HTTP/1.1\r\nhost: test\r\nx: {}",
        "x".repeat(20_000)
    ))
    .await;
    peer.hears("HTTP/1.1 431 ", 1).await;
    assert!(limits().first_request_timeout < Duration::from_secs(1));
}
