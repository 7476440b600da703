//! What a journal hands out: a record of the log, a published snapshot.

use bytes::Bytes;

/// One record of a partition's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Its place in the partition, from 0, without gaps.
    pub offset: u64,
    /// The timestamp its writer gave it, milliseconds since 1970-01-01 UTC. Not monotone in offset.
    pub timestamp_ms: i64,
    /// Its bytes; the journal never looks into them.
    pub value: Bytes,
}

/// One published snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The partition it is of: the key under which compaction keeps the last.
    pub partition: u32,
    /// Its bytes; the journal never looks into them.
    pub value: Bytes,
}

/// A stretch of published snapshots, in the order in which they were published.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PublishedSnapshots {
    /// The snapshots; may be empty where compaction has left a hole.
    pub entries: Vec<Published>,
    /// Everything below this place has been handed out. Compare with [`Journal::snapshots_end`].
    ///
    /// [`Journal::snapshots_end`]: crate::Journal::snapshots_end
    pub position: u64,
}
