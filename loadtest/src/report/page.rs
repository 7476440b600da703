//! The page: one HTML file that stands alone, on a screen and on paper.
//!
//! Invariant: the verdict is the first thing on it; everything is inline, and nothing on it runs
//! or is fetched. Never here: text of a run that was not escaped.

use crate::record::{Outcome, Record};
use crate::report::bins::bins;
use crate::report::figure::Figure;
use crate::report::words::{escaped, many};
use crate::report::{Summary, Verdict, duration, plots, share, tables, thousands};

const STYLE: &str = include_str!("page.css");

/// The run as one self-contained page.
#[must_use]
pub fn html(record: &Record) -> String {
    let totals = Summary::of(record);
    let name = escaped(&record.name);
    [
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n\
             <title>Load test: {name}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <main>\n<p class=\"kicker\">Weir load test: {name}</p>\n"
        ),
        verdict(&Verdict::of(record)),
        format!("<p class=\"lead\">{}</p>\n", lead(&totals)),
        tables::key_figures(record, &totals),
        tables::phases(record),
        figures(record, &totals),
        "<h2>The run in figures</h2>\n".to_owned(),
        tables::summary(record, &totals),
        NOTES.to_owned(),
        "</main>\n</body>\n</html>\n".to_owned(),
    ]
    .concat()
}

const NOTES: &str = "<h2>How it was measured</h2>\n<p>Requests follow a schedule that was fixed \
    before the run and does not wait for the server. A latency runs from the moment for which the \
    schedule wanted the request, so waiting in the load generator counts against the result. The \
    proof rebuilds what every voter sent and compares it with the public tally once the tally has \
    caught up. Running the same profile with the same seed repeats the load.</p>\n";

fn verdict(verdict: &Verdict) -> String {
    let sentences: String =
        verdict.sentences.iter().map(|said| format!("<p>{}</p>\n", escaped(said))).collect();
    format!(
        "<section class=\"verdict {}\">\n<h1>{}</h1>\n{sentences}</section>\n",
        verdict.standing.name(),
        escaped(&verdict.headline)
    )
}

/// What happened, for somebody who reads nothing else.
fn lead(totals: &Summary) -> String {
    let mut said = vec![format!(
        "In {}, {} were wanted, {} in the fullest second. {} acknowledged, {} in the best second.",
        many(totals.ran_s, "second"),
        many(totals.wanted, "request"),
        thousands(totals.wanted_peak_per_s),
        match totals.outcome(Outcome::Acknowledged) {
            0 => "None was".to_owned(),
            1 => "1 was".to_owned(),
            more => format!("{} were", thousands(more)),
        },
        thousands(totals.acknowledged_peak_per_s),
    )];
    if let Some(latency) = totals.latency {
        said.push(format!(
            "Half of the acknowledgements came within {}, 99 of 100 within {} and 999 of 1,000 \
             within {}.",
            duration(latency.p50),
            duration(latency.p99),
            duration(latency.p99_9)
        ));
    }
    let shed = totals.outcome(Outcome::Shed);
    if shed > 0 {
        said.push(format!(
            "{} ({} of those sent) were turned away at the door with a request to try again.",
            many(shed, "request"),
            share(shed, totals.sent)
        ));
    }
    if totals.no_retry_after > 0 {
        said.push(format!(
            "{} with 503 did not say after how many seconds to try again, which it must.",
            many(totals.no_retry_after, "answer")
        ));
    }
    if totals.overdue > 0 {
        said.push(format!(
            "{} could not be sent in time: read the rest with that in mind.",
            many(totals.overdue, "request")
        ));
    }
    said.join(" ")
}

fn figures(record: &Record, totals: &Summary) -> String {
    if record.seconds.is_empty() {
        return "<p>The run has no second to draw.</p>\n".to_owned();
    }
    let (bins, width_s) = bins(record);
    let coarse = if width_s > 1 {
        format!(" Each step is {}.", many(width_s as u64, "second"))
    } else {
        String::new()
    };
    let mut page = [
        figure(
            "Wanted, sent and acknowledged",
            &format!("What was sent should cover what was wanted (grey).{coarse}"),
            &plots::rates(&bins),
        ),
        figure("What became of the requests", &coarse, &plots::outcomes(&bins)),
        tables::outcomes(totals),
    ]
    .concat();
    if totals.latency.is_some() {
        let slow = format!("A gap is a time without an acknowledgement.{coarse}");
        page += &figure("How long voters waited, over time", &slow, &plots::latencies(&bins));
        let curve = "Every division to the right is ten times rarer.";
        page += &figure("How long voters waited, altogether", curve, &plots::percentiles(record));
    }
    if !record.processes.is_empty() {
        let memory = plots::memory(record, width_s);
        page += &figure("Memory of the processes", &coarse, &memory);
        let processor = plots::processor(record, width_s);
        page += &figure("Processor time of the processes", &coarse, &processor);
    }
    match plots::widest(&bins) {
        Some(widest) => {
            page += &figure("Counted against acknowledged", &coarse, &plots::counted(&bins));
            page += &figure("The lag of the count", &widest, &plots::lag(&bins));
        }
        None => page += "<p>The tally was not asked during the run: its lag is not drawn.</p>\n",
    }
    page
}

fn figure(title: &str, about: &str, figure: &Figure) -> String {
    let svg = figure.svg();
    format!("<figure>\n<figcaption><b>{title}</b> {about}</figcaption>\n{svg}</figure>\n")
}
