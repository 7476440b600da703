//! A keep-alive HTTP/1.1 client on a blocking socket: little work a request, so that the load
//! leaves the processor to the processes under test.
//!
//! Invariant: [`Reply::Unreachable`] only if nothing of the request was sent. Never here: a retry.

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

/// How long a connect may take on this machine.
const CONNECT: Duration = Duration::from_secs(2);

/// Where a server is and the path of something there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Address and port.
    pub(crate) host: String,
    /// The path, with its slash.
    pub(crate) path: String,
}

impl Address {
    /// The address of `http://host:port/path`.
    pub(crate) fn of(url: &str) -> Self {
        let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        Self { host: host.to_owned(), path: format!("/{}", path.trim_end_matches('/')) }
    }

    /// A request for something below it.
    pub(crate) fn get(&self, below: &str) -> Vec<u8> {
        let Self { host, path } = self;
        format!("GET {path}{below} HTTP/1.1\r\nHost: {host}\r\n\r\n").into_bytes()
    }

    /// A ballot for the campaign that is there.
    pub(crate) fn ballot(&self, token: &str, body: &str) -> Vec<u8> {
        let Self { host, path } = self;
        let length = body.len();
        format!(
            "POST {path}/ballots HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        )
        .into_bytes()
    }
}

/// What came of a request.
#[derive(Debug)]
pub(crate) enum Reply {
    /// A whole answer.
    Answer {
        /// Its status.
        status: u16,
        /// Its body.
        body: Vec<u8>,
    },
    /// It was sent, in part or whole, and no whole answer came.
    NoAnswer,
    /// There was no connection: nothing was sent.
    Unreachable,
}

/// One connection, kept between requests to the same host.
pub(crate) struct Client {
    timeout: Duration,
    open: Option<(String, TcpStream)>,
}

impl Client {
    /// A client that waits so long for each part of an answer; in practice there is one part.
    pub(crate) const fn new(timeout: Duration) -> Self {
        Self { timeout, open: None }
    }

    /// Sends a request and waits for its answer.
    pub(crate) fn send(&mut self, host: &str, request: &[u8]) -> Reply {
        let kept = self.open.take().filter(|(to, _)| to == host);
        let Some(mut stream) = kept.map_or_else(|| self.connect(host), |(_, kept)| Some(kept))
        else {
            return Reply::Unreachable;
        };
        let Some(answer) = exchange(&mut stream, request) else { return Reply::NoAnswer };
        if !answer.closes {
            self.open = Some((host.to_owned(), stream));
        }
        Reply::Answer { status: answer.status, body: answer.body }
    }

    fn connect(&self, host: &str) -> Option<TcpStream> {
        let stream = TcpStream::connect_timeout(&host.parse().ok()?, CONNECT).ok()?;
        stream.set_nodelay(true).ok()?;
        stream.set_read_timeout(Some(self.timeout)).ok()?;
        stream.set_write_timeout(Some(self.timeout)).ok()?;
        Some(stream)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

struct Answer {
    status: u16,
    closes: bool,
    body: Vec<u8>,
}

fn exchange(stream: &mut TcpStream, request: &[u8]) -> Option<Answer> {
    stream.write_all(request).ok()?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    let mut more = |answer: &mut Vec<u8>| {
        let read = stream.read(&mut part).ok().filter(|read| *read > 0)?;
        answer.extend_from_slice(&part[..read]);
        Some(())
    };
    let end = loop {
        if let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
        more(&mut answer)?;
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    assert!(!head.contains("transfer-encoding"), "this client reads no chunks: {head}");
    let header = |name: &str| {
        head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':')).map(str::trim)
    };
    let length: usize = header("content-length").unwrap_or("0").parse().ok()?;
    while answer.len() < end + length {
        more(&mut answer)?;
    }
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let closes = header("connection") == Some("close");
    Some(Answer { status, closes, body: answer.drain(end..end + length).collect() })
}
