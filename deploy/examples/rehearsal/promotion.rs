//! The promotion profile against two edges and three aggregators: what the load tester proved,
//! which queries of the dashboards answered, and the dashboards' main panels of that time, drawn
//! from what Prometheus had.

use deploy::dashboards::{self, Dashboard, Query, list, substituted, text};
use serde_json::Value;

use crate::Error;
use crate::load::Load;
use crate::panels::{Plot, draw};
use crate::site::Site;
use crate::steps::proved;
use crate::watch::{Series, Watch, now_s};

const RATE: u64 = 6_000;
/// Long enough for rates over a minute, which the dashboards show, to rise and fall.
const SECONDS: u64 = 150;
/// Before and after the load, so that the panels show how it begins and ends.
const QUIET_S: f64 = 5.0;

/// What is drawn: dashboard and panel.
const MAIN: [(&str, &str); 10] = [
    ("campaign", "Ballots per second"),
    ("campaign", "New votes per choice and second"),
    ("campaign", "What became of ballots"),
    ("campaign", "Cast to counted"),
    ("pipeline", "Acknowledgement of ballots"),
    ("pipeline", "Ballots in flight"),
    ("pipeline", "Ballots per record"),
    ("pipeline", "Lag by partition"),
    ("pipeline", "Ballots folded per second by partition"),
    ("hosts", "Memory"),
];

/// What Grafana would put into a query of this time.
const VALUES: [(&str, &str); 6] = [
    ("__rate_interval", "5s"),
    ("__range", "3m"),
    ("__interval", "1s"),
    ("campaign", "rehearsal"),
    ("instance", ".*"),
    ("datasource", "prometheus"),
];

const ACKNOWLEDGED: &str =
    "sum(rate(weir_requests_total{route=\"ballots\",outcome=\"accepted\"}[3s]))";

/// Runs the part.
pub(crate) fn run() -> Result<(), Error> {
    let site = Site::start("promotion", 2, 3)?;
    let from = now_s();
    let load = Load::start(&site, "promotion", RATE, SECONDS)?;
    let report = load.finish()?;
    let until = now_s() + QUIET_S;
    proved(&report);
    let all = dashboards::all();
    let silent = all.iter().flat_map(Dashboard::panel_queries).filter(|query| {
        let expression = substituted(&query.expr, &VALUES);
        site.watch.range(&expression, from, until).iter().all(|one| one.values.is_empty())
    });
    let silent: Vec<Query> = silent.collect();
    let queries: usize = all.iter().map(|one| one.panel_queries().len()).sum();
    println!("{} of {queries} queries of panels answered; silent:", queries - silent.len());
    for Query { dashboard, of, expr } in &silent {
        println!("  {dashboard}, {of}: {expr}");
    }
    for (what, expression) in [
        ("acknowledged a second at the peak", ACKNOWLEDGED),
        ("oldest lag, s", "max(weir_partition_lag_seconds)"),
        ("records behind", "sum(weir_partition_lag_records)"),
        ("in flight", "sum(weir_ballots_in_flight)"),
        ("an edge's memory, MiB", "max(process_resident_memory_bytes{job=\"weir-ingest\"}) / 2^20"),
        (
            "an aggregator's memory, MiB",
            "max(process_resident_memory_bytes{job=\"weir-aggregate\"}) / 2^20",
        ),
    ] {
        let highest = site.watch.highest(expression, from, until);
        println!("highest {what}: {:.1}", highest.unwrap_or(f64::NAN));
    }
    let plots = MAIN.iter().map(|(name, title)| {
        let panel = all.iter().find(|one| one.name == *name).and_then(|dashboard| {
            dashboard.panels().into_iter().find(|panel| panel["title"] == *title)
        });
        let panel = panel.ok_or_else(|| format!("no panel {name}, {title}"))?;
        Ok::<_, Error>(plot(panel, &site.watch, from, until))
    });
    let plots = plots.collect::<Result<Vec<_>, _>>()?;
    let file = site.folder.join("panels.svg");
    draw(&plots, &file)?;
    println!("drawn: {}", file.display());
    site.stop()
}

/// A panel of a time.
fn plot(panel: &Value, watch: &Watch, from: f64, until: f64) -> Plot {
    let lines = list(&panel["targets"]).iter().flat_map(|target| {
        let expression = substituted(&text(&target["expr"]), &VALUES);
        let legend = text(&target["legendFormat"]);
        let found = watch.range(&expression, from - QUIET_S, until);
        found.into_iter().map(move |one| {
            let since = |(at, value): &(f64, f64)| (at - from + QUIET_S, *value);
            (named(&legend, &one), one.values.iter().map(since).collect())
        })
    });
    Plot { title: text(&panel["title"]), lines: lines.collect() }
}

/// A legend with the labels of a series in it.
fn named(legend: &str, series: &Series) -> String {
    let labels = series.labels.as_object().into_iter().flatten();
    labels.fold(legend.to_owned(), |legend, (name, value)| {
        legend.replace(&format!("{{{{{name}}}}}"), value.as_str().unwrap_or_default())
    })
}
