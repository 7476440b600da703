//! What a thread measures, handed over once a second.
//!
//! Never here: a figure that is estimated.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::record::Outcome;

/// Surprising answers kept in full.
const SURPRISES_MAX: usize = 5;

/// What was measured in a while.
#[derive(Debug, Clone)]
pub struct Metered {
    /// Requests sent.
    pub sent: u64,
    /// Answers, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 8],
    /// Answers with status 503.
    pub unavailable: u64,
    /// Of these, those without a `Retry-After` of whole seconds.
    pub no_retry_after: u64,
    /// Refusals because the window was not open.
    pub outside: u64,
    /// Requests that no connection was free for in time, by the second that wanted them.
    pub overdue: BTreeMap<u32, u64>,
    /// Latencies of what was acknowledged, microseconds.
    pub latency_us: Histogram<u64>,
    /// From the intended time of every request until it was sent, microseconds.
    pub late_us: Histogram<u64>,
    /// Answers that should not have been, the first of them.
    pub surprises: Vec<String>,
}

impl Default for Metered {
    fn default() -> Self {
        Self {
            sent: 0,
            outcomes: [0; 8],
            unavailable: 0,
            no_retry_after: 0,
            outside: 0,
            overdue: BTreeMap::new(),
            latency_us: histogram(LATENCY_DIGITS),
            late_us: histogram(LATENCY_DIGITS),
            surprises: Vec::new(),
        }
    }
}

/// Digits of a latency: 1 ms is told from 1.001.
pub const LATENCY_DIGITS: u8 = 3;

/// An empty histogram of so many digits, up to five, that grows with what is recorded.
#[must_use]
pub fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new(digits.min(5)).expect("five digits are the most that a histogram can have")
}

impl Metered {
    /// Adds what another thread, or another while, measured.
    pub fn add(&mut self, other: &Self) {
        self.sent += other.sent;
        for (sum, count) in self.outcomes.iter_mut().zip(other.outcomes) {
            *sum += count;
        }
        self.unavailable += other.unavailable;
        self.no_retry_after += other.no_retry_after;
        self.outside += other.outside;
        for (second, count) in &other.overdue {
            *self.overdue.entry(*second).or_default() += count;
        }
        // Both grow as needed, so adding cannot fail.
        let _ = self.latency_us.add(&other.latency_us);
        let _ = self.late_us.add(&other.late_us);
        self.surprises.extend(other.surprises.iter().cloned());
        self.surprises.truncate(SURPRISES_MAX);
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// One thread's.
#[derive(Debug, Default)]
pub struct Meter(Mutex<Metered>);

impl Meter {
    pub(super) fn sent(&self, late: Duration) {
        let mut metered = self.lock();
        metered.sent += 1;
        // It grows as needed, so recording cannot fail.
        let _ = metered.late_us.record(micros(late));
    }

    /// A ballot was refused because the window was not open.
    pub(super) fn outside(&self) {
        self.lock().outside += 1;
    }

    /// A 503 has come, with or without the wait that it must name.
    pub(super) fn unavailable(&self, retry_after_s: Option<u32>) {
        let mut metered = self.lock();
        metered.unavailable += 1;
        metered.no_retry_after += u64::from(retry_after_s.is_none());
    }

    pub(super) fn overdue(&self, second: u32) {
        *self.lock().overdue.entry(second).or_default() += 1;
    }

    pub(super) fn answered(&self, outcome: Outcome, latency: Duration) {
        let mut metered = self.lock();
        metered.outcomes[outcome as usize] += 1;
        if outcome == Outcome::Acknowledged {
            // It grows as needed, so recording cannot fail.
            let _ = metered.latency_us.record(micros(latency));
        }
    }

    pub(super) fn surprise(&self, what: impl FnOnce() -> String) {
        let mut metered = self.lock();
        if metered.surprises.len() < SURPRISES_MAX {
            metered.surprises.push(what());
        }
    }

    pub(super) fn take(&self) -> Metered {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Metered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
