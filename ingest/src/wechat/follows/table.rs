//! The file of the rows: opened with care, read by a few at once, written by one for all who wait.
//!
//! Invariants: a change is answered after its fsync, and the cache is told in the order in which
//! the file was; a failed write changes neither. Everything that waits is bounded. Never here: a
//! blocking call on an async thread after the start, or a second guess about a damaged file.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ballot::VoterId;
use redb::{Builder, Database};
use tokio::sync::{Semaphore, oneshot};

use super::cache::Cache;
use super::rows::{self, Change, Done};
use super::{Error, Known};

/// redb's page cache; its own default is 1 GiB. The operating system caches the file too.
const CACHE_BYTES: usize = 16 << 20;
/// Changes that wait for the disk at most. WeChat repeats an event that was not taken.
const WAITING_MAX: usize = 4_096;
/// Reads at once, each on a thread of the runtime's. Who waits is a request, and those are bounded.
const READS_MAX: usize = 16;

struct Waiting {
    change: Change,
    answer: oneshot::Sender<Result<Done, Error>>,
}

/// The table on the disk.
pub(super) struct Table {
    path: PathBuf,
    /// `None` after a failure: redb takes nothing more then until it is opened again.
    database: Mutex<Option<Arc<Database>>>,
    waiting: Mutex<Vec<Waiting>>,
    /// Whose turn it is to write; goes with the work onto its thread.
    pub(super) turn: Arc<tokio::sync::Mutex<()>>,
    reads: Semaphore,
    cache: Arc<Mutex<Cache>>,
    retention_ms: i64,
}

impl Table {
    pub(super) fn open(
        path: &Path,
        retention_ms: i64,
        cache: Arc<Mutex<Cache>>,
    ) -> Result<Self, Error> {
        let table = Self::closed(path, retention_ms, cache);
        make_if_missing(path)?;
        table.database()?;
        Ok(table)
    }

    fn closed(path: &Path, retention_ms: i64, cache: Arc<Mutex<Cache>>) -> Self {
        Self {
            path: path.to_owned(),
            database: Mutex::new(None),
            waiting: Mutex::new(Vec::new()),
            turn: Arc::new(tokio::sync::Mutex::new(())),
            reads: Semaphore::new(READS_MAX),
            cache,
            retention_ms,
        }
    }

    pub(super) const fn retention_ms(&self) -> i64 {
        self.retention_ms
    }

