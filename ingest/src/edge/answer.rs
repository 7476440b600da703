//! Each request to its route, each counted, each refusal told as a problem document.
//!
//! Never here: what a route does.

use std::net::SocketAddr;
use std::sync::Arc;

use hyper::body::{Body as _, Incoming};
use hyper::header::{
    CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION,
};
use hyper::header::{STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use journal::Journal;
use tokio::time::Instant;

use super::{Edge, Shared};
use crate::abuse::{Connection, TooOften};
use crate::asked::Asked;
use crate::ballots::too_often;
use crate::caller::is_direct;
use crate::metrics::{Good, Outcome};
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::routes::Route;
use crate::scans::Scans;
use crate::server::{Body, Handler};
use crate::{
    ballots, campaign_document, frontiers, identity, pages, posters, receipts, stream, tally,
};

const OPENAPI: &str = include_str!("../../openapi.json");

impl<J: Journal> Edge<J> {
    async fn answer(
        &self,
        route: Route<'_>,
        parts: &Parts,
        body: Incoming,
        asked: &mut Asked<'_>,
    ) -> Result<Response<Body>, Refusal> {
        if !route.takes(&parts.method) {
            return Err(Refusal::method(route.allow()));
        }
        let edge = &*self.shared;
        let headers = &parts.headers;
        match route {
            Route::Ballots(id) => ballots::cast(edge, id, (headers, body), asked).await,
            Route::Campaign(id) => campaign_document::answer(edge, id),
            Route::Tally(id) => tally::answer(edge, id, headers),
            Route::TallyStream(id) => {
                stream::answer(edge, id, parts, (self.peer, self.allowance.as_ref()))
            }
            Route::Receipt(id, receipt) => receipts::answer(edge, id, receipt, parts).await,
            Route::Frontiers(id) => frontiers::answer(edge, id),
            Route::Me(id) => identity::me(edge, id, headers),
            Route::Session(id) => identity::session(edge, id, (headers, body)).await,
            Route::Login => identity::login(edge, parts),
            Route::Callback => identity::callback(edge, parts, asked.peer).await,
            Route::Events => identity::events(edge, parts, body).await,
            Route::Page(id) => page(edge, id, parts),
            Route::Board(id) => Ok(edge.campaign(id)?.pages().board(parts)),
            Route::Poster(id) => posters::answer(edge, id, parts),
            Route::Home => Ok(home(edge, parts)),
            Route::Asset(name) => pages::asset(name, parts).ok_or(Problem::UnknownRoute.into()),
            Route::Verify(name) => identity::verify(edge, name),
            Route::OpenApi => Ok(json(OPENAPI)),
        }
    }
}

impl<J: Journal> Handler for Edge<J> {
    fn connected(&self, peer: SocketAddr) -> Self {
        let peer = peer.ip().to_canonical();
        let is_direct = is_direct(&self.shared.site, peer);
        let allowance = is_direct.then(|| Arc::new(Connection::new()));
        Self { peer: Some(peer), allowance, ..self.clone() }
    }

    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let route = Route::find(parts.uri.path());
        let traced = match (route, self.shared.tracer.get()) {
            (Some(Route::Ballots(_)), Some(tracer)) if parts.method == Method::POST => {
                tracer.begin(&parts.headers, began)
            }
            (Some(_) | None, _) => None,
        };
        let campaign = route.and_then(Route::campaign).and_then(|id| self.shared.place(id));
        let has_body = route.is_some_and(Route::has_body);
        let waits_since = (!has_body).then_some(began);
        let requests = &self.shared.requests;
        let mut asked = Asked {
            requests,
            campaign,
            route,
            began,
            waits_since,
            traced,
            counted: false,
            peer: self.peer,
        };
        if !matches!(route, Some(Route::Ballots(_)) if parts.method == Method::POST) {
            self.shared.turns.wait().await;
        }
        let answered = match route {
            _ if self.allowance.as_ref().is_some_and(|allowance| !allowance.allow()) => {
                Err(too_often(self.shared.abuse.refuse(TooOften::Connection)))
            }
            Some(route) => self.answer(route, &parts, body, &mut asked).await,
            None => Err(Problem::UnknownRoute.into()),
        };
        asked.answered(match &answered {
            Ok(response) => Outcome::Good(good(response.status())),
            Err(refusal) => Outcome::Refused(refusal.problem),
        });
        if let Some(traced) = asked.traced.take() {
            let campaign = campaign.map(|at| self.shared.campaigns[at].given.campaign.id.as_str());
            let (status, code) = match &answered {
                Ok(response) => (response.status(), "accepted"),
                Err(Refusal { problem, .. }) => (problem.facts().status, problem.facts().code),
            };
            traced.end(campaign, status.as_u16(), code);
        }
        let is_accepted =
            answered.as_ref().is_ok_and(|answer| answer.status() == StatusCode::ACCEPTED);
        let mut response = answered.unwrap_or_else(|refusal| refusal.answer(&parts));
        if !is_accepted {
            // Of an acknowledgement nothing can be made, and it is the hot path.
            protect(response.headers_mut(), self.shared.site.is_secure());
        }
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }
}

/// What no browser should do with an answer.
fn protect(headers: &mut HeaderMap, is_secure: bool) {
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if is_secure {
        // Half a year: longer than any campaign, shorter than a domain's life.
        let half_a_year = HeaderValue::from_static("max-age=15552000");
        headers.insert(STRICT_TRANSPORT_SECURITY, half_a_year);
    }
}

fn good(status: StatusCode) -> Good {
    match status {
        StatusCode::ACCEPTED => Good::Accepted,
        StatusCode::NOT_MODIFIED => Good::NotModified,
        _ => Good::Ok,
    }
}

/// The voting page where votes are taken, else the way to the board.
fn page<J: Journal>(edge: &Shared<J>, id: &str, parts: &Parts) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    if hosted.voting().is_err() {
        let (id, kept) = (&hosted.given.campaign.id, pages::kept(parts));
        return Ok(redirect(&format!("/campaigns/{id}/board{kept}")));
    }
    if parts.method == Method::GET
        && let Some(channel) = Scans::of(parts.uri.query())
        && let Some(place) = edge.place(id)
    {
        edge.scans.count(place, channel);
    }
    Ok(hosted.pages().page(parts))
}

/// The only campaign, or the list of them. A scan that comes by here is counted at the page.
fn home<J>(edge: &Shared<J>, parts: &Parts) -> Response<Body> {
    match edge.campaigns.as_slice() {
        [only] => redirect(&format!("/campaigns/{}{}", only.given.campaign.id, pages::kept(parts))),
        several => pages::index(several.iter().map(|hosted| &hosted.given.campaign), parts),
    }
}

/// The way to another address, which must be one of ours or have been made here.
pub(crate) fn redirect(location: &str) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // A campaign's id and what is percent-encoded are always a header's value.
    let location = HeaderValue::from_str(location).expect("an address has no line end");
    headers.insert(LOCATION, location);
    response
}

/// An answer of JSON that nobody keeps.
pub(crate) fn json(body: impl Into<bytes::Bytes>) -> Response<Body> {
    let mut response = Response::new(Body::fixed(body));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to HEAD where this is the one to GET. hyper does it for HTTP/1.1 only.
pub(crate) fn without_body(mut response: Response<Body>) -> Response<Body> {
    if let Some(length) = response.body().size_hint().exact().filter(|length| *length > 0) {
        response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    *response.body_mut() = Body::empty();
    response
}
