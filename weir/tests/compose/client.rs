//! A connection that is kept: one request after the other, as browsers send them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Duration;

/// Longer than an edge's own deadline.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(crate) struct Client {
    stream: TcpStream,
}

impl Client {
    pub(crate) fn open(port: u16) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream }
    }

    /// Asks for something that goes on.
    pub(crate) fn get(&mut self, path: &str) {
        let request = format!("GET {path} HTTP/1.1\r\nHost: balancer\r\n\r\n");
        self.stream.write_all(request.as_bytes()).unwrap();
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Casts a ballot; the whole answer, or why there is none.
    pub(crate) fn cast(
        &mut self,
        path: &str,
        token: &str,
        choices: &[u32],
    ) -> Result<String, String> {
        let body = format!("{{\"choices\":{choices:?}}}");
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: balancer\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let exchanged = self.stream.write_all(request.as_bytes()).and_then(|()| self.answer());
        exchanged.map_err(|error| error.to_string())
    }

    fn answer(&mut self) -> std::io::Result<String> {
        let mut answer = Vec::new();
        let mut buffer = [0; 4096];
        loop {
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            answer.extend_from_slice(&buffer[..count]);
            let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
            let length: usize = length.map_or(0, |length| length.trim().parse().unwrap());
            if body.len() >= length {
                return Ok(String::from_utf8_lossy(&answer).into_owned());
            }
        }
    }
}
