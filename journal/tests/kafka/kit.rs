//! Campaigns on a real broker, each with topics of its own.

#![allow(dead_code, reason = "each test crate uses the kit its own way")]

use std::sync::atomic::{AtomicU32, Ordering};

use ballot::JournalId;
use journal::{Clock, Kafka, KafkaCluster, KafkaOptions, SystemClock};
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::client::DefaultClientContext;

use crate::conformance::Harness;

/// Makes campaigns on one cluster.
pub(crate) struct Campaigns {
    pub(crate) cluster: KafkaCluster,
    pub(crate) bootstrap: String,
    made: AtomicU32,
}

impl Campaigns {
    pub(crate) fn on(bootstrap: &str) -> Self {
        Self::with(KafkaOptions::new(bootstrap))
    }

    pub(crate) fn with(options: KafkaOptions) -> Self {
        let bootstrap = options.bootstrap.clone();
        let cluster = KafkaCluster::connect(options).unwrap();
        Self { cluster, bootstrap, made: AtomicU32::new(0) }
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

    /// A client that may do what the journal never does.
    pub(crate) fn admin(&self) -> AdminClient<DefaultClientContext> {
        ClientConfig::new().set("bootstrap.servers", &self.bootstrap).create().unwrap()
    }
}

impl Harness for Campaigns {
    type Journal = Kafka;

    async fn new_journal(&self, partitions: u32) -> Kafka {
        let name = self.name();
        assert!(self.cluster.create_topics(&name, Some(partitions), 1).await.unwrap());
        let mut identity = [0; 16];
        identity[..4].copy_from_slice(&self.made.load(Ordering::SeqCst).to_le_bytes());
        self.cluster.founding(&name, JournalId(identity)).await.unwrap()
    }

    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }
}
