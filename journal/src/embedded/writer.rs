//! The one thread that writes: it takes what is queued, writes it in one durable transaction, and
//! answers each entry.
//!
//! Invariant: an entry is acknowledged only after the fsync of the transaction it is in. After a
//! failed transaction the whole group is in doubt, and nothing is written before the file has been
//! closed, opened and read again: what that commit left behind is found in the file, not guessed.
//! To a file that was found damaged nothing is written any more.
//!
//! Never here: waiting without taking from the queue, except for the disk.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use ballot::JournalId;
use tokio::sync::mpsc;

use super::DatabaseFactory;
use super::command::{Command, Entry, GROUP_BYTES_MAX, GROUP_ENTRIES_MAX};
use super::damage::{caught, is_damage};
use super::lock::DirectoryLock;
use super::shared::Shared;
use super::store::{self, Places};
use crate::{AppendError, Error};

/// The first wait before a failed file is opened again. It doubles up to [`BACKOFF_MAX`].
const BACKOFF_MIN: Duration = Duration::from_millis(50);
/// Opening again is cheap, and who made room wants to see it taken.
const BACKOFF_MAX: Duration = Duration::from_secs(1);
/// The room that a file must have before it takes appends again: some groups of a busy second. Less
/// and it would fail and recover, back and forth, for as long as the disk is nearly full.
const ROOM_BYTES: usize = 4 << 20;

pub(super) struct Writer {
    pub(super) shared: Arc<Shared>,
    pub(super) queue: mpsc::Receiver<Command>,
    pub(super) places: Places,
    pub(super) identity: JournalId,
    pub(super) factory: DatabaseFactory,
    pub(super) lock: Option<DirectoryLock>,
}

impl Writer {
    /// Writes until the journal is closed or its last handle dropped.
    pub(super) async fn run(mut self) {
        while let Some(first) = self.first().await {
            let group = self.gather(first);
            if let Some(reason) = self.shared.refusal() {
                // A reader has met damage since these were taken.
                group.into_iter().for_each(|entry| {
                    entry.answer(Err(AppendError::Refused(reason.clone())));
                });
                continue;
            }
            let written =
                self.shared.with_database(|file| store::write(file, &mut self.places, &group));
            let reason = match written {
                Ok(Ok(answers)) => {
                    // Visible before it is answered: an appender finds its record within bounds.
                    self.shared.advance(&self.places);
                    for (entry, place) in group.into_iter().zip(answers) {
                        entry.answer(Ok(place));
                    }
                    continue;
                }
                Ok(Err(error)) => self.fail_with(&error),
                Err(error) => self.fail(&error.to_string()),
            };
            for entry in group {
                entry.answer(Err(AppendError::InDoubt(reason.clone())));
            }
            if self.recover().await.is_break() {
                break;
            }
        }
    }

    /// The next entry; `None` once the queue is closed and empty.
    async fn first(&mut self) -> Option<Entry> {
        loop {
            tokio::select! {
                // The queue first: while entries keep coming, each commit meets the trouble itself.
                biased;
                command = self.queue.recv() => match command? {
                    Command::Write(entry) => return Some(entry),
                    Command::Close => self.queue.close(),
                },
                () = self.shared.trouble.notified() => {
                    if self.examine().await.is_break() {
                        return None;
                    }
                }
            }
        }
    }

    /// What else is queued, up to the caps of one transaction.
    fn gather(&mut self, first: Entry) -> Vec<Entry> {
        let mut bytes = first.value.len();
        let mut group = vec![first];
        while group.len() < GROUP_ENTRIES_MAX && bytes < GROUP_BYTES_MAX {
            match self.queue.try_recv() {
                Ok(Command::Write(entry)) => {
                    bytes += entry.value.len();
                    group.push(entry);
                }
                Ok(Command::Close) => self.queue.close(),
                Err(mpsc::error::TryRecvError::Empty | mpsc::error::TryRecvError::Disconnected) => {
                    break;
                }
            }
        }
        group
    }

