//! What the tests of a simulated cluster see that no process can: all that landed, who owns what,
//! and what happened.
//!
//! Nothing here draws from the generator, so looking changes no run.

use std::fmt;

use ballot::JournalId;
use bytes::Bytes;

use super::Cluster;
use super::write::What;
use crate::{Published, Record};

impl Cluster {
    /// What this journal is.
    #[must_use]
    pub fn identity(&self) -> JournalId {
        self.0.identity
    }

    /// How many partitions its log has.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.0.arrivals.len()).unwrap_or(u32::MAX)
    }

    /// The cluster's time, milliseconds since 1970-01-01 UTC.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.lock().timeline.now_ms()
    }

    /// Everything that ever landed in a partition, what retention has removed included.
    #[must_use]
    pub fn log(&self, partition: u32) -> Vec<Record> {
        self.lock().logs.get(&partition).map(|log| log.records().to_vec()).unwrap_or_default()
    }

    /// The snapshots that are kept, in log order, each with its partition.
    #[must_use]
    pub fn snapshot_log(&self) -> Vec<(u32, Bytes)> {
        self.lock().snapshots.kept().map(|p| (p.partition, p.value.clone())).collect()
    }

    /// Waits until no write is under way, so that nothing more lands unless somebody writes.
    pub async fn written(&self) {
        self.until(self.rest(), |state| state.under_way.is_empty()).await;
    }

    /// Waits until [`Cluster::is_settled`]. Somebody must hear for each live member meanwhile.
    pub async fn settled(&self) {
        self.until(self.rest(), |state| state.group.is_settled()).await;
    }

    /// Writes under way: not landed yet, or not answered.
    #[must_use]
    pub fn writes_under_way(&self) -> usize {
        self.lock().under_way.len()
    }

    /// The process that owns each partition as the group has it; members may not have heard yet.
    #[must_use]
    pub fn owners(&self) -> Vec<Option<String>> {
        let name = |owner: Option<&super::Process>| owner.map(|process| process.name.to_string());
        self.lock().group.owners().into_iter().map(name).collect()
    }

    /// Whether every partition has a live owner that can hear the group, none is about to move, and
    /// every member has heard all that it is to hear.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.lock().group.is_settled()
    }

    /// The frontier last committed for a partition.
    #[must_use]
    pub fn committed(&self, partition: u32) -> Option<u64> {
        self.lock().group.committed.get(&partition).copied()
    }

    /// Lands a record at once, stall or not, and answers its offset; `None` if there is no such
    /// partition.
    pub fn append_raw(&self, partition: u32, timestamp_ms: i64, value: Bytes) -> Option<u64> {
        let landed = self.land_now(What::Record { partition, timestamp_ms, value })?;
        self.note(format_args!("p{partition} is given a record at {}", landed.place));
        Some(landed.place)
    }

    /// Lands a snapshot at once, stall or not.
    pub fn publish_raw(&self, partition: u32, value: Bytes) {
        if self.land_now(What::Snapshot(Published { partition, value })).is_some() {
            self.note(format_args!("p{partition} is given a snapshot"));
        }
    }

    /// Adds a line of the schedule's own to the event log.
    pub fn note(&self, event: fmt::Arguments<'_>) {
        self.lock().note(event);
    }

    /// The last lines of the event log, each opening with the milliseconds since the start.
    #[must_use]
    pub fn event_log(&self) -> Vec<String> {
        self.lock().events.lines()
    }

    /// The hash of all lines of the event log, those no longer kept included.
    #[must_use]
    pub fn event_hash(&self) -> u64 {
        self.lock().events.hash()
    }
}
