//! The lines of the terminal's view, as text.
//!
//! Invariant: no line is wider than 80 columns, and every figure keeps its place from second to
//! second, so that the eye can rest on it. Never here: the drawing itself.

use crate::live::{SPARK_S, Seen};
use crate::record::{Outcome, Record, Second};
use crate::report::{
    Percentiles, PhaseSum, Standing, Summary, Verdict, clock, duration, share, thousands,
};

const BARS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The view after `second`.
pub(super) fn live(seen: &Seen, second: &Second) -> Vec<String> {
    let of = |outcome: Outcome| thousands(second.outcomes[outcome as usize]);
    let failed = second.outcomes[Outcome::Unexpected as usize]
        + second.outcomes[Outcome::NoAnswer as usize]
        + second.outcomes[Outcome::NotSent as usize];
    let latency = Percentiles::of(&seen.latency());
    let percentile = |pick: fn(Percentiles) -> u64| {
        latency.map_or_else(|| "-".to_owned(), |found| duration(pick(found)))
    };
    let (spark, scale) = spark(seen);
    let or_dash = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), thousands);
    vec![
        format!(
            "{:>8}  wanted {:>9}/s   sent {:>9}/s   acknowledged {:>9}/s",
            clock(seen.seconds),
            thousands(second.wanted),
            thousands(second.sent),
            of(Outcome::Acknowledged)
        ),
        format!("{:>8}  {spark} {scale}", "60 s"),
        format!(
            "{:>8}  shed {:>7} in doubt {:>6} failed {:>6} voted {:>6} rejected {:>5}",
            "answers",
            of(Outcome::Shed),
            of(Outcome::InDoubt),
            thousands(failed),
            of(Outcome::AlreadyVoted),
            of(Outcome::Rejected)
        ),
        format!(
            "{:>8}  p50 {:>8}   p99 {:>8}   p99.9 {:>8}   overdue {:>8}",
            "latency",
            percentile(|found| found.p50),
            percentile(|found| found.p99),
            percentile(|found| found.p99_9),
            thousands(second.overdue)
        ),
        format!(
            "{:>8}  {:>13} of {:>13} acknowledged   lag {:>9}",
            "counted",
            or_dash(seen.counted),
            thousands(seen.acknowledged),
            or_dash(seen.lag)
        ),
    ]
}

/// Acknowledged in the last seconds, scaled to the most that was wanted in them, and that most.
fn spark(seen: &Seen) -> (String, String) {
    let most = seen.rates.iter().map(|(wanted, got)| *wanted.max(got)).max().unwrap_or(0);
    let mut bars: String = seen.rates.iter().map(|(_, got)| bar(*got, most)).collect();
    let missing = SPARK_S - seen.rates.len();
    bars.insert_str(0, &" ".repeat(missing));
    (bars, thousands(most))
}

fn bar(level: u64, most: u64) -> char {
    if most == 0 || level == 0 {
        return BARS[0];
    }
    // Rounded up, so that little is not nothing; in u128, so that no rate overflows.
    let eighths = (u128::from(level) * 8).div_ceil(u128::from(most)).min(8);
    usize::try_from(eighths).ok().and_then(|place| BARS.get(place)).copied().unwrap_or('█')
}

/// What a phase came to.
pub(super) fn phase(sum: &PhaseSum) -> String {
    let [when, wanted, acknowledged, unavailable, overdue, p99, back] = sum.cells();
    format!(
        "{when}: wanted {wanted}, acknowledged {acknowledged}, 503 {unavailable}, overdue \
         {overdue}, p99 {p99} {back}"
    )
    .trim_end()
    .to_owned()
}

/// What came of the run.
pub(super) fn end(record: &Record) -> Vec<String> {
    let totals = Summary::of(record);
    let acknowledged = totals.outcome(Outcome::Acknowledged);
    let mut lines = vec![format!(
        "{}: {} acknowledged of {} sent in {}, {}/s on average",
        record.name,
        thousands(acknowledged),
        thousands(totals.sent),
        clock(totals.ran_s),
        thousands(totals.acknowledged_per_s())
    )];
    if let Some(latency) = totals.latency {
        lines.push(format!(
            "latency: p50 {}, p99 {}, p99.9 {}, max {}",
            duration(latency.p50),
            duration(latency.p99),
            duration(latency.p99_9),
            duration(latency.max)
        ));
    }
    let others = Outcome::ALL.into_iter().skip(1).filter(|outcome| totals.outcome(*outcome) > 0);
    for outcome in others {
        let (count, of) = (totals.outcome(outcome), totals.sent);
        lines.push(format!(
            "{:>13} {:>12} ({})",
            outcome.name(),
            thousands(count),
            share(count, of)
        ));
    }
    if totals.overdue > 0 {
        let part = share(totals.overdue, totals.wanted);
        lines.push(format!("{:>13} {:>12} ({part})", "overdue", thousands(totals.overdue)));
    }
    if totals.outside > 0 {
        let count = thousands(totals.outside);
        lines.push(format!("{count} were refused before the opening or behind the close"));
    }
    if totals.no_retry_after > 0 {
        let count = thousands(totals.no_retry_after);
        lines.push(format!("{count} answers with 503 had no Retry-After"));
    }
    if let Some(late) = totals.late {
        let (p50, p99, max) = (duration(late.p50), duration(late.p99), duration(late.max));
        lines.push(format!("sent after the intended time: p50 {p50}, p99 {p99}, max {max}"));
    }
    let verdict = Verdict::of(record);
    let mark = match verdict.standing {
        Standing::Proven => "PROVEN",
        Standing::Mismatch => "MISMATCH",
        Standing::Unknown => "NOT PROVEN",
    };
    lines.push(format!("{mark}: {}", verdict.headline));
    lines.extend(verdict.sentences.iter().map(|sentence| format!("  {sentence}")));
    lines
}

#[cfg(test)]
pub(super) mod tests;
