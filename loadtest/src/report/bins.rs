//! The seconds of a run, put together so that a plot of a long run stays legible and small.
//!
//! Invariant: counts are added and latencies merged before a rate or a percentile is taken; a
//! percentile is never the mean of percentiles.

use hdrhistogram::Histogram;

use crate::record::{Outcome, Record, Second};
use crate::report::Percentiles;

/// More steps than this cannot be told apart in a plot as wide as a page.
const BINS_MAX: usize = 500;

/// One or more seconds of a run.
#[derive(Debug, Clone)]
pub(crate) struct Bin {
    pub(crate) from_s: u64,
    pub(crate) to_s: u64,
    pub(crate) wanted_per_s: f64,
    pub(crate) sent_per_s: f64,
    pub(crate) outcomes_per_s: [f64; 8],
    pub(crate) latency: Option<Percentiles>,
    /// Acknowledged from the beginning to the end of this bin.
    pub(crate) acknowledged: u64,
    /// What the tally showed at the last look in this bin.
    pub(crate) counted: Option<u64>,
}

/// The run in at most [`BINS_MAX`] bins, and the seconds in each but the last.
pub(crate) fn bins(record: &Record) -> (Vec<Bin>, usize) {
    let width = record.seconds.len().div_ceil(BINS_MAX).max(1);
    let mut acknowledged = 0;
    let mut from_s = 0;
    let bins = record.seconds.chunks(width).map(|seconds| {
        acknowledged += sum(seconds, |second| second.outcomes[Outcome::Acknowledged as usize]);
        let bin = bin(seconds, from_s, acknowledged);
        from_s = bin.to_s;
        bin
    });
    (bins.collect(), width)
}

fn sum(seconds: &[Second], of: impl Fn(&Second) -> u64) -> u64 {
    seconds.iter().map(of).sum()
}

fn bin(seconds: &[Second], from_s: u64, acknowledged: u64) -> Bin {
    let length = seconds.len() as u64;
    let per_s = |total: u64| total as f64 / length as f64;
    Bin {
        from_s,
        to_s: from_s + length,
        wanted_per_s: per_s(sum(seconds, |second| second.wanted)),
        sent_per_s: per_s(sum(seconds, |second| second.sent)),
        outcomes_per_s: Outcome::ALL
            .map(|outcome| per_s(sum(seconds, |second| second.outcomes[outcome as usize]))),
        latency: Percentiles::of(&merged(seconds.iter().map(|second| &second.latency_us))),
        acknowledged,
        counted: seconds.iter().filter_map(|second| second.counted).next_back(),
    }
}

/// All of `latencies` in one.
pub(crate) fn merged<'a>(latencies: impl Iterator<Item = &'a Histogram<u64>>) -> Histogram<u64> {
    let mut all = Histogram::new(3).expect("three significant figures are within 0 to 5");
    for one in latencies {
        all.add(one).expect("a histogram without bounds grows to what is added");
    }
    all
}
