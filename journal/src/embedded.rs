//! The embedded journal: one process, one redb file per campaign, one thread that writes.
//!
//! Invariant: an append is answered with its offset only after the fsync of the transaction it is
//! in. Everything waiting is bounded, and what does not fit is refused at once.
//!
//! Never here: a blocking write on an async thread, or a sleep.

mod command;
mod damage;
mod group;
mod lock;
mod look;
mod open;
mod options;
mod read;
mod shared;
mod snapshots;
mod store;
mod time;
mod times;
mod writer;

use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use ballot::JournalId;
use bytes::Bytes;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};

use self::time::JournalTime;
use crate::{AppendError, Error, Journal};
use command::{Command, Entry, Kind, QUEUE_BYTES_MAX};
use group::Roster;
use shared::Shared;

pub use group::EmbeddedGroup;
pub use open::DatabaseFactory;
pub use options::EmbeddedOptions;
pub use read::EmbeddedReader;
pub use shared::Health;
pub use snapshots::EmbeddedSnapshots;

/// A campaign's journal in a file of this process.
///
/// When the last handle is dropped the writer thread writes what is queued and ends by itself; only
/// [`Embedded::close`] waits for that.
#[derive(Debug, Clone)]
pub struct Embedded {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    identity: JournalId,
    partitions: u32,
    shared: Arc<Shared>,
    queue: mpsc::Sender<Command>,
    /// What is left of [`QUEUE_BYTES_MAX`].
    room: Arc<Semaphore>,
    time: JournalTime,
    roster: Arc<Roster>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Embedded {
    /// Opens the journal, or makes it. Blocks for some fsyncs.
    ///
    /// # Errors
    /// [`Error::Refused`], with a sentence that says what to do: another process holds it, it has
    /// another partition count or format, or the file is damaged, and is then left as it is, or
    /// cannot be made, read or written.
    pub fn open(options: &EmbeddedOptions) -> Result<Self, Error> {
        open::open(options)
    }

    /// Opens the journal, or makes it, in a database that `factory` makes, now and after each
    /// failed write; so tests put a failing disk under it. The lock is taken in the directory all
    /// the same.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn open_with(options: &EmbeddedOptions, factory: DatabaseFactory) -> Result<Self, Error> {
        open::open_with(options, factory)
    }

    /// Opens a journal that is there to look at it: compared, and if need be repaired, as by
    /// [`Embedded::open`], but all that is written stays in memory, and nothing is made or changed
    /// on the disk. As long as it is open no process can open the journal in earnest.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub fn look(options: &EmbeddedOptions) -> Result<Self, Error> {
        open::look(options)
    }

    /// Whether appends are taken now.
    #[must_use]
    pub fn is_healthy(&self) -> bool {
        self.inner.shared.refusal().is_none()
    }

    /// Whether appends are taken, and why not; changes can be waited for.
    #[must_use]
    pub fn health(&self) -> watch::Receiver<Health> {
        self.inner.shared.health()
    }

    async fn write(&self, kind: Kind, partition: u32, value: Bytes) -> Result<u64, AppendError> {
        let inner = &self.inner;
        if let Some(reason) = inner.shared.refusal() {
            return Err(AppendError::Refused(reason));
        }
        if partition >= inner.partitions {
            let sentence = format!("there is no partition {partition}");
            return Err(AppendError::Refused(sentence));
        }
        let room = u32::try_from(value.len())
            .ok()
            .and_then(|len| Arc::clone(&inner.room).try_acquire_many_owned(len).ok());
        let Some(room) = room else {
            let sentence = format!("more than {QUEUE_BYTES_MAX} bytes would wait for the disk");
            return Err(AppendError::Refused(sentence));
        };
        let (answer, answered) = oneshot::channel();
        let entry = Entry { kind, partition, value, room: Some(room), answer };
        inner.queue.try_send(Command::Write(entry)).map_err(|error| {
            AppendError::Refused(
                match error {
                    mpsc::error::TrySendError::Full(_) => "too many appends wait for the disk",
                    mpsc::error::TrySendError::Closed(_) => "the journal is closed",
                }
                .to_owned(),
            )
        })?;
        let lost = || AppendError::InDoubt("the journal's thread ended".to_owned());
        answered.await.unwrap_or_else(|_| Err(lost()))
    }
}

impl Journal for Embedded {
    type Reader = EmbeddedReader;
    type SnapshotReader = EmbeddedSnapshots;
    type Group = EmbeddedGroup;

    fn identity(&self) -> JournalId {
        self.inner.identity
    }

    fn partitions(&self) -> u32 {
        self.inner.partitions
    }

    fn trouble(&self) -> Option<String> {
        self.inner.shared.refusal()
    }

    async fn append(
        &self,
        partition: u32,
        timestamp_ms: i64,
        value: Bytes,
    ) -> Result<u64, AppendError> {
        self.write(Kind::Record { timestamp_ms }, partition, value).await
    }

    async fn bounds(&self, partition: u32) -> Result<Range<u64>, Error> {
        let end = self.inner.shared.end(partition)?;
        self.inner.shared.check_not_closed()?;
        let end = *end.borrow();
        Ok(0..end)
    }

    async fn position_at(&self, partition: u32, timestamp_ms: i64) -> Result<u64, Error> {
        let end = self.bounds(partition).await?.end;
        // Inline, for the reasons given in `read.rs`; it scans one second's records at most.
        self.inner.shared.read(|file| times::position_at(file, (partition, end), timestamp_ms))
    }

    fn read(&self, partition: u32, offset: u64) -> EmbeddedReader {
        EmbeddedReader::new(Arc::clone(&self.inner.shared), partition, offset)
    }

    async fn publish(&self, partition: u32, value: Bytes) -> Result<(), AppendError> {
        self.write(Kind::Snapshot, partition, value).await.map(|_sequence| ())
    }

    fn snapshots(&self) -> EmbeddedSnapshots {
        EmbeddedSnapshots::new(Arc::clone(&self.inner.shared))
    }

    async fn snapshots_end(&self) -> Result<u64, Error> {
        self.inner.shared.check_not_closed()?;
        let end = self.inner.shared.snapshots_end();
        let end = *end.borrow();
        Ok(end)
    }

    /// Nothing is written. The journal's time is the process's clock as it was when the journal was
    /// opened, and runs on evenly from there: so a clock that is stepped meanwhile is found out.
    async fn heartbeat(&self) -> Result<i64, AppendError> {
        match self.inner.shared.refusal() {
            None => Ok(self.inner.time.now_ms()),
            Some(reason) => Err(AppendError::Refused(reason)),
        }
    }

    fn join(&self) -> EmbeddedGroup {
        self.inner.roster.join()
    }

    async fn close(&self) {
        // An error says that it is closed already.
        drop(self.inner.queue.send(Command::Close).await);
        let mut health = self.inner.shared.health();
        // The sender lives in `shared`, so waiting cannot fail.
        drop(health.wait_for(|health| *health == Health::Closed).await);
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // Saying that it is closed is the last thing the thread does: this join is immediate. If it
        // panicked, its panic has been printed, and those it left waiting are in doubt.
        drop(thread.map(JoinHandle::join));
    }
}
