//! How Kafka is reached: the brokers by flag, everything else by a file of librdkafka's properties,
//! the same that `weir` is given.
//!
//! Invariant: what is wrong is told before anything is sent. Never here: a property's value in a
//! message.

use std::fs;
use std::path::Path;

use journal::{KafkaCluster, KafkaOptions};

use crate::args::Args;
use crate::failure::Failure;

/// A cluster as the flags and the file say. No broker has been asked anything yet.
pub(crate) fn connect(bootstrap: &str, args: &Args) -> Result<KafkaCluster, Failure> {
    let mut options = KafkaOptions::new(bootstrap);
    let file = args.kafka_config.as_deref();
    if let Some(file) = file {
        options.properties = read(file).map_err(Failure::arguments)?;
    }
    KafkaCluster::connect(options).map_err(|error| {
        let flag = file.map_or_else(
            || format!("--kafka {bootstrap}"),
            |file| format!("--kafka-config {}", file.display()),
        );
        Failure::arguments(format!("{flag}: {error}"))
    })
}

fn read(file: &Path) -> Result<Vec<(String, String)>, String> {
    let wrong = |problem: String| format!("--kafka-config {}: {problem}", file.display());
    let text =
        fs::read_to_string(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    parse(&text).map_err(wrong)
}

/// Lines of `key=value`; empty ones and those that begin with `#` say nothing.
fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let lines = text.lines().map(str::trim).zip(1..);
    let given = lines.filter(|(line, _)| !line.is_empty() && !line.starts_with('#'));
    let mut properties: Vec<(String, String)> = Vec::new();
    for (line, number) in given {
        // The line is not shown: it may be a secret with a slip in it.
        let (key, value) = line
            .split_once('=')
            .map(|(key, value)| (key.trim(), value.trim()))
            .filter(|(key, _)| !key.is_empty())
            .ok_or_else(|| format!("line {number}: give one property a line, as key=value"))?;
        if properties.iter().any(|(other, _)| other == key) {
            return Err(format!("line {number}: {key} is given twice; leave one out"));
        }
        properties.push((key.to_owned(), value.to_owned()));
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_lines_of_key_and_value_and_a_value_may_have_an_equals_sign() {
        let text = "# how\n\nsecurity.protocol = SASL_PLAINTEXT\r\nsasl.password=a=b \n";
        let expected = [("security.protocol", "SASL_PLAINTEXT"), ("sasl.password", "a=b")];
        let expected = expected.map(|(key, value)| (key.to_owned(), value.to_owned()));
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_without_its_value() {
        for (text, expected) in [
            ("a=1\nsecret", "line 2: give one property a line"),
            ("=secret", "line 1: give one property a line"),
            ("a=1\n#\na=secret", "line 3: a is given twice"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(expected) && !problem.contains("secret"), "{problem}");
        }
    }
}
