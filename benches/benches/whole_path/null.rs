//! A journal that keeps nothing and acknowledges at once: what is left is the edge itself.

use std::future::pending;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ballot::JournalId;
use bytes::Bytes;
use journal::{
    AppendError, Clock as _, Error, Group, GroupEvent, Journal, PublishedSnapshots, Reader, Record,
    SnapshotReader, SystemClock,
};

use crate::plan::partitions;

/// Counts its records by partition; nothing can be read back.
#[derive(Debug, Clone)]
pub(crate) struct NullJournal {
    ends: Arc<[AtomicU64]>,
}

/// What never has anything to say.
#[derive(Debug)]
pub(crate) struct Silence;

impl NullJournal {
    pub(crate) fn new() -> Self {
        Self { ends: (0..partitions()).map(|_| AtomicU64::new(0)).collect() }
    }

    fn end(&self, partition: u32) -> &AtomicU64 {
        &self.ends[partition as usize]
    }
}

impl Journal for NullJournal {
    type Reader = Silence;
    type SnapshotReader = Silence;
    type Group = Silence;

    fn identity(&self) -> JournalId {
        JournalId([0; 16])
    }

    fn partitions(&self) -> u32 {
        u32::try_from(self.ends.len()).unwrap_or(u32::MAX)
    }

    async fn append(&self, partition: u32, _: i64, _: Bytes) -> Result<u64, AppendError> {
        // Relaxed: nothing is published with the number.
        Ok(self.end(partition).fetch_add(1, Ordering::Relaxed))
    }

    async fn bounds(&self, partition: u32) -> Result<Range<u64>, Error> {
        Ok(0..self.end(partition).load(Ordering::Relaxed))
    }

    async fn position_at(&self, partition: u32, _: i64) -> Result<u64, Error> {
        Ok(self.bounds(partition).await?.end)
    }

    fn read(&self, _: u32, _: u64) -> Silence {
        Silence
    }

    async fn publish(&self, _: u32, _: Bytes) -> Result<(), AppendError> {
        Ok(())
    }

    fn snapshots(&self) -> Silence {
        Silence
    }

    async fn snapshots_end(&self) -> Result<u64, Error> {
        Ok(0)
    }

    async fn heartbeat(&self) -> Result<i64, AppendError> {
        Ok(SystemClock.now_ms())
    }

    fn join(&self) -> Silence {
        Silence
    }
}

impl Reader for Silence {
    async fn next(&mut self) -> Result<Vec<Record>, Error> {
        pending().await
    }
}

impl SnapshotReader for Silence {
    async fn next(&mut self) -> Result<PublishedSnapshots, Error> {
        pending().await
    }
}

impl Group for Silence {
    async fn next(&mut self) -> Result<GroupEvent, Error> {
        pending().await
    }

    fn commit(&self, _: u32, _: u64) {}

    async fn leave(self) {}
}
