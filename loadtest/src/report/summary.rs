//! The totals of a run, and the percentiles that every report shows.
//!
//! Invariant: a mean rate is over the seconds in which the schedule ran, not over the wait for the
//! last answers; no percentile is given of an empty histogram.

use hdrhistogram::Histogram;

use crate::record::{Outcome, Record};

/// The percentiles of a histogram that holds something, in its unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percentiles {
    pub(crate) p50: u64,
    pub(crate) p90: u64,
    pub(crate) p99: u64,
    pub(crate) p99_9: u64,
    pub(crate) max: u64,
}

impl Percentiles {
    /// Of `latencies`; nothing if it is empty.
    pub(crate) fn of(latencies: &Histogram<u64>) -> Option<Self> {
        (!latencies.is_empty()).then(|| Self {
            p50: latencies.value_at_quantile(0.5),
            p90: latencies.value_at_quantile(0.9),
            p99: latencies.value_at_quantile(0.99),
            p99_9: latencies.value_at_quantile(0.999),
            max: latencies.max(),
        })
    }
}

/// The totals of a run.
#[derive(Debug, Clone)]
pub(crate) struct Summary {
    pub(crate) wanted: u64,
    pub(crate) sent: u64,
    pub(crate) overdue: u64,
    pub(crate) unavailable: u64,
    pub(crate) no_retry_after: u64,
    pub(crate) outside: u64,
    outcomes: [u64; 8],
    /// Seconds until the last in which the schedule wanted something.
    pub(crate) ran_s: u64,
    pub(crate) wanted_peak_per_s: u64,
    pub(crate) acknowledged_peak_per_s: u64,
    pub(crate) latency: Option<Percentiles>,
    /// From the intended time until it was sent.
    pub(crate) late: Option<Percentiles>,
}

impl Summary {
    /// Of a whole run.
    pub(crate) fn of(record: &Record) -> Self {
        let seconds = &record.seconds;
        let mut outcomes = [0; 8];
        for second in seconds {
            for (total, count) in outcomes.iter_mut().zip(second.outcomes) {
                *total += count;
            }
        }
        let peak = |of: fn(&crate::record::Second) -> u64| seconds.iter().map(of).max();
        let ran = seconds.iter().rposition(|second| second.wanted > 0).map_or(0, |last| last + 1);
        Self {
            wanted: seconds.iter().map(|second| second.wanted).sum(),
            sent: seconds.iter().map(|second| second.sent).sum(),
            overdue: seconds.iter().map(|second| second.overdue).sum(),
            unavailable: seconds.iter().map(|second| second.unavailable).sum(),
            no_retry_after: seconds.iter().map(|second| second.no_retry_after).sum(),
            outside: seconds.iter().map(|second| second.outside).sum(),
            outcomes,
            ran_s: ran as u64,
            wanted_peak_per_s: peak(|second| second.wanted).unwrap_or(0),
            acknowledged_peak_per_s: peak(|second| second.outcomes[Outcome::Acknowledged as usize])
                .unwrap_or(0),
            latency: Percentiles::of(&record.latency_us),
            late: Percentiles::of(&record.late_us),
        }
    }

    /// How many requests ended so.
    pub(crate) fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Acknowledged in a second, on average over the seconds in which the schedule ran.
    pub(crate) fn acknowledged_mean_per_s(&self) -> f64 {
        if self.ran_s == 0 {
            return 0.0;
        }
        self.outcome(Outcome::Acknowledged) as f64 / self.ran_s as f64
    }

    /// The same as a whole number, for people.
    pub(crate) fn acknowledged_per_s(&self) -> u64 {
        let ran = self.ran_s.max(1);
        (self.outcome(Outcome::Acknowledged) + ran / 2) / ran
    }
}
