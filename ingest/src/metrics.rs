//! The metrics of the edge: every name and every label value, on this page.
//!
//! Children are resolved once, at the start; a request costs one addition, a ballot one histogram
//! observation more. Never here: a label whose values come from a request.

use std::sync::Arc;
use std::time::Duration;

use journal::{AppendError, Journal};
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{
    Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry,
};

use crate::batcher::Batcher;
use crate::problem::Problem;
use crate::routes::Route;
use crate::server::Counters;

/// Requests by route and outcome.
pub const REQUESTS: &str = "weir_requests_total";
/// Seconds from a ballot's header to its answer, by answer.
pub const BALLOT_SECONDS: &str = "weir_ballot_duration_seconds";
/// Ballots between admission and a known fate, by campaign.
pub const BALLOTS_IN_FLIGHT: &str = "weir_ballots_in_flight";
/// Ballots per record appended, by campaign.
pub const BATCH_BALLOTS: &str = "weir_batch_ballots";
/// Seconds from a batch's first ballot to the journal's word, by campaign.
pub const APPEND_SECONDS: &str = "weir_append_duration_seconds";
/// Appends that were not acknowledged, by campaign and kind.
pub const APPEND_ERRORS: &str = "weir_append_errors_total";
/// Tally streams open.
pub const STREAMS: &str = "weir_tally_streams";
/// Connections open, by listener.
pub const CONNECTIONS: &str = "weir_connections";
/// Connections by listener and event.
pub const CONNECTION_EVENTS: &str = "weir_connection_events_total";

const ROUTES: [&str; 7] =
    ["ballots", "campaign", "tally", "tally_stream", "receipt", "openapi", "unknown"];
/// Outcomes that are no problems; a problem's label is its code.
const GOOD: [&str; 3] = ["ok", "accepted", "not_modified"];
const ACKNOWLEDGED: &str = "acknowledged";
const OTHER: &str = "other";
const REFUSED: &str = "refused";
const IN_DOUBT: &str = "in_doubt";

/// From a commit on a fast disk to the deadline of an append.
const SECONDS: [f64; 14] =
    [0.001, 0.0025, 0.005, 0.0075, 0.01, 0.015, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// To the most ballots a record takes.
const BALLOTS: [f64; 11] = [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1_000.0, 2_000.0];

/// How a request that was not refused went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Good {
    Ok,
    Accepted,
    NotModified,
}

/// What an edge counts.
#[derive(Debug)]
pub(crate) struct Metrics {
    /// By route, then by outcome: the good ones, then the problems.
    requests: Vec<Vec<IntCounter>>,
    acknowledged: Histogram,
    other: Histogram,
    pub(crate) streams: IntGauge,
}

impl Metrics {
    /// The metrics, registered.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Requests by route and outcome.";
        let requests = IntCounterVec::new(Opts::new(REQUESTS, help), &["route", "outcome"])?;
        registry.register(Box::new(requests.clone()))?;
        let problems = Problem::ALL.iter().map(|problem| problem.facts().code);
        let outcomes: Vec<_> = GOOD.into_iter().chain(problems).collect();
        let of_route = |route: &&str| {
            let child = |outcome: &&str| requests.with_label_values(&[*route, *outcome]);
            outcomes.iter().map(child).collect()
        };
        let seconds = HistogramOpts::new(BALLOT_SECONDS, "From a ballot's header to its answer.");
        let seconds = HistogramVec::new(seconds.buckets(SECONDS.to_vec()), &["answer"])?;
        registry.register(Box::new(seconds.clone()))?;
        let streams = IntGauge::new(STREAMS, "Tally streams open.")?;
        registry.register(Box::new(streams.clone()))?;
        Ok(Self {
            requests: ROUTES.iter().map(of_route).collect(),
            acknowledged: seconds.with_label_values(&[ACKNOWLEDGED]),
            other: seconds.with_label_values(&[OTHER]),
            streams,
        })
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, route: Option<Route<'_>>, outcome: Result<Good, Problem>) {
        let route = match route {
            Some(Route::Ballots(_)) => 0,
            Some(Route::Campaign(_)) => 1,
            Some(Route::Tally(_)) => 2,
            Some(Route::TallyStream(_)) => 3,
            Some(Route::Receipt(..)) => 4,
            Some(Route::OpenApi) => 5,
            None => 6,
        };
        let outcome = match outcome {
            Ok(good) => good as usize,
            Err(problem) => GOOD.len() + problem as usize,
        };
        if let Some(count) = self.requests.get(route).and_then(|route| route.get(outcome)) {
            count.inc();
        }
    }

    /// Takes the time a ballot's request took.
    pub(crate) fn ballot_took(&self, time: Duration, acknowledged: bool) {
        let seconds = if acknowledged { &self.acknowledged } else { &self.other };
        seconds.observe(time.as_secs_f64());
    }
}

