//! The reports of a made-up run with the shape of a promotion: they parse, and say what is in it.
//!
//! Invariant: the record is the same in every run. The page is left under `target/tmp` to look at.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;
use hdrhistogram::serialization::interval_log::{IntervalLogIterator, LogEntry};
use loadtest::processes::{Process, Usage};
use loadtest::record::{Outcome, Proof, Record, Second};
use loadtest::report;
use loadtest::schedule::Phase;

const PEAK: u64 = 40_000;
const CAPACITY: u64 = 26_000;

/// Quiet for 20 s, then fifty times as much within 2 s, then a decay by half every 12 s.
fn wanted(second: u32) -> u64 {
    match second {
        0..20 => PEAK / 50,
        20 => PEAK / 2,
        21 => PEAK,
        later => {
            (PEAK >> ((later - 21) / 12)).max(PEAK / 50) * u64::from(24 - (later - 21) % 12) / 24
        }
    }
}

fn second(number: u32, latency_us: Histogram<u64>, counted: u64) -> Second {
    let wanted = wanted(number);
    let taken = wanted.min(CAPACITY);
    let [overdue, invalid, again] = [wanted / 400, wanted / 100, wanted / 50];
    let [in_doubt, no_answer] = if number == 24 { [900, 120] } else { [0, 0] };
    let acknowledged = latency_us.len();
    let outcomes = [acknowledged, again, invalid, 0, wanted - taken, in_doubt, no_answer, 0];
    Second {
        wanted,
        sent: wanted - overdue,
        overdue,
        outcomes,
        unavailable: wanted - taken + in_doubt,
        latency_us,
        counted: Some(counted),
        ..Second::default()
    }
}

/// A spread with a long tail, longer the fuller the second is.
fn latencies(number: u32) -> Histogram<u64> {
    let taken = wanted(number).min(CAPACITY);
    let acknowledged = taken - taken / 100 - taken / 50 - if number == 24 { 1_020 } else { 0 };
    let mut latencies = Histogram::new(3).unwrap();
    let base = 900 + taken / 12 + if wanted(number) > CAPACITY { 9_000 } else { 0 };
    for rank in 1..=acknowledged {
        let tail = acknowledged / (acknowledged - rank + 1);
        latencies.record(base * 7 / 10 + base * 6 * rank / acknowledged / 10 + tail * 40).unwrap();
    }
    latencies
}

fn promotion(seconds: u32) -> Record {
    let mut record = Record::new("promotion", 2023, 1_702_864_800_000);
    let (mut acknowledged, mut counted) = (0, 0);
    for number in 0..seconds {
        let latency_us = latencies(number);
        record.latency_us.add(&latency_us).unwrap();
        acknowledged += latency_us.len();
        counted = acknowledged.min(counted + 19_000).max(counted);
        record.seconds.push(second(number, latency_us, counted));
    }
    record.proof = Some(Proof {
        acknowledged,
        in_doubt: 512,
        in_doubt_counted: 300,
        caught_up_ms: 1_240,
        ..Proof::default()
    });
    record
}

fn nothing() -> Record {
    Record::new("promotion", 2023, 1_702_864_800_000)
}

/// Seconds in which the schedule wanted nothing.
fn idle() -> Record {
    let quiet = Second { latency_us: Histogram::new(3).unwrap(), ..Second::default() };
    Record { seconds: vec![quiet; 3], proof: Some(Proof::default()), ..nothing() }
}

fn every_shape() -> [Record; 5] {
    let record = promotion(120);
    let an_hour = record.seconds.iter().cycle().take(3_600).cloned().collect();
    let long = Record { seconds: an_hour, ..record.clone() };
    [nothing(), idle(), promotion(1), record, long]
}

#[test]
fn json_has_the_totals_and_one_entry_a_second() {
    for record in every_shape() {
        let read: serde_json::Value = serde_json::from_str(&report::json(&record)).unwrap();
        let wanted: u64 = record.seconds.iter().map(|second| second.wanted).sum();
        assert_eq!(read["totals"]["wanted_requests"], wanted);
        let columns = read["seconds"].as_object().unwrap();
        assert_eq!(columns.len(), 3 + Outcome::ALL.len() + 8);
        for (name, column) in columns {
            assert_eq!(column.as_array().unwrap().len(), record.seconds.len(), "{name}");
        }
    }
    let read: serde_json::Value = serde_json::from_str(&report::json(&promotion(120))).unwrap();
    assert_eq!(read["format"], "weir-loadtest-1");
    assert_eq!(read["verdict"], "proven");
    assert_eq!(read["totals"]["wanted_peak_per_s"], PEAK);
    assert_eq!(read["latency"]["measured_requests"], promotion(120).latency_us.len());
    assert_eq!(read["seconds"]["in_doubt_requests"][24], 900);
    assert!(read["latency"]["p99_9_us"].as_u64().unwrap() > 10_000);
    let read: serde_json::Value = serde_json::from_str(&report::json(&nothing())).unwrap();
    assert!(read["latency"].is_null() && read["proof"].is_null());
}

