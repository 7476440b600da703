//! The reports, written where the arguments say.
//!
//! Never here: what a report says.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use loadtest::record::Record;
use loadtest::report;

use crate::args::Args;

/// Writes every report that is asked for.
pub(crate) fn write(args: &Args, record: &Record) -> Result<(), String> {
    if let Some(path) = &args.html {
        file("--html", path, report::html(record).as_bytes())?;
    }
    if let Some(path) = &args.csv {
        file("--csv", path, report::csv(record).as_bytes())?;
    }
    if let Some(path) = &args.hdr {
        file("--hdr", path, &report::hdr_log(record))?;
    }
    match args.json.as_deref() {
        None => Ok(()),
        Some(path) if path == Path::new("-") => {
            let mut output = io::stdout().lock();
            let written = writeln!(output, "{}", report::json(record));
            written.map_err(|error| format!("--json -: {error}"))
        }
        Some(path) => file("--json", path, report::json(record).as_bytes()),
    }
}

fn file(flag: &str, path: &Path, bytes: &[u8]) -> Result<(), String> {
    fs::write(path, bytes).map_err(|error| format!("{flag} {}: {error}", path.display()))
}
