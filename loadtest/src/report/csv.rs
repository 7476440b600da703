//! A run as CSV, one row a second, for spreadsheets.
//!
//! Invariant: every row has as many fields as the header, no field needs quoting, and an empty
//! field is one that was not measured. Never here: a number with a separator or a unit in it.

use std::fmt::Write as _;

use crate::processes::Usage;
use crate::record::{Outcome, Record};
use crate::report::Percentiles;

/// The run, one row a second, under a header whose names have the units in them.
#[must_use]
pub fn csv(record: &Record) -> String {
    let mut text = String::from("second_s,wanted_requests,sent_requests,overdue_requests");
    for outcome in Outcome::ALL {
        push(&mut text, format_args!(",{}_requests", outcome.name()));
    }
    text.push_str(",p50_us,p90_us,p99_us,p99_9_us,max_us,counted_ballots");
    text.push_str(",unavailable_requests,no_retry_after_requests");
    for name in record.processes.iter().map(|process| &process.name) {
        push(&mut text, format_args!(",{name}_resident_bytes,{name}_cpu_ms"));
    }
    text.push('\n');
    for (number, second) in record.seconds.iter().enumerate() {
        let (wanted, sent, overdue) = (second.wanted, second.sent, second.overdue);
        push(&mut text, format_args!("{number},{wanted},{sent},{overdue}"));
        for count in second.outcomes {
            push(&mut text, format_args!(",{count}"));
        }
        match Percentiles::of(&second.latency_us) {
            Some(Percentiles { p50, p90, p99, p99_9, max }) => {
                push(&mut text, format_args!(",{p50},{p90},{p99},{p99_9},{max}"));
            }
            None => text.push_str(",,,,,"),
        }
        match second.counted {
            Some(counted) => push(&mut text, format_args!(",{counted}")),
            None => text.push(','),
        }
        let (unavailable, no_retry_after) = (second.unavailable, second.no_retry_after);
        push(&mut text, format_args!(",{unavailable},{no_retry_after}"));
        for process in &record.processes {
            match process.seconds.get(number).copied().flatten() {
                Some(Usage { resident_bytes, cpu_ms }) => {
                    push(&mut text, format_args!(",{resident_bytes},{cpu_ms}"));
                }
                None => text.push_str(",,"),
            }
        }
        text.push('\n');
    }
    text
}

fn push(text: &mut String, part: std::fmt::Arguments<'_>) {
    text.write_fmt(part).expect("writing to a String cannot fail");
}
