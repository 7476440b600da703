//! What is to be run: phases of a rate, who sends, and how they behave.
//!
//! A plan is complete and consistent once it is made, from a profile's name or a file. Never here:
//! where it is sent to.

mod file;
mod profiles;

use std::fmt;

use crate::schedule::{Arrivals, Curve, Phase};

pub use file::{PlanError, Problem};
pub use profiles::{PROFILES, profile};

/// The instant of the campaign that a plan is placed around.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Around {
    /// The window opens.
    Opens,
    /// A voting day ends and the next begins.
    Midnight,
    /// The window closes.
    Closes,
}

impl fmt::Display for Around {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opens => "the opening",
            Self::Midnight => "midnight",
            Self::Closes => "the close",
        })
    }
}

/// Shares of all arrivals, `0.0..=1.0`, that are something else than a voter's only ballot.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Shares {
    /// A recent voter's ballot again, with its day, at the same edge: somebody impatient.
    pub retries: f64,
    /// A recent voter's ballot again, on another connection and at another edge.
    pub repeats: f64,
    /// The same with other choices: somebody who wants to vote twice.
    pub other_choices: f64,
    /// A ballot that the rules do not allow.
    pub invalid: f64,
    /// A ballot with a forged token.
    pub forged: f64,
    /// Of all requests, those on a connection of their own.
    pub new_connections: f64,
}

impl Shares {
    /// A share of arrivals that no plan exceeds: the rest are voters' own ballots.
    #[must_use]
    pub fn arrivals(&self) -> f64 {
        self.retries + self.repeats + self.other_choices + self.invalid + self.forged
    }
}

/// How a ballot in doubt is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    /// Attempts in all, the first among them.
    pub attempts: u32,
    /// The wait before the second; it doubles from then on.
    pub first_ms: u64,
    /// The longest wait, unless `Retry-After` asks for a longer one.
    pub max_ms: u64,
}

/// A load, complete.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is called in reports.
    pub name: String,
    /// The rates.
    pub phases: Vec<Phase>,
    /// How arrivals are spread within them.
    pub arrivals: Arrivals,
    /// The instant it is placed around, and how many seconds before that it begins.
    pub around: Option<(Around, f64)>,
    /// How many voters there are; `None`: enough for each to vote once.
    pub voters: Option<u64>,
    /// Whether voters come at random, not one after the other: few who send much.
    pub random_voters: bool,
    /// The exponent of Zipf's law over the choices.
    pub zipf: f64,
    /// What arrives besides voters' only ballots.
    pub shares: Shares,
    /// How ballots in doubt are sent again.
    pub retry: Retry,
}

impl Plan {
    /// The plan of a file's text.
    ///
    /// # Errors
    /// Everything that is wrong with it, with line, field and what to give instead.
    pub fn parse(text: &str, name: &str) -> Result<Self, PlanError> {
        file::plan(text, name)
    }

    /// A plan of these phases, with Poisson arrivals and everything else as usual.
    #[must_use]
    pub fn new(name: &str, phases: Vec<Phase>) -> Self {
        Self {
            name: name.to_owned(),
            phases,
            arrivals: Arrivals::Poisson,
            around: None,
            voters: None,
            random_voters: false,
            zipf: 1.0,
            shares: Shares {
                retries: 0.02,
                repeats: 0.01,
                other_choices: 0.01,
                invalid: 0.005,
                forged: 0.005,
                new_connections: 0.0,
            },
            retry: Retry { attempts: 8, first_ms: 200, max_ms: 5_000 },
        }
    }

    /// The highest rate, requests a second.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.phases.iter().map(|phase| phase.from.max(phase.to)).fold(0.0, f64::max)
    }

    /// How long the phases are.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.phases.iter().map(|phase| phase.seconds).sum()
    }

    /// How many requests are expected.
    #[must_use]
    pub fn requests(&self) -> f64 {
        self.phases.iter().map(Phase::total).sum()
    }

    /// The same shape with another highest rate.
    #[must_use]
    pub fn with_peak(mut self, rate: f64) -> Self {
        let peak = self.peak();
        if peak > 0.0 {
            for phase in &mut self.phases {
                phase.from *= rate / peak;
                phase.to *= rate / peak;
            }
        }
        self
    }

    /// The same shape, longer or shorter. Its lead changes with it.
    #[must_use]
    pub fn with_seconds(mut self, seconds: f64) -> Self {
        let by = seconds / self.seconds();
        for phase in &mut self.phases {
            phase.seconds *= by;
        }
        self.around = self.around.map(|(around, lead)| (around, lead * by));
        self
    }
}

/// The phase of a rate that may be a ramp or fall by a factor.
fn phase(seconds: f64, (from, to): (f64, f64), curve: Curve) -> Phase {
    Phase { seconds, from, to, curve }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_keeps_its_shape_when_its_rate_and_length_change() {
        let plan = profile("promotion", None, None).unwrap().with_peak(9_000.0).with_seconds(40.0);
        assert!((plan.peak() - 9_000.0).abs() < 1e-6);
        assert!((plan.seconds() - 40.0).abs() < 1e-6);
        let quiet = plan.phases[0].from;
        assert!((plan.peak() / quiet - 50.0).abs() < 1e-6);
    }
}
