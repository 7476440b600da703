//! A Prometheus with the project's configuration and rules, of a test's processes, each second.
//!
//! Only intervals and targets differ from what is deployed: windows, rules, alerts and the names of
//! jobs are those of `deploy/prometheus`.

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};
use testkit::Prometheus;

use crate::kit::{Scratch, Server};

const FOLDER: &str = "deploy/prometheus";
const INTERVAL: &str = "1s";

/// The job of the one process that is everything: deployments of several have none.
const ALONE: &str = "weir-up";

/// Where a process tells its metrics: address and port.
pub(crate) fn ops(server: &Server<'_>) -> String {
    let stderr = server.stderr();
    let url = stderr.split_whitespace().find_map(|word| word.strip_suffix("/metrics"));
    url.unwrap().strip_prefix("http://").unwrap().to_owned()
}

/// Starts it on these jobs' targets.
pub(crate) fn start(scratch: &Scratch, jobs: &[(&str, Vec<String>)]) -> Prometheus {
    let folder = PathBuf::from(scratch.path("prometheus"));
    fs::create_dir_all(folder.join("rules")).unwrap();
    for name in ["recording.yml", "alerts.yml"] {
        let rules = every_second(deploy::yaml(&format!("{FOLDER}/rules/{name}")).remove(0));
        // JSON is YAML.
        fs::write(folder.join("rules").join(name), rules.to_string()).unwrap();
    }
    let mut config = deploy::yaml(&format!("{FOLDER}/prometheus.yml")).remove(0);
    assert_eq!(config["rule_files"], json!(["rules/*.yml"]));
    for key in ["scrape_interval", "scrape_timeout", "evaluation_interval"] {
        config["global"][key] = INTERVAL.into();
    }
    let scrapes = config["scrape_configs"].as_array_mut().unwrap();
    scrapes.push(json!({"job_name": ALONE}));
    assert_eq!(scrapes.len(), jobs.len(), "jobs of {FOLDER}/prometheus.yml");
    for (name, targets) in jobs {
        let scrape = scrapes.iter_mut().find(|scrape| scrape["job_name"] == *name);
        let scrape = scrape.unwrap_or_else(|| panic!("no job is {name}"));
        scrape["static_configs"] = json!([{"targets": targets}]);
    }
    Prometheus::start(&config.to_string(), &folder)
}

fn every_second(mut rules: Value) -> Value {
    for group in rules["groups"].as_array_mut().unwrap() {
        group["interval"] = INTERVAL.into();
    }
    rules
}
