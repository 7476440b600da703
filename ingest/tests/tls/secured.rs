//! A server that speaks TLS, certificates for it, and clients that check them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest::server::{
    Body, Certificate, Counters, CountersSnapshot, Handler, Limits, Listening, Report, Shutdown,
    Tls, serve,
};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, SupportedProtocolVersion};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::kit::{PATIENCE, within};

/// The name that every certificate is for.
const NAME: &str = "vote.example";
/// A deadline under test.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// No deadline acts within a test.
pub(crate) fn limits() -> Limits {
    Limits {
        first_request_timeout: PATIENCE * 2,
        idle_timeout: PATIENCE * 2,
        idle_timeout_crowded: PATIENCE * 2,
        closing_timeout: PATIENCE * 2,
        ..Limits::default()
    }
}

/// A certificate and its key, PEM.
pub(crate) struct Pair {
    pub(crate) chain: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn new() -> Self {
        let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
        Self { chain: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.chain.as_bytes()).unwrap()
    }
}

/// A running server.
pub(crate) struct Secured {
    pub(crate) address: SocketAddr,
    pub(crate) certificate: Certificate,
    pub(crate) shutdown: Shutdown,
    counters: Arc<Counters>,
    serving: JoinHandle<Report>,
}

impl Secured {
    /// Answers `done` to everything.
    pub(crate) async fn start(pair: &Pair, limits: Limits) -> Self {
        let done = |_request: Request<Incoming>| async { Response::new(Body::fixed("done")) };
        Self::serving(pair, limits, done).await
    }

    pub(crate) async fn serving(pair: &Pair, limits: Limits, handler: impl Handler) -> Self {
        let (tls, certificate) = Tls::new(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, counters) = (Shutdown::new(), Arc::new(Counters::default()));
        let listening = Listening::new(listener, Some(tls));
        let serving = serve(listening, handler, limits, shutdown.clone(), Arc::clone(&counters));
        Self { address, certificate, shutdown, counters, serving: tokio::spawn(serving) }
    }

    pub(crate) fn counts(&self) -> CountersSnapshot {
        self.counters.snapshot()
    }

    pub(crate) async fn ended(self) -> Report {
        within(self.serving).await.unwrap()
    }
}

/// A client that knows these certificates, and no others.
pub(crate) struct Client {
    config: Arc<ClientConfig>,
}

impl Client {
    pub(crate) fn new(
        known: &[&Pair],
        versions: &[&'static SupportedProtocolVersion],
        protocols: &[&str],
    ) -> Self {
        let mut roots = RootCertStore::empty();
        for pair in known {
            roots.add(pair.der()).unwrap();
        }
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let config = config.with_protocol_versions(versions).unwrap();
        let mut config = config.with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols =
            protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Self { config: Arc::new(config) }
    }

    /// Over the newest version, HTTP/1.1.
    pub(crate) fn usual(known: &[&Pair]) -> Self {
        Self::new(known, rustls::ALL_VERSIONS, &["http/1.1"])
    }

    /// A connection, or why there is none.
    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
    ) -> std::io::Result<TlsStream<TcpStream>> {
        self.shake(TcpStream::connect(address).await?).await
    }

    /// The same over a connection that is open.
    pub(crate) async fn shake(&self, stream: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        let connector = TlsConnector::from(Arc::clone(&self.config));
        within(connector.connect(name(), stream)).await
    }

    /// What a client says first.
    pub(crate) fn hello(&self) -> Vec<u8> {
        let mut client = ClientConnection::new(Arc::clone(&self.config), name()).unwrap();
        let mut hello = Vec::new();
        client.write_tls(&mut hello).unwrap();
        hello
    }
}

fn name() -> ServerName<'static> {
    ServerName::try_from(NAME).unwrap()
}

/// The certificate that a connection has seen.
pub(crate) fn seen(stream: &TlsStream<TcpStream>) -> CertificateDer<'static> {
    stream.get_ref().1.peer_certificates().unwrap()[0].clone().into_owned()
}

/// An open connection on which requests are made, one after the other.
pub(crate) enum Http {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Http {
    /// Speaks what has been agreed upon.
    pub(crate) async fn over(stream: TlsStream<TcpStream>) -> Self {
        let is_two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
        let io = TokioIo::new(stream);
        // The tasks end with their connections.
        if is_two {
            let (sender, driving) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
            drop(tokio::spawn(driving));
            Self::Two(sender)
        } else {
            let (sender, driving) = http1::handshake(io).await.unwrap();
            drop(tokio::spawn(driving));
            Self::One(sender)
        }
    }

    pub(crate) async fn send(&mut self, mut request: Request<Full<Bytes>>) -> (u16, Bytes) {
        let path = request.uri().path().to_owned();
        let answer = match self {
            Self::One(sender) => {
                request.headers_mut().insert("host", NAME.parse().unwrap());
                within(sender.send_request(request)).await
            }
            Self::Two(sender) => {
                *request.uri_mut() = format!("https://{NAME}{path}").parse().unwrap();
                within(sender.send_request(request)).await
            }
        };
        let (parts, body) = answer.unwrap().into_parts();
        let body = within(body.collect()).await.unwrap().to_bytes();
        (parts.status.as_u16(), body)
    }

    pub(crate) async fn get(&mut self, path: &str) -> (u16, Bytes) {
        self.send(Request::get(path).body("".into()).unwrap()).await
    }
}
