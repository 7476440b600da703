//! Wall-clock time, with throughput shown as nanoseconds per ballot: the unit in which stretches of
//! the way can be added up.

use std::time::Duration;

use criterion::measurement::{Measurement, ValueFormatter, WallTime};
use criterion::{Criterion, Throughput};

/// Criterion's own clock with another unit of throughput.
#[derive(Debug, Clone, Copy)]
pub struct PerBallot;

/// What every bench is run by.
#[must_use]
pub fn criterion() -> Criterion<PerBallot> {
    Criterion::default().with_measurement(PerBallot).configure_from_args()
}

impl Measurement for PerBallot {
    type Intermediate = <WallTime as Measurement>::Intermediate;
    type Value = Duration;

    fn start(&self) -> Self::Intermediate {
        WallTime.start()
    }

    fn end(&self, began: Self::Intermediate) -> Duration {
        WallTime.end(began)
    }

    fn add(&self, one: &Duration, other: &Duration) -> Duration {
        *one + *other
    }

    fn zero(&self) -> Duration {
        Duration::ZERO
    }

    fn to_f64(&self, value: &Duration) -> f64 {
        WallTime.to_f64(value)
    }

    fn formatter(&self) -> &dyn ValueFormatter {
        &Formatter
    }
}

/// Criterion's values are nanoseconds.
#[derive(Debug)]
struct Formatter;

impl ValueFormatter for Formatter {
    fn scale_values(&self, typical: f64, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_values(typical, values)
    }

    fn scale_throughputs(
        &self,
        typical: f64,
        throughput: &Throughput,
        values: &mut [f64],
    ) -> &'static str {
        let Throughput::Elements(ballots) = throughput else {
            return WallTime.formatter().scale_throughputs(typical, throughput, values);
        };
        #[expect(clippy::cast_precision_loss, reason = "nobody counts ballots beyond 2^53 here")]
        let ballots = *ballots as f64;
        values.iter_mut().for_each(|value| *value /= ballots);
        "ns/ballot"
    }

    fn scale_for_machines(&self, values: &mut [f64]) -> &'static str {
        WallTime.formatter().scale_for_machines(values)
    }
}
