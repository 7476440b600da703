//! Expressions that hold, that do not, that cannot be told, and that are refused.
//!
//! Invariant: every sentence names the expression and the value found.

use hdrhistogram::Histogram;

use super::*;
use crate::record::Second;

fn record() -> Record {
    let mut latency_us = Histogram::new(3).unwrap();
    latency_us.record_n(1_000, 990).unwrap();
    latency_us.record_n(60_000, 10).unwrap();
    let second = Second {
        wanted: 1_100,
        sent: 1_080,
        overdue: 20,
        outcomes: [1_000, 0, 0, 0, 54, 20, 0, 0],
        unavailable: 70,
        no_retry_after: 4,
        outside: 0,
        latency_us: latency_us.clone(),
        counted: None,
    };
    let rest = Second { latency_us: latency_us.clone(), ..Second::default() };
    Record {
        seconds: vec![second, rest],
        latency_us,
        proof: Some(Proof { lost: 2, caught_up_ms: 5_100, ..Proof::default() }),
        ..Record::new("steady", 1, 0)
    }
}

fn said(expression: &str) -> Option<String> {
    expression.parse::<Threshold>().unwrap().broken(&record())
}

#[test]
fn a_broken_threshold_says_what_was_found() {
    let broken = [
        ("p99.5>50ms", "p99.5>50ms: it was 60.0 ms"),
        ("max > 0.05 s", "max>0.05s: it was 60.0 ms"),
        ("lost>0", "lost>0: it was 2"),
        ("shed>4.9%", "shed>4.9%: it was 5.000 % (54 of 1,080)"),
        ("in_doubt>0", "in_doubt>0: it was 20"),
        ("acknowledged<10000", "acknowledged<10000: it was 1,000"),
        ("rate<5000/s", "rate<5000/s: it was 1000.0 acknowledged a second"),
        ("catch_up>5s", "catch_up>5s: it was 5.10 s"),
        ("unavailable>6%", "unavailable>6%: it was 6.481 % (70 of 1,080)"),
        ("no_retry_after>0", "no_retry_after>0: it was 4"),
        ("overdue>1%", "overdue>1%: it was 1.818 % (20 of 1,100)"),
    ];
    for (expression, sentence) in broken {
        assert_eq!(said(expression).as_deref(), Some(sentence));
    }
}

#[test]
fn a_kept_threshold_says_nothing() {
    for kept in ["p99>50ms", "p50>1001us", "double>0", "shed>5%", "rate<1000", "overdue>20"] {
        assert_eq!(said(kept), None, "{kept}");
    }
}

#[test]
fn what_was_not_measured_breaks_a_threshold() {
    let nothing = Record::new("steady", 1, 0);
    for (expression, reason) in [
        ("lost>0", "no proof was made"),
        ("catch_up>5s", "no proof was made"),
        ("p99>50ms", "nothing was acknowledged"),
        ("shed>5%", "there were no requests"),
        ("goodput<80%", "there were not several phases"),
        ("recovery>5s", "the rate did not fall to that of a phase before"),
    ] {
        let sentence = expression.parse::<Threshold>().unwrap().broken(&nothing);
        assert_eq!(sentence, Some(format!("{expression}: not known, because {reason}")));
    }
}

#[test]
fn what_means_nothing_or_two_things_is_refused() {
    for (expression, reason) in [
        ("p99", "expected a name, > or <"),
        ("p99>50", "unit: us, ms or s"),
        ("catch_up>5", "unit: us, ms or s"),
        ("goodput<0.8", "needs %"),
        ("recovery>5", "unit: us, ms or s"),
        ("p101>5ms", "known are p50, p99"),
        ("pinf>5ms", "known are p50, p99"),
        ("speed>5", "\"speed\" is not known"),
        ("lost>1%", "not a number"),
        ("lost>=1", "not a number"),
        ("shed>-1", "not a number"),
        ("rate<1e3", "not a number"),
        ("shed>nan", "not a number"),
        ("p99>5ms>4ms", "unit: us, ms or s"),
    ] {
        let error = expression.parse::<Threshold>().unwrap_err().to_string();
        assert!(error.contains(reason) && error.starts_with(expression), "{error}");
    }
}

#[test]
fn a_threshold_reads_as_it_was_written() {
    assert_eq!("p99.9 > 250ms".parse::<Threshold>().unwrap().to_string(), "p99.9>250ms");
}
