//! A caller from the internet: a connection without a socket, since everything on loopback may be a
//! proxy, whose connections are not limited.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use ingest::Edge;
use ingest::server::Handler as _;
use journal::simulated::Simulated;
use tokio::io::duplex;

use super::Answer;
use crate::kit::within;

/// One connection.
pub(super) struct Direct(SendRequest<Full<Bytes>>);

impl Direct {
    pub(super) async fn to(edge: &Edge<Simulated>) -> Self {
        let handler = edge.connected("203.0.113.9:40000".parse().unwrap());
        let (near, far) = duplex(64 * 1024);
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, Infallible>(handler.handle(request).await) }
        });
        // Both end with the test's runtime.
        drop(tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(far), service)));
        let (sender, driving) = handshake(TokioIo::new(near)).await.unwrap();
        drop(tokio::spawn(driving));
        Self(sender)
    }

    /// A connection that may ask nothing more for now.
    pub(super) async fn exhausted(edge: &Edge<Simulated>) -> Self {
        let mut connection = Self::to(edge).await;
        while connection.send(&Method::HEAD, "/openapi.json").await.status != 429 {}
        connection
    }

    pub(super) async fn send(&mut self, method: &Method, path: &str) -> Answer {
        let request = Request::builder().method(method).uri(path).header("host", "test");
        let request = request.body(Full::default()).unwrap();
        within(async {
            self.0.ready().await.unwrap();
            let (parts, body) = self.0.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status, headers: parts.headers, body }
        })
        .await
    }
}
