//! Every process restarted under load, one after another, and the aggregators scaled
//! 1 → 3 → 1 → 2: how long each step took, and how old the oldest ballot counted during it was.

use std::time::Duration;

use serde_json::Value;
use testkit::wait_for;

use crate::Error;
use crate::load::Load;
use crate::site::Site;
use crate::watch::{Watch, now_s};
use crate::weir::Weir;

/// Beside brokers and load tester on the two cores of a small machine.
const RATE: u64 = 1_500;
const SECONDS: u64 = 240;
/// What a step leaves behind is over by then, and the next is not disturbed by it.
const SETTLED_AFTER: Duration = Duration::from_secs(8);

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let mut site = Site::start("steps", 2, 3)?;
    site.balance()?;
    let load = Load::start(&site, "steady", RATE, SECONDS)?;
    settle();
    println!("| step | took | oldest when counted | lag | p99 acknowledgement | 503s |");
    println!("|---|---|---|---|---|---|");
    let began = now_s();
    settle();
    say("nothing, for comparison", &site.watch, began, now_s());
    for number in 0..site.edges.len() {
        step(&mut site, "rolling", |site| restart(&mut site.edges[number]))?;
    }
    for number in 0..site.aggregators.len() {
        step(&mut site, "rolling", |site| restart(&mut site.aggregators[number]))?;
    }
    step(&mut site, "scale 3 to 1", |site| {
        site.aggregators[1..].iter_mut().try_for_each(Weir::stop)?;
        Ok("aggregate-2 and -3 leave".to_owned())
    })?;
    step(&mut site, "scale 1 to 3", |site| {
        site.aggregators[1..].iter_mut().try_for_each(Weir::start)?;
        Ok("aggregate-2 and -3 join".to_owned())
    })?;
    step(&mut site, "scale 3 to 1", |site| {
        site.aggregators[..2].iter_mut().try_for_each(Weir::stop)?;
        Ok("aggregate-1 and -2 leave".to_owned())
    })?;
    step(&mut site, "scale 1 to 2", |site| {
        site.aggregators[0].start()?;
        Ok("aggregate-1 joins".to_owned())
    })?;
    step(&mut site, "killed -9", |site| {
        site.aggregators[0].kill()?;
        site.aggregators[0].start()?;
        Ok("aggregate-1, and started again".to_owned())
    })?;
    let report = load.finish()?;
    proved(&report);
    site.stop()
}

fn settle() {
    // Time that passes is what is wanted: nothing is waited for.
    std::thread::park_timeout(SETTLED_AFTER);
}

fn restart(weir: &mut Weir) -> Result<String, Error> {
    weir.stop()?;
    weir.start()?;
    Ok(format!("restart {}", weir.name))
}

/// Does something, waits until every partition is counted without lag, and says what it cost.
fn step(
    site: &mut Site,
    kind: &str,
    mut what: impl FnMut(&mut Site) -> Result<String, Error>,
) -> Result<(), Error> {
    let from = now_s();
    let name = what(site)?;
    let counted = wait_for(Duration::from_mins(1), || {
        let folding = "count(count by (partition) (weir_partition_phase{phase=\"folding\"} == 1))";
        let lag = "max(weir_partition_lag_seconds)";
        let all = site.watch.number(folding).is_some_and(|count| count >= 6.0);
        (all && site.watch.number(lag).is_some_and(|lag| lag < 1.0)).then_some(())
    });
    counted.ok_or_else(|| format!("after {name}: not all is counted"))?;
    let until = now_s();
    settle();
    say(&format!("{kind}: {name}"), &site.watch, from, until);
    Ok(())
}

fn say(name: &str, watch: &Watch, from: f64, until: f64) {
    // What was waiting is counted, and seen by a scrape, a little later.
    let seen = until + SETTLED_AFTER.as_secs_f64() - 1.0;
    let age = oldest(watch, from, seen).map_or("none".to_owned(), |(above, edge)| {
        if edge.is_finite() { format!("{above} to {edge} s") } else { format!("above {above} s") }
    });
    let lag = watch.highest("max(weir_partition_lag_seconds)", from, seen).unwrap_or_default();
    let p99 = "histogram_quantile(0.99, sum by (le) (rate(weir_request_duration_seconds_bucket\
               {route=\"ballots\",result=\"ok\"}[5s])))";
    let p99 = watch.highest(p99, from, seen).unwrap_or_default();
    let failed = "sum(weir_requests_total{route=\"ballots\",outcome=~\"journal_unavailable|\
                  overloaded\"})";
    let failed = grown(watch, failed, from, seen);
    println!(
        "| {name} | {:.1} s | {age} | {lag:.1} s | {:.0} ms | {failed} |",
        until - from,
        p99 * 1_000.0
    );
}

fn grown(watch: &Watch, expression: &str, from: f64, until: f64) -> f64 {
    let series = watch.range(expression, from, until);
    let of_one = |values: &[(f64, f64)]| match (values.first(), values.last()) {
        (Some(first), Some(last)) => (last.1 - first.1).max(0.0),
        (None, _) | (_, None) => 0.0,
    };
    series.iter().map(|one| of_one(&one.values)).sum()
}

/// Between which edges of the histogram the age of the oldest record lay that was counted between
/// two times. By hand, as `increase` does not see what a process counted before its first scrape.
fn oldest(watch: &Watch, from: f64, until: f64) -> Option<(f64, f64)> {
    let mut by_edge: Vec<(f64, f64)> = Vec::new();
    for series in watch.range("weir_ballot_age_seconds_bucket", from, until) {
        let edge = series.labels["le"].as_str().unwrap_or_default();
        let edge = edge.parse().unwrap_or(f64::INFINITY);
        let is_new = series.values.first().is_some_and(|(at, _)| *at > from + 2.0);
        let first = series.values.first().map_or(0.0, |(_, value)| *value);
        let mut before = if is_new { 0.0 } else { first };
        let mut more = 0.0;
        for (_, value) in &series.values {
            // A counter that fell began anew.
            more += if *value < before { *value } else { value - before };
            before = *value;
        }
        match by_edge.iter_mut().find(|(known, _)| *known == edge) {
            Some((_, sum)) => *sum += more,
            None => by_edge.push((edge, more)),
        }
    }
    by_edge.sort_by(|one, other| one.0.total_cmp(&other.0));
    let all = by_edge.last()?.1;
    let place = by_edge.iter().position(|(_, sum)| *sum >= all)?;
    let above = place.checked_sub(1).map_or(0.0, |before| by_edge[before].0);
    (all > 0.0).then(|| (above, by_edge[place].0))
}

/// What the load tester proved.
pub(crate) fn proved(report: &Value) {
    let totals = &report["totals"];
    println!(
        "acknowledged {}, shed {}, in doubt {}, p99 {} ms, {}",
        totals["acknowledged_requests"],
        totals["shed_requests"],
        totals["in_doubt_requests"],
        report["latency"]["p99_us"].as_u64().unwrap_or_default() / 1_000,
        report["verdict_text"].as_str().unwrap_or("no verdict")
    );
}
