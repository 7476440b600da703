//! The `server.properties` of a broker and the settings of its logging.
//!
//! The settings are for tests on a small machine: a dead broker is noticed within seconds. What a
//! test adds comes last and therefore wins.

use std::path::Path;

/// The listener every broker has, without authentication.
pub(crate) const PLAIN: &str = "PLAINTEXT";

/// A broker as the others see it: its number and the port of each listener.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    pub(crate) number: usize,
    pub(crate) controller: u16,
    /// Name, security protocol, port.
    pub(crate) listeners: Vec<(String, String, u16)>,
}

impl Node {
    /// The one listener of a broker that was asked for no other.
    pub(crate) fn plain(port: u16) -> Vec<(String, String, u16)> {
        vec![(PLAIN.to_owned(), PLAIN.to_owned(), port)]
    }
}

/// Sessions of 3 s and elections of half a second (defaults: 9 and 1 s); groups likewise. Few
/// partitions of internal topics and a small buffer for the log cleaner (default: 128 MB) make the
/// start quick and the broker small. A topic exists when a test has made it.
const FIXED: &str = "\
process.roles=broker,controller
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
auto.create.topics.enable=false
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
share.coordinator.state.topic.num.partitions=4
log.cleaner.dedupe.buffer.size=8388608
broker.session.timeout.ms=3000
broker.heartbeat.interval.ms=500
controller.quorum.election.timeout.ms=500
controller.quorum.fetch.timeout.ms=1000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=3000
group.consumer.session.timeout.ms=3000
group.consumer.min.heartbeat.interval.ms=500
group.consumer.heartbeat.interval.ms=500
";

/// Logging goes on while the broker shuts down; Java would otherwise end it at once. It goes to
/// standard error, because what a tool writes to standard output is its result.
pub(crate) const LOGGING: &str = "\
shutdownHook=disable
rootLogger.level=INFO
rootLogger.appenderRef.out.ref=OUT
appender.out.type=Console
appender.out.name=OUT
appender.out.target=SYSTEM_ERR
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss.SSS} %p %c{1} %m%n
";

/// The text for the broker `node` of `nodes`.
pub(crate) fn server(
    node: &Node,
    nodes: &[Node],
    data: &Path,
    added: &[(String, String)],
) -> String {
    let voters: Vec<String> =
        nodes.iter().map(|n| format!("{}@{}", n.number, at(n.controller))).collect();
    let own: Vec<String> =
        node.listeners.iter().map(|(name, _, port)| format!("{name}://{}", at(*port))).collect();
    let protocols: Vec<String> =
        node.listeners.iter().map(|(name, protocol, _)| format!("{name}:{protocol}")).collect();
    let own = own.join(",");
    let replicas = nodes.len().min(3);
    let in_sync = replicas.div_ceil(2);
    let lines = [
        ("node.id", node.number.to_string()),
        ("controller.quorum.voters", voters.join(",")),
        ("listeners", format!("{own},CONTROLLER://{}", at(node.controller))),
        ("advertised.listeners", own),
        ("listener.security.protocol.map", format!("CONTROLLER:PLAINTEXT,{}", protocols.join(","))),
        ("log.dirs", data.display().to_string()),
        ("offsets.topic.replication.factor", replicas.to_string()),
        ("transaction.state.log.replication.factor", replicas.to_string()),
        ("transaction.state.log.min.isr", in_sync.to_string()),
        ("share.coordinator.state.topic.replication.factor", replicas.to_string()),
        ("share.coordinator.state.topic.min.isr", in_sync.to_string()),
    ];
    let mut text = FIXED.to_owned();
    let added = added.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in lines.iter().map(|(name, value)| (*name, value)).chain(added) {
        // The format takes `\` for an escape.
        text.push_str(&format!("{name}={}\n", value.replace('\\', "\\\\")));
    }
    text
}

fn at(port: u16) -> String {
    format!("127.0.0.1:{port}")
}
