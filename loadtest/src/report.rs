//! What a run leaves for people and programs: JSON, CSV, an HdrHistogram log, and one HTML page.
//!
//! Invariant: every figure comes from the [`Record`](crate::record::Record) alone, and the proof's
//! verdict stands before any speed. Units are in the names: `_s`, `_ms`, `_us`, `_per_s`,
//! `_requests`. Never here: a resource from elsewhere, a script, or a figure for what was not
//! measured (JSON has `null`, CSV an empty field, the page says so in words).

mod axis;
mod bins;
mod csv;
mod figure;
mod hdr;
mod json;
mod page;
mod phases;
mod plots;
mod summary;
mod tables;
mod verdict;
mod words;

pub use csv::csv;
pub use hdr::hdr_log;
pub use json::json;
pub use page::html;

pub(crate) use bins::merged;
pub(crate) use phases::{Back, PhaseSum, goodput, phases};
pub(crate) use summary::{Percentiles, Summary};
pub(crate) use verdict::{Standing, Verdict};
pub(crate) use words::{clock, duration, share, thousands};
