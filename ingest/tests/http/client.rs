//! A client: one connection per request, whole answers, and raw bytes where HTTP is to be broken.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::header::HeaderMap;
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::kit::within;

/// A whole answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem's code.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["status"], self.status.as_u16());
        problem["code"].as_str().unwrap().to_owned()
    }
}

/// Sends one request on a connection of its own.
pub(crate) async fn send(address: SocketAddr, request: Request<Full<Bytes>>) -> Answer {
    within(async {
        let stream = TcpStream::connect(address).await.unwrap();
        let io = TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        let driving = tokio::spawn(connection);
        let (parts, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        driving.abort();
        Answer { status: parts.status, headers: parts.headers, body }
    })
    .await
}

/// Bytes on a socket.
pub(crate) struct Raw(TcpStream, Vec<u8>);

impl Raw {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self(TcpStream::connect(address).await.unwrap(), Vec::new())
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.0.write_all(bytes.as_ref())).await.unwrap();
    }

    /// Reads until what has come contains `what`, and answers all of it.
    pub(crate) async fn hears(&mut self, what: &str) -> String {
        loop {
            let text = String::from_utf8_lossy(&self.1).into_owned();
            if text.contains(what) {
                return text;
            }
            let read = within(self.0.read_buf(&mut self.1)).await.unwrap();
            assert!(read > 0, "closed after {text:?}");
        }
    }

    /// Reads until the server has closed, be it by a reset, and answers all that came.
    pub(crate) async fn until_closed(mut self) -> String {
        while let Ok(1..) = within(self.0.read_buf(&mut self.1)).await {}
        String::from_utf8_lossy(&self.1).into_owned()
    }
}
