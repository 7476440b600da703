//! Figures of rounds: medians, ratios, how they look in a table, and where they are kept.
//!
//! Never here: a figure in place of one that was not measured; that is a dash.

use std::path::Path;
use std::{fs, thread};

use serde_json::Value;

use crate::Error;

/// The one in the middle, or the mean of both.
#[must_use]
pub fn median(mut figures: Vec<f64>) -> Option<f64> {
    figures.sort_unstable_by(f64::total_cmp);
    let below = figures.get((figures.len().max(1) - 1) / 2)?;
    Some(f64::midpoint(*below, *figures.get(figures.len() / 2)?))
}

/// One number over another, if that is not zero.
#[must_use]
pub fn ratio(of: u64, by: u64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2^53")]
    let ratio = of as f64 / by as f64;
    (by > 0).then_some(ratio)
}

/// With so many digits behind the point.
#[must_use]
pub fn shown(figure: Option<f64>, digits: usize) -> String {
    figure.map_or_else(|| "–".to_owned(), |figure| format!("{figure:.digits$}"))
}

/// Writes all figures of a run to `target/NAME.json`; where.
///
/// # Errors
/// If that cannot be written.
pub fn write(name: &str, figures: &Value) -> Result<String, Error> {
    let name = format!("target/{name}.json");
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().ok_or("no workspace")?;
    fs::write(workspace.join(&name), serde_json::to_vec_pretty(figures)?)?;
    Ok(name)
}

/// How many cores this machine has for the run.
#[must_use]
pub fn cores() -> usize {
    thread::available_parallelism().map_or(0, usize::from)
}
