//! A ballot by its receipt: as it is recorded, whether the fold has reached it, and on demand what
//! became of it. For its own voter only.
//!
//! Invariant: to anybody else there is no such receipt, whatever is at that place. Never here: a
//! wait at the log's end, or an outcome of what is not reached.

use std::time::Duration;

use ballot::{Ballot, Outcome, Receipt, Record, VoterId, VotingDay};
use hyper::Response;
use hyper::http::request::Parts;
use journal::{Error, Journal, Reader};
use serde::Serialize;
use tokio::time::timeout;

use crate::edge::{Shared, json};
use crate::hosted::Hosted;
use crate::problem::Problem;
use crate::refusal::Refusal;
use crate::server::Body;
use crate::tally::newest;
use ballot::rfc3339;

/// What reading one record may take: as long as the edge waits for an append.
const READ_DEADLINE: Duration = Duration::from_secs(5);

#[derive(Serialize)]
struct Document {
    receipt: Receipted,
    day: Option<VotingDay>,
    cast_at: String,
    choices: Vec<u32>,
    reached: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    counted: Option<Counted>,
}

/// The ballot that counted instead.
#[derive(Serialize)]
struct Counted {
    receipt: Receipted,
    choices: Vec<u32>,
}

struct Receipted(Receipt);

impl Serialize for Receipted {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Answers the voter of a ballot.
pub(crate) async fn answer<J: Journal>(
    edge: &Shared<J>,
    id: &str,
    receipt: &str,
    parts: &Parts,
) -> Result<Response<Body>, Refusal> {
    let hosted = edge.campaign(id)?;
    let token = hosted.token(&parts.headers, edge.clock.now_ms())?;
    let place: Receipt = receipt.parse().map_err(|_| Problem::UnknownReceipt)?;
    let ballot = within_bounds(edge, read(&hosted.given.journal, place, token.voter)).await?;
    let ballot = ballot.ok_or(Problem::UnknownReceipt)?;
    let (outcome, reached) = if asks_for_outcome(parts) {
        let (outcome, reached) = outcome(edge, hosted, place, ballot).await?;
        (Some(outcome), reached)
    } else {
        (None, is_reached(hosted, place))
    };
    let rules = hosted.rules();
    let (outcome, counted) = outcome.map_or((None, None), |outcome| {
        let (label, counted) = told(outcome);
        (Some(label), counted)
    });
    let document = Document {
        receipt: Receipted(place),
        day: rules.day_at(ballot.cast_at_ms).map(|day| day.day),
        cast_at: rfc3339(ballot.cast_at_ms),
        choices: ballot.choices.iter().collect(),
        reached,
        outcome,
        counted,
    };
    Ok(json(serde_json::to_vec(&document).expect("strings and numbers are always JSON")))
}

fn asks_for_outcome(parts: &Parts) -> bool {
    let mut keys = parts.uri.query().unwrap_or_default().split('&');
    keys.any(|pair| pair.split('=').next() == Some("outcome"))
}

/// Reads within the bounds of number and time.
async fn within_bounds<J, T>(
    edge: &Shared<J>,
    read: impl Future<Output = Result<T, Error>>,
) -> Result<T, Refusal> {
    let _permit = edge.reads.try_acquire().map_err(|_| Problem::RateLimited)?;
    let read = timeout(READ_DEADLINE, read).await.map_err(|_| Problem::JournalUnavailable)?;
    Ok(read.map_err(|_| Problem::JournalUnavailable)?)
}

/// The ballot at a place, if there is one and it is this voter's.
async fn read<J: Journal>(
    journal: &J,
    place: Receipt,
    voter: VoterId,
) -> Result<Option<Ballot>, Error> {
    if place.partition >= journal.partitions() {
        return Ok(None);
    }
    if !journal.bounds(place.partition).await?.contains(&place.offset) {
        return Ok(None);
    }
    let records = match journal.read(place.partition, place.offset).next().await {
        Ok(records) => records,
        Err(Error::OutOfRange { .. }) => return Ok(None),
        Err(error @ (Error::Unavailable(_) | Error::Refused(_))) => return Err(error),
    };
    let record = records.first().filter(|record| record.offset == place.offset);
    let Some(Ok(Record::Batch(batch))) = record.map(|record| Record::decode(&record.value)) else {
        return Ok(None);
    };
    let ballot = usize::try_from(place.index).ok().and_then(|index| batch.ballot(index));
    Ok(ballot.filter(|ballot| ballot.voter == voter))
}

fn is_reached<J>(hosted: &Hosted<J>, place: Receipt) -> bool {
    newest(&hosted.given.view).is_some_and(|served| {
        let snapshot = served.snapshots.get(place.partition as usize);
        snapshot.is_some_and(|snapshot| snapshot.frontier() > place.offset)
    })
}

/// What became of a ballot, and whether the fold has reached it; `None` while it is pending.
async fn outcome<J: Journal>(
    edge: &Shared<J>,
    hosted: &Hosted<J>,
    place: Receipt,
    ballot: Ballot,
) -> Result<(Option<Outcome>, bool), Refusal> {
    let served = newest(&hosted.given.view);
    let snapshot = served.as_ref().and_then(|s| s.snapshots.get(place.partition as usize));
    let Some(snapshot) = snapshot else { return Ok((None, false)) };
    let reached = snapshot.frontier() > place.offset;
    if !reached && !snapshot.fold().is_final() {
        return Ok((None, false));
    }
    let found =
        hosted.outcomes.of(&hosted.given.journal, &edge.outcome_scans, snapshot, (place, ballot));
    let mut outcome = found.await?;
    if !reached && matches!(outcome, Outcome::Counted | Outcome::Duplicate { .. }) {
        // Behind the campaign's close nothing is folded any more.
        outcome = Outcome::Late;
    }
    Ok((Some(outcome), reached))
}

fn told(outcome: Option<Outcome>) -> (&'static str, Option<Counted>) {
    match outcome {
        None => ("pending", None),
        Some(Outcome::Counted) => ("counted", None),
        Some(Outcome::Duplicate { counted, choices }) => {
            let choices = choices.iter().collect();
            ("duplicate", Some(Counted { receipt: Receipted(counted), choices }))
        }
        Some(Outcome::Late) => ("late", None),
        Some(Outcome::Invalid) => ("invalid", None),
        Some(Outcome::Outside) => ("outside", None),
        Some(Outcome::Misrouted) => ("misrouted", None),
    }
}
