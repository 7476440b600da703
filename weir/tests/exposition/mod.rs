//! What a process says at `/metrics`, read, and compared with the table in `docs/metrics.md`.
//!
//! Invariant: neither side may have a metric, a type or a label that the other has not.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};

use crate::kit::{Request, Server, eventually};

/// The families of metrics of one scrape, by name.
#[derive(Debug)]
pub(crate) struct Exposition(BTreeMap<String, Family>);

#[derive(Debug)]
struct Family {
    kind: String,
    samples: Vec<Sample>,
}

#[derive(Debug)]
struct Sample {
    /// Of a histogram with `_bucket`, `_sum` or `_count` behind it.
    name: String,
    /// Without the bound of a bucket.
    labels: BTreeMap<String, String>,
    value: f64,
}

/// A metric's type and the names of its labels, sorted, as everybody writes them down.
type Shape = (String, Vec<String>);

impl Exposition {
    /// What a server says now.
    pub(crate) fn of(server: &Server<'_>) -> Self {
        let line = server.line("/metrics");
        let url = line.split_whitespace().find(|word| word.ends_with("/metrics")).unwrap();
        let answer = Request::get(url).send();
        assert_eq!(answer.status, 200);
        Self::read(std::str::from_utf8(&answer.body).unwrap())
    }

    fn read(text: &str) -> Self {
        let mut families: BTreeMap<String, Family> = BTreeMap::new();
        let mut current = String::new();
        for line in text.lines() {
            if let Some(told) = line.strip_prefix("# TYPE ") {
                let (name, kind) = told.split_once(' ').unwrap();
                current = name.to_owned();
                let family = Family { kind: kind.to_owned(), samples: Vec::new() };
                let told_before = families.insert(name.to_owned(), family);
                assert!(told_before.is_none(), "{name} has two types");
            } else if !line.starts_with('#') {
                let sample = Sample::read(line);
                assert!(sample.name.starts_with(&current), "{line} is among {current}");
                families.get_mut(&current).unwrap().samples.push(sample);
            }
        }
        Self(families)
    }

    /// What there is, and in what shape.
    fn shapes(&self) -> BTreeMap<String, BTreeSet<Shape>> {
        let shape = |family: &Family, sample: &Sample| {
            (family.kind.clone(), sample.labels.keys().cloned().collect())
        };
        let shapes = |family: &Family| family.samples.iter().map(|s| shape(family, s)).collect();
        self.0.iter().map(|(name, family)| (name.clone(), shapes(family))).collect()
    }

    /// The sum over a metric's series that have all these labels; fails if there is none.
    pub(crate) fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |sample: &&Sample| {
            let has = |(label, value): &(&str, &str)| {
                sample.labels.get(*label).is_some_and(|found| found == value)
            };
            sample.name == name && labels.iter().all(has)
        };
        let samples: Vec<_> =
            self.0.values().flat_map(|family| &family.samples).filter(has).collect();
        assert!(!samples.is_empty(), "there is no {name} with {labels:?} in {self:#?}");
        samples.iter().map(|sample| sample.value).sum()
    }

    /// Fails if a label's value has one of these in it.
    pub(crate) fn keeps_to_itself(&self, secrets: &[&str]) {
        let samples = self.0.values().flat_map(|family| &family.samples);
        for value in samples.flat_map(|sample| sample.labels.values()) {
            let told = secrets.iter().find(|secret| value.contains(**secret));
            assert!(told.is_none(), "a label says {value}");
        }
    }
}

impl Sample {
    fn read(line: &str) -> Self {
        let (series, value) = line.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        assert!(!line.contains('\\'), "no label value needs this: {line}");
        let labels = labels.strip_suffix('}').unwrap();
        let labels = labels.split_terminator(',').map(|label| {
            let (name, value) = label.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        });
        let labels = labels.filter(|(name, _)| name != "le").collect();
        Self { name: name.to_owned(), labels, value: value.parse().unwrap() }
    }
}

/// What the table says that processes export, by where they do. Kafka's only where there is Kafka.
fn documented(wheres: &[&str], on_kafka: bool) -> BTreeMap<String, BTreeSet<Shape>> {
    let metrics = deploy::metrics::documented().into_iter().filter(|(name, metric)| {
        wheres.contains(&metric.exported_by.as_str())
            && (on_kafka || !name.starts_with("weir_kafka_"))
    });
    let shapes = metrics.map(|(name, metric)| {
        let mut labels = metric.labels;
        labels.sort();
        (name, BTreeSet::from([(metric.kind, labels)]))
    });
    shapes.collect()
}

/// What a server says, once it is exactly what the table says of processes of this kind. Some of it
/// takes a heartbeat, or librdkafka's first statistics.
pub(crate) fn as_documented(server: &Server<'_>, wheres: &[&str], on_kafka: bool) -> Exposition {
    let documented = documented(wheres, on_kafka);
    let mut told = String::new();
    eventually("the metrics to be those of the table", || {
        let exposition = Exposition::of(server);
        let exported = exposition.shapes();
        if exported == documented {
            return Some(exposition);
        }
        let missing = documented.iter().filter(|(name, shape)| exported.get(*name) != Some(shape));
        let wrong = exported.iter().filter(|(name, shape)| documented.get(*name) != Some(shape));
        let difference = format!(
            "the table has {:?}, exported is {:?}",
            missing.collect::<Vec<_>>(),
            wrong.collect::<Vec<_>>()
        );
        // Shown with the failure, if this is why.
        if difference != told {
            println!("{difference}");
            told = difference;
        }
        None
    })
}
