//! The Grafana dashboards and their provisioning: valid by Grafana's own types, orderly, explained,
//! and asking only for what there is.
//!
//! No Grafana runs here; `weir/tests/watched.rs` sends every query to a real Prometheus.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "grafana/names.rs"]
mod names;
#[path = "grafana/types.rs"]
mod types;

use std::collections::{BTreeMap, BTreeSet};

use deploy::compose;
use deploy::dashboards::{DATA_SOURCE, Dashboard, all, list, text, variables_used};
use serde_json::Value;

/// What Grafana itself gives a value.
const BUILT_IN: [&str; 2] = ["__rate_interval", "__range"];

/// The most panels that are shown before somebody unfolds a row.
const SHOWN_MAX: usize = 30;

/// Lines of Grafana's grid.
const COLUMNS: u64 = 24;

fn title(panel: &Value) -> String {
    text(&panel["title"])
}

#[test]
fn every_dashboard_is_valid_by_the_types_of_the_grafana_that_shows_it() {
    let dashboards = all();
    let names: Vec<&str> = dashboards.iter().map(|dashboard| dashboard.name.as_str()).collect();
    assert_eq!(names, ["campaign", "hosts", "pipeline"]);
    let image = text(&compose::document()["services"]["grafana"]["image"]);
    let version = image.strip_prefix("grafana/grafana:").unwrap();
    let problems = types::problems(version, &dashboards);
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    // And the types are such that refuse: no known value, a misspelt key, a key that is missing.
    let mut wrong = dashboards[0].clone();
    for (right, bad) in [
        ("\"colorMode\": \"value\"", "\"colorMode\": \"valu\""),
        ("\"fillOpacity\"", "\"filOpacity\""),
        ("\"iconColor\": \"green\",", ""),
    ] {
        assert!(wrong.text.contains(right), "{right}");
        wrong.text = wrong.text.replacen(right, bad, 1);
    }
    let problems = types::problems(version, &[wrong]);
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn dashboards_are_found_under_stable_names_and_cannot_be_edited_in_grafana() {
    for Dashboard { name, text: file, json } in all() {
        assert_eq!(json["uid"], format!("weir-{name}"));
        assert_eq!(json["editable"], false, "{name}");
        assert!(json.get("id").is_none() && json.get("version").is_none(), "{name}");
        assert!(file.ends_with("}\n") && !file.contains('\t'), "{name}");
        let indented = file.lines().all(|line| (line.len() - line.trim_start().len()) % 2 == 0);
        assert!(indented, "{name}: two spaces a level");
        let explained = [&json["title"], &json["description"]].map(text);
        assert!(explained.iter().all(|text| !text.is_empty()), "{name}");
    }
}

#[test]
fn panels_have_numbers_of_their_own_and_fill_the_grid_without_a_gap() {
    for Dashboard { name, json, .. } in all() {
        let mut numbers = BTreeSet::new();
        let mut shown = 0;
        let groups = [list(&json["panels"])].into_iter();
        let rows = list(&json["panels"]).iter().map(|row| list(&row["panels"]));
        for (folded, panels) in groups.chain(rows).enumerate() {
            for panel in panels {
                let number = panel["id"].as_u64().unwrap();
                assert!(numbers.insert(number), "{name}: two panels are {number}");
            }
            shown += if folded == 0 { panels.len() } else { 0 };
            assert_tiled(&name, panels);
        }
        assert!(shown <= SHOWN_MAX, "{name}: {shown} panels at once");
        for row in list(&json["panels"]).iter().filter(|panel| panel["type"] == "row") {
            let folded = row["collapsed"] == true;
            assert_eq!(folded, !list(&row["panels"]).is_empty(), "{name}: {}", title(row));
        }
    }
}

/// Every place between the first and the last line is taken by exactly one panel.
fn assert_tiled(name: &str, panels: &[Value]) {
    let mut taken = BTreeMap::new();
    for panel in panels {
        let of = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        for y in of("y")..of("y") + of("h") {
            for x in of("x")..of("x") + of("w") {
                let before = taken.insert((y, x), title(panel));
                assert!(before.is_none(), "{name}: {} lies on {before:?}", title(panel));
                assert!(x < COLUMNS, "{name}: {} is too far to the right", title(panel));
            }
        }
    }
    let lines: BTreeSet<u64> = taken.keys().map(|(y, _)| *y).collect();
    let (first, last) = (lines.first().copied(), lines.last().copied());
    let height = first.zip(last).map_or(0, |(first, last)| last - first + 1);
    assert_eq!(taken.len() as u64, height * COLUMNS, "{name}: gaps between {first:?} and {last:?}");
}

#[test]
fn every_panel_says_what_it_shows_in_which_unit_and_what_to_make_of_it() {
    for dashboard in all() {
        let mut titles = BTreeSet::new();
        for panel in dashboard.panels() {
            let title = title(panel);
            let place = format!("{}: {title}", dashboard.name);
            assert!(!title.is_empty(), "{place}");
            if panel["type"] == "text" {
                continue;
            }
            assert!(titles.insert(title), "{place} twice");
            let description = text(&panel["description"]);
            let sentences = description.matches(". ").count() + 1;
            assert!(description.ends_with('.') && sentences >= 2, "{place}: {description}");
            let unit = text(&panel["fieldConfig"]["defaults"]["unit"]);
            assert!(!unit.is_empty(), "{place}: no unit");
            assert_eq!(panel["datasource"]["uid"], DATA_SOURCE, "{place}");
            let targets = list(&panel["targets"]);
            assert!(!targets.is_empty(), "{place}: asks nothing");
            for target in targets {
                assert!(target.get("datasource").is_none(), "{place}: the panel has it");
                // A number alone needs no name; what is drawn or listed beside others does.
                let alone = targets.len() == 1 && panel["type"] == "stat";
                let named = alone || panel["type"] == "table" || target["legendFormat"].is_string();
                assert!(named, "{place}: no legend");
            }
        }
    }
}

#[test]
fn queries_name_only_what_is_exported_or_recorded_and_variables_that_there_are() {
    let known = names::known();
    for dashboard in all() {
        let variables = dashboard.variables();
        let panels = dashboard.panel_queries();
        let others = [dashboard.annotation_queries(), dashboard.variable_queries()].concat();
        assert!(!others.is_empty() && variables.contains("datasource"), "{}", dashboard.name);
        for query in panels.iter().chain(&others) {
            let named = names::names(&query.expr);
            assert!(!named.is_empty(), "{query:?} asks for nothing");
            let unknown: Vec<_> = named.difference(&known).collect();
            assert!(unknown.is_empty(), "{query:?}: nothing exports {unknown:?}");
        }
        for used in variables_used(&dashboard.text) {
            let there = variables.contains(&used) || BUILT_IN.contains(&used.as_str());
            assert!(there, "{}: ${used} is not defined", dashboard.name);
        }
        // And each that somebody may choose changes what is shown.
        let asked: String = panels.into_iter().map(|query| query.expr).collect();
        let asked = variables_used(&asked);
        let chosen = variables.iter().filter(|name| *name != "datasource");
        let idle: Vec<_> = chosen.filter(|name| !asked.contains(*name)).collect();
        assert!(idle.is_empty(), "{}: {idle:?} change nothing", dashboard.name);
    }
}

#[test]
fn every_metric_of_weir_is_on_a_dashboard_or_in_a_rule_that_is() {
    let asked = all()
        .into_iter()
        .flat_map(|dashboard| [dashboard.panel_queries(), dashboard.annotation_queries()].concat());
    let mut shown: BTreeSet<String> = asked.flat_map(|query| names::names(&query.expr)).collect();
    let recorded = names::recorded();
    // Rules are made of rules: three deep at the most.
    for _ in 0..3 {
        let used = recorded.iter().filter(|(rule, _)| shown.contains(*rule));
        let used: BTreeSet<String> = used.flat_map(|(_, expr)| names::names(expr)).collect();
        shown.extend(used);
    }
    let metrics = deploy::metrics::documented();
    let hidden = metrics.iter().filter(|(name, metric)| {
        let names = names::exported(name, metric);
        !names.iter().any(|name| shown.contains(name))
    });
    let hidden: Vec<&str> = hidden.map(|(name, _)| name.as_str()).collect();
    assert_eq!(hidden, NOT_SHOWN, "on no dashboard");
}

/// Resident memory says more.
const NOT_SHOWN: [&str; 1] = ["process_virtual_memory_bytes"];

#[test]
fn grafana_finds_dashboards_and_prometheus_where_the_compose_file_puts_them() {
    let services = compose::services(&compose::document());
    let grafana = &services["grafana"];
    let mounted = |source: &str| {
        let found = grafana.mounts().into_iter().find(|mount| mount.source == source);
        found.unwrap_or_else(|| panic!("{source} is not mounted")).target
    };
    // Where Grafana's image looks for it.
    assert_eq!(mounted("./deploy/grafana/provisioning"), "/etc/grafana/provisioning");
    let provider = deploy::yaml("deploy/grafana/provisioning/dashboards/weir.yml").remove(0);
    let provider = &provider["providers"][0];
    assert_eq!(provider["options"]["path"], mounted("./deploy/grafana/dashboards"));
    assert_eq!(provider["allowUiUpdates"], false);
    assert_eq!(provider["disableDeletion"], true);

    let source = deploy::yaml("deploy/grafana/provisioning/datasources/prometheus.yml").remove(0);
    let source = &source["datasources"][0];
    assert_eq!((&source["type"], &source["isDefault"]), (&"prometheus".into(), &true.into()));
    let url = text(&source["url"]);
    let (host, port) = url.strip_prefix("http://").unwrap().split_once(':').unwrap();
    let published = services[host].list("ports").concat();
    assert!(published.ends_with(&format!(":{port}")), "{url}: {published}");
    let networks =
        |name: &str| services[name].list("networks").into_iter().collect::<BTreeSet<_>>();
    assert!(!networks("grafana").is_disjoint(&networks(host)), "no way to {host}");
    let scraped = deploy::yaml("deploy/prometheus/prometheus.yml").remove(0);
    let interval = &source["jsonData"]["timeInterval"];
    assert_eq!(*interval, scraped["global"]["scrape_interval"], "$__rate_interval is made of it");
}
