//! The seconds of a run as they are recorded, and what the tally shows meanwhile.
//!
//! Invariant: what was measured is in exactly one second. Never here: a wait.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hdrhistogram::Histogram;
use tokio::time::interval;

use crate::load::{LATENCY_DIGITS, Metered, Shared, histogram};
use crate::record::{Record, Second};
use crate::target::Tally;

const SECOND: Duration = Duration::from_secs(1);
/// A second's histogram takes 10 KB with two digits and 140 KB with three: a soak has 3,600.
const SECOND_DIGITS: u8 = 2;
/// Surprising answers that are told.
const SURPRISES_MAX: usize = 5;
/// No tally yet.
const UNKNOWN: u64 = u64::MAX;

/// What the tally was when it was last asked for.
#[derive(Debug)]
pub(super) struct Watched {
    /// Ballots counted of this load.
    counted: AtomicU64,
    /// Voter-days that had been acknowledged when it was asked for, and were not in it.
    lag: AtomicU64,
}

impl Default for Watched {
    fn default() -> Self {
        Self { counted: AtomicU64::new(UNKNOWN), lag: AtomicU64::new(UNKNOWN) }
    }
}

impl Watched {
    // Relaxed, here and where they are set: figures to be shown.
    fn counted(&self) -> Option<u64> {
        Some(self.counted.load(Ordering::Relaxed)).filter(|counted| *counted != UNKNOWN)
    }

    fn lag(&self) -> Option<u64> {
        Some(self.lag.load(Ordering::Relaxed)).filter(|lag| *lag != UNKNOWN)
    }
}

/// Asks for the tally once a second, for as long as it lives.
pub(super) async fn watch(shared: Arc<Shared>, before: u64, watched: Arc<Watched>) {
    let Some(edge) = shared.edges.first() else { return };
    let mut ticks = interval(SECOND);
    loop {
        ticks.tick().await;
        let acknowledged = shared.acknowledged();
        if let Ok(tally) = edge.ask::<Tally>("tally", None).await {
            let counted = tally.ballots.saturating_sub(before);
            watched.counted.store(counted, Ordering::Relaxed);
            watched.lag.store(acknowledged.saturating_sub(counted), Ordering::Relaxed);
        }
    }
}

/// Seconds as they are recorded.
pub(super) struct Log {
    seconds: Vec<Second>,
    overdue: BTreeMap<u32, u64>,
    /// Answers that should not have been, the first of them.
    pub(super) surprises: Vec<String>,
    latency_us: Histogram<u64>,
    late_us: Histogram<u64>,
    watched: Arc<Watched>,
}

impl Log {
    pub(super) fn new(watched: Arc<Watched>) -> Self {
        let (overdue, surprises) = (BTreeMap::new(), Vec::new());
        let (latency_us, late_us) = (histogram(LATENCY_DIGITS), histogram(LATENCY_DIGITS));
        Self { seconds: Vec::new(), overdue, surprises, latency_us, late_us, watched }
    }

    pub(super) fn second(&mut self, wanted: u64, metered: Metered) -> (&Second, Option<u64>) {
        for (second, count) in &metered.overdue {
            *self.overdue.entry(*second).or_default() += count;
        }
        self.surprises.extend(metered.surprises);
        self.surprises.truncate(SURPRISES_MAX);
        // Both grow as needed, so adding cannot fail.
        let _ = self.latency_us.add(&metered.latency_us);
        let _ = self.late_us.add(&metered.late_us);
        let mut latency_us = histogram(SECOND_DIGITS);
        let _ = latency_us.add(&metered.latency_us);
        self.seconds.push(Second {
            wanted,
            sent: metered.sent,
            overdue: metered.overdue.values().sum(),
            outcomes: metered.outcomes,
            unavailable: metered.unavailable,
            no_retry_after: metered.no_retry_after,
            outside: metered.outside,
            latency_us,
            counted: self.watched.counted(),
        });
        (&self.seconds[self.seconds.len() - 1], self.watched.lag())
    }

    /// What came after the last whole second; it is a second of its own if there was anything.
    /// Answers whether there is one.
    pub(super) fn rest(&mut self, wanted: u64, metered: &Metered) -> bool {
        let nothing = wanted + metered.sent + metered.outcomes.iter().sum::<u64>() == 0;
        if nothing && metered.overdue.is_empty() && !self.seconds.is_empty() {
            return false;
        }
        self.second(wanted, metered.clone());
        true
    }

    /// Everything, into the record of its run.
    pub(super) fn record(mut self, of: Record) -> Record {
        for (number, second) in (0..).zip(&mut self.seconds) {
            second.overdue = self.overdue.get(&number).copied().unwrap_or(0);
        }
        let Self { seconds, latency_us, late_us, .. } = self;
        Record { seconds, latency_us, late_us, ..of }
    }
}
