//! What a run must not do, as expressions: `p99>50ms`, `lost>0`, `shed>5%`.
//!
//! Invariant: an expression means one thing or is refused with a sentence that names what is
//! known; a time without a unit is refused. What was not measured breaks a threshold: a run without
//! a proof has not shown that nothing was lost. Never here: a default threshold.

use std::fmt;
use std::str::FromStr;

use crate::record::{Outcome, Proof, Record};
use crate::report::{Back, Summary, duration, goodput, phases, thousands};

/// What a threshold may be about, for help texts.
pub const KNOWN: &str = "p50, p99, p99.9 or another percentile and max (with us, ms or s); \
    acknowledged, already_voted, rejected, unexpected, shed, in_doubt, no_answer, not_sent \
    (requests, or % of those sent); unavailable and no_retry_after (answers with 503, and of \
    these without Retry-After; answers, or % of those sent); overdue (requests, or % of those \
    wanted); rate (acknowledged a second, on average); goodput (acknowledged in the fullest \
    phase, % of the best one's); recovery (until all is normal after a fall of the rate, with s); \
    lost, double, unsent (of the proof); catch_up (with us, ms or s)";

/// An expression: the run fails if it holds.
#[derive(Debug, Clone)]
pub struct Threshold {
    /// As it was written, without spaces.
    text: String,
    measure: Measure,
    above: bool,
    limit: f64,
}

#[derive(Debug, Clone, Copy)]
enum Measure {
    /// A quantile of the latency; the limit is in microseconds.
    Quantile(f64),
    /// Milliseconds until the tally had caught up; the limit is in microseconds.
    CatchUp,
    Rate,
    /// Of the best phase, percent.
    Goodput,
    /// The longest of all falls; the limit is in microseconds.
    Recovery,
    Requests(Subject),
    Percent(Subject),
    Proven(fn(&Proof) -> u64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Subject {
    Outcome(Outcome),
    Overdue,
    Unavailable,
    NoRetryAfter,
}

/// Why an expression is not one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(String);

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Threshold {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.text)
    }
}

impl FromStr for Threshold {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let text: String = text.chars().filter(|letter| !letter.is_whitespace()).collect();
        let wrong = |why: String| Error(format!("{text}: {why}"));
        let Some((name, limit)) = text.split_once(['>', '<']) else {
            return Err(wrong("expected a name, > or <, and a limit, such as p99>50ms".into()));
        };
        let (measure, limit) = measured(name, limit).map_err(wrong)?;
        let above = text.contains('>');
        Ok(Self { measure, above, limit, text })
    }
}

/// The measure of that name, and the limit in its unit.
fn measured(name: &str, limit: &str) -> Result<(Measure, f64), String> {
    let subject = match name {
        "max" => return Ok((Measure::Quantile(1.0), micros(limit)?)),
        "catch_up" => return Ok((Measure::CatchUp, micros(limit)?)),
        "rate" => return Ok((Measure::Rate, number(limit.trim_end_matches("/s"))?)),
        "lost" => return Ok((Measure::Proven(|proof| proof.lost), number(limit)?)),
        "double" => return Ok((Measure::Proven(|proof| proof.double), number(limit)?)),
        "unsent" => return Ok((Measure::Proven(|proof| proof.unsent), number(limit)?)),
        "goodput" => {
            let percent = limit.strip_suffix('%').ok_or("the limit needs %, such as 80%")?;
            return Ok((Measure::Goodput, number(percent)?));
        }
        "recovery" => return Ok((Measure::Recovery, micros(limit)?)),
        "overdue" => Subject::Overdue,
        "unavailable" => Subject::Unavailable,
        "no_retry_after" => Subject::NoRetryAfter,
        other => match Outcome::ALL.into_iter().find(|outcome| outcome.name() == other) {
            Some(outcome) => Subject::Outcome(outcome),
            None => return Ok((Measure::Quantile(quantile(other)?), micros(limit)?)),
        },
    };
    match limit.strip_suffix('%') {
        Some(percent) => Ok((Measure::Percent(subject), number(percent)?)),
        None => Ok((Measure::Requests(subject), number(limit)?)),
    }
}

