//! The tally as the view serves it, byte for byte, with its entity tag.
//!
//! Never here: a document of our own making; what is served is what a recount makes.

use std::sync::Arc;

use aggregator::{Served, View};
use ballot::Results;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode};
use journal::Journal;

use crate::edge::Shared;
use crate::etag::has;
use crate::frontiers::is_final;
use crate::hosted::Hosted;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;

/// Answers with the newest tally, or 304 to a client that has it.
pub(crate) fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    headers: &HeaderMap,
) -> Result<Response<Body>, Refusal> {
    let served = shown(edge.campaign(id)?)?;
    let mut response = Response::new(Body::empty());
    let answered = response.headers_mut();
    let etag = HeaderValue::from_str(&served.etag).expect("a quoted hexadecimal number");
    answered.insert(ETAG, etag);
    answered.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=1"));
    if has(headers, &[&served.etag]) {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        answered.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *response.body_mut() = Body::fixed(served.json.clone());
    }
    Ok(response)
}

/// The newest document, if it may be shown.
fn shown<J: Journal>(hosted: &Hosted<J>) -> Result<Arc<Served>, Refusal> {
    let served = newest(&hosted.given.view).ok_or(Problem::ResultsNotReady)?;
    if may_show(hosted, &served) { Ok(served) } else { Err(Problem::ResultsHidden.into()) }
}

/// Whether anybody may see this result.
pub(crate) fn may_show<J: Journal>(hosted: &Hosted<J>, served: &Served) -> bool {
    match hosted.given.campaign.results {
        Results::Live => true,
        Results::Hidden => is_final(&served.snapshots),
    }
}

/// The newest document of a view, if there is one.
pub(crate) fn newest(view: &View) -> Option<Arc<Served>> {
    view.served.borrow().clone()
}
