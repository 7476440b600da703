//! What a load has sent and been told, for the proof and for printing.
//!
//! Invariant: every request of which a byte may have left is an attempt here, with what is certain
//! about it and nothing more.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use ballot::{ChoiceSet, Receipt, VotingDay};

use super::pace::Gaps;

/// How many unexpected answers are kept in full.
const SURPRISES_MAX: usize = 3;

/// One request of a voter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Attempt {
    /// What was chosen.
    pub(crate) choices: ChoiceSet,
    /// What is known of it.
    pub(crate) fate: Fate,
}

/// What a voter knows of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// 202.
    Acknowledged {
        /// The place it was told.
        receipt: Receipt,
        /// The day it was told.
        day: VotingDay,
    },
    /// 503 of the journal, or no answer: it may be in the log, now or later.
    InDoubt,
    /// Refused with this status: it is not in the log.
    Refused(u16),
}

/// What a load has seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// The attempts of each voter, by number, in no order.
    pub(crate) voters: BTreeMap<u32, Vec<Attempt>>,
    /// How many answers there were of each status.
    pub(crate) statuses: BTreeMap<u16, u64>,
    /// Requests that were sent and not answered.
    pub(crate) unanswered: u64,
    /// Requests for which there was no connection.
    pub(crate) unreachable: u64,
    /// Casts that were sent again after 503 or no answer.
    pub(crate) retries: u64,
    /// Casts that still were to be sent again when the load ended.
    pub(crate) unsettled: u64,
    /// The first answers that no voter should get.
    pub(crate) surprises: Vec<String>,
    /// The longest intervals without a 202.
    pub(crate) gaps: Gaps,
    /// How far the schedule slipped.
    pub(crate) slipped: Duration,
    /// How long the load went on.
    pub(crate) lasted: Duration,
    /// From sending to the answer, of each 202, in microseconds.
    pub(crate) latencies_us: Vec<u32>,
}

impl Notes {
    /// Notes an attempt.
    pub(crate) fn attempt(&mut self, voter: u32, choices: ChoiceSet, fate: Fate) {
        self.voters.entry(voter).or_default().push(Attempt { choices, fate });
    }

    /// Notes an answer that should not be.
    pub(crate) fn surprise(&mut self, voter: u32, what: &str) {
        if self.surprises.len() < SURPRISES_MAX {
            self.surprises.push(format!("voter {voter} was answered {what}"));
        }
    }

    /// Adds what another thread of the same load has seen.
    pub(crate) fn add(&mut self, other: Self) {
        for (voter, attempts) in other.voters {
            self.voters.entry(voter).or_default().extend(attempts);
        }
        for (status, count) in other.statuses {
            *self.statuses.entry(status).or_default() += count;
        }
        self.unanswered += other.unanswered;
        self.unreachable += other.unreachable;
        self.retries += other.retries;
        self.surprises.extend(other.surprises);
        self.surprises.truncate(SURPRISES_MAX);
        self.latencies_us.extend(other.latencies_us);
    }

    /// How many requests were sent.
    pub(crate) fn requests(&self) -> u64 {
        self.voters.values().map(|attempts| attempts.len() as u64).sum()
    }

    /// Acknowledgement latency at so many thousandths.
    pub(crate) fn latency(&self, per_mille: usize) -> Duration {
        let mut sorted = self.latencies_us.clone();
        sorted.sort_unstable();
        let index = (sorted.len() * per_mille / 1_000).min(sorted.len().saturating_sub(1));
        Duration::from_micros(sorted.get(index).copied().unwrap_or(0).into())
    }
}

impl fmt::Display for Notes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (requests, seconds) = (self.requests(), self.lasted.as_secs_f64());
        let Self { unanswered, unreachable, retries, unsettled, statuses, .. } = self;
        writeln!(
            f,
            "load: {requests} requests in {seconds:.1} s, statuses {statuses:?}, {unanswered} \
             unanswered, {unreachable} without a connection, {retries} retries, {unsettled} \
             unsettled, schedule slipped {:.1?}",
            self.slipped
        )?;
        writeln!(
            f,
            "202s: p50 {:.1?}, p99 {:.1?}, longest {:.1?}",
            self.latency(500),
            self.latency(990),
            self.latency(1_000)
        )?;
        let Gaps { anyone, edges } = &self.gaps;
        write!(f, "longest without a 202: {anyone:.1?}, of each edge {edges:.1?}")
    }
}