fn quantile(name: &str) -> Result<f64, String> {
    let percent = name.strip_prefix('p').and_then(|percent| number(percent).ok());
    match percent {
        Some(percent) if percent > 0.0 && percent <= 100.0 => Ok(percent / 100.0),
        Some(_) | None => Err(format!("{name:?} is not known; known are {KNOWN}")),
    }
}

fn number(text: &str) -> Result<f64, String> {
    let plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.chars().all(|letter| letter.is_ascii_digit() || letter == '.');
    let read = text.parse::<f64>().ok().filter(|_| plain);
    read.ok_or_else(|| format!("the limit {text:?} is not a number of what is counted here"))
}

fn micros(limit: &str) -> Result<f64, String> {
    let units = [("us", 1.0), ("µs", 1.0), ("ms", 1e3), ("s", 1e6)];
    let read = units
        .into_iter()
        .find_map(|(unit, factor)| Some(number(limit.strip_suffix(unit)?).ok()? * factor));
    read.ok_or_else(|| format!("the limit {limit:?} needs a time with its unit: us, ms or s"))
}

impl Threshold {
    /// A sentence with the value found if the run is beyond the threshold, or if what it is about
    /// was not measured.
    #[must_use]
    pub fn broken(&self, record: &Record) -> Option<String> {
        let (value, text) = match self.found(record) {
            Ok(found) => found,
            Err(missing) => return Some(format!("{self}: not known, because {missing}")),
        };
        let broken = if self.above { value > self.limit } else { value < self.limit };
        broken.then(|| format!("{self}: it was {text}"))
    }

    /// The value in the unit of the limit, and in words; or why there is none.
    fn found(&self, record: &Record) -> Result<(f64, String), &'static str> {
        let totals = Summary::of(record);
        let proof = record.proof.as_ref().ok_or("no proof was made");
        let (value, text) = match self.measure {
            Measure::Quantile(_) if record.latency_us.is_empty() => {
                return Err("nothing was acknowledged");
            }
            Measure::Quantile(share) => {
                let value = record.latency_us.value_at_quantile(share);
                (value as f64, duration(value))
            }
            Measure::CatchUp => {
                let value = proof?.caught_up_ms.saturating_mul(1000);
                (value as f64, duration(value))
            }
            Measure::Rate => {
                let rate = totals.acknowledged_mean_per_s();
                (rate, format!("{rate:.1} acknowledged a second"))
            }
            Measure::Goodput => {
                let share = goodput(&phases(record)).ok_or("there were not several phases")?;
                (share * 100.0, format!("{:.1} % of the best phase", share * 100.0))
            }
            Measure::Recovery => {
                let seconds = recovery(record)?;
                ((seconds * 1_000_000) as f64, format!("{seconds} s"))
            }
            Measure::Requests(subject) => {
                let (part, _) = of(subject, &totals);
                (part as f64, thousands(part))
            }
            Measure::Percent(subject) => {
                let (part, whole) = of(subject, &totals);
                if whole == 0 {
                    return Err("there were no requests");
                }
                let percent = part as f64 * 100.0 / whole as f64;
                let (part, whole) = (thousands(part), thousands(whole));
                (percent, format!("{percent:.3} % ({part} of {whole})"))
            }
            Measure::Proven(count) => {
                let count = count(proof?);
                (count as f64, thousands(count))
            }
        };
        Ok((value, text))
    }
}

/// Seconds until all was normal after the fall of the rate that took longest.
fn recovery(record: &Record) -> Result<u64, &'static str> {
    let mut longest = Err("the rate did not fall to that of a phase before");
    for sum in phases(record) {
        match sum.back {
            Back::NotAsked => {}
            Back::After(seconds) => longest = Ok(longest.unwrap_or(0).max(seconds)),
            Back::Not => return Err("a phase was not back to normal at its end"),
        }
    }
    longest
}

/// A part, and what it is a part of.
fn of(subject: Subject, totals: &Summary) -> (u64, u64) {
    match subject {
        Subject::Overdue => (totals.overdue, totals.wanted),
        Subject::Unavailable => (totals.unavailable, totals.sent),
        Subject::NoRetryAfter => (totals.no_retry_after, totals.sent),
        Subject::Outcome(outcome) => (totals.outcome(outcome), totals.sent),
    }
}

#[cfg(test)]
mod tests;
