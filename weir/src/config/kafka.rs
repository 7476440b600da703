//! How Kafka is reached: the brokers by flag, everything else by a file of librdkafka's properties,
//! as Kafka's own tools have it. Secrets belong there, not among the flags.
//!
//! Never here: a property's value in a message, unless its name is listed here as harmless.

use std::fs;
use std::path::Path;
use std::time::Duration;

use journal::{KafkaCluster, KafkaOptions};

use crate::args::KafkaArgs;
use crate::exit::Failure;

/// The properties of librdkafka whose values say how a cluster is reached and are never secret.
/// Whatever is in no such list is not shown: a command line, a list of headers, an address.
const SHOWN: [&str; 11] = [
    "acks",
    "broker.address.family",
    "client.id",
    "client.rack",
    "compression.codec",
    "compression.type",
    "debug",
    "sasl.mechanism",
    "sasl.mechanisms",
    "security.protocol",
    "ssl.endpoint.identification.algorithm",
];
/// Beginnings of such names: switches.
const SHOWN_BEGINNINGS: [&str; 1] = ["enable."];
/// Ends of such names: times, sizes, and paths of files.
const SHOWN_ENDS: [&str; 5] = [".ms", ".bytes", ".kbytes", ".messages", ".location"];

/// A cluster as the flags and the file say. No broker has been asked anything yet.
pub(crate) fn connect(
    args: &KafkaArgs,
    session_timeout: Option<Duration>,
) -> Result<KafkaCluster, Failure> {
    args.bootstrap.split(',').try_for_each(is_address)?;
    let mut options = KafkaOptions::new(&args.bootstrap);
    if let Some(file) = &args.config {
        options.properties = read(file)?;
    }
    if let Some(session_timeout) = session_timeout {
        options.session_timeout = session_timeout;
    }
    KafkaCluster::connect(options).map_err(|error| {
        let file = args.config.as_ref().map(|file| format!("{}: ", file.display()));
        Failure::configuration(format!("{}{error}", file.unwrap_or_default()))
    })
}

/// Refuses what librdkafka would try in vain for a quarter of a minute.
fn is_address(broker: &str) -> Result<(), Failure> {
    let parts = broker.trim().rsplit_once(':');
    match parts.filter(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok()) {
        Some(_) => Ok(()),
        None => Err(Failure::configuration(format!(
            "--kafka: {broker:?} is no broker; give host:port, several separated by commas"
        ))),
    }
}

fn read(file: &Path) -> Result<Vec<(String, String)>, Failure> {
    let name = file.display();
    let text = fs::read_to_string(file).map_err(|error| {
        Failure::configuration(format!("--kafka-config {name}: cannot be read: {error}"))
    })?;
    parse(&text).map_err(|problem| Failure::configuration(format!("{name}: {problem}")))
}

/// What a file says, for the log: only harmless properties are shown with their values.
pub(crate) fn shown(file: &Path) -> String {
    let properties = read(file).unwrap_or_default();
    let shown = properties.iter().map(|(key, value)| {
        let value = if is_harmless(key) { value } else { "[redacted]" };
        format!("{key}={value}")
    });
    shown.collect::<Vec<_>>().join(" ")
}

/// Whether a property's value is never a secret, by its name.
fn is_harmless(key: &str) -> bool {
    SHOWN.contains(&key)
        || SHOWN_BEGINNINGS.iter().any(|beginning| key.starts_with(beginning))
        || SHOWN_ENDS.iter().any(|end| key.ends_with(end))
}

/// Lines of `key=value`; empty ones and those that begin with `#` say nothing.
fn parse(text: &str) -> Result<Vec<(String, String)>, String> {
    let mut properties: Vec<(String, String)> = Vec::new();
    for (line, number) in text.lines().map(str::trim).zip(1..) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        // The line is not shown: it may be a secret with a slip in it.
        let (key, value) = line
            .split_once('=')
            .ok_or_else(|| format!("line {number}: give one property a line, as key=value"))?;
        let (key, value) = (key.trim(), value.trim());
        if key.is_empty() {
            return Err(format!("line {number}: the key is missing; give key=value"));
        }
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
    fn only_what_is_never_a_secret_is_shown() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("client.properties");
        let shown_as_they_are = "security.protocol=SASL_SSL sasl.mechanisms=PLAIN client.id=a \
                                 socket.timeout.ms=5 linger.ms=1 message.max.bytes=9 \
                                 ssl.ca.location=/ca.pem enable.idempotence=true";
        let hidden = [
            "sasl.password",
            "Sasl.JAAS.config",
            "ssl.key.pem",
            "sasl.oauthbearer.client.secret",
            "sasl.kerberos.kinit.cmd",
            "sasl.oauthbearer.token.endpoint.url",
            "sasl.username",
            "no.such.property",
        ];
        let lines = hidden.map(|key| format!("{key}=kinit -p hidden"));
        let text = format!("{}\n{}\n", shown_as_they_are.replace(' ', "\n"), lines.join("\n"));
        fs::write(&file, text).unwrap();
        let redacted = hidden.map(|key| format!("{key}=[redacted]")).join(" ");
        assert_eq!(shown(&file), format!("{shown_as_they_are} {redacted}"));
        assert_eq!(shown(Path::new("/nowhere")), "", "whoever connects says why");
    }

    #[test]
    fn a_broker_is_a_host_and_a_port() {
        for good in ["k1:9092", "127.0.0.1:1", "[::1]:9092", " k1:9092"] {
            assert!(is_address(good).is_ok(), "{good}");
        }
        for bad in ["", " ", ":", "k1", "k1:", ":9092", "k1:http", "k1:65536"] {
            assert_eq!(is_address(bad).unwrap_err().code, crate::exit::Code::Configuration);
        }
    }

    #[test]
    fn what_is_wrong_is_told_by_its_line_and_without_its_value() {
        for (text, expected) in [
            ("a=1\nsecret", "line 2: give one property a line"),
            ("=secret", "line 1: the key is missing"),
            ("a=1\n#\na=secret", "line 3: a is given twice"),
        ] {
            let problem = parse(text).unwrap_err();
            assert!(problem.starts_with(expected) && !problem.contains("secret"), "{problem}");
        }
    }
}
