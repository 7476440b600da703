//! What can be found out about a cluster by asking and reading only, for whoever is about to start
//! a process on it.
//!
//! Invariant: nothing is written, no producer is announced, no group is joined. Never here: an
//! answer that is made up because a broker did not give one.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::cluster::Shared;
use super::read::KafkaReader;
use super::{KafkaCluster, Topics};
use crate::{Clock, Error, Reader};

/// A broker as the cluster names it to its clients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KafkaBroker {
    /// Its number.
    pub id: i32,
    /// `host:port`, where clients must be able to reach it.
    pub address: String,
}

/// How well a topic is kept at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicHealth {
    /// Its name.
    pub topic: String,
    /// How many partitions it has.
    pub partitions: u32,
    /// The replicas of the partition that has the fewest.
    pub replicas: u32,
    /// Partitions of which a replica is behind or away.
    pub under_replicated: u32,
    /// Partitions that nobody can read or write, for want of a leader.
    pub offline: u32,
}

/// The key of what is no setting of a topic, but of its making.
pub(super) const REPLICAS: &str = "replicas";

/// What a topic must be in one respect, and what it is. Its text is a sentence on a difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicSetting {
    /// The topic's name.
    pub topic: String,
    /// Kafka's name of the setting, or `replicas`.
    pub key: String,
    /// What it is.
    pub found: String,
    /// What it must be; of replicas, the least.
    pub wanted: String,
    /// Whether that is so.
    pub agrees: bool,
}

impl fmt::Display for TopicSetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { topic, key, found, wanted, .. } = self;
        if key == REPLICAS {
            write!(f, "{topic} has {found} replicas and needs {wanted}")
        } else {
            write!(f, "{topic}: {key} is {found} and must be {wanted}")
        }
    }
}

/// What the brokers' clock showed, learnt from what others wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AppendTimes {
    /// The append time of the newest record beside the snapshots, if there is one.
    pub newest_ms: Option<i64>,
    /// Our clock minus the brokers', by a record that was written while we looked: too high by the
    /// time it took to come here, some hundredths of a second. `None` if none was.
    pub offset_ms: Option<i64>,
}

impl KafkaCluster {
    /// The brokers, by number.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if none answers.
    pub async fn brokers(&self) -> Result<Vec<KafkaBroker>, Error> {
        let named = self.shared.queries.brokers().await?;
        let mut brokers: Vec<KafkaBroker> = named
            .into_iter()
            .map(|(id, host, port)| {
                let host = if host.contains(':') { format!("[{host}]") } else { host };
                KafkaBroker { id, address: format!("{host}:{port}") }
            })
            .collect();
        brokers.sort_unstable_by_key(|broker| broker.id);
        Ok(brokers)
    }

    /// How well a campaign's topics are kept; a topic that is missing is left out.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn topic_health(&self, campaign: &str) -> Result<Vec<TopicHealth>, Error> {
        let topics = Topics::new(campaign);
        let mut health = Vec::new();
        for name in [&topics.ballots, &topics.tallies] {
            let Some(topic) = self.shared.queries.topic(name).await? else { continue };
            health.push(TopicHealth {
                topic: name.to_string(),
                partitions: topic.partitions,
                replicas: topic.replicas,
                under_replicated: topic.under_replicated,
                offline: topic.offline,
            });
        }
        Ok(health)
    }

    /// What the brokers' clock shows, by reading the end of a campaign's snapshots for at most
    /// `wait`: each running process writes a heartbeat there every second. Brokers tell their time
    /// in no other way that writes nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn append_times(
        &self,
        campaign: &str,
        clock: &dyn Clock,
        wait: Duration,
    ) -> Result<AppendTimes, Error> {
        let deadline = Instant::now() + wait;
        let Shared { pool, queries, .. } = &*self.shared;
        let tallies = Topics::new(campaign).tallies;
        let bounds = queries.bounds(&tallies, 0).await?;
        let mut times = AppendTimes { newest_ms: None, offset_ms: None };
        let (from, end) = (bounds.end.saturating_sub(1).max(bounds.start), bounds.end);
        let (pool, queries) = (Arc::clone(pool), queries.clone());
        let mut reader = KafkaReader::new(pool, queries, tallies, Ok(0), from);
        // What was there is read at once; what comes then was written just now. Its end is as near
        // as an error here, as compaction may take the last record before it.
        while let Ok(Ok(records)) = timeout_at(deadline, reader.next()).await {
            let now_ms = clock.now_ms();
            let Some(last) = records.last() else { break };
            times.newest_ms = times.newest_ms.max(Some(last.timestamp_ms));
            // The first to come may have waited for the reader to be ready: the second has not.
            if last.offset > end {
                times.offset_ms = Some(now_ms.saturating_sub(last.timestamp_ms));
                break;
            }
        }
        Ok(times)
    }
}
