//! The tables of the page: the run's key figures, and what became of every request.
//!
//! Invariant: a share names what it is a share of. Never here: a figure that is not also in the
//! JSON, or could not be computed from it.

use crate::processes::Process;
use crate::record::{Outcome, Record};
use crate::report::plots::{STACK, colour, title};
use crate::report::words::{escaped, many};
use crate::report::{self, Summary, clock, duration, share, thousands};

/// The figures that answer most questions, large.
pub(crate) fn key_figures(record: &Record, totals: &Summary) -> String {
    let acknowledged = totals.outcome(Outcome::Acknowledged);
    let mut cards = vec![
        (thousands(acknowledged), "requests acknowledged".to_owned()),
        (
            format!("{} /s", thousands(totals.acknowledged_peak_per_s)),
            format!(
                "acknowledged in the best second, {} /s wanted at the peak",
                thousands(totals.wanted_peak_per_s)
            ),
        ),
    ];
    if let Some(latency) = totals.latency {
        cards.push((
            duration(latency.p99),
            format!("for 99 of 100 acknowledgements; {} for half of them", duration(latency.p50)),
        ));
    }
    if let Some(proof) = &record.proof {
        cards.push((
            duration(proof.caught_up_ms.saturating_mul(1000)),
            "after the load until all was counted".to_owned(),
        ));
    }
    let cards: String = cards
        .into_iter()
        .map(|(figure, about)| format!("<li><b>{figure}</b>{about}</li>\n"))
        .collect();
    format!("<ul class=\"cards\">\n{cards}</ul>\n")
}

/// Every outcome with its colour, count and share of the answers.
pub(crate) fn outcomes(totals: &Summary) -> String {
    let all: u64 = STACK.into_iter().map(|outcome| totals.outcome(outcome)).sum();
    let row = |outcome: Outcome| {
        let (count, paint) = (totals.outcome(outcome), colour(outcome));
        format!(
            "<tr><td><i style=\"background:#{:02X}{:02X}{:02X}\"></i>{}</td><td>{}</td>\
             <td>{}</td><td>{}</td></tr>\n",
            paint.0,
            paint.1,
            paint.2,
            title(outcome),
            thousands(count),
            share(count, all),
            meaning(outcome),
        )
    };
    // What is on top of the stack is on top of the table.
    let rows: String = STACK.into_iter().rev().map(row).collect();
    format!(
        "<table class=\"outcomes\"><thead><tr><th>outcome</th><th>requests</th><th>of all</th>\
         <th>what it means</th></tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )
}

const fn meaning(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Acknowledged => "202: the ballot is on disk for good",
        Outcome::AlreadyVoted => "409: this voter has an acknowledged ballot for the day",
        Outcome::Rejected => {
            "4xx to a ballot invalid or forged on purpose, before the opening or behind the close"
        }
        Outcome::Unexpected => "an error that nothing in the load explains",
        Outcome::Shed => "overloaded or too fast: not taken, safe to try again",
        Outcome::InDoubt => "503 with a fate unknown at the deadline: safe to try again",
        Outcome::NoAnswer => "sent, and the connection ended or timed out",
        Outcome::NotSent => "the connection could not be made",
    }
}

/// What each phase came to, if there are several.
pub(crate) fn phases(record: &Record) -> String {
    let sums = report::phases(record);
    let Some(goodput) = report::goodput(&sums) else { return String::new() };
    let row = |cells: [String; 7]| {
        let cells: String = cells.iter().map(|cell| format!("<td>{cell}</td>")).collect();
        format!("<tr>{cells}</tr>\n")
    };
    let rows: String = sums.iter().map(|sum| row(sum.cells())).collect();
    let percent = goodput * 100.0;
    format!(
        "<h2>The phases of the plan</h2>\n<p>In the fullest phase {percent:.1} % of what the best \
         one had was acknowledged. Back to normal is the first of three seconds without a 503 and \
         with a p99 of at most twice the usual second's of a phase before which was loaded no \
         more.</p>\n\
         <table class=\"phases\"><thead><tr><th>from, to</th><th>wanted</th><th>acknowledged</th>\
         <th>503, of the answers</th><th>not sent in time</th><th>99 of 100 within</th><th></th>\
         </tr></thead>\n<tbody>\n{rows}</tbody></table>\n"
    )
}

/// What was run, and its totals.
pub(crate) fn summary(record: &Record, totals: &Summary) -> String {
    let began = jiff::Timestamp::from_millisecond(record.began_ms).map_or_else(
        |_| format!("{} ms after 1970", record.began_ms),
        |time| time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    );
    let of_wanted = |part: u64| format!("{} ({})", thousands(part), share(part, totals.wanted));
    let mut rows = vec![
        ("what was run", escaped(&record.name)),
        ("seed", record.seed.to_string()),
        ("began", began),
        ("load lasted", format!("{} min:s", clock(totals.ran_s))),
        ("requests wanted", thousands(totals.wanted)),
        ("sent, of those wanted", of_wanted(totals.sent)),
        ("not sent in time, of those wanted", of_wanted(totals.overdue)),
        ("acknowledged, on average", format!("{} /s", thousands(totals.acknowledged_per_s()))),
        ("refused before the opening or behind the close", thousands(totals.outside)),
        ("answered 503", thousands(totals.unavailable)),
        ("of these, without Retry-After", thousands(totals.no_retry_after)),
    ];
    if let Some(late) = totals.late {
        rows.extend([
            ("99 of 100 sent after the intended time by", duration(late.p99)),
            ("all by", duration(late.max)),
        ]);
    }
    if let Some(latency) = totals.latency {
        rows.extend([
            ("half acknowledged within", duration(latency.p50)),
            ("90 of 100 within", duration(latency.p90)),
            ("99 of 100 within", duration(latency.p99)),
            ("999 of 1,000 within", duration(latency.p99_9)),
            ("all within", duration(latency.max)),
        ]);
    }
    rows.extend(processes(record));
    if let Some(proof) = &record.proof {
        rows.extend([
            ("acknowledged in time", many(proof.acknowledged, "ballot")),
            ("lost", thousands(proof.lost)),
            ("counted more than once", thousands(proof.double)),
            ("counted but never sent", thousands(proof.unsent)),
            (
                "in doubt, and of these counted",
                format!("{}, {}", thousands(proof.in_doubt), thousands(proof.in_doubt_counted)),
            ),
        ]);
    }
    let rows: String = rows
        .into_iter()
        .map(|(name, value)| format!("<tr><th>{name}</th><td>{value}</td></tr>\n"))
        .collect();
    format!("<table class=\"summary\"><tbody>\n{rows}</tbody></table>\n")
}

/// The memory of each process that was watched.
fn processes(record: &Record) -> Option<(&'static str, String)> {
    let of = |process: &Process| {
        let there = || process.seconds.iter().flatten().map(|usage| usage.resident_bytes);
        let megabytes = |bytes: u64| format!("{} MB", thousands(bytes.div_ceil(1_000_000)));
        let (most, last) = (there().max()?, there().next_back()?);
        let name = escaped(&process.name);
        Some(format!("{name}: {}, at the end {}", megabytes(most), megabytes(last)))
    };
    let all: Vec<String> = record.processes.iter().filter_map(of).collect();
    (!all.is_empty()).then(|| ("memory at the most", all.join("; ")))
}
