//! An edge behind a defect: what it is asked comes through, but for a few ballots that it harms.
//!
//! Invariant: whom it harms follows from the voter alone, so that a retry does not heal it, and it
//! remembers everybody, so that a proof's findings can be compared with the truth. Never here: a
//! defect that shows in an answer to a voter.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use ballot::{Ballot, BatchBuilder, Receipt, Record, TokenKeys, VoterId, local_date};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::header::AUTHORIZATION;
use hyper::{Method, Request, Response, StatusCode};
use ingest::Edge;
use ingest::server::{Body, Handler};
use journal::{Clock as _, Embedded, Journal as _, Reader as _, SystemClock};
use loadtest::random::mix;
use serde_json::Value;

use super::KEY;

/// What chooses the voters that are harmed.
const SEED: u64 = 2023;

/// What is wrong with a server. A share is of all voters: one in so many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Defect {
    /// Nothing.
    None,
    /// The edge answers 202 and forgets the ballot.
    Drops(u64),
    /// The tally counts the ballot twice; the journal has it once.
    CountsTwice(u64),
    /// The journal has the ballot twice, as a retry leaves it, and the tally counts both.
    CountsRetries(u64),
    /// Of so many voters one's is dropped, and another one's retry counted.
    DropsAndCountsRetries(u64),
    /// One request in so many is answered 503, in truth or though the ballot was taken.
    Doubts(u64),
}

/// What a voter has drawn of so many lots: a defect strikes who has 0, a second one who has 1.
pub(crate) fn lot(voter: VoterId, of: u64) -> u64 {
    mix(voter.high ^ SEED) % of
}

/// What was done to whom.
#[derive(Debug, Default)]
pub(crate) struct Harmed(Mutex<BTreeMap<VoterId, Option<Extra>>>);

/// A ballot that the tally has once more than it should, from an offset on.
#[derive(Debug, Clone)]
struct Extra {
    ballot: Ballot,
    day: String,
    at: (u32, u64),
}

impl Harmed {
    /// Everybody whose ballot was dropped.
    pub(crate) fn dropped(&self) -> BTreeSet<VoterId> {
        self.of(|extra| extra.is_none())
    }

    /// Everybody whose ballot is counted twice.
    pub(crate) fn doubled(&self) -> BTreeSet<VoterId> {
        self.of(|extra| extra.is_some())
    }

    fn of(&self, is: impl Fn(&Option<Extra>) -> bool) -> BTreeSet<VoterId> {
        let harmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        harmed.iter().filter(|(_, extra)| is(extra)).map(|(voter, _)| *voter).collect()
    }

    fn add(&self, voter: VoterId, extra: Option<Extra>) -> bool {
        let mut harmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        harmed.insert(voter, extra).is_none()
    }

    fn extras(&self) -> Vec<Extra> {
        let harmed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        harmed.values().flatten().cloned().collect()
    }
}

/// An edge behind a defect.
#[derive(Clone)]
pub(super) struct Broken {
    edge: Edge<Embedded>,
    defect: Defect,
    journal: Embedded,
    harmed: Arc<Harmed>,
    tokens: TokenKeys,
    requests: Arc<AtomicU64>,
}

impl Broken {
    pub(super) fn new(
        edge: Edge<Embedded>,
        defect: Defect,
        (journal, harmed): (Embedded, Arc<Harmed>),
    ) -> Self {
        let tokens = TokenKeys::new("test", &[KEY]).unwrap();
        Self { edge, defect, journal, harmed, tokens, requests: Arc::default() }
    }

