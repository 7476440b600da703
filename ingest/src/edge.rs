//! The edge: the public listener's requests, each to its route, each counted, each refusal told as
//! a problem document.
//!
//! Invariant: whatever is asked, there is an answer of the interface. Never here: what a route
//! does, or a log line per request.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ballot::{Campaign, TokenKeys};
use hyper::body::{Body as _, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};
use journal::{Clock, ClockCheck, Journal, MEASURED_AGE_MAX};
use prometheus::Registry;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::asked::Asked;
use crate::batcher::Batcher;
use crate::hosted::Hosted;
use crate::metrics::{Good, Outcome, Requests, watch_batchers};
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::routes::Route;
use crate::server::{Body, Handler, Limits, Shutdown};
use crate::trace::Tracer;
use crate::{ballots, campaign_document, receipts, stream, tally};

/// How long the journal may leave heartbeats unanswered: five of them.
const HEARTBEAT_WITHIN: Duration = Duration::from_secs(5);
/// The most tally streams of a process: 10,000 with a document of 10 KB four times a second are
/// 3 Gbit/s, more than an edge has.
const STREAMS_MAX: usize = 10_000;
/// The most scans for an outcome at a time: a scan may read a day's ballots of a partition.
const SCANS_MAX: usize = 2;
/// The most receipts read at a time: a journal may read a megabyte to find one record.
const READS_MAX: usize = 64;

const OPENAPI: &str = include_str!("../openapi.json");

/// A campaign that an edge serves, and what it needs for that.
#[derive(Debug)]
pub struct EdgeCampaign<J> {
    /// The campaign.
    pub campaign: Campaign,
    /// Its journal, for receipts.
    pub journal: J,
    /// Its results. Nothing that has to do with ballots waits for them: nobody may be counting.
    pub view: aggregator::View,
    /// Whether its ballots may be stamped by this process's clock.
    pub clock_check: Arc<ClockCheck>,
    /// What it needs to take ballots; none where only results are served.
    pub voting: Option<Voting<J>>,
}

/// What a campaign needs to take ballots and to tell their voters what became of them.
#[derive(Debug)]
pub struct Voting<J> {
    /// Where its ballots go. Whoever made it runs it.
    pub batcher: Arc<Batcher<J>>,
    /// What its voters' tokens are checked with.
    pub tokens: TokenKeys,
}

/// What an edge shares over its campaigns.
#[derive(Debug)]
pub struct EdgeOptions {
    /// For bodies; the rest is the server's business.
    pub limits: Limits,
    /// Stamps ballots.
    pub clock: Arc<dyn Clock>,
    /// Of the server that this edge answers for.
    pub shutdown: Shutdown,
    /// Where the edge's metrics go.
    pub registry: Registry,
}

/// Answers the public listener. Clones are the same edge.
pub struct Edge<J>(Arc<Shared<J>>);

/// What all requests share.
#[derive(Debug)]
pub(crate) struct Shared<J> {
    campaigns: Vec<Hosted<J>>,
    pub(crate) limits: Limits,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) requests: Requests,
    pub(crate) streams: Arc<Semaphore>,
    pub(crate) reads: Semaphore,
    pub(crate) scans: Semaphore,
    shutdown: Shutdown,
    /// None as long as nothing is traced.
    tracer: OnceLock<Arc<Tracer>>,
}

impl<J> Shared<J> {
    /// A campaign by its id.
    pub(crate) fn campaign(&self, id: &str) -> Result<&Hosted<J>, Refusal> {
        let hosted = self.place(id).and_then(|place| self.campaigns.get(place));
        hosted.ok_or_else(|| Problem::UnknownCampaign.into())
    }

    /// Where a campaign is among them. There are few: comparing beats hashing.
    fn place(&self, id: &str) -> Option<usize> {
        self.campaigns.iter().position(|hosted| hosted.given.campaign.id == id)
    }
}

impl<J: Journal> Edge<J> {
    /// An edge for these campaigns.
    ///
    /// # Errors
    /// If the registry has metrics of these names already.
    pub fn new(
        campaigns: Vec<EdgeCampaign<J>>,
        options: EdgeOptions,
    ) -> Result<Self, prometheus::Error> {
        let EdgeOptions { limits, clock, shutdown, registry } = options;
        let ids = campaigns.iter().map(|given| given.campaign.id.as_str());
        let requests = Requests::new(&registry, ids)?;
        let batchers = campaigns.iter().filter_map(|given| {
            Some((given.campaign.id.as_str(), &given.voting.as_ref()?.batcher))
        });
        watch_batchers(&registry, &clock, batchers)?;
        Ok(Self(Arc::new(Shared {
            campaigns: campaigns.into_iter().map(Hosted::new).collect(),
            limits,
            clock,
            requests,
            streams: Arc::new(Semaphore::new(STREAMS_MAX)),
            reads: Semaphore::new(READS_MAX),
            scans: Semaphore::new(SCANS_MAX),
            shutdown,
            tracer: OnceLock::new(),
        })))
    }

