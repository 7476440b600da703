//! What Prometheus is given: it loads, its rules name what processes export, and each alert has a
//! section in the runbook and fires on its cause.
//!
//! The rules' own tests are `deploy/prometheus/tests/*.yml`, run by promtool. Never here: a
//! running system; `weir/tests` has that.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "prometheus/expr.rs"]
mod expr;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use deploy::metrics::documented;
use deploy::{path, text, yaml};
use expr::named;
use serde_json::Value;

const FOLDER: &str = "deploy/prometheus";
const RUNBOOK: &str = "docs/runbook.md";
/// Labels that a scrape gives; the namespace under Kubernetes only.
const SCRAPED: [&str; 3] = ["job", "instance", "namespace"];

fn yml_in(folder: &str) -> BTreeSet<String> {
    let files = fs::read_dir(path(folder)).unwrap_or_else(|error| panic!("{folder}: {error}"));
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    let names = names.filter(|name| name.ends_with(".yml"));
    names.map(|name| format!("{folder}/{name}")).collect()
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("no {key} in {value}"))
}

/// The groups of the files of rules.
fn groups() -> Vec<Value> {
    let documents = yml_in(&format!("{FOLDER}/rules"));
    let documents = documents.iter().flat_map(|file| yaml(file));
    documents.flat_map(|document| list(&document, "groups").to_vec()).collect()
}

fn rules(kind: &str) -> Vec<Value> {
    let rules = groups().into_iter().flat_map(|group| list(&group, "rules").to_vec());
    rules.filter(|rule| rule.get(kind).is_some()).collect()
}

/// The tests of the rules, each file's together.
fn tests() -> Vec<Value> {
    let files = yml_in(&format!("{FOLDER}/tests"));
    files.iter().flat_map(|file| yaml(file)).collect()
}

/// What promtool says, if it finds something wrong.
fn complaint(words: &[&str], file: &str) -> Option<String> {
    let promtool: PathBuf = testkit::promtool().unwrap();
    let mut command = Command::new(promtool);
    // A third of its time would go into collecting garbage of a few megabytes.
    let said = command.args(words).arg(path(file)).env("GOGC", "400").output().unwrap();
    let text = [said.stdout, said.stderr].map(|said| String::from_utf8_lossy(&said).into_owned());
    (!said.status.success()).then(|| format!("promtool {words:?} {file}: {}", text.concat()))
}

#[test]
fn prometheus_takes_the_configuration_and_the_rules() {
    let config = complaint(&["check", "config"], &format!("{FOLDER}/prometheus.yml"));
    assert_eq!(config, None);
    for file in yml_in(&format!("{FOLDER}/rules")) {
        assert_eq!(complaint(&["check", "rules", "--lint=all", "--lint-fatal"], &file), None);
    }
}

