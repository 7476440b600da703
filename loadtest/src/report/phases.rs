//! What each phase of the plan came to, and when after a fall of the rate all was as before it.
//!
//! Invariant: only whole seconds within a phase count for it, and answers for the second in which
//! they came. Never here: a comparison with a phase that was loaded more.

use crate::record::{Outcome, Record, Second};
use crate::report::{Percentiles, clock, duration, merged, share, thousands};
use crate::schedule::Phase;

/// Seconds in a row that must be as before: one alone may be luck.
const CALM_S: usize = 3;
/// What a slower second may take and still be as before, microseconds: a flush of a busy disk.
const SLACK_US: u64 = 10_000;

/// One phase.
#[derive(Debug, Clone)]
pub(crate) struct PhaseSum {
    pub(crate) phase: Phase,
    /// The first whole second, and the one behind the last.
    pub(crate) seconds: (usize, usize),
    pub(crate) wanted_per_s: f64,
    pub(crate) acknowledged_per_s: f64,
    /// Answers of any kind.
    pub(crate) answers: u64,
    pub(crate) unavailable: u64,
    pub(crate) no_retry_after: u64,
    pub(crate) overdue: u64,
    pub(crate) latency: Option<Percentiles>,
    /// The p99 of half of its seconds is at most this: one bad second does not show in it.
    usual_p99_us: Option<u64>,
    /// Seconds from the fall of the rate at its start until all was as before.
    pub(crate) back: Back,
}

/// How a phase came back from one of a higher rate before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Back {
    /// It had not to, or there is nothing to compare with.
    NotAsked,
    /// After so many seconds.
    After(u64),
    /// Not within the phase.
    Not,
}

/// Every phase that has a whole second.
pub(crate) fn phases(record: &Record) -> Vec<PhaseSum> {
    let mut sums: Vec<PhaseSum> = Vec::new();
    let mut end_s = 0.0;
    for phase in &record.phases {
        let begin_s = end_s;
        end_s += phase.seconds;
        // An odd millisecond more or less is the sum's rounding.
        let (first, end) = (whole(begin_s + 0.998), whole(end_s + 0.002));
        let end = end.min(record.seconds.len());
        if first >= end {
            continue;
        }
        let mut sum = sum(*phase, first, &record.seconds[first..end]);
        sum.back = back(&sum, &sums, &record.seconds[first..end]);
        sums.push(sum);
    }
    sums
}

fn whole(seconds: f64) -> usize {
    let whole = std::time::Duration::try_from_secs_f64(seconds).unwrap_or_default().as_secs();
    usize::try_from(whole).unwrap_or(usize::MAX)
}

fn sum(phase: Phase, first: usize, seconds: &[Second]) -> PhaseSum {
    let total = |of: &dyn Fn(&Second) -> u64| seconds.iter().map(of).sum::<u64>();
    let per_s = |total: u64| total as f64 / seconds.len() as f64;
    let mut p99s: Vec<u64> = seconds.iter().filter_map(p99_us).collect();
    p99s.sort_unstable();
    PhaseSum {
        phase,
        seconds: (first, first + seconds.len()),
        wanted_per_s: per_s(total(&|second| second.wanted)),
        acknowledged_per_s: per_s(total(&|second| second.outcomes[Outcome::Acknowledged as usize])),
        answers: total(&|second| second.outcomes.iter().sum()),
        unavailable: total(&|second| second.unavailable),
        no_retry_after: total(&|second| second.no_retry_after),
        overdue: total(&|second| second.overdue),
        latency: Percentiles::of(&merged(seconds.iter().map(|second| &second.latency_us))),
        usual_p99_us: p99s.get(p99s.len() / 2).copied(),
        back: Back::NotAsked,
    }
}

fn p99_us(second: &Second) -> Option<u64> {
    Percentiles::of(&second.latency_us).map(|found| found.p99)
}

/// When a phase that follows one of a higher rate is as one before that was loaded no more.
fn back(sum: &PhaseSum, before: &[PhaseSum], seconds: &[Second]) -> Back {
    let falls = before.last().is_some_and(|last| last.phase.to > sum.phase.from * 1.05);
    let rate = |phase: &Phase| phase.from.max(phase.to);
    let like = before
        .iter()
        .filter(|like| rate(&like.phase) <= sum.phase.from * 1.05)
        .max_by(|one, other| rate(&one.phase).total_cmp(&rate(&other.phase)));
    let Some(usual_us) = like.and_then(|like| like.usual_p99_us).filter(|_| falls) else {
        return Back::NotAsked;
    };
    let most_us = (2 * usual_us).max(usual_us + SLACK_US);
    let calm: Vec<bool> = seconds
        .iter()
        .map(|second| {
            let fast = p99_us(second).is_some_and(|p99_us| p99_us <= most_us);
            second.unavailable == 0 && second.overdue == 0 && fast
        })
        .collect();
    let found = calm.windows(CALM_S.min(calm.len())).position(|few| few.iter().all(|calm| *calm));
    found.map_or(Back::Not, |after| Back::After(after as u64))
}