    /// Shows a campaign's texts and takes its tokens as these say, from the next request on. All
    /// that counts must be as it was: whoever calls has checked. Answers whether it serves the
    /// campaign.
    pub fn renew(&self, campaign: &Campaign, tokens: Option<TokenKeys>) -> bool {
        let hosted = self.0.campaign(&campaign.id);
        hosted.map(|hosted| hosted.renew(campaign, tokens)).is_ok()
    }

    /// Has ballots traced from the next request on; a second tracer is not taken.
    pub fn trace(&self, tracer: Arc<Tracer>) {
        drop(self.0.tracer.set(tracer));
    }

    /// Why this edge should not be sent requests; empty if it should. That nobody counts, or what
    /// is counted cannot be read, is no reason: ballots are taken all the same.
    #[must_use]
    pub fn complaints(&self) -> Vec<String> {
        let mut complaints = Vec::new();
        if self.0.shutdown.is_draining() {
            complaints.push("draining".to_owned());
        }
        for hosted in &self.0.campaigns {
            let EdgeCampaign { campaign, clock_check, view, voting, .. } = &hosted.given;
            let mut complain = |what: String| complaints.push(format!("{}: {what}", campaign.id));
            if !clock_check.is_answered_within(HEARTBEAT_WITHIN) {
                complain("the journal does not answer heartbeats".to_owned());
            }
            clock_complaint(clock_check).into_iter().for_each(&mut complain);
            if let Some(error) = voting.as_ref().and_then(|voting| voting.batcher.complaint()) {
                complain(format!("ballots are not appended: {error}"));
            }
            if let Some(why) = &view.results.borrow().lost {
                complain(format!("the published results are refused: {why}"));
            }
        }
        complaints
    }

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
        let edge = &*self.0;
        match route {
            Route::Ballots(id) => ballots::cast(edge, id, (&parts.headers, body), asked).await,
            Route::Campaign(id) => campaign_document::answer(edge, id),
            Route::Tally(id) => tally::answer(edge, id, &parts.headers),
            Route::TallyStream(id) => stream::answer(edge, id, &parts.method),
            Route::Receipt(id, receipt) => receipts::answer(edge, id, receipt, parts).await,
            Route::OpenApi => Ok(json(OPENAPI)),
        }
    }
}

impl<J: Journal> Handler for Edge<J> {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        let began = Instant::now();
        let (parts, body) = request.into_parts();
        let route = Route::find(parts.uri.path());
        let traced = match (route, self.0.tracer.get()) {
            (Some(Route::Ballots(_)), Some(tracer)) if parts.method == Method::POST => {
                tracer.begin(&parts.headers, began)
            }
            (Some(_) | None, _) => None,
        };
        let campaign = route.and_then(Route::campaign).and_then(|id| self.0.place(id));
        let has_body = matches!(route, Some(Route::Ballots(_)));
        let waits_since = (!has_body).then_some(began);
        let requests = &self.0.requests;
        let mut asked =
            Asked { requests, campaign, route, began, waits_since, traced, counted: false };
        let answered = match route {
            Some(route) => self.answer(route, &parts, body, &mut asked).await,
            None => Err(Problem::UnknownRoute.into()),
        };
        asked.answered(match &answered {
            Ok(response) => Outcome::Good(good(response.status())),
            Err(refusal) => Outcome::Refused(refusal.problem),
        });
        if let Some(traced) = asked.traced.take() {
            let campaign = campaign.map(|at| self.0.campaigns[at].given.campaign.id.as_str());
            let (status, code) = match &answered {
                Ok(response) => (response.status(), "accepted"),
                Err(Refusal { problem, .. }) => (problem.facts().status, problem.facts().code),
            };
            traced.end(campaign, status.as_u16(), code);
        }
        let response = answered.unwrap_or_else(|refusal| refusal.response(&parts.headers));
        if parts.method == Method::HEAD { without_body(response) } else { response }
    }
}

/// Why ballots may not be stamped by this process's clock, if so.
fn clock_complaint(check: &ClockCheck) -> Option<String> {
    match check.offset_ms() {
        None => Some("the clock has not been compared with the journal's".to_owned()),
        Some(_) if check.is_sound() => None,
        Some(_) if check.measured_ago() > MEASURED_AGE_MAX => Some(format!(
            "the clock has not been compared with the journal's for {} s",
            check.measured_ago().as_secs()
        )),
        Some(offset_ms) => Some(format!("the clock is {offset_ms} ms ahead of the journal's")),
    }
}

fn good(status: StatusCode) -> Good {
    match status {
        StatusCode::ACCEPTED => Good::Accepted,
        StatusCode::NOT_MODIFIED => Good::NotModified,
        _ => Good::Ok,
    }
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

impl<J> Clone for Edge<J> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<J> fmt::Debug for Edge<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = self.0.campaigns.iter().map(|hosted| &hosted.given.campaign.id);
        f.debug_tuple("Edge").field(&ids.collect::<Vec<_>>()).finish()
    }
}
