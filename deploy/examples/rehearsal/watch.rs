//! The Prometheus of a rehearsal: the project's own rules, scraping what runs here.

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use testkit::Prometheus;

/// The test kit asks for a version through a file that is named after the process: one at a time.
static STARTING: Mutex<()> = Mutex::new(());

/// A real Prometheus, and the questions a part has.
#[derive(Debug)]
pub(crate) struct Watch {
    prometheus: Prometheus,
}

/// A series: its labels, and values by time in seconds.
#[derive(Debug, Clone)]
pub(crate) struct Series {
    pub(crate) labels: Value,
    pub(crate) values: Vec<(f64, f64)>,
}

impl Watch {
    /// Starts it on these targets (job, host and port), scraped every so many seconds.
    pub(crate) fn start(targets: &[(&str, &str)], every_s: u32, folder: &Path) -> Self {
        let jobs = ["weir-ingest", "weir-aggregate", "weir-up"].map(|job| {
            let of_job = targets.iter().filter(|(its, _)| *its == job);
            let of_job: Vec<_> = of_job.map(|(_, address)| address).collect();
            json!({"job_name": job, "static_configs": [{"targets": of_job}]})
        });
        let rules = deploy::path("deploy/prometheus/rules/*.yml");
        let every = format!("{every_s}s");
        let config = json!({
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [rules],
            "scrape_configs": jobs,
        });
        let _turn = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        // JSON is YAML.
        Self { prometheus: Prometheus::start(&config.to_string(), &folder.join("prometheus")) }
    }

    /// The sum of what an expression answers now; `None` if it answers nothing.
    pub(crate) fn number(&self, expression: &str) -> Option<f64> {
        let answer = self.prometheus.query(expression);
        let found = answer.as_array()?.iter();
        let numbers: Vec<f64> = found.filter_map(|one| value(&one["value"][1])).collect();
        (!numbers.is_empty()).then(|| numbers.iter().sum())
    }

    /// What an expression was from one time to another, every second.
    pub(crate) fn range(&self, expression: &str, from_s: f64, to_s: f64) -> Vec<Series> {
        let answer = self.prometheus.query_range(expression, (from_s, to_s), 1.0);
        let found = answer.as_array().cloned().unwrap_or_default();
        let series = |one: Value| {
            let values = one["values"].as_array().cloned().unwrap_or_default();
            let values = values.iter().filter_map(|pair| {
                Some((pair[0].as_f64()?, value(&pair[1]).filter(|value| value.is_finite())?))
            });
            Series { labels: one["metric"].clone(), values: values.collect() }
        };
        found.into_iter().map(series).collect()
    }

    /// The names of the alerts that fire now.
    pub(crate) fn firing(&self) -> Vec<String> {
        let answer = self.prometheus.query("group by (alertname) (ALERTS{alertstate=\"firing\"})");
        let found = answer.as_array().cloned().unwrap_or_default();
        let name = |one: &Value| Some(one["metric"]["alertname"].as_str()?.to_owned());
        found.iter().filter_map(name).collect()
    }

    /// The highest value an expression had between two times; `None` if it had none.
    pub(crate) fn highest(&self, expression: &str, from_s: f64, to_s: f64) -> Option<f64> {
        let series = self.range(expression, from_s, to_s);
        let values = series.iter().flat_map(|one| one.values.iter().map(|(_, value)| *value));
        values.reduce(f64::max)
    }
}

fn value(text: &Value) -> Option<f64> {
    text.as_str()?.parse().ok()
}

/// Seconds since 1970-01-01 UTC.
pub(crate) fn now_s() -> f64 {
    jiff::Timestamp::now().as_duration().as_secs_f64()
}
