//! The operator's listener: whether the process lives, whether it should be sent work, and its
//! metrics. Never public.
//!
//! Invariant: `/livez` depends on nothing but this process, so that a journal that is away never
//! has it restarted.

use std::fmt;
use std::sync::Arc;

use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, Response, StatusCode};
use prometheus::{Registry, TEXT_FORMAT, TextEncoder};
use serde::Serialize;

use crate::edge::without_body;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::{Body, Handler};

/// Says whether the process should be sent work, or why not.
pub type Readiness = Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>;

/// Answers the operator's listener.
#[derive(Clone)]
pub struct Ops {
    registry: Registry,
    readiness: Readiness,
}

#[derive(Serialize)]
struct Ready {
    ready: bool,
    complaints: Vec<String>,
}

impl Ops {
    /// Gives out this registry's metrics and this readiness.
    #[must_use]
    pub fn new(registry: Registry, readiness: Readiness) -> Self {
        Self { registry, readiness }
    }

    fn answer(&self, path: &str) -> Result<Response<Body>, Refusal> {
        match path {
            "/livez" => Ok(text(StatusCode::OK, "text/plain", "alive\n".to_owned())),
            "/readyz" => Ok(self.readyz()),
            "/metrics" => Ok(self.metrics()),
            _ => Err(Problem::UnknownRoute.into()),
        }
    }

    fn readyz(&self) -> Response<Body> {
        let complaints = (self.readiness)().err().unwrap_or_default();
        let ready = complaints.is_empty();
        let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let json = serde_json::to_string(&Ready { ready, complaints });
        text(status, "application/json", json.expect("strings and a flag are always JSON"))
    }

    fn metrics(&self) -> Response<Body> {
        match TextEncoder::new().encode_to_string(&self.registry.gather()) {
            Ok(metrics) => text(StatusCode::OK, TEXT_FORMAT, metrics),
            Err(error) => {
                tracing::error!(%error, "the metrics cannot be written down");
                text(StatusCode::INTERNAL_SERVER_ERROR, "text/plain", error.to_string())
            }
        }
    }
}

impl Handler for Ops {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let answered = match *request.method() {
            Method::GET | Method::HEAD => self.answer(request.uri().path()),
            _ => Err(Refusal::method("GET, HEAD")),
        };
        let response = answered.unwrap_or_else(|refusal| refusal.response(request.headers()));
        if request.method() == Method::HEAD { without_body(response) } else { response }
    }
}

fn text(status: StatusCode, content_type: &'static str, text: String) -> Response<Body> {
    let mut response = Response::new(Body::fixed(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

impl fmt::Debug for Ops {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ops").finish_non_exhaustive()
    }
}
