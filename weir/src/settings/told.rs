//! The settings in force, each with where it came from, for the log.
//!
//! Never here: a secret. What a file of librdkafka's properties says is shown with the values of
//! harmless ones only; of a file of keys only its path is shown, of an address only the host.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use clap::{ArgMatches, Command};

use super::{Source, long, settings};
use crate::config::shown_properties;
use crate::process::REVISION;

/// The flag that names a file of librdkafka's properties.
const KAFKA_CONFIG: &str = "kafka-config";

/// What stands for what is not told.
const REDACTED: &str = "[redacted]";

/// What a command was told.
#[derive(Debug)]
pub(crate) struct Settings {
    command: String,
    settings: Vec<Setting>,
}

/// One setting.
#[derive(Debug)]
struct Setting {
    name: String,
    values: Vec<String>,
    source: Source,
}

impl Settings {
    /// The settings of a command whose arguments these are. Operands are none: they are identities.
    pub(super) fn of(
        command: &Command,
        matches: &ArgMatches,
        sources: &BTreeMap<String, Source>,
    ) -> Self {
        let setting = |arg: &clap::Arg| {
            let raw = matches.try_get_raw(arg.get_id().as_str()).ok().flatten();
            let values = raw.into_iter().flatten();
            Setting {
                name: long(arg),
                values: values.map(|value| shown(&value.to_string_lossy())).collect(),
                source: sources.get(&long(arg)).copied().unwrap_or(Source::Default),
            }
        };
        let settings = settings(command).map(setting).collect();
        Self { command: command.get_name().to_owned(), settings }
    }

    /// Writes them into the log.
    pub(crate) fn log(&self) {
        let kafka = self.settings.iter().find(|setting| setting.name == KAFKA_CONFIG);
        let file = kafka.and_then(|setting| setting.values.first());
        let properties = file.map(|file| shown_properties(Path::new(file)));
        tracing::info!(
            command = self.command,
            version = env!("CARGO_PKG_VERSION"),
            revision = REVISION,
            settings = self.to_string(),
            kafka_properties = properties.as_deref(),
            "configuration"
        );
    }
}

/// A value without what may be secret if it is an address, well written or not: all before the last
/// `@`, and all behind a `?`.
fn shown(value: &str) -> String {
    let is_scheme = |scheme: &str| scheme.chars().all(|c| c.is_ascii_alphanumeric());
    let rest = value.split_once("://").filter(|(scheme, _)| is_scheme(scheme));
    let rest = rest.map_or(value, |(_, rest)| rest);
    let scheme = value.strip_suffix(rest).unwrap_or_default();
    let (user, rest) =
        rest.rsplit_once('@').map_or((None, rest), |(user, rest)| (Some(user), rest));
    if user.is_some_and(|user| user.contains('?')) {
        // Whether the `@` belongs to the password or to what is asked for cannot be told.
        return format!("{scheme}{REDACTED}");
    }
    let user = user.map(|_| format!("{REDACTED}@")).unwrap_or_default();
    match rest.split_once('?') {
        Some((host, _)) => format!("{scheme}{user}{host}?{REDACTED}"),
        None => format!("{scheme}{user}{rest}"),
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, Setting { name, values, source }) in self.settings.iter().enumerate() {
            let between = if place == 0 { "" } else { " " };
            let values = if values.is_empty() { "unset".to_owned() } else { values.join(",") };
            write!(f, "{between}{name}={values} ({source})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Default => "default",
            Self::File => "file",
            Self::Environment => "environment",
            Self::Flag => "flag",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        for (value, expected) in [
            ("http://ann:secret@host:4318/v1", "http://[redacted]@host:4318/v1"),
            ("http//ann:secret@host", "[redacted]@host"),
            ("ann:se://cret@host", "[redacted]@host"),
            ("http://host:4318/v1?token=secret", "http://host:4318/v1?[redacted]"),
            ("http://ann:secret@host/v1?secret", "http://[redacted]@host/v1?[redacted]"),
            ("http://host/v1?secret=a@secret", "http://[redacted]"),
            ("http://ann:se?cret@host", "http://[redacted]"),
            ("http://ann@b:se?cret@host", "http://[redacted]"),
        ] {
            assert_eq!(shown(value), expected);
        }
        for plain in ["http://host:4318", "k1:9092,k2:9092", "/etc/weir/keys", ""] {
            assert_eq!(shown(plain), plain);
        }
    }
}
