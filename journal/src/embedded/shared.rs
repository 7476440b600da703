//! What readers, appenders and the writer thread share: the open database, how far each partition
//! is known to be durable, and whether the journal takes appends.
//!
//! Invariant: the ends only grow, and everything below them is on the disk. Readers look at nothing
//! beyond, so a record that a failed commit may or may not have left is never handed out. Once
//! damage has been met, nothing more is taken: what came later would be lost with the file.
//!
//! Never here: a lock held across an await.

use std::path::PathBuf;
use std::sync::{OnceLock, PoisonError, RwLock};

use redb::Database;
use tokio::sync::{Notify, watch};

use super::damage::{self, caught};
use super::store::Places;
use crate::Error;

/// Whether an embedded journal takes appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It does.
    Healthy,
    /// A write failed, for this reason, and it is being opened again; or its file is damaged.
    /// Appends are refused meanwhile.
    Failing(String),
    /// It was closed, or its writer thread has ended; it will not come back.
    Closed,
}

#[derive(Debug)]
enum Slot {
    Open(Database),
    Away(String),
    Closed,
}

#[derive(Debug)]
pub(super) struct Shared {
    /// Readers hold it for one short read; for writing only the writer thread takes it, to exchange
    /// the database, so nobody waits long.
    slot: RwLock<Slot>,
    health: watch::Sender<Health>,
    file: PathBuf,
    /// Where the file is damaged, once that was met. Only a new start, with another file, is the
    /// end of that.
    damage: OnceLock<String>,
    ends: Vec<watch::Sender<u64>>,
    snapshots_end: watch::Sender<u64>,
    /// A reader met an error. redb remembers it until it is reopened, so the writer looks after it.
    pub(super) trouble: Notify,
}

impl Shared {
    pub(super) fn new(file: PathBuf, database: Database, places: &Places) -> Self {
        Self {
            slot: RwLock::new(Slot::Open(database)),
            health: watch::Sender::new(Health::Healthy),
            file,
            damage: OnceLock::new(),
            ends: places.ends.iter().map(|end| watch::Sender::new(*end)).collect(),
            snapshots_end: watch::Sender::new(places.sequence),
            trouble: Notify::new(),
        }
    }

    /// Reads from the database, for a reader.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<T, Error> {
        match self.with_database(read)? {
            Ok(value) => Ok(value),
            Err(error) => {
                if !damage::is_damage(&error) {
                    self.trouble.notify_one();
                    return Err(Error::Unavailable(error.to_string()));
                }
                self.condemn(&error.to_string());
                Err(self.damaged(&error.to_string()))
            }
        }
    }

    /// Gives the database to `work`, unless it is closed or being opened again. If the work panics,
    /// the file is damaged.
    pub(super) fn with_database<T>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, redb::Error>,
    ) -> Result<Result<T, redb::Error>, Error> {
        match &*self.slot.read().unwrap_or_else(PoisonError::into_inner) {
            Slot::Open(database) => Ok(caught(|| work(database))),
            Slot::Away(reason) => Err(Error::Unavailable(reason.clone())),
            Slot::Closed => Err(closed()),
        }
    }

    /// Says that the file is damaged, and takes nothing more.
    pub(super) fn condemn(&self, reason: &str) {
        let sentence = self.damaged(reason).to_string();
        if self.damage.set(sentence.clone()).is_ok() {
            tracing::error!(reason = sentence, "the journal takes no more appends");
            self.failed(&sentence);
        }
    }

    /// Whether nothing more is taken for good.
    pub(super) fn is_condemned(&self) -> bool {
        self.damage.get().is_some()
    }

    pub(super) fn damaged(&self, reason: &str) -> Error {
        damage::damaged(&self.file, reason)
    }

    fn exchange(&self, slot: Slot) {
        let mut place = self.slot.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, slot);
        // Closing a database may write; readers need not wait for that, and a damaged file is not
        // to be written to: its handle is left to the end of the process.
        drop(place);
        if self.is_condemned() {
            std::mem::forget(old);
            return;
        }
        drop(caught(|| {
            drop(old);
            Ok(())
        }));
    }

    /// Closes the database, so that it can be opened again.
    pub(super) fn put_away(&self, reason: &str) {
        self.exchange(Slot::Away(reason.to_owned()));
    }

    /// Lets readers at a database that was opened again. Appends wait for [`Shared::recovered`].
    pub(super) fn bring_back(&self, database: Database) {
        self.exchange(Slot::Open(database));
    }

    /// Takes no appends for this reason, or for the damage if that was met before.
    pub(super) fn failed(&self, reason: &str) {
        let reason = self.damage.get().map_or(reason, String::as_str);
        self.health.send_replace(Health::Failing(reason.to_owned()));
    }

    /// Takes appends again, unless damage was met meanwhile.
    pub(super) fn recovered(&self) {
        self.health.send_modify(|health| {
            if !self.is_condemned() {
                *health = Health::Healthy;
            }
        });
    }

    /// Closes the database for good and wakes every reader to hear of it.
    pub(super) fn close(&self) {
        self.exchange(Slot::Closed);
    }

    /// Tells that the writer has ended and the directory is free.
    pub(super) fn closed(&self) {
        self.health.send_replace(Health::Closed);
        // The ends stay; whoever waits at one must look again and find the journal closed.
        for end in self.ends.iter().chain([&self.snapshots_end]) {
            end.send_modify(|_| ());
        }
    }

    pub(super) fn health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// An error if there will never be more to read than there is now.
    pub(super) fn check_not_closed(&self) -> Result<(), Error> {
        match *self.health.borrow() {
            Health::Healthy | Health::Failing(_) => Ok(()),
            Health::Closed => Err(closed()),
        }
    }

    /// Why appends are refused now; `None` if they are taken.
    pub(super) fn refusal(&self) -> Option<String> {
        match &*self.health.borrow() {
            Health::Healthy => None,
            Health::Failing(reason) if self.is_condemned() => Some(reason.clone()),
            Health::Failing(reason) => Some(format!("the last write failed: {reason}")),
            Health::Closed => Some(closed().to_string()),
        }
    }

    /// Makes what was written visible; it must be durable.
    pub(super) fn advance(&self, places: &Places) {
        let ends = self.ends.iter().zip(&places.ends);
        for (sender, end) in ends.chain([(&self.snapshots_end, &places.sequence)]) {
            // Only those whose end moved are woken.
            sender.send_if_modified(|seen| {
                let grew = *end > *seen;
                *seen = (*seen).max(*end);
                grew
            });
        }
    }

    /// Whether a file holds at least all that was ever visible.
    pub(super) fn is_continued_by(&self, places: &Places) -> bool {
        self.ends.len() == places.ends.len()
            && self.ends.iter().zip(&places.ends).all(|(seen, end)| *end >= *seen.borrow())
            && places.sequence >= *self.snapshots_end.borrow()
    }

    /// The durable end of a partition.
    pub(super) fn end(&self, partition: u32) -> Result<watch::Receiver<u64>, Error> {
        let index = usize::try_from(partition).ok();
        let sender = index.and_then(|index| self.ends.get(index));
        sender.map(watch::Sender::subscribe).ok_or_else(|| {
            let count = self.ends.len();
            Error::Refused(format!("there is no partition {partition}: the journal has {count}"))
        })
    }

    pub(super) fn snapshots_end(&self) -> watch::Receiver<u64> {
        self.snapshots_end.subscribe()
    }
}

fn closed() -> Error {
    Error::Refused("the journal is closed".to_owned())
}
