//! A client of one request: enough to speak with a server on this machine.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

const TIMEOUT: Duration = Duration::from_secs(30);

/// A request to a URL.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    url: String,
    headers: Vec<String>,
    body: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

impl Request {
    pub(crate) fn get(url: &str) -> Self {
        Self { url: url.to_owned(), headers: Vec::new(), body: None }
    }

    /// A ballot, as the API wants it.
    pub(crate) fn ballot(url: &str, token: &str, choices: &[u32]) -> Self {
        Self {
            url: url.to_owned(),
            headers: vec![
                format!("Authorization: Bearer {token}"),
                "Content-Type: application/json".to_owned(),
            ],
            body: Some(format!("{{\"choices\":{choices:?}}}")),
        }
    }

    /// Shows a voter's token.
    pub(crate) fn authorize(&mut self, token: &str) {
        self.headers.push(format!("Authorization: Bearer {token}"));
    }

    /// The request that a printed curl command makes.
    pub(crate) fn of_curl(line: &str) -> Self {
        let mut request = Self { url: String::new(), headers: Vec::new(), body: None };
        let mut words = words(line).into_iter();
        assert_eq!(words.next().as_deref(), Some("curl"));
        while let Some(word) = words.next() {
            match word.as_str() {
                "-sS" => {}
                "-H" => request.headers.push(words.next().unwrap()),
                "-d" => request.body = words.next(),
                url => request.url = url.to_owned(),
            }
        }
        request
    }

    /// The answer; `None` if there is no server, or none that answers.
    pub(crate) fn try_send(&self) -> Option<Answer> {
        let (host, path) = self.url.strip_prefix("http://").unwrap().split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).ok()?;
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        let method = if self.body.is_some() { "POST" } else { "GET" };
        let body = self.body.clone().unwrap_or_default();
        let headers: String = self.headers.iter().map(|header| format!("{header}\r\n")).collect();
        let length = body.len();
        let head = format!("{method} /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n");
        let rest = format!("{headers}Content-Length: {length}\r\n\r\n{body}");
        stream.write_all((head + &rest).as_bytes()).ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).ok()?;
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&answer[..end]).into_owned();
        assert!(!head.to_ascii_lowercase().contains("transfer-encoding"), "{head}");
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer { status, body: answer.split_off(end + 4) })
    }

    pub(crate) fn send(&self) -> Answer {
        self.try_send().unwrap_or_else(|| panic!("no answer to {self:?}"))
    }
}

/// The words of a command line in which only single quotes quote.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (index, part) in line.trim().split('\'').enumerate() {
        if index % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}
