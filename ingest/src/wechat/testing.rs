//! For the tests of this folder: a clock that is set by hand, a server on loopback that answers as
//! it is told and remembers what it was asked, and a reader of every log line.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use journal::Clock;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// 2023-12-18 12:00 in Shanghai.
pub(super) const NOON_MS: i64 = 1_702_872_000_000;

/// A clock that is set by hand.
#[derive(Debug)]
pub(super) struct Hand(AtomicI64);

impl Hand {
    pub(super) fn at(now_ms: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(now_ms)))
    }

    pub(super) fn forward(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::SeqCst);
    }
}

impl Clock for Hand {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) parameters: HashMap<String, String>,
    pub(super) body: String,
}

impl Asked {
    pub(super) fn of(&self, parameter: &str) -> &str {
        self.parameters.get(parameter).map_or("", String::as_str)
    }

    pub(super) fn is_forced(&self) -> bool {
        self.body.contains("\"force_refresh\":true")
    }
}

/// What the server does.
#[derive(Debug, Clone)]
pub(super) enum Reply {
    /// Answers with this body and status.
    Says(u16, String),
    /// Never answers.
    Silent,
    /// Promises a thousand bytes, sends these and hangs up.
    BreaksOff(&'static str),
}

pub(super) fn says(body: impl Into<String>) -> Reply {
    Reply::Says(200, body.into())
}

/// A server; gone when it is dropped.
pub(super) struct Server {
    pub(super) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Server {
    pub(super) async fn start(answer: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (noted, answer) = (Arc::clone(&asked), Arc::new(answer));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (noted, answer) = (Arc::clone(&noted), Arc::clone(&answer));
                let service = service_fn(move |request| {
                    serve(request, Arc::clone(&noted), Arc::clone(&answer))
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                // Ends with the test's runtime; how is of no interest.
                tokio::spawn(async move { drop(connection.await) });
            }
        });
        Self { url, asked, task }
    }

    /// What was asked for under paths that end so.
    pub(super) fn asked(&self, path: &str) -> Vec<Asked> {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.path.ends_with(path)).cloned().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Sent = StreamBody<stream::BoxStream<'static, Result<Frame<Bytes>, &'static str>>>;

async fn serve(
    request: Request<Incoming>,
    noted: Arc<Mutex<Vec<Asked>>>,
    answer: Arc<impl Fn(&Asked) -> Reply>,
) -> Result<Response<Sent>, Infallible> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let query = parts.uri.query().unwrap_or_default();
    let asked = Asked {
        path: parts.uri.path().to_owned(),
        parameters: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    noted.lock().unwrap().push(asked.clone());
    let frame = |body: Bytes| stream::once(async { Ok(Frame::data(body)) });
    let (status, length, frames) = match answer(&asked) {
        Reply::Says(status, body) => (status, body.len(), frame(body.into()).boxed()),
        Reply::Silent => std::future::pending().await,
        Reply::BreaksOff(begun) => {
            // What has begun is sent first.
            let end = stream::once(tokio::task::yield_now().map(|()| Err("broken off")));
            (200, 1_000, frame(begun.into()).chain(end).boxed())
        }
    };
    let answer = Response::builder()
        .status(status)
        .header("content-length", length)
        .header("content-type", "text/plain");
    Ok(answer.body(StreamBody::new(frames)).unwrap())
}

/// Everything that is logged on this thread, of every level and crate.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard(Arc<Mutex<String>>);

impl Heard {
    pub(super) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Visit for &Heard {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        text.push_str(&format!("{field}={value:?}\n"));
    }
}

impl Subscriber for Heard {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        span.record(&mut { self });
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        values.record(&mut { self });
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut { self });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
