//! What an operator sees: a real Prometheus with the project's own configuration and rules watches
//! a running pipeline, and every query of every dashboard, every recording rule and every alert is
//! put to it.
//!
//! Each query must be one that Prometheus understands and have an answer, the main figures must be
//! those of the tally itself, and nothing may alert.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "watched/expected.rs"]
mod expected;
mod kit;
#[path = "watched/scraped.rs"]
mod scraped;
mod site;
mod storm;
#[path = "watched/visitors.rs"]
mod visitors;

use std::sync::Arc;
use std::time::Duration;

use deploy::dashboards::{self, Query};
use kit::{Scratch, Server, Up, campaign, eventually};
use serde_json::Value;
use site::Site;
use storm::{Load, Plan, Population};
use testkit::{Kafka, Prometheus};
use visitors::Visitors;

const RATE_PER_S: u32 = 300;

/// Scrapes of each process before anything is asked: enough for windows of a minute to be nearly
/// full, and for alerts that wait 30 s to fire.
const SCRAPES: u32 = 45;

/// A scrape that takes longer than a second is lost, so that a slow machine needs more of them.
const PATIENCE: Duration = Duration::from_mins(2);

/// What the drop-down lists and Grafana would fill in, for a scrape every second.
const VALUES: [(&str, &str); 4] =
    [("__rate_interval", "15s"), ("__range", "1m"), ("campaign", "watched"), ("instance", ".*")];

/// What is asked, by where it is asked.
fn questions() -> Vec<(String, String)> {
    let of_dashboards = dashboards::all().into_iter().flat_map(|dashboard| {
        let panels = dashboard.panel_queries();
        [panels, dashboard.annotation_queries(), dashboard.variable_queries()].concat()
    });
    let of_dashboards = of_dashboards.map(|Query { dashboard, of, expr }| {
        (format!("{dashboard}: {of}"), dashboards::substituted(&expr, &VALUES))
    });
    let rules = deploy::yaml("deploy/prometheus/rules/recording.yml").remove(0);
    let groups = dashboards::list(&rules["groups"]).iter();
    let rules = groups.flat_map(|group| dashboards::list(&group["rules"]).to_vec());
    let of_rules = rules.map(|rule| {
        let name = dashboards::text(&rule["record"]);
        (format!("rule: {name}"), name)
    });
    of_dashboards.chain(of_rules).collect()
}

/// Whether an answer has a series with a number in it.
fn says_something(answer: &Value) -> bool {
    let series = dashboards::list(answer).iter();
    series.map(|one| dashboards::text(&one["value"][1])).any(|value| value != "NaN")
}

/// The first number of an answer.
fn number(answer: &Value) -> Option<f64> {
    dashboards::text(&answer[0]["value"][1]).parse().ok()
}

/// The expression of the only query of a panel of the campaign's dashboard.
fn of_campaign_panel(title: &str) -> String {
    let all = dashboards::all();
    let campaign = all.iter().find(|dashboard| dashboard.name == "campaign").unwrap();
    let mut found = campaign.panel_queries();
    found.retain(|query| query.of == title);
    assert_eq!(found.len(), 1, "{title}");
    dashboards::substituted(&found[0].expr, &VALUES)
}

/// Puts every question, and tells those that get no answer.
fn asked(prometheus: &Prometheus) {
    let mut open = questions();
    assert!(open.len() > 100, "{} questions", open.len());
    open.retain(|(of, expr)| {
        // The parser's turn: an expression it does not understand fails the test here.
        let answer = prometheus.query(expr);
        println!("{of}: {} of {}", answer[0]["value"][1], dashboards::list(&answer).len());
        !expected::may_be_silent(of) && !says_something(&answer)
    });
    let answered = testkit::wait_for(PATIENCE, || {
        open.retain(|(_, expr)| !says_something(&prometheus.query(expr)));
        open.is_empty().then_some(())
    });
    assert!(answered.is_some(), "no answer to {open:#?}");
}

