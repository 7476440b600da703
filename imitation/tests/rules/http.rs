//! HTTP by hand, a connection per request: what is sent and what is read is in plain sight.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// An answer, or a request: its first line, headers and body.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    pub(crate) first: String,
    head: String,
    pub(crate) body: String,
}

impl Told {
    fn new(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let (first, head) = head.split_once("\r\n").unwrap_or((head, ""));
        Self { first: first.to_owned(), head: head.to_owned(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }

    pub(crate) fn status(&self) -> &str {
        self.first.split(' ').nth(1).unwrap_or("none")
    }
}

/// Asks; an empty first line means that the connection was closed in place of an answer.
pub(crate) async fn ask(to: SocketAddr, first: &str, headers: &str, body: &str) -> Told {
    let mut stream = TcpStream::connect(to).await.unwrap();
    let length = body.len();
    let fixed = format!("Host: {to}\r\nConnection: close\r\nContent-Length: {length}\r\n");
    let request = format!("{first} HTTP/1.1\r\n{fixed}{headers}\r\n{body}");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    Told::new(&String::from_utf8(answer).unwrap())
}

/// Takes the next request and answers it with this; none: closes when the peer does.
pub(crate) async fn take(listener: &TcpListener, answer: Option<&str>) -> Told {
    let (mut stream, _) = listener.accept().await.unwrap();
    let mut bytes = Vec::new();
    let request = loop {
        let read = stream.read_buf(&mut bytes).await.unwrap();
        let told = Told::new(std::str::from_utf8(&bytes).unwrap());
        let length: usize = told.header("content-length").map_or(0, |it| it.parse().unwrap());
        if read == 0 || (bytes.windows(4).any(|it| it == b"\r\n\r\n") && told.body.len() == length)
        {
            break told;
        }
    };
    match answer {
        Some(answer) => stream.write_all(answer.as_bytes()).await.unwrap(),
        None => while stream.read_buf(&mut bytes).await.unwrap_or(0) > 0 {},
    }
    request
}