/// Has the batchers of these campaigns measured.
pub(crate) fn watch_batchers<'a, J: Journal>(
    registry: &Registry,
    batchers: impl Iterator<Item = (&'a str, &'a Arc<Batcher<J>>)>,
) -> prometheus::Result<()> {
    let opts = HistogramOpts::new(BATCH_BALLOTS, "Ballots per record appended.");
    let ballots = HistogramVec::new(opts.buckets(BALLOTS.to_vec()), &["campaign"])?;
    let help = "From a batch's first ballot to the journal's word.";
    let opts = HistogramOpts::new(APPEND_SECONDS, help).buckets(SECONDS.to_vec());
    let seconds = HistogramVec::new(opts, &["campaign"])?;
    let opts = Opts::new(APPEND_ERRORS, "Appends that were not acknowledged.");
    let errors = IntCounterVec::new(opts, &["campaign", "kind"])?;
    registry.register(Box::new(ballots.clone()))?;
    registry.register(Box::new(seconds.clone()))?;
    registry.register(Box::new(errors.clone()))?;
    let opts = Opts::new(BALLOTS_IN_FLIGHT, "Ballots between admission and a known fate.");
    let in_flight = IntGaugeVec::new(opts, &["campaign"])?;
    let mut read: Vec<Box<dyn Fn() + Send + Sync>> = Vec::new();
    for (campaign, batcher) in batchers {
        let ballots = ballots.with_label_values(&[campaign]);
        let seconds = seconds.with_label_values(&[campaign]);
        let refused = errors.with_label_values(&[campaign, REFUSED]);
        let in_doubt = errors.with_label_values(&[campaign, IN_DOUBT]);
        batcher.observe(move |latency, count, result| {
            seconds.observe(latency.as_secs_f64());
            match result {
                Ok(_) => ballots.observe(f64::from(u32::try_from(count).unwrap_or(u32::MAX))),
                Err(AppendError::Refused(_)) => refused.inc(),
                Err(AppendError::InDoubt(_)) => in_doubt.inc(),
            }
        });
        let gauge = in_flight.with_label_values(&[campaign]);
        let batcher = Arc::clone(batcher);
        read.push(Box::new(move || gauge.set(whole(batcher.in_flight()))));
    }
    let families: Vec<Box<dyn Collector>> = vec![Box::new(in_flight)];
    registry.register(Box::new(Pulled { families, read }))
}

/// Has the connections of a process's listeners measured, each under its name.
///
/// # Errors
/// If they are registered already.
pub fn watch_connections(
    registry: &Registry,
    listeners: &[(&str, Arc<Counters>)],
) -> Result<(), prometheus::Error> {
    let active = IntGaugeVec::new(Opts::new(CONNECTIONS, "Connections open."), &["listener"])?;
    let opts = Opts::new(CONNECTION_EVENTS, "What happened to connections.");
    let events = IntCounterVec::new(opts, &["listener", "event"])?;
    let mut read: Vec<Box<dyn Fn() + Send + Sync>> = Vec::new();
    for (listener, counters) in listeners {
        let active = active.with_label_values(&[listener]);
        let event = |event| events.with_label_values(&[*listener, event]);
        let kept = [
            event("accepted"),
            event("refused_at_cap"),
            event("accept_error"),
            event("closed_idle"),
            event("closed_first_request"),
        ];
        let counters = Arc::clone(counters);
        read.push(Box::new(move || {
            let counts = counters.snapshot();
            active.set(whole(counts.active));
            let counts = [
                counts.accepted,
                counts.refused_at_cap,
                counts.accept_errors,
                counts.closed_idle,
                counts.closed_first_request,
            ];
            for (counter, count) in kept.iter().zip(counts) {
                counter.inc_by(count.saturating_sub(counter.get()));
            }
        }));
    }
    let families: Vec<Box<dyn Collector>> = vec![Box::new(active), Box::new(events)];
    registry.register(Box::new(Pulled { families, read }))
}

/// Metrics whose values are read where they are kept, when somebody asks.
struct Pulled {
    families: Vec<Box<dyn Collector>>,
    read: Vec<Box<dyn Fn() + Send + Sync>>,
}

impl Collector for Pulled {
    fn desc(&self) -> Vec<&Desc> {
        self.families.iter().flat_map(|family| family.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.read.iter().for_each(|read| read());
        self.families.iter().flat_map(|family| family.collect()).collect()
    }
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
