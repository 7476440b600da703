//! The trait every journal keeps. One value is one campaign's journal as one process sees it;
//! cloning it is cheap and gives another handle to the same.
//!
//! Never here: anything that knows what a value means. Partitions are numbered from 0, offsets are
//! contiguous from the log's start, times are milliseconds since 1970-01-01 UTC.

use std::fmt;
use std::future::Future;
use std::ops::Range;

use ballot::JournalId;
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::{AppendError, Error, PublishedSnapshots, Record, Statistics};

/// An append-only log in partitions, with the latest snapshot of each beside it.
pub trait Journal: Clone + Send + Sync + fmt::Debug + 'static {
    /// Reads one partition's log in order.
    type Reader: Reader;
    /// Reads published snapshots in order of publication.
    type SnapshotReader: SnapshotReader;
    /// This process's part in the group that shares out the partitions.
    type Group: Group;

    /// What this journal is.
    fn identity(&self) -> JournalId;

    /// How many partitions its log has.
    fn partitions(&self) -> u32;

    /// Why it takes no appends now; `None` if it does, or if only an append can tell.
    fn trouble(&self) -> Option<String> {
        None
    }

    /// What its client says of itself, for whoever watches the process; `None` if it has nothing to
    /// say, or not yet. Journals that share a client say the same.
    fn statistics(&self) -> Option<Statistics> {
        None
    }

    /// Appends one record and answers its offset once it is durable.
    ///
    /// Appends of one caller to one partition may complete in any order. Dropping the future takes
    /// nothing back.
    ///
    /// # Errors
    /// [`AppendError::Refused`] if it certainly is not in the log, else [`AppendError::InDoubt`].
    fn append(
        &self,
        partition: u32,
        timestamp_ms: i64,
        value: Bytes,
    ) -> impl Future<Output = Result<u64, AppendError>> + Send;

    /// The offsets there are in a partition: the first, and the one the next record will have.
    ///
    /// # Errors
    /// [`Error::Unavailable`]; [`Error::Refused`] for a partition the journal does not have.
    fn bounds(&self, partition: u32) -> impl Future<Output = Result<Range<u64>, Error>> + Send;

    /// The smallest offset whose record's timestamp is at or after `timestamp_ms`; the log's end if
    /// there is none. Timestamps are not monotone: later records may well be older.
    ///
    /// # Errors
    /// As [`Journal::bounds`].
    fn position_at(
        &self,
        partition: u32,
        timestamp_ms: i64,
    ) -> impl Future<Output = Result<u64, Error>> + Send;

    /// A reader of one partition whose first record is the one at `offset`. Nothing is checked
    /// before its first [`Reader::next`].
    fn read(&self, partition: u32, offset: u64) -> Self::Reader;

    /// Publishes the snapshot of a partition; the newest published of each partition is kept for
    /// good, older ones may go.
    ///
    /// # Errors
    /// As [`Journal::append`].
    fn publish(
        &self,
        partition: u32,
        value: Bytes,
    ) -> impl Future<Output = Result<(), AppendError>> + Send;

    /// A reader of published snapshots, from the oldest kept.
    fn snapshots(&self) -> Self::SnapshotReader;

    /// The place behind the last published snapshot, to compare with
    /// [`PublishedSnapshots::position`].
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    fn snapshots_end(&self) -> impl Future<Output = Result<u64, Error>> + Send;

    /// Writes a heartbeat beside the snapshots and answers the time at which the journal's side
    /// appended it. That is how a process learns how far its own clock is off.
    ///
    /// # Errors
    /// As [`Journal::append`].
    fn heartbeat(&self) -> impl Future<Output = Result<i64, AppendError>> + Send;

    /// Joins the group that shares out the partitions. What is assigned comes from
    /// [`Group::next`]. A value may join more than once; each is a member of its own.
    fn join(&self) -> Self::Group;

    /// Takes no more appends, waits until those it has taken are answered, and frees what it holds,
    /// for as long as that takes. Whatever is asked afterwards may be refused. A journal whose
    /// resources are not this handle's alone has nothing to do.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// Reads one partition in order of offset.
pub trait Reader: Send + fmt::Debug {
    /// The next records, at least one, contiguous; waits at the log's end. Dropping the future
    /// loses no record.
    ///
    /// # Errors
    /// [`Error::OutOfRange`] if the next offset is below the log's start or beyond its end;
    /// [`Error::Unavailable`], after which the reader may be asked again.
    fn next(&mut self) -> impl Future<Output = Result<Vec<Record>, Error>> + Send;
}

/// Reads published snapshots in the order of their publication. Compaction may have removed any
/// that was followed by another of the same partition.
pub trait SnapshotReader: Send + fmt::Debug {
    /// What was published next; waits at the end. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`], after which the reader may be asked again.
    fn next(&mut self) -> impl Future<Output = Result<PublishedSnapshots, Error>> + Send;
}

/// A member of the group that shares out the partitions. Two members may own one partition at once
/// for a while: ownership saves work, it guards nothing.
pub trait Group: Send + fmt::Debug {
    /// What changes next in this member's assignment. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`], after which the member may be asked again.
    fn next(&mut self) -> impl Future<Output = Result<GroupEvent, Error>> + Send;

    /// Tells lag monitors how far a partition has been folded and flushed. Nothing is read back.
    fn commit(&self, partition: u32, frontier: u64);

    /// Leaves the group, so that others take over at once. Bounded by a deadline of its own.
    fn leave(self) -> impl Future<Output = ()> + Send;
}

/// A change in a member's assignment.
#[derive(Debug)]
pub enum GroupEvent {
    /// These partitions are this member's from now on.
    Assigned(Vec<u32>),
    /// These are no longer. The group waits until [`Acknowledge::acknowledge`].
    Revoked(Vec<u32>, Acknowledge),
}

/// The answer a revocation waits for. Dropping it acknowledges too.
#[derive(Debug)]
pub struct Acknowledge(oneshot::Sender<()>);

impl Acknowledge {
    /// Lets the group go on: this member has stopped working on what was revoked.
    pub fn acknowledge(self) {
        // The group may have given up waiting; then there is nobody to tell.
        let _ = self.0.send(());
    }
}

/// An acknowledgement to hand out, and what resolves once it is given or dropped.
#[must_use]
pub fn acknowledgement() -> (Acknowledge, oneshot::Receiver<()>) {
    let (sender, receiver) = oneshot::channel();
    (Acknowledge(sender), receiver)
}
