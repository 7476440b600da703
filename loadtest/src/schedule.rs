//! When requests are wanted: instants fixed in advance by phases of a rate, and a seed.
//!
//! Invariant: nothing that happens during the run moves an instant; that is what makes the load
//! open. Never here: a clock.

use std::time::Duration;

use crate::random::Random;

/// The stream of the seed that arrivals draw from.
const STREAM: u64 = 1;

/// How arrivals are spread within a rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrivals {
    /// At even distances.
    Even,
    /// As many independent people would: a Poisson process.
    Poisson,
}

/// How a phase goes from one rate to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// By the same number each second.
    Linear,
    /// By the same factor each second; needs both rates above 0.
    Exponential,
}

/// A stretch of time with one rate, or with a rate that goes from one to another.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Phase {
    /// How long it is.
    pub seconds: f64,
    /// Requests a second at its start.
    pub from: f64,
    /// Requests a second at its end.
    pub to: f64,
    /// How it gets there.
    pub curve: Curve,
}

impl Phase {
    /// A phase of one rate.
    #[must_use]
    pub const fn constant(seconds: f64, rate: f64) -> Self {
        Self { seconds, from: rate, to: rate, curve: Curve::Linear }
    }

    /// A phase whose rate goes from one to another in a line.
    #[must_use]
    pub const fn ramp(seconds: f64, from: f64, to: f64) -> Self {
        Self { seconds, from, to, curve: Curve::Linear }
    }

    /// A phase whose rate falls or grows by a factor a second.
    #[must_use]
    pub const fn decay(seconds: f64, from: f64, to: f64) -> Self {
        Self { seconds, from, to, curve: Curve::Exponential }
    }

    /// How fast the logarithm of an exponential phase's rate changes a second; `None` for a line.
    fn growth(&self) -> Option<f64> {
        let growth = (self.to / self.from).ln() / self.seconds;
        (self.curve == Curve::Exponential && growth.abs() > 1e-9).then_some(growth)
    }

    /// Requests expected in the whole phase.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.growth().map_or_else(
            || f64::midpoint(self.from, self.to) * self.seconds,
            |growth| (self.to - self.from) / growth,
        )
    }

    /// Seconds into the phase at which so many requests are expected; at most its length.
    fn when(&self, expected: f64) -> f64 {
        let at = match self.growth() {
            Some(growth) => (expected * growth / self.from).ln_1p() / growth,
            None => {
                // The root of `slope × t² + from × t = expected` in the form that never cancels.
                let slope = (self.to - self.from) / (2.0 * self.seconds);
                let root = (self.from * self.from + 4.0 * slope * expected).max(0.0).sqrt();
                2.0 * expected / (self.from + root)
            }
        };
        if at.is_finite() { at.clamp(0.0, self.seconds) } else { self.seconds }
    }
}

/// The instants of a run, ascending, from its start.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Those still to come, the last first.
    phases: Vec<Phase>,
    arrivals: Arrivals,
    random: Random,
    phase: Option<Phase>,
    /// Seconds from the start to the present phase.
    began: f64,
    /// Requests expected in the phases before, and until the next one wanted.
    before: f64,
    next: f64,
}

impl Schedule {
    /// The schedule of these phases.
    #[must_use]
    pub fn new(phases: &[Phase], arrivals: Arrivals, seed: u64) -> Self {
        let mut phases: Vec<Phase> = phases.iter().rev().copied().collect();
        let phase = phases.pop();
        let random = Random::of(seed, STREAM, 0);
        let mut schedule =
            Self { phases, arrivals, random, phase, began: 0.0, before: 0.0, next: 0.0 };
        schedule.next = match arrivals {
            // In the middle of its share of time, so that a second of rate r has r of them.
            Arrivals::Even => 0.5,
            Arrivals::Poisson => schedule.step(),
        };
        schedule
    }

    fn step(&mut self) -> f64 {
        match self.arrivals {
            Arrivals::Even => 1.0,
            Arrivals::Poisson => -(1.0 - self.random.unit()).ln(),
        }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let phase = self.phase?;
            let total = phase.total();
            if self.next < self.before + total {
                let at = self.began + phase.when(self.next - self.before);
                self.next += self.step();
                return Some(Duration::from_secs_f64(at.max(0.0)));
            }
            self.began += phase.seconds;
            self.before += total;
            self.phase = self.phases.pop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn per_second(phases: &[Phase], arrivals: Arrivals) -> Vec<usize> {
        let mut seconds = Vec::new();
        let mut last = Duration::ZERO;
        for at in Schedule::new(phases, arrivals, 7) {
            assert!(at >= last, "{at:?} after {last:?}");
            last = at;
            let second = usize::try_from(at.as_secs()).unwrap();
            seconds.resize(seconds.len().max(second + 1), 0);
            seconds[second] += 1;
        }
        seconds
    }

    #[test]
    fn an_even_rate_has_exactly_its_number_each_second() {
        assert_eq!(per_second(&[Phase::constant(3.0, 1_000.0)], Arrivals::Even), [1_000; 3]);
    }

    #[test]
    fn steps_and_ramps_have_the_area_under_their_line() {
        let steps = [Phase::constant(1.0, 10.0), Phase::constant(1.0, 300.0)];
        assert_eq!(per_second(&steps, Arrivals::Even), [10, 300]);
        let ramp = [Phase::ramp(4.0, 0.0, 400.0)];
        assert_eq!(per_second(&ramp, Arrivals::Even), [50, 150, 250, 350]);
        let down = [Phase::ramp(2.0, 200.0, 0.0)];
        assert_eq!(per_second(&down, Arrivals::Even), [150, 50]);
    }

    #[test]
    fn a_decay_falls_by_the_same_factor_each_second() {
        let seconds = per_second(&[Phase::decay(3.0, 8_000.0, 1_000.0)], Arrivals::Even);
        for pair in seconds.windows(2) {
            assert!((pair[0].abs_diff(2 * pair[1])) <= 3, "{seconds:?}");
        }
        let expected = Phase::decay(3.0, 8_000.0, 1_000.0).total();
        assert!((expected - 7_000.0 * 3.0 / 8.0_f64.ln()).abs() < 1e-6);
    }

    #[test]
    fn a_poisson_schedule_comes_from_its_seed_and_has_a_poisson_spread() {
        let phases = [Phase::constant(100.0, 400.0)];
        let of = |seed| Schedule::new(&phases, Arrivals::Poisson, seed).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let seconds = per_second(&phases, Arrivals::Poisson);
        let count = seconds.len() as f64;
        let mean = seconds.iter().sum::<usize>() as f64 / count;
        let spread = seconds.iter().map(|n| (*n as f64 - mean).powi(2)).sum::<f64>() / count;
        // 100 seconds of 400: the mean strays by 2, the variance (400) by 57, as standard errors.
        assert!((390.0..410.0).contains(&mean), "{mean}");
        assert!((200.0..600.0).contains(&spread), "{spread}");
    }

    #[test]
    fn a_phase_without_any_rate_is_a_pause() {
        let phases = [Phase::constant(2.0, 0.0), Phase::constant(1.0, 5.0)];
        assert_eq!(per_second(&phases, Arrivals::Even), [0, 0, 5]);
    }
}
