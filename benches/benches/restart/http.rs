//! A client of one request at a time on one connection, HTTP/1.1 by hand, and the waiting for what
//! a server says.
//!
//! Nothing here fails for a server that is not there: a dead one is what this bench is about.

use std::time::Duration;

use benches::Error;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};

/// How often a state that cannot be waited for is looked at: the resolution of every figure.
const POLL: Duration = Duration::from_millis(10);
/// Until an answer. A server that has its port but not its journal yet lets a request wait.
const ANSWER_MAX: Duration = Duration::from_secs(30);

/// A connection to an address, made anew when it is gone.
#[derive(Debug)]
pub(crate) struct Client {
    address: String,
    stream: Option<TcpStream>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.to_owned(), stream: None }
    }

    /// The answer to a GET; `None` if nobody answers.
    pub(crate) async fn ask(&mut self, path: &str) -> Option<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nhost: localhost\r\n\r\n")).await
    }

    /// The JSON of a 200.
    pub(crate) async fn json(&mut self, path: &str) -> Option<Value> {
        let answer = self.ask(path).await.filter(|answer| answer.status == 200)?;
        serde_json::from_slice(&answer.body).ok()
    }

    /// The answer to a whole request; `None` if nobody answers.
    pub(crate) async fn send(&mut self, request: &str) -> Option<Answer> {
        // What did not end well is not used again.
        let stream = self.stream.take();
        let sent = timeout(ANSWER_MAX, exchange(&self.address, stream, request)).await;
        let (answer, stream) = sent.ok()??;
        self.stream = Some(stream);
        Some(answer)
    }
}

async fn exchange(
    address: &str,
    stream: Option<TcpStream>,
    request: &str,
) -> Option<(Answer, TcpStream)> {
    let mut stream = match stream {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await.ok()?;
            stream.set_nodelay(true).ok()?;
            stream
        }
    };
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut read = Vec::with_capacity(4_096);
    loop {
        if stream.read_buf(&mut read).await.ok()? == 0 {
            return None;
        }
        let Some(head) = read.windows(4).position(|end| end == b"\r\n\r\n") else { continue };
        let text = String::from_utf8_lossy(&read[..head]).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length:"))?;
        if read.len() >= head + 4 + length.trim().parse::<usize>().ok()? {
            let status = text.split(' ').nth(1)?.parse().ok()?;
            return Some((Answer { status, body: read.split_off(head + 4) }, stream));
        }
    }
}

/// The state as soon as it is there.
pub(crate) async fn until<T>(
    what: &str,
    within: Duration,
    mut state: impl AsyncFnMut() -> Option<T>,
) -> Result<T, Error> {
    let give_up = Instant::now() + within;
    loop {
        if let Some(state) = state().await {
            return Ok(state);
        }
        if Instant::now() >= give_up {
            return Err(format!("waited {} s in vain for {what}", within.as_secs()).into());
        }
        sleep(POLL).await;
    }
}