    /// Reads a voter's row.
    pub(super) async fn find(self: &Arc<Self>, voter: VoterId) -> Result<Option<Known>, Error> {
        let closed = |_| Error::Storage("it is closed".to_owned());
        let _permit = self.reads.acquire().await.map_err(closed)?;
        let table = Arc::clone(self);
        let work = move || table.with(|database| rows::find(database, voter));
        // Joined here; if the caller goes, it ends by itself.
        tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(broken(&error)))
    }

    /// Does a change, together with all that wait when its turn comes.
    pub(super) async fn write(self: &Arc<Self>, change: Change) -> Result<Done, Error> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = locked(&self.waiting);
            if waiting.len() >= WAITING_MAX {
                return Err(Error::Busy);
            }
            waiting.push(Waiting { change, answer });
        }
        let turn = Arc::clone(&self.turn).lock_owned().await;
        let table = Arc::clone(self);
        // Joined here; if the caller goes, it ends by itself and the turn is over only then.
        let work = tokio::task::spawn_blocking(move || {
            table.write_all();
            drop(turn);
        });
        work.await.map_err(|error| broken(&error))?;
        answered.await.map_err(|error| broken(&error))?
    }

    /// Does a change on this thread.
    pub(super) fn write_now(&self, change: Change) -> Result<Done, Error> {
        self.commit(&[change]).map(|done| done.first().copied().unwrap_or_default())
    }

    fn write_all(&self) {
        let waiting = std::mem::take(&mut *locked(&self.waiting));
        if waiting.is_empty() {
            return;
        }
        let changes: Vec<_> = waiting.iter().map(|waiting| waiting.change).collect();
        let done = self.commit(&changes);
        for (place, Waiting { answer, .. }) in waiting.into_iter().enumerate() {
            let done = done.as_ref().map(|done| done.get(place).copied().unwrap_or_default());
            // Who has gone hears nothing; the change is made all the same.
            drop(answer.send(done.map_err(Clone::clone)));
        }
    }

    fn commit(&self, changes: &[Change]) -> Result<Vec<Done>, Error> {
        let all_done = self.with(|database| rows::write(database, changes))?;
        let mut cache = locked(&self.cache);
        for (change, done) in changes.iter().zip(&all_done) {
            if let Some(voter) = done.voter {
                cache.pop(voter);
            }
            match *change {
                Change::Link { voter, known, .. } => cache.put_changed(voter, known),
                Change::Purge { before_ms } => cache.purge(before_ms),
                Change::Unsubscribed { .. } | Change::Forget { .. } => {}
            }
        }
        Ok(all_done)
    }

    fn with<T>(&self, work: impl FnOnce(&Database) -> Result<T, redb::Error>) -> Result<T, Error> {
        let database = self.database()?;
        work(&database).map_err(|error| {
            tracing::error!(path = %self.path.display(), %error, "the follow state fails");
            *locked(&self.database) = None;
            Error::Storage(error.to_string())
        })
    }

    /// The database, opened if need be.
    fn database(&self) -> Result<Arc<Database>, Error> {
        let mut place = locked(&self.database);
        if let Some(database) = &*place {
            return Ok(Arc::clone(database));
        }
        let mut builder = Database::builder();
        builder.set_cache_size(CACHE_BYTES).set_check_integrity_on_open(true);
        let database = builder.open(&self.path).map_err(|error| refused(&self.path, &error))?;
        rows::prepare(&database).map_err(|error| refused(&self.path, &error))?;
        let database = Arc::new(database);
        *place = Some(Arc::clone(&database));
        Ok(database)
    }
}

impl std::fmt::Debug for Table {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Table").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Makes the file aside and moves it into place whole, so that an empty or half a file is never
/// one that a crash of ours left.
fn make_if_missing(path: &Path) -> Result<(), Error> {
    if path.exists() {
        return Ok(());
    }
    let aside = path.with_extension("new");
    match std::fs::remove_file(&aside) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(refused(path, &error)),
        Ok(()) | Err(_) => {}
    }
    let database = Builder::new().set_cache_size(CACHE_BYTES).create(&aside);
    let database = database.map_err(|error| refused(path, &error))?;
    rows::prepare(&database).map_err(|error| refused(path, &error))?;
    drop(database);
    // Who follows what, even under pseudonyms, is nobody else's to read.
    #[cfg(unix)]
    std::fs::set_permissions(&aside, std::os::unix::fs::PermissionsExt::from_mode(0o600))
        .map_err(|error| refused(path, &error))?;
    let moved = File::open(&aside)
        .and_then(|file| file.sync_all())
        .and_then(|()| std::fs::rename(&aside, path))
        .and_then(|()| File::open(path.parent().unwrap_or(Path::new("."))))
        .and_then(|folder| folder.sync_all());
    moved.map_err(|error| refused(path, &error))
}

fn refused(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::Open(format!(
        "cannot open the follow state {}: {error}; if the file is damaged, move it away: voters \
         are then asked to follow once more",
        path.display()
    ))
}

fn broken(error: &dyn std::fmt::Display) -> Error {
    Error::Storage(error.to_string())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// For tests.
#[cfg(test)]
impl Table {
    pub(super) fn all(&self) -> [Vec<(u128, rows::Row)>; 2] {
        rows::all(&self.database().unwrap())
    }

    /// Over memory, which takes no fsync.
    pub(super) fn in_memory(cache: Arc<Mutex<Cache>>) -> Self {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Builder::new().create_with_backend(backend).unwrap();
        rows::prepare(&database).unwrap();
        let table = Self::closed(Path::new("memory"), i64::MAX, cache);
        *locked(&table.database) = Some(Arc::new(database));
        table
    }

    /// As after a failed write.
    pub(super) fn fail(&self) {
        *locked(&self.database) = None;
    }
}
