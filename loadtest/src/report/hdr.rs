//! A run as an HdrHistogram interval log (V2, compressed), for the standard tools.
//!
//! Invariant: one interval per second, also an empty one, so that times add up; values are
//! microseconds from the intended time. Format: the HdrHistogram project's log version 1.3, as its
//! `HistogramLogProcessor` and the plotters made for it read it.

use std::time::{Duration, UNIX_EPOCH};

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::record::Record;

/// The run's latencies, one interval a second.
///
/// # Panics
///
/// Never: nothing here writes anywhere but to memory.
#[must_use]
pub fn hdr_log(record: &Record) -> Vec<u8> {
    // The tools want the time of the start to be one; before 1970 there were no load tests.
    let began = Duration::from_millis(u64::try_from(record.began_ms).unwrap_or(0));
    let name: String = record.name.chars().filter(|letter| !letter.is_control()).collect();
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    let mut writer = IntervalLogWriterBuilder::new()
        .add_comment("[Histogram log format version 1.3]")
        .add_comment(&format!("[loadtest {name}, seed {}]", record.seed))
        .add_comment("[Values are microseconds, from the intended time of the request to its 202]")
        .with_start_time(UNIX_EPOCH + began)
        .with_base_time(UNIX_EPOCH + began)
        // The column for people is in milliseconds, as the other tools have it.
        .with_max_value_divisor(1000.0)
        .begin_log_with(&mut log, &mut serializer)
        .expect("a Vec takes every byte");
    let mut start = Duration::ZERO;
    for second in &record.seconds {
        let length = Duration::from_secs(1);
        writer
            .write_histogram(&second.latency_us, start, length, None)
            .expect("a Vec takes every byte, and a histogram of u64 counts has a V2 form");
        start += length;
    }
    drop(writer);
    log
}
