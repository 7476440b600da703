//! One request to WeChat's API and its answer: deadline, size, errcode, count, pause, log line.
//!
//! Invariant: a request is sent at most once. Only one that was never written, because a pooled
//! connection had been closed, goes onto another connection; so a code is never used twice by us.
//! Never here: a text from WeChat's answer, or a part of the URL, in an error or a log line.

use std::error::Error as _;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{Method, Request};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use journal::Clock;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::complaints::Complaints;
use super::metrics::{Call, Outcome};
use super::quota::{Pauses, Quota};
use super::{BadAccount, Error, Metrics};

/// The largest answer that is read. The longest of WeChat's, `user/info`, is below 2 KB.
const ANSWER_BYTES_MAX: usize = 64 << 10;
/// How long a connection waits for the next request: shorter than a gateway's own patience, so
/// that few requests meet one that is being closed.
const IDLE: Duration = Duration::from_secs(20);

/// What bounds the calls of an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For a call as a whole.
    pub(super) deadline: Duration,
    /// For the app token: half, so that the call that needs it can still be made.
    pub(super) token_deadline: Duration,
    /// Calls under way at once; the next is answered "busy". At 100 ms a call, 2,560 a second,
    /// three times the 50,000 exchanges a minute that WeChat allows.
    pub(super) calls_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(4),
            token_deadline: Duration::from_secs(2),
            calls_max: 256,
        }
    }
}

/// Why a request failed, and the cause in words for the log.
type Failure = (Error, String);

#[derive(Deserialize)]
struct Verdict {
    #[serde(default)]
    errcode: i64,
}

/// Asks WeChat's API.
pub(super) struct Api {
    base: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    clock: Arc<dyn Clock>,
    pauses: Arc<Pauses>,
    metrics: Metrics,
    complaints: Complaints,
    pub(super) limits: Limits,
}

impl Api {
    pub(super) fn new(
        base: String,
        clock: Arc<dyn Clock>,
        metrics: Metrics,
        limits: Limits,
    ) -> Result<Self, BadAccount> {
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        // TLS is put on top; whether it may be left out is decided where the account is read.
        http.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|_| BadAccount::Tls)?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let pauses = Arc::new(Pauses::new(Arc::clone(&clock)));
        metrics.watch(&pauses);
        let complaints = Complaints::new();
        Ok(Self { base, client, clock, pauses, metrics, complaints, limits })
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Asks for a path with these parameters, in this order.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        parameters: &[(&str, &str)],
        is_sound: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let request = Request::get(format!("{}{path}?{}", self.base, query(parameters)));
        self.ask(call, request.body(Full::default()), is_sound).await
    }

    /// Sends a JSON document to a path.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        call: Call,
        path: &str,
        document: &serde_json::Value,
        is_sound: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{path}", self.base))
            .header(hyper::header::CONTENT_TYPE, "application/json")
            .body(Full::from(document.to_string()));
        self.ask(call, request, is_sound).await
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        call: Call,
        request: hyper::http::Result<Request<Full<Bytes>>>,
        is_sound: impl Fn(&T) -> bool,
    ) -> Result<T, Error> {
        let Some(admitted_ms) = self.pauses.admit(call) else {
            return Err(self.ended(call, (Error::Quota, "a pause holds".to_owned())));
        };
        let deadline = match call {
            Call::AppToken => self.limits.token_deadline,
            Call::Exchange | Call::UserInfo => self.limits.deadline,
        };
        let fetched = tokio::time::timeout(deadline, self.fetch(request)).await;
        let late = || Err((Error::Unreachable, format!("no answer within {deadline:?}")));
        let body = fetched.unwrap_or_else(|_| late());
        match body.and_then(|body| self.read(call, &body, is_sound)) {
            Ok(answer) => {
                self.pauses.succeeded(call, admitted_ms);
                self.metrics.count(call, Outcome::Ok);
                Ok(answer)
            }
            Err(failure) => Err(self.ended(call, failure)),
        }
    }

    /// Counts a call that failed, and complains about it if need be.
    pub(super) fn ended(&self, call: Call, (error, cause): Failure) -> Error {
        let outcome = Outcome::of(call, Some(error));
        self.metrics.count(call, outcome);
        self.complaints.about(call, outcome, &cause, self.now_ms());
        error
    }

    async fn fetch(
        &self,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<Bytes, Failure> {
        let request = request.map_err(|_| nonsense("a request that cannot be written"))?;
        let answer = self.client.request(request).await.map_err(|error| {
            let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            (Error::Unreachable, format!("{error}{cause}"))
        })?;
        let status = answer.status();
        if status.is_server_error() {
            return Err((Error::Unreachable, format!("status {}", status.as_u16())));
        }
        if !status.is_success() {
            return Err(nonsense(&format!("status {}", status.as_u16())));
        }
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<LengthLimitError>() {
            Some(_) => nonsense("an answer that is too long"),
            None => (Error::Unreachable, "the answer broke off".to_owned()),
        })?;
        Ok(body.to_bytes())
    }

    /// Reads an answer as what it is, whatever type it says it has. What is wrong with it stays
    /// unsaid: serde's errors quote it.
    fn read<T: DeserializeOwned>(
        &self,
        call: Call,
        body: &[u8],
        is_sound: impl Fn(&T) -> bool,
    ) -> Result<T, Failure> {
        let verdict: Verdict =
            serde_json::from_slice(body).map_err(|_| nonsense("not a JSON object"))?;
        if verdict.errcode != 0 {
            if let Some(quota) = Quota::of(verdict.errcode) {
                self.pauses.used_up(call, quota);
            }
            return Err((Error::of(verdict.errcode), format!("errcode {}", verdict.errcode)));
        }
        let answer = serde_json::from_slice(body).ok();
        answer.filter(is_sound).ok_or_else(|| nonsense("not the answer that belongs to the call"))
    }
}

/// Without the account's secrets, and the connections are nobody's business.
impl fmt::Debug for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Api").field("base", &self.base).finish_non_exhaustive()
    }
}

fn nonsense(cause: &str) -> Failure {
    (Error::Nonsense, cause.to_owned())
}

/// Parameters as a query, in this order, every value percent-encoded.
pub(super) fn query(parameters: &[(&str, &str)]) -> String {
    let encoded = parameters.iter().map(|(name, value)| {
        // A space is the one character that forms encode otherwise; a plus in a value is %2B here.
        let value: String = form_urlencoded::byte_serialize(value.as_bytes()).collect();
        format!("{name}={}", value.replace('+', "%20"))
    });
    encoded.collect::<Vec<_>>().join("&")
}
