//! Requests whose body is too long, too slow, or not there.

use ingest::server::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::kit::{BODY_BYTES_MAX, SHORT, Server, limits, within};

#[tokio::test]
async fn a_body_within_the_limit_is_read_whole_in_pieces_or_at_once() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    let head =
        format!("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: {BODY_BYTES_MAX}\r\n\r\n");
    peer.send([head.as_bytes(), &vec![b'x'; BODY_BYTES_MAX]].concat()).await;
    peer.hears("16384 bytes", 1).await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    peer.send("3\r\nabc\r\n").await;
    peer.send("4\r\ndefg\r\n0\r\n\r\n").await;
    peer.hears("7 bytes", 1).await;
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused_before_any_of_it_is_sent() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 16385\r\n\r\n").await;
    peer.hears("HTTP/1.1 413 ", 1).await;
}

#[tokio::test]
async fn a_body_of_many_megabytes_is_refused_and_not_read() {
    const PIECE_BYTES: usize = 64 * 1024;
    // 32 MB: more than the kernel's buffers on both sides take.
    const PIECES: usize = 512;
    let server = Server::start(limits()).await;
    let (mut reader, mut writer) = server.connect().await.0.into_split();
    let writing = tokio::spawn(async move {
        let announced = PIECES * PIECE_BYTES;
        let head =
            format!("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: {announced}\r\n\r\n");
        writer.write_all(head.as_bytes()).await?;
        for _ in 0..PIECES {
            writer.write_all(&[b'x'; PIECE_BYTES]).await?;
        }
        Ok::<_, std::io::Error>(())
    });
    let mut heard = Vec::new();
    within(async {
        while !heard.starts_with(b"HTTP/1.1 413 ") {
            assert!(reader.read_buf(&mut heard).await.unwrap() > 0, "closed unanswered");
        }
    })
    .await;
    // The server closes without having read on, so the rest cannot be delivered.
    assert!(within(writing).await.unwrap().is_err());
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_exceeds_the_limit() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ntransfer-encoding: chunked\r\n\r\n").await;
    for _ in 0..5 {
        // The end is never sent: 5 times 4,000 are the answer's reason.
        let chunk = format!("fa0\r\n{}\r\n", "x".repeat(4_000));
        peer.send(chunk).await;
    }
    peer.hears("HTTP/1.1 413 ", 1).await;
}

#[tokio::test]
async fn a_slow_body_is_answered_408_at_the_deadline() {
    let server = Server::start(Limits { body_timeout: SHORT, ..limits() }).await;
    let mut peer = server.connect().await;
    peer.send("POST /body HTTP/1.1\r\nhost: test\r\ncontent-length: 10\r\n\r\nabc").await;
    peer.hears("HTTP/1.1 408 ", 1).await;
}

#[tokio::test]
async fn a_header_that_is_too_large_is_answered_431() {
    let server = Server::start(limits()).await;
    let mut peer = server.connect().await;
    peer.send(format!("GET / HTTP/1.1\r\nhost: test\r\nx: {}", "x".repeat(20_000))).await;
    peer.hears("HTTP/1.1 431 ", 1).await;
}