    /// The voter of a request, and the lot that this one has drawn.
    fn drawn(&self, request: &Request<Incoming>, of: u64) -> Option<(VoterId, u64)> {
        let token = request.headers().get(AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")?;
        let voter = self.tokens.check(token, SystemClock.now_ms()).ok()?.voter;
        Some((voter, lot(voter, of)))
    }

    async fn doubt(&self, request: Request<Incoming>, of: u64) -> Response<Body> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst);
        if number % of != of - 1 {
            return self.edge.handle(request).await;
        }
        if number % (2 * of) == of - 1 {
            // It is taken, and nobody is told so.
            drop(self.edge.handle(request).await);
        }
        answer(StatusCode::SERVICE_UNAVAILABLE, "{\"code\":\"other\"}")
    }

    async fn drop(&self, request: Request<Incoming>, voter: VoterId) -> Response<Body> {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        if !is_valid(&body) {
            return answer(StatusCode::UNPROCESSABLE_ENTITY, "{\"code\":\"invalid_choices\"}");
        }
        self.harmed.add(voter, None);
        let day = local_date("UTC", SystemClock.now_ms()).unwrap();
        answer(StatusCode::ACCEPTED, &format!("{{\"receipt\":\"0-1-0\",\"day\":\"{day}\"}}"))
    }

    /// Lets a ballot through and notes it as one to count again; `again` has it in the journal a
    /// second time.
    async fn double(&self, request: Request<Incoming>, again: bool) -> Response<Body> {
        let response = self.edge.handle(request).await;
        if response.status() != StatusCode::ACCEPTED {
            return response;
        }
        let (parts, body) = response.into_parts();
        let told = body.collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&told).unwrap();
        let receipt: Receipt = document["receipt"].as_str().unwrap().parse().unwrap();
        let Receipt { partition, offset, index } = receipt;
        let records = self.journal.read(partition, offset).next().await.unwrap();
        let Ok(Record::Batch(batch)) = Record::decode(&records[0].value) else { unreachable!() };
        let ballot = batch.ballot(index as usize).unwrap();
        let day = document["day"].as_str().unwrap().to_owned();
        let once = Extra { ballot, day, at: (partition, offset) };
        if self.harmed.add(ballot.voter, Some(once.clone())) && again {
            let mut batch = BatchBuilder::new(1);
            batch.push(&ballot);
            let value = Record::Batch(batch.finish()).encode();
            let at = self.journal.append(partition, ballot.cast_at_ms, value).await.unwrap();
            self.harmed.add(ballot.voter, Some(Extra { at: (partition, at), ..once }));
        }
        Response::from_parts(parts, Body::fixed(told))
    }

    /// The tally with what it should not have.
    async fn tally(&self, request: Request<Incoming>) -> Response<Body> {
        let told = self.edge.handle(request).await.into_body().collect().await;
        let told = told.unwrap().to_bytes();
        let Ok(mut tally) = serde_json::from_slice::<Value>(&told) else {
            return answer(StatusCode::SERVICE_UNAVAILABLE, "");
        };
        let was_duplicate = !matches!(self.defect, Defect::CountsTwice(_));
        for Extra { ballot, day, at } in self.harmed.extras() {
            let frontier = tally["partitions"][at.0 as usize]["frontier"].as_u64();
            let days = tally["days"].as_array_mut().into_iter().flatten();
            let of_day = days.into_iter().find(|known| known["day"] == day.as_str());
            let Some(of_day) = of_day.filter(|_| frontier > Some(at.1)) else { continue };
            let add = |to: &mut Value, by: i64| *to = (to.as_i64().unwrap() + by).into();
            add(&mut of_day["ballots"], 1);
            add(&mut of_day["duplicates"], -i64::from(was_duplicate));
            for choice in ballot.choices.iter() {
                add(&mut of_day["votes"][choice as usize - 1], 1);
            }
        }
        answer(StatusCode::OK, &tally.to_string())
    }
}

impl Broken {
    async fn ballot(&self, request: Request<Incoming>) -> Response<Body> {
        let (of, drops, counts_retries) = match self.defect {
            Defect::None => return self.edge.handle(request).await,
            Defect::Doubts(of) => return self.doubt(request, of).await,
            Defect::Drops(of) => (of, Some(0), None),
            Defect::CountsTwice(of) => {
                return match self.drawn(&request, of) {
                    Some((_, 0)) => self.double(request, false).await,
                    Some(_) | None => self.edge.handle(request).await,
                };
            }
            Defect::CountsRetries(of) => (of, None, Some(0)),
            Defect::DropsAndCountsRetries(of) => (of, Some(0), Some(1)),
        };
        match self.drawn(&request, of) {
            Some((voter, lot)) if Some(lot) == drops => self.drop(request, voter).await,
            Some((_, lot)) if Some(lot) == counts_retries => self.double(request, true).await,
            Some(_) | None => self.edge.handle(request).await,
        }
    }
}

impl Handler for Broken {
    async fn handle(&self, request: Request<Incoming>) -> Response<Body> {
        if request.method() == Method::POST {
            return self.ballot(request).await;
        }
        if request.uri().path().ends_with("/tally") {
            return self.tally(request).await;
        }
        self.edge.handle(request).await
    }
}

fn is_valid(body: &[u8]) -> bool {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let numbers: Option<Vec<u64>> =
        body["choices"].as_array().and_then(|list| list.iter().map(Value::as_u64).collect());
    numbers.is_some_and(|numbers| {
        let distinct: BTreeSet<&u64> = numbers.iter().collect();
        !numbers.is_empty()
            && distinct.len() == numbers.len()
            && numbers.iter().all(|number| (1..=8).contains(number))
    })
}

fn answer(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = Response::new(Body::fixed(body.to_owned()));
    *response.status_mut() = status;
    response
}
