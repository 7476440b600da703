//! What happens in the workers of a process and is gone: counted and timed when it happens.
//!
//! Each is resolved once, so noting something costs a few atomic additions. They are a process's,
//! not a partition's: they stay when a partition goes.

use std::time::Duration;

use prometheus::{Histogram, HistogramOpts, IntCounter};

use super::about::{About, Samples};
use super::{
    AGES, ASSIGNED, ASSIGNMENTS, BALLOT_AGE, ERROR, FLUSH_ERRORS, FLUSH_SECONDS, FLUSH_TIMES,
    REBUILD_SECONDS, REBUILD_TIMES, REBUILDS, REVOCATIONS,
};

/// The live counters and histograms of a process; clones are the same ones.
#[derive(Debug, Clone)]
pub(crate) struct Meters {
    ballot_age: Histogram,
    rebuild: Histogram,
    flush: Histogram,
    pub(crate) flush_errors: IntCounter,
    pub(crate) rebuilds_assigned: IntCounter,
    pub(crate) rebuilds_error: IntCounter,
    pub(crate) assignments: IntCounter,
    pub(crate) revocations: IntCounter,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            ballot_age: timer(BALLOT_AGE, &AGES),
            rebuild: timer(REBUILD_SECONDS, &REBUILD_TIMES),
            flush: timer(FLUSH_SECONDS, &FLUSH_TIMES),
            flush_errors: count(FLUSH_ERRORS),
            rebuilds_assigned: count(REBUILDS),
            rebuilds_error: count(REBUILDS),
            assignments: count(ASSIGNMENTS),
            revocations: count(REVOCATIONS),
        }
    }

    /// A record with ballots was folded this long after its latest was cast. By two clocks, so it
    /// may be less than nothing.
    pub(crate) fn note_ballot_age(&self, age_ms: i64) {
        self.ballot_age.observe(age_ms.max(0) as f64 / 1_000.0);
    }

    /// A partition is folding again, this long after its assignment or the error.
    pub(crate) fn note_rebuilt(&self, took: Duration) {
        self.rebuild.observe(took.as_secs_f64());
    }

    /// A snapshot became durable, this long after it was handed to the journal.
    pub(crate) fn note_flushed(&self, took: Duration) {
        self.flush.observe(took.as_secs_f64());
    }

    pub(super) fn collect(&self, samples: &mut Samples<'_>) {
        samples.push_histogram(BALLOT_AGE, &self.ballot_age);
        samples.push_histogram(REBUILD_SECONDS, &self.rebuild);
        samples.push_histogram(FLUSH_SECONDS, &self.flush);
        for (about, labels, counter) in [
            (FLUSH_ERRORS, &[][..], &self.flush_errors),
            (REBUILDS, &[ASSIGNED], &self.rebuilds_assigned),
            (REBUILDS, &[ERROR], &self.rebuilds_error),
            (ASSIGNMENTS, &[], &self.assignments),
            (REVOCATIONS, &[], &self.revocations),
        ] {
            samples.push(about, labels, counter.get() as f64);
        }
    }
}

fn timer(about: About, buckets: &[f64]) -> Histogram {
    let options = HistogramOpts::new(about.name, about.help).buckets(buckets.to_vec());
    Histogram::with_opts(options).expect("the names are Prometheus's and the buckets ascend")
}

fn count(about: About) -> IntCounter {
    IntCounter::new(about.name, about.help).expect("the names are Prometheus's")
}
