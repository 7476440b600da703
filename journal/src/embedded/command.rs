//! What the writer thread is asked to do, and the bounds on what may wait for it.
//!
//! Invariant: an entry is answered once. One that is dropped without an answer counts as in doubt.

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::AppendError;

/// How many commands wait for the writer at most; the next is refused. The edge has a few batches
/// in flight for each partition, so this is reached only when the disk stalls.
pub(super) const QUEUE_ENTRIES_MAX: usize = 4_096;
/// How many bytes of values wait for the writer at most, the group being written included; also the
/// largest value there can be.
pub(super) const QUEUE_BYTES_MAX: usize = 64 << 20;
/// How many entries one transaction takes at most. A commit costs some milliseconds whatever is in
/// it, so a larger group would gain little and make its first entry wait longer.
pub(super) const GROUP_ENTRIES_MAX: usize = 1_024;
/// How many bytes one transaction takes at most, unless a single entry is larger.
pub(super) const GROUP_BYTES_MAX: usize = 16 << 20;

#[derive(Debug)]
pub(super) enum Command {
    Write(Entry),
    /// Take nothing more, write what is queued, end.
    Close,
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) kind: Kind,
    pub(super) partition: u32,
    pub(super) value: Bytes,
    /// This entry's part of [`QUEUE_BYTES_MAX`]; held until it is answered. `None` in unit tests.
    pub(super) room: Option<OwnedSemaphorePermit>,
    /// Takes the offset or the sequence number.
    pub(super) answer: oneshot::Sender<Result<u64, AppendError>>,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Record { timestamp_ms: i64 },
    Snapshot,
}

impl Entry {
    pub(super) fn answer(self, answer: Result<u64, AppendError>) {
        // Whoever appended may have stopped waiting; the record is in the log all the same.
        drop(self.answer.send(answer));
        drop(self.room);
    }
}
