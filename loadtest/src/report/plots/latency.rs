//! The figures of how long an acknowledgement took.
//!
//! Invariant: latencies run from the intended time, on logarithmic axes; a percentile is read from
//! the merged histogram of what the step or the curve covers, never from other percentiles.

use super::{BLUE, GREY, HEIGHT, TIME, VERMILION, line, steps, time};
use crate::record::Record;
use crate::report::axis::{Axis, nines};
use crate::report::bins::Bin;
use crate::report::figure::{Figure, INK};
use crate::report::{Percentiles, duration};

/// Percentiles of the latency over time.
pub(crate) fn latencies(bins: &[Bin]) -> Figure {
    let found = || bins.iter().filter_map(|bin| bin.latency);
    let least = found().map(|latency| latency.p50).min().unwrap_or(1);
    let most = found().map(|latency| latency.max).max().unwrap_or(1);
    let of = |pick: fn(Percentiles) -> u64| {
        steps(bins, move |bin| bin.latency.map(|latency| log(pick(latency))))
    };
    Figure {
        about: "Latency percentiles over time, on a logarithmic scale".to_owned(),
        height: HEIGHT,
        x: time(bins),
        x_title: TIME,
        y: Axis::latency(least, most),
        y_title: "from the intended time to the acknowledgement",
        areas: Vec::new(),
        lines: vec![
            line("slowest", GREY, of(|latency| latency.max)),
            line("999 of 1,000", VERMILION, of(|latency| latency.p99_9)),
            line("99 of 100", INK, of(|latency| latency.p99)),
            line("half", BLUE, of(|latency| latency.p50)),
        ],
        marks: Vec::new(),
    }
}

/// The percentile curve, as HdrHistogram's plotters draw it: equal steps for each nine.
pub(crate) fn percentiles(record: &Record) -> Figure {
    let latency = &record.latency_us;
    let x = Axis::nines(latency.len());
    let at = |share: f64| latency.value_at_quantile(share);
    let mut points: Vec<(f64, f64)> = Vec::new();
    let mut marks = Vec::new();
    if !latency.is_empty() {
        let places = std::iter::successors(Some(0.0), |place| Some(place + x.to / 400.0));
        for place in places.take(401) {
            points.push((place, log(at(1.0 - 10_f64.powf(-place)))));
        }
        for (share, name) in [(0.5, "50 %"), (0.99, "99 %"), (0.999, "99.9 %")] {
            if nines(share) <= x.to {
                let text = format!("{name}: {}", duration(at(share)));
                marks.push(((nines(share), log(at(share))), text));
            }
        }
    }
    let slowest = format!("slowest: {}", duration(latency.max()));
    Figure {
        about: "Latency by percentile: how many requests were at least as fast".to_owned(),
        height: HEIGHT,
        x,
        x_title: "of the acknowledged requests (further right is rarer)",
        y: Axis::latency(if latency.is_empty() { 1 } else { at(0.0) }, latency.max()),
        y_title: "acknowledged within",
        areas: Vec::new(),
        lines: vec![line(&slowest, BLUE, vec![points])],
        marks,
    }
}

fn log(micros: u64) -> f64 {
    (micros.max(1) as f64).log10()
}
