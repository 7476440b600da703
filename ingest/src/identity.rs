//! How voters become known: in, by one of five ways, goes who they are; out comes a voter token in
//! a cookie. Past it nobody needs to know which way it was.
//!
//! Invariant: a token is minted only for whoever has proved to be that voter, in this campaign's
//! way and no other. Never here: a raw identity kept, or in a log.

mod callback;
mod cookie;
mod events;
mod links;
mod login;
mod login_state;
mod me;
mod once;
mod prove;
mod reply;
mod seen;
mod session;
mod signature;
mod unionids;
mod verify;
mod xml;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use ballot::{Mode, PseudonymKey, Token};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, HeaderMap, HeaderName, HeaderValue};
use hyper::header::{REFERRER_POLICY, SET_COOKIE};
use hyper::http::request::Parts;
use journal::Journal;

use crate::challenge::Captcha;
use crate::edge::{Shared, redirect};
use crate::hosted::Hosted;
use crate::language::Language;
use crate::metrics::SignInOutcome;
use crate::refusal::Refusal;
use crate::server::Body;
use crate::wechat::{Follows, WeChat};

pub(crate) use cookie::voter_name;
pub use events::Events;
use links::Linked;
pub use links::Links;
pub(crate) use once::Callbacks;

/// How long after a campaign's close a voter may still look at what became of their ballot.
const AFTER_CLOSE_MS: i64 = 86_400_000;

/// How the voters of one campaign sign in here.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The way.
    pub mode: Mode,
    /// Turns identities into voters; none where another system does that.
    pub pseudonyms: Option<PseudonymKey>,
    /// What the ways by WeChat need; none where voters come in another way.
    pub wechat: Option<Arc<WeChatSignIn>>,
    /// Who says of voters that they have shown to be people, where the campaign asks for that by a
    /// captcha; without it nobody is asked.
    pub captcha: Option<Captcha>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { mode: Mode::Token, pseudonyms: None, wechat: None, captcha: None }
    }
}

/// What signing in by WeChat needs.
pub struct WeChatSignIn {
    /// The service account, which authorizes; none in mode `link`.
    pub service: Option<WeChat>,
    /// The subscription account that is followed, where the process may ask it.
    pub subscription: Option<WeChat>,
    /// What WeChat signs its events with.
    pub event_token: String,
    /// The name of the account that voters follow.
    pub account: String,
    /// What WeChat knows the domain by, if it asks: `MP_verify_{it}.txt` has it.
    pub verify: Option<String>,
    /// The word that voters send to the account in mode `link`.
    pub keyword: Option<String>,
    /// Who follows.
    pub follows: Follows,
    /// The one-time links that have been used.
    pub links: Links,
    /// What has been heard of the account's users.
    pub events: Events,
}

impl fmt::Debug for WeChatSignIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, subscription, account, keyword, .. } = self;
        f.debug_struct("WeChatSignIn")
            .field("service", service)
            .field("subscription", subscription)
            .field("account", account)
            .field("keyword", keyword)
            .finish_non_exhaustive()
    }
}

/// `GET /v1/campaigns/{id}/me`
pub(crate) fn me<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    me::answer(edge, id, headers)
}

/// `POST /v1/campaigns/{id}/session`
pub(crate) async fn session<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    sent: (&HeaderMap, Incoming),
) -> Result<Response<Body>, Refusal> {
    session::answer(edge, id, sent).await
}

/// `GET /auth/wechat/login`
pub(crate) fn login<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    login::answer(edge, parts)
}

/// `GET /auth/wechat/callback`
pub(crate) async fn callback<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
    peer: Option<IpAddr>,
) -> Result<Response<Body>, Refusal> {
    callback::answer(edge, parts, peer).await
}

/// `GET` and `POST /wechat/events`
pub(crate) async fn events<J: Journal>(
    edge: &Shared<J>,
    parts: &Parts,
    body: Incoming,
) -> Result<Response<Body>, Refusal> {
    events::answer(edge, parts, body).await
}

/// `GET /MP_verify_{name}.txt`
pub(crate) fn verify<J: Journal>(edge: &Shared<J>, name: &str) -> Result<Response<Body>, Refusal> {
    verify::answer(edge, name)
}

/// The first second at which tokens that are made now no longer hold; none if that is over.
fn sign_ins_end_s<J: Journal>(hosted: &Hosted<J>, now_ms: i64) -> Option<u64> {
    let end_ms = hosted.rules().closes_at_ms().saturating_add(AFTER_CLOSE_MS);
    (now_ms < end_ms).then(|| seconds(end_ms)).filter(|end_s| *end_s > seconds(now_ms))
}

/// The cookie that has a voter's token, for as long as the token holds.
fn voter_cookie<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    (token, text): (&Token, &str),
) -> HeaderValue {
    let age_s = token.expires_at_s.saturating_sub(seconds(edge.clock.now_ms()));
    cookie::voter(&hosted.cookie, text, age_s, edge.site.is_secure())
}

/// A parameter of the address. One that is there twice is not there: which of them somebody in
/// front has looked at is not known.
fn parameter<'a>(parts: &'a Parts, name: &str) -> Option<Cow<'a, str>> {
    let query = parts.uri.query().unwrap_or_default();
    let mut found = form_urlencoded::parse(query.as_bytes()).filter(|(key, _)| key == name);
    let (_, value) = found.next()?;
    found.next().is_none().then_some(value)
}

/// To the page of a campaign that is served here, in the language that was chosen, with word of how
/// signing in went. The word is behind the `#`, so that it is in no log and the page is the same
/// for all.
fn to_page(id: &str, language: Option<Language>, outcome: SignInOutcome) -> Response<Body> {
    let query = language.map_or(String::new(), |language| format!("?lang={}", language.name()));
    private(redirect(&format!("/campaigns/{id}{query}#login={}", outcome.name())))
}

/// What nobody keeps, and whose address goes nowhere: it may have a code in it.
fn private(mut response: Response<Body>) -> Response<Body> {
    for (name, value) in PRIVATE {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

const PRIVATE: [(HeaderName, &str); 2] =
    [(CACHE_CONTROL, "no-store"), (REFERRER_POLICY, "no-referrer")];

fn with_cookie(mut response: Response<Body>, cookie: HeaderValue) -> Response<Body> {
    response.headers_mut().insert(SET_COOKIE, cookie);
    response
}

fn seconds(at_ms: i64) -> u64 {
    u64::try_from(at_ms.div_euclid(1_000)).unwrap_or(0)
}
