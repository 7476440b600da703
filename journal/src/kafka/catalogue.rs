//! Which campaigns a cluster holds, and whether anything was ever written for one.
//!
//! Invariant: "empty" is only said of what was looked at whole: every partition of the ballots, and
//! the snapshots up to their end. What cannot be reached is no answer. Never here: a topic made or
//! changed.

use std::sync::Arc;

use tokio::time::timeout;

use super::cluster::{OPEN_MAX, Shared};
use super::snapshots::KafkaSnapshots;
use super::{BALLOTS, KafkaCluster, Topics};
use crate::{Error, SnapshotReader};

impl KafkaCluster {
    /// The ids of all campaigns that have a topic of ballots, sorted.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn campaigns(&self) -> Result<Vec<String>, Error> {
        let names = self.shared.queries.topics().await?;
        let ids = names.iter().filter_map(|name| name.strip_prefix(BALLOTS));
        let mut ids: Vec<String> = ids.filter(|id| !id.is_empty()).map(ToOwned::to_owned).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// Whether a campaign has not begun: it has no topic of ballots, or one without a record and
    /// no snapshot beside it. Heartbeats do not count. Records that are gone do.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn is_empty(&self, campaign: &str) -> Result<bool, Error> {
        let topics = Topics::new(campaign);
        let queries = &self.shared.queries;
        let Some(ballots) = queries.topic(&topics.ballots).await? else { return Ok(true) };
        for partition in 0..i32::try_from(ballots.partitions).unwrap_or(i32::MAX) {
            if queries.bounds(&topics.ballots, partition).await?.end > 0 {
                return Ok(false);
            }
        }
        if queries.topic(&topics.tallies).await?.is_none() {
            return Ok(true);
        }
        let reading = timeout(OPEN_MAX, self.has_snapshot(&topics.tallies)).await;
        let has_snapshot = reading.map_err(|_| {
            let sentence = format!("{} cannot be read to its end", topics.tallies);
            Error::Unavailable(self.shared.heard.explain(sentence))
        })??;
        Ok(!has_snapshot)
    }

    async fn has_snapshot(&self, tallies: &Arc<str>) -> Result<bool, Error> {
        let Shared { pool, queries, .. } = &*self.shared;
        let bounds = queries.bounds(tallies, 0).await?;
        if bounds.is_empty() {
            return Ok(false);
        }
        let mut reader = KafkaSnapshots::new(Arc::clone(pool), Arc::clone(tallies));
        loop {
            let published = reader.next().await?;
            if !published.entries.is_empty() {
                return Ok(true);
            }
            if published.position >= bounds.end {
                return Ok(false);
            }
        }
    }
}