    /// A reader met an error: finds out by writing whether the file must be opened again.
    async fn examine(&mut self) -> ControlFlow<()> {
        if self.shared.is_condemned() {
            return ControlFlow::Continue(());
        }
        match self.shared.with_database(store::prove) {
            Ok(Ok(())) => return ControlFlow::Continue(()),
            Ok(Err(error)) => self.fail_with(&error),
            Err(error) => self.fail(&error.to_string()),
        };
        self.recover().await
    }

    /// Answers the reason.
    fn fail(&self, reason: &str) -> String {
        tracing::error!(reason, "the journal cannot be written; appends are refused until it can");
        self.shared.failed(reason);
        reason.to_owned()
    }

    fn fail_with(&self, error: &redb::Error) -> String {
        let reason = error.to_string();
        // A file that was cut off, or exchanged, is found out by opening it again.
        if matches!(error, redb::Error::Corrupted(_)) {
            self.shared.condemn(&reason);
            return reason;
        }
        self.fail(&reason)
    }

    /// Opens the file again and again until it takes writes. Breaks if the journal is closed first.
    async fn recover(&mut self) -> ControlFlow<()> {
        let mut backoff = BACKOFF_MIN;
        loop {
            self.refuse_for(backoff).await?;
            if self.shared.is_condemned() {
                backoff = BACKOFF_MAX;
                continue;
            }
            match self.reopen() {
                Ok(places) => {
                    self.places = places;
                    self.shared.advance(&self.places);
                    self.shared.recovered();
                    tracing::info!("the journal takes appends again");
                    return ControlFlow::Continue(());
                }
                // It has been said, for good.
                Err(_) if self.shared.is_condemned() => {}
                Err(error) => {
                    let reason = error.to_string();
                    tracing::error!(reason, "the journal still cannot be written");
                    self.shared.failed(&reason);
                }
            }
            backoff = (backoff * 2).min(BACKOFF_MAX);
        }
    }

    /// Refuses whatever is or comes into the queue during `backoff`.
    async fn refuse_for(&mut self, backoff: Duration) -> ControlFlow<()> {
        let until = tokio::time::sleep(backoff);
        tokio::pin!(until);
        loop {
            let command = tokio::select! {
                // The timer first: it fires once, so the queue gets its turn whenever it has not.
                biased;
                () = &mut until => return ControlFlow::Continue(()),
                command = self.queue.recv() => command,
            };
            match command {
                Some(Command::Write(entry)) => {
                    let reason = self.shared.refusal().unwrap_or_default();
                    entry.answer(Err(AppendError::Refused(reason)));
                }
                Some(Command::Close) => self.queue.close(),
                None => return ControlFlow::Break(()),
            }
        }
    }

    /// Opens the file again and reads from it where the next entries go.
    fn reopen(&self) -> Result<Places, Error> {
        // redb locks the file, so the old handle must be gone before a new one is made.
        self.shared.put_away("the journal's file is being opened again");
        let opened = caught(|| {
            let database = (self.factory)()?;
            let contents = store::inspect(&database)?;
            Ok((database, contents))
        });
        let (database, contents) = opened.map_err(|error| self.sorted(&error))?;
        let contents = contents.ok_or_else(|| self.shared.damaged("it is empty now"))?;
        if contents.identity != self.identity {
            return Err(self.shared.damaged("another journal is in its place"));
        }
        if !self.shared.is_continued_by(&contents.places) {
            return Err(self.shared.damaged("records that were acknowledged are missing"));
        }
        self.shared.bring_back(database);
        match self.shared.with_database(|file| store::prove_room(file, ROOM_BYTES))? {
            Ok(()) => Ok(contents.places),
            Err(error) => Err(self.sorted(&error)),
        }
    }

    fn sorted(&self, error: &redb::Error) -> Error {
        let reason = error.to_string();
        if !is_damage(error) {
            return Error::Unavailable(reason);
        }
        // Opening writes, so it is not tried again.
        self.shared.condemn(&reason);
        self.shared.damaged(&reason)
    }
}

impl Drop for Writer {
    /// Also when the thread panics: then, too, the journal must say that it is down.
    fn drop(&mut self) {
        self.shared.close();
        drop(self.lock.take());
        self.shared.closed();
    }
}