#[test]
fn csv_has_a_row_a_second_with_every_field() {
    for record in every_shape() {
        let text = report::csv(&record);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        assert_eq!(rows.len(), record.seconds.len() + 1);
        assert!(rows.iter().all(|row| row.len() == 4 + Outcome::ALL.len() + 8), "{text}");
        for (row, second) in rows[1..].iter().zip(&record.seconds) {
            assert_eq!(row[1].parse::<u64>().unwrap(), second.wanted);
            let max = row[16].parse::<u64>().ok();
            assert_eq!(max, (!second.latency_us.is_empty()).then(|| second.latency_us.max()));
        }
    }
}

#[test]
fn the_hdr_log_gives_every_second_back() {
    for record in every_shape() {
        let log = report::hdr_log(&record);
        let mut intervals = Vec::new();
        for entry in IntervalLogIterator::new(&log) {
            match entry.unwrap() {
                LogEntry::Interval(interval) => intervals.push(interval),
                LogEntry::BaseTime(time) | LogEntry::StartTime(time) => {
                    assert_eq!(time.as_secs(), 1_702_864_800);
                }
            }
        }
        assert_eq!(intervals.len(), record.seconds.len());
        for (interval, second) in intervals.iter().zip(&record.seconds) {
            use base64::Engine as _;
            let bytes = base64::engine::general_purpose::STANDARD
                .decode(interval.encoded_histogram())
                .unwrap();
            let read: Histogram<u64> = Deserializer::new().deserialize(&mut &bytes[..]).unwrap();
            assert_eq!(read, second.latency_us);
        }
    }
}

#[test]
fn the_page_stands_alone_and_is_well_formed() {
    for record in every_shape() {
        let page = report::html(&record);
        for forbidden in ["http://", "https://", "<script", "NaN", "inf\"", "inf,", "Not drawn"] {
            assert!(!page.contains(forbidden), "{forbidden} is on the page");
        }
        for tag in ["svg", "text", "figure", "table", "section", "main", "tr", "td", "li", "p"] {
            let opened = page.matches(&format!("<{tag}>")).count()
                + page.matches(&format!("<{tag} ")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        assert!(page.len() < 1_000_000, "{} bytes", page.len());
    }
    assert_eq!(report::html(&promotion(120)).matches("<svg").count(), 6);
}

#[test]
fn the_verdict_stands_first_and_in_words() {
    let sound = report::html(&promotion(120));
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/report.html"), &sound).unwrap();
    let headline = sound.find("<h1>Nothing was lost, and nothing was counted twice.</h1>").unwrap();
    assert!(headline < sound.find("<svg").unwrap() && headline < sound.find("<table").unwrap());

    let mut record = promotion(120);
    let proof = record.proof.as_mut().unwrap();
    (proof.lost, proof.double) = (12, 1);
    proof.examples = vec!["Voter 17 <of 10> was acknowledged and not counted.".to_owned()];
    let broken = report::html(&record);
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/broken.html"), &broken).unwrap();
    assert!(broken.contains(
        "<h1>12 acknowledged ballots were lost and 1 voter was counted more than once in a day."
    ));
    assert!(broken.contains("Voter 17 &lt;of 10&gt; was acknowledged"));

    assert!(report::html(&nothing()).contains("<h1>No proof was made.</h1>"));
    assert!(report::html(&idle()).contains("<h1>Nothing was acknowledged, so nothing was proven."));
}

#[test]
fn processes_and_phases_are_in_every_report() {
    let mut record = promotion(120);
    record.phases = [(20.0, 800.0), (60.0, 40_000.0), (40.0, 800.0)]
        .map(|(seconds, rate)| Phase::constant(seconds, rate))
        .to_vec();
    let usage = |second: u64| Usage { resident_bytes: 50_000_000 + second, cpu_ms: 700 };
    let mut seconds: Vec<Option<Usage>> = (0..120).map(|second| Some(usage(second))).collect();
    seconds[60..].fill(None);
    record.processes = vec![Process { name: "edge".to_owned(), seconds }];
    let page = report::html(&record);
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/phases.html"), &page).unwrap();
    assert_eq!(page.matches("<svg").count(), 8);
    assert!(page.contains("edge: 51 MB, at the end 51 MB") && page.contains("The phases of"));
    let read: serde_json::Value = serde_json::from_str(&report::json(&record)).unwrap();
    assert_eq!(read["processes"][0]["resident_bytes"][59], 50_000_059);
    assert!(read["processes"][0]["cpu_ms"][60].is_null());
    assert_eq!(read["phases"][1]["to_s"], 80);
    let text = report::csv(&record);
    let mut lines = text.lines();
    assert!(lines.next().unwrap().ends_with(",edge_resident_bytes,edge_cpu_ms"));
    assert!(lines.nth(59).unwrap().ends_with(",50000059,700"));
    assert!(lines.next().unwrap().ends_with(",,"));
}

#[test]
fn a_long_run_is_drawn_in_bins_of_several_seconds() {
    let [.., long] = every_shape();
    assert!(report::html(&long).contains("Each step is 8 seconds."));
}
