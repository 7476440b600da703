//! A server with a test service, and a peer that sends raw bytes to it.

use std::future::{Future, pending};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioExecutor, TokioIo};
use ingest::server::{
    Body, BodyError, Counters, CountersSnapshot, Held, Limits, Report, Shutdown, read_body, serve,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// The timeouts under test.
pub(crate) const SHORT: Duration = Duration::from_millis(200);
/// When a test gives up waiting.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);
/// The largest body the test service reads.
pub(crate) const BODY_BYTES_MAX: usize = 16 * 1024;
/// The client's half of an HTTP/2 handshake, as hyper-util's auto server looks for it.
pub(crate) const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// No timeout acts within a test but that of closing, which acts only when something else has. A
/// test shortens the one that it is about, so that a slow machine does not make another act.
pub(crate) fn limits() -> Limits {
    Limits {
        first_request_timeout: PATIENCE * 2,
        idle_timeout: PATIENCE * 2,
        idle_timeout_crowded: PATIENCE * 2,
        closing_timeout: SHORT,
        body_timeout: PATIENCE * 2,
        body_bytes_max: BODY_BYTES_MAX,
        ..Limits::default()
    }
}

pub(crate) fn short_idle() -> Limits {
    Limits { idle_timeout: SHORT, ..limits() }
}

pub(crate) fn short_first_request() -> Limits {
    Limits { first_request_timeout: SHORT, ..limits() }
}

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) shutdown: Shutdown,
    /// Each permit lets one `/gate` request answer.
    pub(crate) gate: Arc<Semaphore>,
    /// How many handlers have begun.
    pub(crate) begun: Arc<Semaphore>,
    /// Where the chunks of `/events` come from.
    pub(crate) events: mpsc::Sender<Bytes>,
    /// What keeps that stream in flight.
    pub(crate) held: Option<Held>,
    counters: Arc<Counters>,
    serving: JoinHandle<Report>,
}

impl Server {
    pub(crate) async fn start(limits: Limits) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (shutdown, counters) = (Shutdown::new(), Arc::new(Counters::default()));
        let gate = Arc::new(Semaphore::new(0));
        let begun = Arc::new(Semaphore::new(0));
        let (events, chunks) = mpsc::channel(4);
        let (stream, held) = Body::events(chunks);
        let stream = Arc::new(tokio::sync::Mutex::new(Some(stream)));
        let handler = {
            let (gate, begun) = (Arc::clone(&gate), Arc::clone(&begun));
            move |request: Request<Incoming>| {
                let (gate, stream) = (Arc::clone(&gate), Arc::clone(&stream));
                begun.add_permits(1);
                async move {
                    match request.uri().path() {
                        "/gate" => gate.acquire().await.unwrap().forget(),
                        "/slow" => tokio::time::sleep(SHORT * 4).await,
                        "/stuck" => pending().await,
                        "/events" => {
                            return Response::new(stream.lock().await.take().unwrap());
                        }
                        "/body" => return echo_length(request, &limits).await,
                        _other => {}
                    }
                    Response::new(Body::fixed("done"))
                }
            }
        };
        let serving = serve(listener, handler, limits, shutdown.clone(), Arc::clone(&counters));
        let serving = tokio::spawn(serving);
        Self { address, shutdown, gate, begun, events, held: Some(held), counters, serving }
    }

    pub(crate) fn counts(&self) -> CountersSnapshot {
        self.counters.snapshot()
    }

    /// Waits until so many more handlers have begun.
    pub(crate) async fn has_begun(&self, handlers: u32) {
        within(self.begun.acquire_many(handlers)).await.unwrap().forget();
    }

    pub(crate) async fn connect(&self) -> Peer {
        Peer(TcpStream::connect(self.address).await.unwrap())
    }

    /// An HTTP/2 client, and what resolves when its connection has ended.
    pub(crate) async fn connect_http2(
        &self,
    ) -> (http2::SendRequest<Full<Bytes>>, JoinHandle<hyper::Result<()>>) {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let executor = TokioExecutor::new();
        let (sender, connection) = http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
        (sender, tokio::spawn(connection))
    }

    pub(crate) async fn ended(self) -> Report {
        within(self.serving).await.unwrap()
    }
}

async fn echo_length(request: Request<Incoming>, limits: &Limits) -> Response<Body> {
    let read = read_body(request.into_body(), limits.body_bytes_max, limits.body_timeout).await;
    let status = match read {
        Ok(body) => return Response::new(Body::fixed(format!("{} bytes", body.len()))),
        Err(BodyError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
        Err(BodyError::TimedOut) => StatusCode::REQUEST_TIMEOUT,
        Err(BodyError::Broken) => StatusCode::BAD_REQUEST,
    };
    Response::builder().status(status).body(Body::empty()).unwrap()
}

/// A raw connection.
pub(crate) struct Peer(pub(crate) TcpStream);

impl Peer {
    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        within(self.0.write_all(bytes.as_ref())).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) {
        self.send(format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
    }

    /// Reads until `count` times `what` has come.
    pub(crate) async fn hears(&mut self, what: &str, count: usize) -> String {
        let mut heard = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&heard);
            if text.matches(what).count() >= count {
                return text.into_owned();
            }
            let read = within(self.0.read_buf(&mut heard)).await.unwrap();
            assert!(read > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
        }
    }

    /// Reads until the server has closed, be it by a reset.
    pub(crate) async fn until_closed(&mut self) -> Vec<u8> {
        let mut heard = Vec::new();
        while let Ok(1..) = within(self.0.read_buf(&mut heard)).await {}
        heard
    }
}

/// The outcome, or a failed test.
pub(crate) async fn within<F: Future>(future: F) -> F::Output {
    let Ok(output) = timeout(PATIENCE, future).await else { panic!("nothing within {PATIENCE:?}") };
    output
}

/// Waits until the state is as it should be.
pub(crate) async fn eventually(mut state: impl FnMut() -> bool) {
    within(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while !state() {
            ticks.tick().await;
        }
    })
    .await;
}