/// No alert fires, and none that is not this machine's own is about to.
fn all_is_well(prometheus: &Prometheus) {
    let firing = prometheus.query("ALERTS{alertstate=\"firing\"}");
    assert_eq!(firing, Value::Array(Vec::new()), "alerts");
    let mut pending = Vec::new();
    let none = testkit::wait_for(PATIENCE, || {
        let alerts = prometheus.query("ALERTS");
        let named = |one: &Value| dashboards::text(&one["metric"]["alertname"]);
        pending = dashboards::list(&alerts).iter().map(named).collect();
        pending.retain(|name| !expected::may_be_pending(name));
        pending.is_empty().then_some(())
    });
    assert!(none.is_some(), "about to fire: {pending:?}");
}

/// Waits until the campaign's dashboard says what the tally says.
fn compare(prometheus: &Prometheus, tally: &Value) {
    let panel = of_campaign_panel("Ballots counted");
    eventually("every counted ballot to be on the dashboard", || {
        (number(&prometheus.query(&panel)) == tally["ballots"].as_f64()).then_some(())
    });
    let votes = prometheus.query(&of_campaign_panel("Votes per choice"));
    let told: Vec<(usize, f64)> = dashboards::list(&votes)
        .iter()
        .map(|one| {
            let choice = dashboards::text(&one["metric"]["choice"]).parse().unwrap();
            (choice, dashboards::text(&one["value"][1]).parse().unwrap())
        })
        .collect();
    assert!(told.is_sorted_by(|a, b| a.1 >= b.1), "most first: {told:?}");
    assert_eq!(told.len(), dashboards::list(&tally["votes"]).len());
    for (choice, votes) in told {
        assert_eq!(Some(votes), tally["votes"][choice - 1].as_f64(), "choice {choice}");
    }
    let state = prometheus.query(&of_campaign_panel("State"));
    assert_eq!(number(&state), Some(1.0), "open");
}

/// An aggregator leaves and comes back at the same place, as it does when it is deployed anew.
fn redeployed<'a>(site: &Site<'a>, aggregator: Server<'a>, ops: &str) -> Server<'a> {
    aggregator.stop();
    site.aggregate(&["--ops-listen", ops])
}

#[test]
fn every_panel_has_data_from_a_running_pipeline_and_nothing_alerts() {
    let kafka = Kafka::start(1);
    let scratch = Scratch::new();
    let site = Site::founded(&kafka, &scratch, "watched");
    let population = Arc::new(Population::new(&site.text, 1_000_000));
    let edges = [site.ingest(&[]), site.ingest(&[])];
    let aggregators = [site.aggregate(&[]), site.aggregate(&[])];
    let alone = scratch.file("alone.toml", campaign(-1, 2).replace("\"test\"", "\"alone\""));
    let up = Up::start(&scratch, &["--campaign", &alone]);
    let jobs = [
        ("weir-ingest", edges.iter().map(scraped::ops).collect()),
        ("weir-aggregate", aggregators.iter().map(scraped::ops).collect()),
        ("weir-up", vec![scraped::ops(&up)]),
    ];
    let prometheus = scraped::start(&scratch, &jobs);
    let urls = edges.each_ref().map(|edge| edge.url());
    let plan = Plan { rate_per_s: RATE_PER_S, threads: 16, seed: 6 };
    let load = Load::start(&population, &urls, plan);
    let visitors = Visitors::start(&urls[0], population.token(0));
    let processes = edges.len() + aggregators.len() + 1;
    let scraped = |times: u32| {
        let enough = format!("count(sum_over_time(up[10m]) >= {times}) == {processes}");
        let state = || says_something(&prometheus.query(&enough)).then_some(());
        assert!(testkit::wait_for(PATIENCE, state).is_some(), "not scraped {times} times");
    };
    scraped(3);
    let [stays, leaves] = aggregators;
    let returned = redeployed(&site, leaves, &jobs[1].1[1]);
    scraped(SCRAPES);

    asked(&prometheus);
    all_is_well(&prometheus);

    visitors.finish();
    let notes = load.finish(Duration::from_secs(30));
    assert_eq!(notes.unsettled, 0, "{notes}");
    let tally = site.caught_up(&urls);
    compare(&prometheus, &serde_json::from_slice(&tally).unwrap());
    println!("{notes}");
    [stays, returned].into_iter().chain(edges).for_each(Server::stop);
    up.stop();
}
