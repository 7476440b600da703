//! How voters become known: in, by one of five ways, goes who they are; out comes a voter token in
//! a cookie. Past it nobody needs to know which way it was.
//!
//! Invariant: a token is minted only for whoever has proved to be that voter, in this campaign's
//! way and no other. Never here: a raw identity kept, or in a log.

use ballot::{Mode, PseudonymKey};
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::http::request::Parts;
use journal::Journal;

use crate::edge::Shared;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;

/// How the voters of one campaign sign in here.
#[derive(Debug, Clone)]
pub struct SignIn {
    /// The way.
    pub mode: Mode,
    /// Turns identities into voters; none where another system does that.
    pub pseudonyms: Option<PseudonymKey>,
}

impl Default for SignIn {
    fn default() -> Self {
        Self { mode: Mode::Token, pseudonyms: None }
    }
}

/// `GET /v1/campaigns/{id}/me`
pub(crate) fn me<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    _headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    edge.campaign(id)?;
    Err(Problem::UnknownRoute.into())
}

/// `POST /v1/campaigns/{id}/session`
pub(crate) async fn session<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    (_headers, _body): (&HeaderMap, Incoming),
) -> Result<Response<Body>, Refusal> {
    edge.campaign(id)?;
    Err(Problem::UnknownRoute.into())
}

/// `GET /auth/wechat/login`
pub(crate) fn login<J: Journal>(
    _edge: &Shared<J>,
    _parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    Err(Problem::UnknownRoute.into())
}

/// `GET /auth/wechat/callback`
pub(crate) async fn callback<J: Journal>(
    _edge: &Shared<J>,
    _parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    Err(Problem::UnknownRoute.into())
}

/// `GET` and `POST /wechat/events`
pub(crate) async fn events<J: Journal>(
    _edge: &Shared<J>,
    _parts: &Parts,
    _body: Incoming,
) -> Result<Response<Body>, Refusal> {
    Err(Problem::UnknownRoute.into())
}
