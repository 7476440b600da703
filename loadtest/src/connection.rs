//! One keep-alive connection with one request at a time.
//!
//! Invariant: an answer is whole or it is an error, and behind an error the connection is not used
//! again. Never here: a retry, or what an answer means.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::http::{Head, head};

/// Room for an answer to a ballot; a longer one makes room for itself.
const INPUT: usize = 1_024;
/// A tally of 256 choices on 367 days is below this.
const ANSWER_MAX: usize = 16 << 20;

/// A connection that has been opened.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    head: Head,
}

impl Connection {
    /// Connects.
    ///
    /// # Errors
    /// As the system has it; nothing of a request has been sent then.
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let head = Head { status: 0, length: 0, body_length: 0, closes: true, retry_after_s: None };
        Ok(Self { stream, input: Vec::with_capacity(INPUT), head })
    }

    /// Sends a request and waits for the whole answer; [`Connection::body`] is its body.
    ///
    /// # Errors
    /// The connection broke, or what came is no answer. The request may have been served.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<Head> {
        self.input.clear();
        self.stream.write_all(request).await?;
        let mut known = None;
        loop {
            self.input.reserve(INPUT / 2);
            if self.stream.read_buf(&mut self.input).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if known.is_none() {
                known = head(&self.input).map_err(|_| io::ErrorKind::InvalidData)?;
            }
            let Some(head) = known else { continue };
            if head.body_length > ANSWER_MAX {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.input.len() >= head.length + head.body_length {
                self.head = head;
                return Ok(head);
            }
        }
    }

    /// Whether the server closes it behind the last answer.
    #[must_use]
    pub const fn is_closed(&self) -> bool {
        self.head.closes
    }

    /// The body of the last answer.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        let Head { length, body_length, .. } = self.head;
        self.input.get(length..length + body_length).unwrap_or_default()
    }
}
