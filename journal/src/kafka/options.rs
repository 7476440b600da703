//! What a process is told about a Kafka cluster, and what librdkafka is told in turn.
//!
//! Three layers, the later wins: our defaults, the operator's properties, and the keys on which the
//! promises of the journal rest. The last are refused among the properties, by name, so that nobody
//! believes to have set what is not set.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;

use super::statistics::INTERVAL_MS;
use crate::Error;

/// How to reach a cluster.
#[derive(Debug, Clone)]
pub struct KafkaOptions {
    /// Brokers to begin with: `host:port`, separated by commas.
    pub bootstrap: String,
    /// Properties of librdkafka, passed on as they are; see its `CONFIGURATION.md`.
    pub properties: Vec<(String, String)>,
    /// After how long an append that has not been reported on is in doubt.
    pub append_timeout: Duration,
    /// After how long without a sign of life the group takes a member for dead. Brokers have a
    /// minimum, 6 s unless configured.
    pub session_timeout: Duration,
}

/// Keys that the journal sets itself, because what it promises depends on them.
const OWNED: [&str; 35] = [
    "acks",
    "allow.auto.create.topics",
    "auto.offset.reset",
    "bootstrap.servers",
    "check.crcs",
    "delivery.report.only.error",
    "delivery.timeout.ms",
    "enable.auto.commit",
    "enable.auto.offset.store",
    "enable.gapless.guarantee",
    "enable.idempotence",
    "enable.partition.eof",
    "group.id",
    "group.instance.id",
    "group.protocol",
    "group.remote.assignor",
    "heartbeat.interval.ms",
    "isolation.level",
    "linger.ms",
    "message.max.bytes",
    "message.send.max.retries",
    "message.timeout.ms",
    "metadata.broker.list",
    "partition.assignment.strategy",
    "produce.offset.report",
    "queue.buffering.backpressure.threshold",
    "queue.buffering.max.kbytes",
    "queue.buffering.max.messages",
    "queue.buffering.max.ms",
    "request.required.acks",
    "retries",
    "session.timeout.ms",
    "test.mock.num.brokers",
    "topic.blacklist",
    "transactional.id",
];

/// Values that say TLS or what comes with OpenSSL, by key.
const NEEDS_TLS: [(&str, &[&str]); 4] = [
    ("security.protocol", &["ssl", "sasl_ssl"]),
    ("sasl.mechanism", &["scram-sha-256", "scram-sha-512"]),
    ("sasl.mechanisms", &["scram-sha-256", "scram-sha-512"]),
    ("sasl.oauthbearer.method", &["oidc"]),
];

impl KafkaOptions {
    /// The usual: appends in doubt after 5 s, members dead after 6 s.
    #[must_use]
    pub fn new(bootstrap: impl Into<String>) -> Self {
        Self {
            bootstrap: bootstrap.into(),
            properties: Vec::new(),
            append_timeout: Duration::from_secs(5),
            session_timeout: Duration::from_secs(6),
        }
    }

    /// Refuses properties that are ours to set, or that this build cannot honour.
    pub(super) fn check(&self) -> Result<(), Error> {
        for (key, value) in &self.properties {
            let key = key.trim().to_ascii_lowercase();
            if OWNED.contains(&key.as_str()) {
                let sentence = format!("the property {key} is the journal's own; leave it out");
                return Err(Error::Refused(sentence));
            }
            let value = value.trim().to_ascii_lowercase();
            let tls = NEEDS_TLS.iter().any(|(of, values)| {
                *of == key && value.split(',').any(|one| values.contains(&one.trim()))
            });
            if tls && !cfg!(feature = "tls") {
                return Err(Error::Refused(format!(
                    "{key}={value} needs OpenSSL, which this build is without: build with the \
                     cargo feature `tls`"
                )));
            }
        }
        Ok(())
    }

    /// What every client has in common.
    fn common(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            .set_log_level(RDKafkaLogLevel::Warning)
            .set("client.id", "weir")
            // A frozen broker's connection is given up after this: the default is a minute.
            .set("socket.timeout.ms", "10000")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.ms", "50")
            .set("reconnect.backoff.max.ms", "1000")
            .set("topic.metadata.refresh.interval.ms", "30000");
        config
    }

