//! Asks a captcha's provider whether a voter's response holds, in the way that reCAPTCHA, hCaptcha,
//! Turnstile and others share: a form with `secret` and `response`, answered by
//! `{"success":bool}`, with `error-codes` beside.
//!
//! Invariant: it always answers, within the deadline, and a provider that cannot be asked stops no
//! vote. Never here: a voter or their address in what is sent, which is the secret and the response
//! alone; or either of these in a log line or in Debug.

use std::error::Error as _;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use form_urlencoded::Serializer;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::header::CONTENT_TYPE;
use hyper::{Request, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use crate::metrics::ChallengeOutcome;

/// The longest are hCaptcha's, of some 2 KB.
const RESPONSE_BYTES_MAX: usize = 4_096;
/// Those of providers have some 200 bytes.
const ANSWER_BYTES_MAX: usize = 16 << 10;
/// Questions under way at once: with 100 ms each, 640 a second. The next one waits.
const AT_ONCE_MAX: usize = 64;
/// Shorter than a provider's own patience, so that few questions meet a connection that closes.
const IDLE: Duration = Duration::from_secs(20);
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// What a response that held once, or held too long ago, is called.
const SPENT: [&str; 4] = [
    "timeout-or-duplicate",
    "expired-input-response",
    "already-seen-response",
    "invalid-or-already-seen-response",
];
/// What a provider says about us or itself: no voter can do anything about it.
const NOT_THE_VOTERS: [&str; 4] =
    ["missing-input-secret", "invalid-input-secret", "sitekey-secret-mismatch", "internal-error"];

/// A captcha's provider, as the organiser's account there knows us. Clones are the same.
#[derive(Clone)]
pub struct Captcha(Arc<Inner>);

struct Inner {
    verify_url: Uri,
    secret: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    permits: Semaphore,
    complained: Mutex<Option<Instant>>,
}

/// Why a provider cannot be asked at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCaptcha {
    /// Not an absolute address.
    #[error(
        "challenge.verify_url: is no address; give one such as https://captcha.example/siteverify"
    )]
    Address,
    /// This build cannot speak TLS.
    #[error("TLS cannot be set up")]
    Tls,
}

#[derive(Deserialize)]
struct Verdict {
    success: bool,
    #[serde(rename = "error-codes")]
    error_codes: Option<Vec<String>>,
}

impl Captcha {
    /// What a question takes at most.
    pub const DEADLINE: Duration = Duration::from_secs(3);

    /// The provider at this address. Whether it may be one without TLS is decided where it is read.
    ///
    /// # Errors
    /// [`BadCaptcha`], by what is wrong.
    pub fn new(verify_url: &str, secret: String) -> Result<Self, BadCaptcha> {
        let verify_url = verify_url.parse::<Uri>().map_err(|_| BadCaptcha::Address)?;
        if verify_url.scheme().is_none() || verify_url.authority().is_none() {
            return Err(BadCaptcha::Address);
        }
        let mut http = HttpConnector::new();
        http.set_nodelay(true);
        http.enforce_http(false);
        let tls = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())
            .map_err(|_| BadCaptcha::Tls)?;
        let connector = tls.https_or_http().enable_http1().wrap_connector(http);
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(connector);
        let (permits, complained) = (Semaphore::new(AT_ONCE_MAX), Mutex::default());
        Ok(Self(Arc::new(Inner { verify_url, secret, client, permits, complained })))
    }

    /// What a voter's response is worth; `None` if too many are being asked about: whoever could
    /// make the provider look unreachable by that would pass in the crowd.
    pub(super) async fn verify(&self, response: &[u8]) -> Option<ChallengeOutcome> {
        let Some(response) = sound(response) else { return Some(ChallengeOutcome::Wrong) };
        let _permit = self.0.permits.try_acquire().ok()?;
        let asked = timeout(Self::DEADLINE, self.0.ask(response)).await;
        let judged = asked.unwrap_or_else(|_| Err("no answer in time".to_owned())).and_then(judge);
        Some(judged.unwrap_or_else(|cause| {
            self.0.complain(&cause);
            ChallengeOutcome::Unreachable
        }))
    }
}

