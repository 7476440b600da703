//! The terminal's view, line by line; and the seconds that the plain lines are tested with too.
//!
//! Invariant: what is compared here is text as it is drawn, without escape sequences.

use hdrhistogram::Histogram;

use super::*;
use crate::record::Proof;

pub(in crate::live) fn empty() -> Second {
    Second { latency_us: Histogram::new(3).unwrap(), ..Second::default() }
}

pub(in crate::live) fn second() -> Second {
    let mut latency_us = Histogram::new(3).unwrap();
    latency_us.record_n(1_250, 4_800).unwrap();
    latency_us.record_n(8_000, 100).unwrap();
    Second {
        wanted: 5_000,
        sent: 4_990,
        overdue: 10,
        outcomes: [4_900, 40, 20, 0, 20, 5, 4, 1],
        latency_us,
        counted: Some(4_830),
        ..Second::default()
    }
}

pub(in crate::live) fn record() -> Record {
    let second = second();
    Record {
        latency_us: second.latency_us.clone(),
        seconds: vec![second],
        proof: Some(Proof { acknowledged: 4_900, caught_up_ms: 1_200, ..Proof::default() }),
        ..Record::new("steady", 7, 1_702_864_800_000)
    }
}

fn seen(rates: impl IntoIterator<Item = Second>) -> Seen {
    let mut seen = Seen::default();
    for second in rates {
        seen.add(&second, Some(70));
    }
    seen
}

#[test]
fn the_view_has_rates_a_spark_line_outcomes_latency_and_lag() {
    let view = live(&seen([empty(), second()]), &second());
    let wanted = [
        "    0:02  wanted     5,000/s   sent     4,990/s   acknowledged     4,900/s",
        &format!("    60 s  {}█ 5,000", " ".repeat(59)),
        " answers  shed      20 in doubt      5 failed      5 voted     40 rejected    20",
        " latency  p50  1.25 ms   p99  8.00 ms   p99.9  8.00 ms   overdue       10",
        " counted          4,830 of         4,900 acknowledged   lag        70",
    ];
    assert_eq!(view, wanted);
}

#[test]
fn no_line_is_wider_than_80_columns_at_a_million_a_second() {
    let mut huge = second();
    (huge.wanted, huge.sent, huge.overdue) = (1_000_000, 1_000_000, 1_000_000);
    huge.outcomes = [1_000_000, 99_999, 9_999, 0, 999_999, 99_999, 99_999, 0];
    let view = live(&seen(std::iter::repeat_n(huge.clone(), 100)), &huge);
    for line in view {
        assert!(line.chars().count() <= 80, "{}: {line}", line.chars().count());
    }
}

#[test]
fn the_spark_line_scales_to_what_was_wanted() {
    let at = |got| Second { wanted: 800, outcomes: [got, 0, 0, 0, 0, 0, 0, 0], ..empty() };
    let (bars, scale) = spark(&seen([at(0), at(1), at(100), at(400), at(800)]));
    assert_eq!(bars.trim_start(), "▁▁▄█");
    assert_eq!(bars.chars().count(), SPARK_S);
    assert_eq!(scale, "800");
}

#[test]
fn an_empty_run_has_an_end() {
    let none = Record::new("steady", 7, 0);
    assert_eq!(
        end(&none)[..2],
        [
            "steady: 0 acknowledged of 0 sent in 0:00, 0/s on average".to_owned(),
            "NOT PROVEN: No proof was made.".to_owned()
        ]
    );
}

#[test]
fn the_end_says_what_was_proven() {
    let lines = end(&record());
    assert_eq!(lines[0], "steady: 4,900 acknowledged of 4,990 sent in 0:01, 4,900/s on average");
    assert!(lines.contains(&"         shed           20 (0.40 %)".to_owned()), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("PROVEN: Nothing was lost")), "{lines:#?}");
}