/// What was acknowledged in the phase of the highest rate, as a share of the best phase's; `None`
/// if the plan has but one.
pub(crate) fn goodput(phases: &[PhaseSum]) -> Option<f64> {
    if phases.len() < 2 {
        return None;
    }
    let fullest =
        phases.iter().max_by(|one, other| one.wanted_per_s.total_cmp(&other.wanted_per_s))?;
    let best = phases.iter().map(|phase| phase.acknowledged_per_s).fold(0.0, f64::max);
    (best > 0.0).then(|| fullest.acknowledged_per_s / best)
}

impl PhaseSum {
    /// Its cells in a table: when, wanted, acknowledged, 503, late, latency, back.
    pub(crate) fn cells(&self) -> [String; 7] {
        let (first, end) = self.seconds;
        let rate = |per_s: f64| format!("{} /s", format_args!("{}", whole_number(per_s)));
        [
            format!("{} to {}", clock(first as u64), clock(end as u64)),
            rate(self.wanted_per_s),
            rate(self.acknowledged_per_s),
            share(self.unavailable, self.answers),
            thousands(self.overdue),
            self.latency.map_or_else(|| "–".to_owned(), |found| duration(found.p99)),
            match self.back {
                Back::NotAsked => String::new(),
                Back::After(seconds) => format!("back to normal after {seconds} s"),
                Back::Not => "not back to normal".to_owned(),
            },
        ]
    }
}

fn whole_number(per_s: f64) -> String {
    let text = format!("{per_s:.0}");
    text.parse().map_or(text, thousands)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::Histogram;

    fn second(acknowledged: u64, unavailable: u64, latency_us: u64) -> Second {
        let mut latencies = Histogram::new(3).unwrap();
        latencies.record_n(latency_us, acknowledged).unwrap();
        Second {
            wanted: acknowledged + unavailable,
            outcomes: [acknowledged, 0, 0, 0, unavailable, 0, 0, 0],
            unavailable,
            latency_us: latencies,
            ..Second::default()
        }
    }

    fn overload(after: &[Second]) -> Record {
        let calm = second(500, 0, 2_000);
        let full = second(900, 0, 8_000);
        let over = second(800, 2_200, 90_000);
        let mut seconds = vec![calm.clone(), calm, full.clone(), full, over.clone(), over];
        seconds.extend_from_slice(after);
        let rates = [500.0, 900.0, 3_000.0, 500.0];
        let mut phases: Vec<Phase> = rates.map(|rate| Phase::constant(2.0, rate)).to_vec();
        phases[3].seconds = after.len() as f64;
        Record { phases, seconds, ..Record::new("overload", 1, 0) }
    }

    #[test]
    fn an_overload_shows_its_goodput_and_when_all_is_as_before() {
        let (calm, shed) = (second(500, 0, 3_000), second(480, 20, 3_000));
        let slow = second(500, 0, 60_000);
        let after = [shed, slow, calm.clone(), calm.clone(), calm.clone()];
        let sums = phases(&overload(&after));
        assert_eq!(sums.len(), 4);
        assert!((goodput(&sums).unwrap() - 800.0 / 900.0).abs() < 1e-9);
        assert_eq!(sums.iter().map(|sum| sum.back).collect::<Vec<_>>()[..3], [Back::NotAsked; 3]);
        assert_eq!(sums[3].back, Back::After(2));
        let cells = sums[2].cells();
        assert_eq!(cells[..4], ["0:04 to 0:06", "3,000 /s", "800 /s", "73.3 %"]);
        let never = phases(&overload(&vec![second(480, 20, 3_000); 5]));
        assert_eq!(never[3].back, Back::Not);
        assert_eq!(phases(&overload(&vec![calm; 5]))[3].back, Back::After(0));
    }

    #[test]
    fn a_run_that_was_stopped_has_only_the_phases_that_it_reached() {
        let mut record = overload(&[]);
        record.seconds.truncate(3);
        assert_eq!(phases(&record).len(), 2);
        assert_eq!(goodput(&phases(&Record::new("nothing", 1, 0))), None);
    }
}
