//! Callers from anywhere: each a connection of its own, without a socket, so that time may stand
//! still while they speak.

use std::net::SocketAddr;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request};
use hyper_util::rt::TokioIo;
use ingest::Site;
use ingest::server::Handler as _;
use prometheus::TextEncoder;
use tokio::io::duplex;

use super::client::Answer;
use super::kit::{Running, Setup, within};

pub(crate) const BALLOTS: &str = "/v1/campaigns/c/ballots";
pub(crate) const BODY: &str = r#"{"choices":[1]}"#;

/// An edge at this site that nobody counts for.
pub(crate) async fn edge(site: Site) -> Running {
    Running::start(Setup { site, aggregating: false, ..Setup::default() }).await
}

/// A site that believes these proxies, and refuses a network that sends more than this a second.
pub(crate) fn site(proxies: &[&str], prefix_rate_max: Option<u32>) -> Site {
    Site {
        trusted_proxies: proxies.iter().map(|proxy| proxy.parse().unwrap()).collect(),
        prefix_rate_max: prefix_rate_max.and_then(std::num::NonZeroU32::new),
        ..Site::default()
    }
}

/// One connection.
pub(crate) struct Caller<'a> {
    edge: &'a Running,
    sender: SendRequest<Full<Bytes>>,
}

impl<'a> Caller<'a> {
    /// A connection whose other end is there.
    pub(crate) async fn from(edge: &'a Running, address: &str) -> Self {
        let peer = SocketAddr::new(address.parse().unwrap(), 40_000);
        let handler = edge.edge.connected(peer);
        let (near, far) = duplex(64 * 1024);
        let service = service_fn(move |request| {
            let handler = handler.clone();
            async move { Ok::<_, std::convert::Infallible>(handler.handle(request).await) }
        });
        // Both end with the test's runtime.
        drop(tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(far), service)));
        let (sender, driving) = handshake(TokioIo::new(near)).await.unwrap();
        drop(tokio::spawn(driving));
        Self { edge, sender }
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &[u8])],
        body: &'static str,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path).header("host", "test");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::from(body)).unwrap();
        within(async {
            self.sender.ready().await.unwrap();
            let (parts, body) = self.sender.send_request(request).await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Answer { status: parts.status, headers: parts.headers, body }
        })
        .await
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Casts as the voter called so, with these headers beside.
    pub(crate) async fn cast_with(
        &mut self,
        name: &str,
        headers: &[(&str, &[u8])],
        body: &'static str,
    ) -> Answer {
        let bearer = format!("Bearer {}", self.edge.token(name));
        let own: [(&str, &[u8]); 2] =
            [("authorization", bearer.as_bytes()), ("content-type", b"application/json")];
        self.send(Method::POST, BALLOTS, &[&own, headers].concat(), body).await
    }

    pub(crate) async fn cast(&mut self, name: &str) -> Answer {
        self.cast_with(name, &[], BODY).await
    }
}

/// The value of a series, by its whole name.
pub(crate) fn metric(edge: &Running, series: &str) -> u64 {
    let text = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{series} is not in\n{text}")).parse().unwrap()
}

/// How many have been refused by this limit.
pub(crate) fn refused(edge: &Running, by: &str) -> u64 {
    metric(edge, &format!("weir_refused_by_rate_total{{by=\"{by}\"}}"))
}
