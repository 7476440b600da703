//! Figures as a table of medians and worst, and as they are in a file.
//!
//! Never here: a figure that was not measured.

use std::path::Path;
use std::{fs, thread};

use benches::Error;
use serde::Serialize;
use serde_json::json;

use crate::plan::{Journal, Plan};
use crate::server::Usage;

/// All figures of a run.
#[derive(Debug, Default)]
pub(crate) struct Report {
    lines: Vec<Line>,
}

/// What was measured in each round of one kind.
#[derive(Debug, Serialize)]
struct Line {
    journal: Journal,
    what: String,
    unit: &'static str,
    values: Vec<u64>,
}

/// A figure and its unit.
pub(crate) type Figure = (u64, &'static str);

/// Milliseconds.
pub(crate) const fn ms(value: u64) -> Figure {
    (value, "ms")
}

impl Report {
    /// Adds a figure; those of the same name are of one line.
    pub(crate) fn add(&mut self, journal: Journal, what: &str, (value, unit): Figure) {
        eprintln!("{}: {what}: {value} {unit}", journal.name());
        match self.lines.iter_mut().find(|line| line.journal == journal && line.what == what) {
            Some(line) => line.values.push(value),
            None => {
                let what = what.to_owned();
                self.lines.push(Line { journal, what, unit, values: vec![value] });
            }
        }
    }

    /// Adds what a process has used.
    pub(crate) fn usage(&mut self, journal: Journal, of: &str, usage: Usage) {
        self.add(journal, &format!("{of}, CPU time"), ms(usage.cpu_ms));
        self.add(journal, &format!("{of}, resident"), (usage.resident_mib, "MiB"));
        self.add(journal, &format!("{of}, resident at most"), (usage.peak_mib, "MiB"));
    }

    pub(crate) fn table(&self, plan: &Plan) -> String {
        let mut lines = vec![
            format!(
                "{} ballots of one day in records of {}, {} cores:",
                plan.ballots,
                plan.per_record,
                cores()
            ),
            String::new(),
            "| journal | what | median | worst | rounds |".to_owned(),
            "|---|---|---|---|---|".to_owned(),
        ];
        for line in &self.lines {
            let mut sorted = line.values.clone();
            sorted.sort_unstable();
            let (median, worst) = (sorted.get(sorted.len() / 2), sorted.last());
            if let (Some(median), Some(worst)) = (median, worst) {
                let (journal, what, of) = (line.journal.name(), &line.what, sorted.len());
                let unit = line.unit;
                lines.push(format!(
                    "| {journal} | {what} | {median} {unit} | {worst} {unit} | {of} |"
                ));
            }
        }
        lines.join("\n")
    }

    /// Writes every figure with the plan; where.
    pub(crate) fn write(&self, plan: &Plan) -> Result<String, Error> {
        let name = "target/restart.json";
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
        let value = json!({ "cores": cores(), "plan": plan, "figures": self.lines });
        fs::write(workspace.join(name), serde_json::to_vec_pretty(&value)?)?;
        Ok(name.to_owned())
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}