impl Inner {
    async fn ask(&self, response: &str) -> Result<Verdict, String> {
        let pairs = [("secret", self.secret.as_str()), ("response", response)];
        let form = Serializer::new(String::new()).extend_pairs(pairs).finish();
        let request = Request::post(self.verify_url.clone())
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Full::from(form))
            .map_err(|_| "a request that cannot be written".to_owned())?;
        let answer = self.client.request(request).await.map_err(|error| {
            let cause = error.source().map(|source| format!(": {source}")).unwrap_or_default();
            format!("{error}{cause}")
        })?;
        let status = answer.status().as_u16();
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect().await;
        let body = body.map_err(|_| "the answer broke off, or is too long".to_owned())?.to_bytes();
        // Some refuse a response with a status of 400.
        serde_json::from_slice(&body).map_err(|_| format!("status {status}, no verdict"))
    }

    /// Writes a line, once a minute. The metric has the number.
    fn complain(&self, cause: &str) {
        let mut complained = self.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if complained.is_none_or(|at| at.elapsed() >= COMPLAIN_EVERY) {
            *complained = Some(Instant::now());
            let provider = self.verify_url.host();
            tracing::warn!(provider, cause, "the captcha cannot be checked: ballots pass without");
        }
    }
}

/// A response in the letters that all providers keep to: they arrive in an address.
fn sound(response: &[u8]) -> Option<&str> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"._~-".contains(byte);
    let is_sound =
        (1..=RESPONSE_BYTES_MAX).contains(&response.len()) && response.iter().all(allowed);
    is_sound.then(|| str::from_utf8(response).ok()).flatten()
}

fn judge(verdict: Verdict) -> Result<ChallengeOutcome, String> {
    if verdict.success {
        return Ok(ChallengeOutcome::Solved);
    }
    let codes = verdict.error_codes.unwrap_or_default();
    let said = |known: &[&'static str]| {
        known.iter().find(|known| codes.iter().any(|code| code == *known)).copied()
    };
    if let Some(code) = said(&NOT_THE_VOTERS) {
        return Err(code.to_owned());
    }
    Ok(said(&SPENT).map_or(ChallengeOutcome::Wrong, |_| ChallengeOutcome::Expired))
}

impl fmt::Debug for Captcha {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Captcha").field(&self.0.verify_url).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verdict_tells_the_voters_fault_from_ours_and_from_the_clocks() {
        let judged = |json: &str| judge(serde_json::from_str(json).unwrap()).ok();
        for (json, outcome) in [
            (r#"{"success":true,"error-codes":[]}"#, Some(ChallengeOutcome::Solved)),
            (r#"{"success":false}"#, Some(ChallengeOutcome::Wrong)),
            (r#"{"success":false,"error-codes":null,"x":1}"#, Some(ChallengeOutcome::Wrong)),
            (r#"{"success":false,"error-codes":["bad-request"]}"#, Some(ChallengeOutcome::Wrong)),
            (
                r#"{"success":false,"error-codes":["x","timeout-or-duplicate"]}"#,
                Some(ChallengeOutcome::Expired),
            ),
            (r#"{"success":false,"error-codes":["invalid-input-secret"]}"#, None),
        ] {
            assert_eq!(judged(json), outcome, "{json}");
        }
    }

    #[test]
    fn a_response_is_of_letters_that_an_address_has() {
        assert_eq!(sound(b"P1_eyJ0.a-b~c"), Some("P1_eyJ0.a-b~c"));
        for other in [&b""[..], b"a b", b"a&secret=b", b"a\xFF", &[b'a'; RESPONSE_BYTES_MAX + 1]] {
            assert_eq!(sound(other), None);
        }
    }

    #[test]
    fn an_address_is_whole_and_the_secret_is_not_shown() {
        for wrong in ["", "captcha.example", "/siteverify", "https://"] {
            assert_eq!(Captcha::new(wrong, "s".to_owned()).unwrap_err(), BadCaptcha::Address);
        }
        let captcha = Captcha::new("https://captcha.example/verify", "s3cret".to_owned()).unwrap();
        assert!(!format!("{captcha:?}").contains("s3cret"));
    }
}