    /// Adds the operator's properties.
    fn passed_on(&self, mut config: ClientConfig) -> ClientConfig {
        for (key, value) in &self.properties {
            config.set(key.trim(), value.trim());
        }
        config
            .set("bootstrap.servers", &self.bootstrap)
            // A topic of ballots has rules in it; one that a broker makes by itself has not.
            .set("allow.auto.create.topics", "false");
        config
    }

    /// The one producer of a process.
    pub(super) fn producer(&self) -> ClientConfig {
        let (quiet, given_up) = (self.append_timeout * 3 / 5, self.append_timeout * 3);
        let mut config = self.common();
        config
            .set("compression.type", "lz4")
            .set("statistics.interval.ms", INTERVAL_MS)
            // A leader that stands still is left before the deadline; one that waits for its
            // followers is sent the same again, and knows it by its sequence number.
            .set("socket.timeout.ms", quiet.as_millis().to_string());
        let mut config = self.passed_on(config);
        config
            .set("acks", "all")
            .set("enable.idempotence", "true")
            .set("message.max.bytes", VALUE_BYTES_MAX)
            // The batcher is the linger.
            .set("linger.ms", "0")
            // Later than the deadline: a record that librdkafka gives up makes it number anew, and
            // what was appended without an answer is then appended twice (seen with a frozen
            // leader). So it gives up only when nobody waits for the records of that time.
            .set("message.timeout.ms", given_up.as_millis().to_string())
            // The edge bounds what is in flight well below this.
            .set("queue.buffering.max.messages", "10000")
            .set("queue.buffering.max.kbytes", "65536");
        config
    }

    /// A consumer that reads partitions it is told to, in no group.
    pub(super) fn reader(&self) -> ClientConfig {
        let mut config = self.common();
        config
            // A reader of another partition waits for the fetch under way: at most so long.
            .set("fetch.wait.max.ms", "50")
            // A fetch names every partition, whatever has come: one for each record is what a
            // broker would spend most of its time on. Below this it waits the time above.
            .set("fetch.min.bytes", "65536")
            .set("fetch.error.backoff.ms", "100")
            // When a partition's queue is full, look again soon: the default is a second.
            .set("fetch.queue.backoff.ms", "5")
            // Per partition; a fetch may exceed it by one response.
            .set("queued.max.messages.kbytes", "2048");
        let mut config = self.passed_on(config);
        Self::reads_everything(&mut config);
        // Without one, librdkafka refuses to assign. Nothing ever joins it.
        config.set("group.id", "weir.readers");
        config
    }

    /// A consumer that only answers questions on offsets and topics.
    pub(super) fn queries(&self) -> ClientConfig {
        let mut config = self.passed_on(self.common());
        Self::reads_everything(&mut config);
        config
    }

    /// A member of a campaign's group; it never fetches.
    pub(super) fn member(&self, campaign: &str) -> ClientConfig {
        let mut config = self.passed_on(self.common());
        Self::reads_everything(&mut config);
        config
            .set("group.id", format!("weir.{campaign}"))
            .set("group.protocol", "classic")
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("session.timeout.ms", self.session_timeout.as_millis().to_string())
            // A member hears of a rebalance by its next heartbeat: twelve in a session, not three.
            .set("heartbeat.interval.ms", (self.session_timeout.as_millis() / 12).to_string());
        config
    }

    /// A client for `weir topics`, and for the check at every start.
    pub(super) fn admin(&self) -> ClientConfig {
        self.passed_on(self.common())
    }

    fn reads_everything(config: &mut ClientConfig) {
        config
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "error")
            .set("isolation.level", "read_uncommitted")
            .set("check.crcs", "true");
    }
}

/// The largest record the producer takes; `topics.rs` lets the snapshots be as large. Ballots are
/// held to less by the broker's own limit.
pub(super) const VALUE_BYTES_MAX: &str = "8388608";

/// Why a client could not be made: a property that librdkafka does not take is no passing trouble.
pub(super) fn not_made(error: &KafkaError) -> Error {
    if let KafkaError::ClientConfig(_, why, key, value) = error {
        return Error::Refused(format!("the property {key}={value}: {why}"));
    }
    Error::Refused(format!("no client for Kafka could be made: {error}"))
}
