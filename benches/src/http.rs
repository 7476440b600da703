//! HTTP/1.1 by hand on a keep-alive connection: on a small machine a client takes the servers' CPU.
//!
//! Invariant: one request at a time, and an answer is read to its end. Never here: a chunked
//! answer, which the edge gives none of but to streams.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;

use ballot::{Ballot, Token};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Poll;

const WRITES: &str = "writing to a string never fails";

/// A connection that sends at once.
///
/// # Errors
/// If nobody listens there.
pub async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// Sends a request and reads its answer; the answer's status.
///
/// # Errors
/// If the connection breaks, or what comes is no answer.
pub async fn ask(stream: &mut TcpStream, request: &str, answer: &mut Vec<u8>) -> io::Result<u16> {
    stream.write_all(request.as_bytes()).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let Some((head, body)) = split(answer) else { continue };
        let length = header(head, "content-length").and_then(|length| length.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            let status = head.get(9..12).and_then(|status| std::str::from_utf8(status).ok());
            let status = status.and_then(|status| status.parse().ok());
            return status.ok_or_else(|| io::ErrorKind::InvalidData.into());
        }
    }
}

/// An answer's head and body, once its head is there.
#[must_use]
pub fn split(answer: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = answer.windows(4).position(|end| end == b"\r\n\r\n")?;
    Some((&answer[..end], &answer[end + 4..]))
}

/// A header's value in an answer's head; its name in small letters.
#[must_use]
pub fn header<'a>(head: &'a [u8], name: &str) -> Option<&'a str> {
    let value = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (start, rest) = line.split_at_checked(name.len())?;
        let value = rest.strip_prefix(b":")?;
        start.eq_ignore_ascii_case(name.as_bytes()).then_some(value)
    })?;
    std::str::from_utf8(value).ok().map(str::trim)
}

impl Poll {
    /// The token of a ballot's voter, which never ends.
    #[must_use]
    pub fn token(&self, ballot: &Ballot) -> String {
        let voter = ballot.voter;
        let token = Token { voter, follower: true, fresh: false, expires_at_s: u64::MAX };
        self.tokens.mint(&token)
    }

    /// Puts the request that casts a ballot in place of what was in `request`.
    pub fn write_request(&self, ballot: &Ballot, request: &mut String) {
        let (token, id) = (self.token(ballot), &self.campaign.id);
        let mut body = String::with_capacity(32);
        for number in ballot.choices.iter() {
            let comma = if body.is_empty() { "" } else { "," };
            write!(body, "{comma}{number}").expect(WRITES);
        }
        let length = body.len() + r#"{"choices":[]}"#.len();
        request.clear();
        write!(
            request,
            "POST /v1/campaigns/{id}/ballots HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer \
             {token}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n\
             {{\"choices\":[{body}]}}"
        )
        .expect(WRITES);
    }
}
