//! Kafka's own console on a real broker: what goes in comes out, byte for byte.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use testkit::{Kafka, wait_for};

const SOON: Duration = Duration::from_secs(60);

/// A file with a client's name and password in it; the cluster's folder takes it along.
fn login(kafka: &Kafka, password: &str) -> PathBuf {
    let path = kafka.logs().join(format!("{password}.properties"));
    let text = format!(
        "security.protocol=SASL_PLAINTEXT\n\
         sasl.mechanism=PLAIN\n\
         sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required \
         username=\"weir\" password=\"{password}\";\n"
    );
    fs::write(&path, text).unwrap();
    path
}

#[test]
fn what_the_console_producer_is_given_the_console_consumer_prints_to_who_has_the_password() {
    let users = "org.apache.kafka.common.security.plain.PlainLoginModule required \
                 user_weir=\"secret\";";
    let kafka = Kafka::builder(1)
        .listener("CLIENTS", "SASL_PLAINTEXT")
        .property("listener.name.clients.sasl.enabled.mechanisms", "PLAIN")
        .property("listener.name.clients.plain.sasl.jaas.config", users)
        .property("auto.create.topics.enable", "true")
        .start();
    let lines = "one\n\u{0}two\t\n湖北\n".as_bytes();
    kafka.console_producer(&["--topic", "lines"], lines);
    let place = |offset, count| {
        let topic = ["--topic", "lines", "--partition", "0"];
        [&topic[..], &["--offset", offset, "--max-messages", count]].concat()
    };
    assert_eq!(kafka.console_consumer(&place("0", "3")), lines);
    assert_eq!(kafka.console_consumer(&place("2", "1")), "湖北\n".as_bytes());

    let clients = kafka.bootstrap_on("CLIENTS");
    let read_with = |password: &str| {
        let login = login(&kafka, password);
        let options = ["--bootstrap-server", &clients, "--command-config", login.to_str().unwrap()];
        kafka.console_consumer(&[&place("0", "1")[..], &options].concat())
    };
    assert_eq!(read_with("secret"), b"one\n");
    assert_eq!(read_with("guessed"), b"");
    let told = || kafka.broker(1).log().contains("Invalid username or password").then_some(());
    assert!(wait_for(SOON, told).is_some(), "it was not refused for its password");
}
