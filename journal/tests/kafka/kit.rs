//! Campaigns on a real broker, each with topics of its own.

#![allow(dead_code, reason = "each test crate uses the kit its own way")]

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use ballot::JournalId;
use journal::{Clock, Kafka, KafkaCluster, KafkaOptions, SystemClock};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;

use crate::conformance::Harness;

/// What a broker may take to describe a topic.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Makes campaigns on one cluster.
pub(crate) struct Campaigns {
    pub(crate) cluster: KafkaCluster,
    pub(crate) bootstrap: String,
    made: AtomicU32,
    admin: OnceLock<AdminClient<DefaultClientContext>>,
}

impl Campaigns {
    pub(crate) fn on(bootstrap: &str) -> Self {
        Self::with(KafkaOptions::new(bootstrap))
    }

    pub(crate) fn with(options: KafkaOptions) -> Self {
        let bootstrap = options.bootstrap.clone();
        let cluster = KafkaCluster::connect(options).unwrap();
        Self { cluster, bootstrap, made: AtomicU32::new(0), admin: OnceLock::new() }
    }

    /// A campaign's name that no other has.
    pub(crate) fn name(&self) -> String {
        self.made.fetch_add(1, Ordering::SeqCst);
        self.last_name()
    }

    /// The name given last.
    pub(crate) fn last_name(&self) -> String {
        format!("campaign-{}-{}", std::process::id(), self.made.load(Ordering::SeqCst))
    }

    /// The ballots' topic of the campaign made last.
    pub(crate) fn last_topic(&self) -> String {
        format!("ballots.{}", self.last_name())
    }

    /// A new, empty journal with so many replicas.
    pub(crate) async fn replicated_journal(&self, partitions: u32, replicas: u32) -> Kafka {
        let name = self.name();
        let made = self.cluster.create_topics(&name, Some(partitions), replicas).await;
        assert!(made.unwrap());
        let mut identity = [0; 16];
        identity[..4].copy_from_slice(&self.made.load(Ordering::SeqCst).to_le_bytes());
        self.cluster.founding(&name, JournalId(identity)).await.unwrap()
    }

    /// The number of the broker that leads a partition, if one does.
    pub(crate) fn leader(&self, topic: &str, partition: usize) -> Option<usize> {
        let metadata = self.admin().inner().fetch_metadata(Some(topic), ANSWER_MAX).ok()?;
        usize::try_from(metadata.topics()[0].partitions().get(partition)?.leader()).ok()
    }

    /// How many replicas of a topic are in sync, in the partition that has the fewest.
    pub(crate) fn in_sync(&self, topic: &str) -> Option<u32> {
        let metadata = self.admin().inner().fetch_metadata(Some(topic), ANSWER_MAX).ok()?;
        let partitions = metadata.topics()[0].partitions();
        let fewest = partitions.iter().map(|partition| partition.isr().len()).min();
        u32::try_from(fewest?).ok()
    }

    /// A client that may do what the journal never does.
    pub(crate) fn admin(&self) -> &AdminClient<DefaultClientContext> {
        self.admin.get_or_init(|| {
            ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create().unwrap()
        })
    }
}

impl Harness for Campaigns {
    type Journal = Kafka;

    async fn new_journal(&self, partitions: u32) -> Kafka {
        self.replicated_journal(partitions, 1).await
    }

    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }
}