#[test]
fn the_rules_pass_their_tests() {
    let files = yml_in(&format!("{FOLDER}/tests"));
    assert!(!files.is_empty());
    let complaints = std::thread::scope(|scope| {
        let run = |file| scope.spawn(move || complaint(&["test", "rules"], file));
        let runs: Vec<_> = files.iter().map(String::as_str).map(run).collect();
        runs.into_iter().filter_map(|run| run.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// Else promtool evaluates groups in any order, and a test passes or fails by chance.
#[test]
fn the_tests_evaluate_all_groups_in_the_order_in_which_they_build_on_each_other() {
    let files = yml_in(&format!("{FOLDER}/rules"));
    // What is recorded comes first.
    let in_order = files.iter().rev().flat_map(|file| yaml(file));
    let groups: Vec<Value> =
        in_order.flat_map(|document| list(&document, "groups").to_vec()).collect();
    let names: Vec<&str> = groups.iter().map(|group| word(group, "name")).collect();
    for file in tests() {
        let order: Vec<&str> =
            list(&file, "group_eval_order").iter().filter_map(Value::as_str).collect();
        assert_eq!(order, names);
    }
}

#[test]
fn every_scraped_target_is_a_service_of_the_compose_file() {
    let services = yaml("docker-compose.yml").remove(0);
    let config = yaml(&format!("{FOLDER}/prometheus.yml")).remove(0);
    let mut targets = BTreeSet::new();
    for job in list(&config, "scrape_configs") {
        // The alerts on processes that are down look for it.
        assert!(word(job, "job_name").starts_with("weir-"), "{job}");
        for of in list(job, "static_configs") {
            targets.extend(list(of, "targets").iter().filter_map(Value::as_str).map(str::to_owned));
        }
    }
    let serve = ["ingest-1", "ingest-2", "aggregate-1", "aggregate-2"];
    assert_eq!(targets, serve.map(|service| format!("{service}:9090")).into());
    for service in serve {
        assert!(services["services"][service].is_object(), "{service}");
    }
}

#[test]
fn rules_name_only_what_is_exported_or_recorded_by_labels_it_has() {
    let metrics = documented();
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, metric) in &metrics {
        let labels = |more: &[&str]| {
            let more = more.iter().chain(&SCRAPED).map(|label| (*label).to_owned());
            metric.labels.iter().cloned().chain(more).collect::<Vec<_>>()
        };
        if metric.kind == "histogram" {
            known.insert(format!("{name}_bucket"), labels(&["le"]));
            known.insert(format!("{name}_sum"), labels(&[]));
            known.insert(format!("{name}_count"), labels(&[]));
        } else {
            known.insert(name.clone(), labels(&[]));
        }
    }
    known.insert("up".to_owned(), SCRAPED.map(str::to_owned).to_vec());
    for rule in rules("record") {
        // By convention its labels are the first part of its name.
        let name = word(&rule, "record");
        let level = name.split(':').next().unwrap().split('_').map(str::to_owned).collect();
        assert_eq!(name.split(':').count(), 3, "{name} is not level:metric:operation");
        assert!(known.insert(name.to_owned(), level).is_none(), "{name} is there twice");
    }
    for rule in [rules("record"), rules("alert")].concat() {
        let expr = word(&rule, "expr");
        let found = named(expr);
        assert!(!found.metrics.is_empty(), "{expr}");
        let mut labels: BTreeSet<&str> = BTreeSet::new();
        for (name, matched) in &found.metrics {
            let Some(has) = known.get(name) else { panic!("{name} is not exported: {expr}") };
            for label in matched {
                assert!(has.contains(label), "{name} has no label {label}: {expr}");
            }
            labels.extend(has.iter().map(String::as_str));
        }
        for label in &found.labels {
            assert!(labels.contains(label.as_str()), "nothing has the label {label}: {expr}");
        }
    }
}

#[test]
fn every_alert_is_told_in_full_and_has_a_section_in_the_runbook() {
    let runbook = text(RUNBOOK);
    let sections = runbook.lines().filter_map(|line| line.strip_prefix("## Weir"));
    let sections: Vec<String> = sections.map(|rest| format!("Weir{rest}")).collect();
    let alerts = rules("alert");
    let names: Vec<&str> = alerts.iter().map(|alert| word(alert, "alert")).collect();
    // In the same order, so that one is found beside the other.
    assert_eq!(sections, names);
    for alert in &alerts {
        let (name, annotations) = (word(alert, "alert"), &alert["annotations"]);
        assert!(["page", "ticket"].contains(&word(&alert["labels"], "severity")), "{name}");
        for told in ["summary", "description"] {
            assert!(!word(annotations, told).is_empty(), "{name}: {told}");
        }
        let anchor = format!("{RUNBOOK}#{}", name.to_lowercase());
        assert_eq!(word(annotations, "runbook"), anchor);
    }
}

#[test]
fn the_runbook_names_only_what_is_exported() {
    let metrics = documented();
    let runbook = text(RUNBOOK);
    let recorded: Vec<Value> = rules("record");
    let recorded: Vec<&str> = recorded.iter().map(|rule| word(rule, "record")).collect();
    let words = runbook.split(|c: char| !(c.is_ascii_alphanumeric() || "_:".contains(c)));
    for word in words.filter(|word| word.contains("weir_")) {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|end| word.strip_suffix(end));
        let known = metrics.contains_key(word) || recorded.contains(&word);
        assert!(known || base.is_some_and(|base| metrics.contains_key(base)), "{word}");
    }
}

#[test]
fn every_alert_is_shown_to_fire_and_to_clear_and_every_recorded_rule_to_be_right() {
    let (mut fires, mut clears, mut queried) = (BTreeSet::new(), BTreeSet::new(), String::new());
    for file in tests() {
        for test in list(&file, "tests") {
            let mut here = BTreeSet::new();
            for case in list(test, "alert_rule_test") {
                let name = word(case, "alertname").to_owned();
                let expected = list(case, "exp_alerts");
                for alert in expected {
                    let told = alert["exp_annotations"].to_string();
                    assert!(!told.contains("no value") && !told.contains("<error"), "{told}");
                }
                if !expected.is_empty() {
                    here.insert(name);
                } else if here.contains(&name) {
                    clears.insert(name);
                }
            }
            fires.extend(here);
            for case in list(test, "promql_expr_test") {
                queried.extend([word(case, "expr"), "\n"]);
            }
        }
    }
    let alerts = rules("alert");
    let names: BTreeSet<String> =
        alerts.iter().map(|alert| word(alert, "alert").to_owned()).collect();
    assert_eq!(fires, names);
    assert_eq!(clears, names);
    for rule in rules("record") {
        let name = word(&rule, "record");
        assert!(queried.lines().any(|line| line == name), "no test tells a value of {name}");
    }
}
