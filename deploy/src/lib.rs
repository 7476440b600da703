//! Reads what Weir is deployed and watched with, for tests: YAML files, Grafana's dashboards, and
//! the table of metrics in `docs/metrics.md`.
//!
//! Whatever cannot be read is a failed test that names the file. Never here: a default for
//! something that a file should say.

#![expect(clippy::panic, reason = "only tests call this, and a file that is wrong fails them")]

pub mod compose;
pub mod dashboards;
pub mod metrics;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// A file of the project, by its path from the root.
#[must_use]
pub fn path(from_root: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new(".")).join(from_root)
}

/// What a file of the project says.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn text(from_root: &str) -> String {
    fs::read_to_string(path(from_root)).unwrap_or_else(|error| panic!("{from_root}: {error}"))
}

/// The documents of a YAML file.
///
/// # Panics
/// If it cannot be read, or is no YAML.
#[must_use]
pub fn yaml(from_root: &str) -> Vec<Value> {
    use serde::Deserialize as _;
    let text = text(from_root);
    let documents = serde_norway::Deserializer::from_str(&text).map(Value::deserialize);
    let documents = documents.collect::<Result<Vec<_>, _>>();
    documents.unwrap_or_else(|error| panic!("{from_root}: {error}"))
}
