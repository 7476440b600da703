//! What a process says on standard error: its log, and sentences for whoever started it.
//!
//! Invariant: as JSON, every line is one object, whoever says it, panics included, from the moment
//! the format is known; what is wrong with flags or settings is told before that, as plain text.
//! Never here: a secret, an identity, an address of a voter; or a filter that hides why a command
//! failed.

use std::io::{self, Write as _};
use std::panic;
use std::sync::OnceLock;

use ballot::rfc3339;
use clap::ValueEnum;
use journal::{Clock as _, SystemClock};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::exit::Failure;

/// How the log is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people: one line an event.
    Pretty,
    /// For machines: one JSON object a line.
    Json,
}

static FORMAT: OnceLock<Format> = OnceLock::new();

/// Sends the log to standard error from now on. `filter` is that of `RUST_LOG`.
pub(crate) fn start(format: Format, filter: &str) -> Result<(), Failure> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = builder.parse(filter).map_err(|error| {
        Failure::configuration(format!(
            "RUST_LOG: {error}; give a level such as info, or info,aggregator=debug"
        ))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr);
    // It would complain of a log that cannot be written to the same log, and panic.
    let builder = builder.log_internal_errors(false);
    let started = match format {
        Format::Pretty => builder.try_init(),
        Format::Json => {
            panic::set_hook(Box::new(|panic| line("ERROR", &panic.to_string())));
            builder.json().flatten_event(true).try_init()
        }
    };
    started.map_err(|error| Failure::internal(format!("cannot log: {error}")))?;
    FORMAT.get_or_init(|| format);
    Ok(())
}

/// Tells whoever started the command, whatever the log's filter: in lines without a timestamp, or
/// as JSON like the rest.
pub(crate) fn say(lines: &str) {
    line("INFO", lines);
}

/// The same of what a command fails with.
pub(crate) fn say_failure(failure: &Failure) {
    line("ERROR", &format!("weir: {failure}"));
}

fn line(level: &str, message: &str) {
    let mut output = io::stderr().lock();
    // Nobody reads it: the command goes on, it is not about these lines.
    drop(match FORMAT.get() {
        None | Some(Format::Pretty) => writeln!(output, "{message}"),
        Some(Format::Json) => writeln!(output, "{}", json(level, message, SystemClock.now_ms())),
    });
}

fn json(level: &str, message: &str, now_ms: i64) -> String {
    let timestamp = rfc3339(now_ms);
    serde_json::json!({
        "timestamp": timestamp, "level": level, "target": "weir", "message": message,
    })
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;

    #[test]
    fn a_wrong_filter_is_named() {
        let failure = start(Format::Pretty, "info,=").unwrap_err();
        assert_eq!(failure.code, Code::Configuration);
        assert!(failure.sentence.starts_with("RUST_LOG: "), "{failure}");
    }

    #[test]
    fn lines_for_people_are_one_object_of_json() {
        let line = json("INFO", "weir is \"up\":\nall of it", 0);
        assert!(!line.contains('\n'));
        let read: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(read["timestamp"], "1970-01-01T00:00:00.000Z");
        assert_eq!(read["message"], "weir is \"up\":\nall of it");
    }
}
