//! The journal on Kafka: a campaign is a topic of ballots and a compacted topic of snapshots.
//!
//! Invariant: nothing is acknowledged before all in-sync replicas have it. Everything that waits is
//! bounded, and what does not fit is refused at once.
//!
//! Never here: rdkafka outside this module, a blocking call on an async thread, a transaction.

mod catalogue;
mod cluster;
mod continuity;
mod fate;
mod group;
mod heard;
mod logging;
mod member;
mod membership;
mod native;
mod options;
mod pool;
mod producer;
mod queries;
mod read;
mod snapshots;
mod statistics;
mod survey;
mod topics;

use std::ops::Range;
use std::sync::Arc;

use ballot::JournalId;
use bytes::Bytes;
use rdkafka::message::Timestamp;

use crate::{AppendError, Error, Journal, Statistics};
use continuity::Continuity;
use producer::{Delivered, Outgoing};
use snapshots::HEARTBEAT;

pub use cluster::KafkaCluster;
pub use group::KafkaGroup;
pub use options::KafkaOptions;
pub use read::KafkaReader;
pub use snapshots::KafkaSnapshots;
pub use survey::{AppendTimes, KafkaBroker, TopicHealth, TopicSetting};

/// What the names of topics begin with.
const BALLOTS: &str = "ballots.";
const TALLIES: &str = "tallies.";

/// The names of a campaign's topics.
#[derive(Debug, Clone)]
struct Topics {
    campaign: Arc<str>,
    ballots: Arc<str>,
    tallies: Arc<str>,
}

impl Topics {
    fn new(campaign: &str) -> Self {
        Self {
            campaign: campaign.into(),
            ballots: format!("{BALLOTS}{campaign}").into(),
            tallies: format!("{TALLIES}{campaign}").into(),
        }
    }
}

/// A campaign's journal in Kafka.
#[derive(Debug, Clone)]
pub struct Kafka {
    cluster: KafkaCluster,
    topics: Topics,
    identity: JournalId,
    partitions: u32,
    continuity: Arc<Continuity>,
}

impl Kafka {
    fn new(cluster: KafkaCluster, topics: Topics, identity: JournalId, partitions: u32) -> Self {
        let continuity = Arc::new(Continuity::new(partitions));
        Self { cluster, topics, identity, partitions, continuity }
    }

    /// The partition as Kafka counts, if there is such a partition.
    fn partition(&self, partition: u32) -> Result<i32, String> {
        let known = i32::try_from(partition).ok().filter(|_| partition < self.partitions);
        known.ok_or_else(|| format!("there is no partition {partition}"))
    }

    async fn send(&self, record: Outgoing<'_>) -> Result<Delivered, AppendError> {
        self.cluster.shared.producer.send(record).await
    }
}

impl Journal for Kafka {
    type Reader = KafkaReader;
    type SnapshotReader = KafkaSnapshots;
    type Group = KafkaGroup;

    fn identity(&self) -> JournalId {
        self.identity
    }

    fn partitions(&self) -> u32 {
        self.partitions
    }

    fn trouble(&self) -> Option<String> {
        self.continuity.trouble().cloned()
    }

    fn statistics(&self) -> Option<Statistics> {
        self.cluster.shared.producer.statistics()
    }

    async fn append(
        &self,
        partition: u32,
        timestamp_ms: i64,
        value: Bytes,
    ) -> Result<u64, AppendError> {
        let number = partition;
        let partition = self.partition(number).map_err(AppendError::Refused)?;
        if timestamp_ms <= 0 {
            // librdkafka would put its own clock in place of 0.
            return Err(AppendError::Refused(format!("{timestamp_ms} is no time for a record")));
        }
        let before = self.continuity.before(number)?;
        let (topic, value) = (&*self.topics.ballots, Some(&*value));
        let timestamp_ms = Some(timestamp_ms);
        let record = Outgoing { topic, partition, key: None, value, timestamp_ms };
        let offset = self.send(record).await?.offset;
        self.continuity.after(number, before, offset)
    }

    async fn bounds(&self, partition: u32) -> Result<Range<u64>, Error> {
        let (number, queries) = (partition, &self.cluster.shared.queries);
        let partition = self.partition(number).map_err(Error::Refused)?;
        let bounds = queries.bounds(&self.topics.ballots, partition).await?;
        self.continuity.reaches(number, bounds.end);
        Ok(bounds)
    }

    async fn position_at(&self, partition: u32, timestamp_ms: i64) -> Result<u64, Error> {
        let partition = self.partition(partition).map_err(Error::Refused)?;
        let (queries, topic) = (&self.cluster.shared.queries, &self.topics.ballots);
        // The end is asked for first: a record that comes in between is then found, or behind it.
        let end = queries.bounds(topic, partition).await?.end;
        Ok(queries.at_time(topic, partition, timestamp_ms).await?.unwrap_or(end))
    }

    fn read(&self, partition: u32, offset: u64) -> KafkaReader {
        let shared = &self.cluster.shared;
        let (pool, queries) = (Arc::clone(&shared.pool), shared.queries.clone());
        let partition = self.partition(partition).map_err(Error::Refused);
        KafkaReader::new(pool, queries, Arc::clone(&self.topics.ballots), partition, offset)
    }

    async fn publish(&self, partition: u32, value: Bytes) -> Result<(), AppendError> {
        self.partition(partition).map_err(AppendError::Refused)?;
        let (topic, value, key) = (&*self.topics.tallies, Some(&*value), partition.to_string());
        let key = Some(&*key);
        self.send(Outgoing { topic, partition: 0, key, value, timestamp_ms: None }).await?;
        Ok(())
    }

    fn snapshots(&self) -> KafkaSnapshots {
        KafkaSnapshots::new(Arc::clone(&self.cluster.shared.pool), Arc::clone(&self.topics.tallies))
    }

    async fn snapshots_end(&self) -> Result<u64, Error> {
        Ok(self.cluster.shared.queries.bounds(&self.topics.tallies, 0).await?.end)
    }

    /// A record without a value, so that compaction takes it away again. Its time is the leader's.
    async fn heartbeat(&self) -> Result<i64, AppendError> {
        let (topic, key) = (&*self.topics.tallies, Some(HEARTBEAT));
        let beat = Outgoing { topic, partition: 0, key, value: None, timestamp_ms: None };
        match self.send(beat).await?.timestamp {
            Timestamp::LogAppendTime(time_ms) => Ok(time_ms),
            Timestamp::CreateTime(_) | Timestamp::NotAvailable => {
                Err(AppendError::InDoubt(format!("{topic} tells no append time")))
            }
        }
    }

    fn join(&self) -> KafkaGroup {
        let config = self.cluster.shared.options.member(&self.topics.campaign);
        KafkaGroup::join(config, Arc::clone(&self.topics.ballots), &self.cluster.shared.heard)
    }
}
