//! What a process measures of ballots on their way into the journal: batches, appends, and how many
//! ballots are in flight.
//!
//! All of it is noted once a record, not once a ballot. Never here: a clock of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use journal::{AppendError, Clock, Journal};
use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounterVec, IntGaugeVec, Opts, Registry,
};

use super::{
    APPEND_BUCKETS, APPEND_ERRORS, APPEND_SECONDS, BALLOTS_BUCKETS, BALLOTS_IN_FLIGHT,
    BALLOTS_IN_FLIGHT_MAX, BATCH_BALLOTS, BATCH_WAIT_SECONDS, CAMPAIGN, IN_DOUBT, KIND,
    LAST_DURABLE_APPEND, Pulled, REFUSED, Reading, WAIT_BUCKETS, float, whole,
};
use crate::batcher::{Appended, Batcher};

/// Stands for "nothing has been appended yet".
const NEVER: i64 = i64::MIN;

/// Has the batchers of these campaigns measured.
pub(crate) fn watch_batchers<'a, J: Journal>(
    registry: &Registry,
    clock: &Arc<dyn Clock>,
    batchers: impl Iterator<Item = (&'a str, &'a Arc<Batcher<J>>)>,
) -> prometheus::Result<()> {
    let appends = Appends::new(registry)?;
    let gauge = |name, help| IntGaugeVec::new(Opts::new(name, help), &[CAMPAIGN]);
    let in_flight = gauge(BALLOTS_IN_FLIGHT, "Ballots between admission and a known fate.")?;
    let in_flight_max = gauge(BALLOTS_IN_FLIGHT_MAX, "The most there may be.")?;
    registry.register(Box::new(in_flight_max.clone()))?;
    let help = "When the journal last made a record of ballots durable.";
    let last = GaugeVec::new(Opts::new(LAST_DURABLE_APPEND, help), &[CAMPAIGN])?;
    let mut readings: Vec<Reading> = Vec::new();
    for (campaign, batcher) in batchers {
        in_flight_max.with_label_values(&[campaign]).set(whole(batcher.in_flight_max()));
        let last_ms = appends.watch(campaign, clock, batcher);
        let gauge = in_flight.with_label_values(&[campaign]);
        let (batcher, last, campaign) = (Arc::clone(batcher), last.clone(), campaign.to_owned());
        readings.push(Box::new(move || {
            gauge.set(whole(batcher.in_flight()));
            // Relaxed: it stands alone.
            let last_ms = last_ms.load(Ordering::Relaxed);
            if last_ms != NEVER {
                last.with_label_values(&[&campaign]).set(float(last_ms) / 1_000.0);
            }
        }));
    }
    let families = vec![Box::new(in_flight) as _, Box::new(last) as _];
    registry.register(Box::new(Pulled::new(families, readings)))
}

/// What appends are measured by.
struct Appends {
    ballots: HistogramVec,
    waits: HistogramVec,
    seconds: HistogramVec,
    errors: IntCounterVec,
}

impl Appends {
    fn new(registry: &Registry) -> prometheus::Result<Self> {
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let opts = HistogramOpts::new(name, help).buckets(buckets.to_vec());
            HistogramVec::new(opts, &[CAMPAIGN])
        };
        let help = "From a batch's first ballot to its being handed to the journal.";
        let waits = histogram(BATCH_WAIT_SECONDS, help, &WAIT_BUCKETS)?;
        let help = "From being handed to the journal to the journal's word.";
        let seconds = histogram(APPEND_SECONDS, help, &APPEND_BUCKETS)?;
        let ballots = histogram(BATCH_BALLOTS, "Ballots per record appended.", &BALLOTS_BUCKETS)?;
        let opts = Opts::new(APPEND_ERRORS, "Appends that were not acknowledged.");
        let errors = IntCounterVec::new(opts, &[CAMPAIGN, KIND])?;
        for histogram in [&waits, &seconds, &ballots] {
            registry.register(Box::new(histogram.clone()))?;
        }
        registry.register(Box::new(errors.clone()))?;
        Ok(Self { ballots, waits, seconds, errors })
    }

    /// Has a batcher's appends measured. What is answered is when the last one succeeded.
    fn watch<J: Journal>(
        &self,
        campaign: &str,
        clock: &Arc<dyn Clock>,
        batcher: &Batcher<J>,
    ) -> Arc<AtomicI64> {
        let [ballots, waits, seconds] = [&self.ballots, &self.waits, &self.seconds]
            .map(|histogram| histogram.with_label_values(&[campaign]));
        let refused = self.errors.with_label_values(&[campaign, REFUSED]);
        let in_doubt = self.errors.with_label_values(&[campaign, IN_DOUBT]);
        let last_ms = Arc::new(AtomicI64::new(NEVER));
        let (clock, noted_ms) = (Arc::clone(clock), Arc::clone(&last_ms));
        batcher.observe(move |appended: &Appended<'_>| {
            waits.observe(appended.waited.as_secs_f64());
            seconds.observe(appended.took.as_secs_f64());
            match appended.result {
                Ok(_) => {
                    ballots.observe(f64::from(appended.ballots));
                    noted_ms.store(clock.now_ms(), Ordering::Relaxed);
                }
                Err(AppendError::Refused(_)) => refused.inc(),
                Err(AppendError::InDoubt(_)) => in_doubt.inc(),
            }
        });
        last_ms
    }
}
