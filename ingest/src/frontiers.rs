//! How far the count has come, and nothing of what it counted: by it a page learns that its ballot
//! was reached, at no cost per voter, also while results are hidden.

use std::sync::Arc;

use ballot::Snapshot;
use hyper::Response;
use hyper::header::{CACHE_CONTROL, HeaderValue};
use journal::Journal;
use serde::Serialize;

use crate::edge::{Shared, json};
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;
use crate::tally::newest;

#[derive(Serialize)]
struct Document {
    frontiers: Vec<u64>,
    #[serde(rename = "final")]
    is_final: bool,
}

/// Answers with the frontier of each partition.
pub(crate) fn answer<J: Journal>(edge: &Shared<J>, id: &str) -> Result<Response<Body>, Refusal> {
    let served = newest(&edge.campaign(id)?.given.view).ok_or(Problem::ResultsNotReady)?;
    let document = Document {
        frontiers: served.snapshots.iter().map(|snapshot| snapshot.frontier()).collect(),
        is_final: is_final(&served.snapshots),
    };
    let mut response =
        json(serde_json::to_vec(&document).expect("numbers and a flag are always JSON"));
    let kept = HeaderValue::from_static("public, max-age=1");
    response.headers_mut().insert(CACHE_CONTROL, kept);
    Ok(response)
}

/// Whether nothing is counted any more.
pub(crate) fn is_final(snapshots: &[Arc<Snapshot>]) -> bool {
    snapshots.iter().all(|snapshot| snapshot.fold().is_final())
}
