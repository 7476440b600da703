//! The plain lines: `key=value`, one line a second at first, then one every ten seconds.
//!
//! Invariant: every line has every key in the same order, with `-` for what was not measured;
//! rates are means over `over_s`, and no second is left out. Never here: a colour or a unit in a
//! value (the key has it).

use hdrhistogram::Histogram;

use crate::record::{Outcome, Record, Second};
use crate::report::{Percentiles, Summary, Verdict, merged};

/// For so long there is a line a second; who waits longer wants fewer.
const EACH_S: u64 = 60;
const THEN_EVERY_S: u64 = 10;

/// The seconds since the last line.
#[derive(Debug, Default)]
pub(super) struct Plain {
    at_s: u64,
    over_s: u64,
    wanted: u64,
    sent: u64,
    overdue: u64,
    outcomes: [u64; 8],
    latencies: Vec<Histogram<u64>>,
    counted: Option<u64>,
    lag: Option<u64>,
}

impl Plain {
    /// Takes a second in, and gives the line if one is due.
    pub(super) fn second(&mut self, second: &Second, lag: Option<u64>) -> Option<String> {
        self.at_s += 1;
        self.over_s += 1;
        self.wanted += second.wanted;
        self.sent += second.sent;
        self.overdue += second.overdue;
        for (total, count) in self.outcomes.iter_mut().zip(second.outcomes) {
            *total += count;
        }
        self.latencies.push(second.latency_us.clone());
        self.counted = second.counted.or(self.counted);
        self.lag = lag;
        let due = self.at_s <= EACH_S || self.at_s.is_multiple_of(THEN_EVERY_S);
        if due { self.rest() } else { None }
    }

    /// The line of the seconds that have none yet.
    pub(super) fn rest(&mut self) -> Option<String> {
        if self.over_s == 0 {
            return None;
        }
        let over = self.over_s;
        let mut line = format!(
            "t_s={} over_s={over} wanted_per_s={} sent_per_s={} overdue={}",
            self.at_s,
            self.wanted / over,
            self.sent / over,
            self.overdue
        );
        for (outcome, count) in Outcome::ALL.into_iter().zip(self.outcomes) {
            line += &if outcome == Outcome::Acknowledged {
                format!(" acknowledged_per_s={}", count / over)
            } else {
                format!(" {}={count}", outcome.name())
            };
        }
        line += &latency(&merged(self.latencies.iter()));
        line += &format!(" counted={} lag={}", or_dash(self.counted), or_dash(self.lag));
        *self = Self { at_s: self.at_s, counted: self.counted, ..Self::default() };
        Some(line)
    }
}

fn or_dash(number: Option<u64>) -> String {
    number.map_or_else(|| "-".to_owned(), |number| number.to_string())
}

/// In milliseconds with three places, so that a column of them can be sorted.
fn latency(latencies: &Histogram<u64>) -> String {
    let found = Percentiles::of(latencies);
    let milliseconds = |key: &str, micros: Option<u64>| match micros {
        Some(micros) => format!(" {key}={}.{:03}", micros / 1000, micros % 1000),
        None => format!(" {key}=-"),
    };
    [
        milliseconds("p50_ms", found.map(|found| found.p50)),
        milliseconds("p99_ms", found.map(|found| found.p99)),
        milliseconds("p99.9_ms", found.map(|found| found.p99_9)),
        milliseconds("max_ms", found.map(|found| found.max)),
    ]
    .concat()
}

/// The last line: the whole run and its verdict.
pub(super) fn end(record: &Record) -> String {
    let totals = Summary::of(record);
    let mut line = format!(
        "end ran_s={} wanted={} sent={} overdue={}",
        totals.ran_s, totals.wanted, totals.sent, totals.overdue
    );
    for outcome in Outcome::ALL {
        line += &format!(" {}={}", outcome.name(), totals.outcome(outcome));
    }
    let (unavailable, no_retry_after) = (totals.unavailable, totals.no_retry_after);
    line += &format!(" unavailable={unavailable} no_retry_after={no_retry_after}");
    line += &format!(" outside_window={}", totals.outside);
    line += &latency(&record.latency_us);
    line += &format!(" late_p99_ms={}", or_dash(totals.late.map(|late| late.p99 / 1000)));
    let proof = record.proof.as_ref();
    line += &format!(
        " lost={} double={} unsent={} catch_up_ms={} verdict={}",
        or_dash(proof.map(|proof| proof.lost)),
        or_dash(proof.map(|proof| proof.double)),
        or_dash(proof.map(|proof| proof.unsent)),
        or_dash(proof.map(|proof| proof.caught_up_ms)),
        Verdict::of(record).standing.name()
    );
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::lines::tests::{empty, record, second};

    #[test]
    fn a_line_has_every_key_and_its_unit() {
        let mut plain = Plain::default();
        assert_eq!(
            plain.second(&second(), Some(70)).unwrap(),
            "t_s=1 over_s=1 wanted_per_s=5000 sent_per_s=4990 overdue=10 acknowledged_per_s=4900 \
             already_voted=40 rejected=20 unexpected=0 shed=20 in_doubt=5 no_answer=4 not_sent=1 \
             p50_ms=1.250 p99_ms=8.003 p99.9_ms=8.003 max_ms=8.003 counted=4830 lag=70"
        );
        assert_eq!(
            plain.second(&empty(), None).unwrap(),
            "t_s=2 over_s=1 wanted_per_s=0 sent_per_s=0 overdue=0 acknowledged_per_s=0 \
             already_voted=0 rejected=0 unexpected=0 shed=0 in_doubt=0 no_answer=0 not_sent=0 \
             p50_ms=- p99_ms=- p99.9_ms=- max_ms=- counted=4830 lag=-"
        );
    }

    #[test]
    fn a_long_run_has_a_line_every_ten_seconds_and_leaves_no_second_out() {
        let mut plain = Plain::default();
        let lines: Vec<_> = (0..74).filter_map(|_| plain.second(&second(), None)).collect();
        assert_eq!(lines.len(), 61);
        assert!(lines[60].starts_with("t_s=70 over_s=10 wanted_per_s=5000 sent_per_s=4990 "));
        assert!(lines[60].contains(" shed=200 "));
        assert!(plain.rest().unwrap().starts_with("t_s=74 over_s=4 "));
        assert_eq!(plain.rest(), None);
    }

    #[test]
    fn the_last_line_has_the_verdict() {
        assert_eq!(
            end(&record()),
            "end ran_s=1 wanted=5000 sent=4990 overdue=10 acknowledged=4900 already_voted=40 \
             rejected=20 unexpected=0 shed=20 in_doubt=5 no_answer=4 not_sent=1 unavailable=0 \
             no_retry_after=0 outside_window=0 p50_ms=1.250 p99_ms=8.003 p99.9_ms=8.003 \
             max_ms=8.003 late_p99_ms=- lost=0 double=0 unsent=0 catch_up_ms=1200 \
             verdict=proven"
        );
    }
}
