//! Who follows, as far as this process knows: a bounded cache by pseudonym and, where an account of
//! another kind is followed than logs people in, a small table on the disk.
//!
//! Invariants: an event has the last word: what was read before it never overwrites what it said;
//! a voter who no longer follows has no row. Never here: an openid or unionid, only pseudonyms.
//!
//! Cost: 98 bytes of memory for each voter in the cache, 10 MB when it is full. On the disk some
//! 360 bytes for each follower; one fsync, 8 ms where it was measured, for all events that come
//! while the last one runs; 40 µs for a voter who is not in the cache. Opening: 0.1 s for 200,000.

mod cache;
mod rows;
mod table;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::VoterId;

use cache::Cache;
use rows::Change;
use table::Table;

/// Whether a voter follows, and how long that has been known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known {
    /// They do.
    pub follows: bool,
    /// Since when, in seconds since 1970-01-01 UTC, if WeChat said.
    pub since_s: Option<u64>,
    /// When we were told, in milliseconds since 1970-01-01 UTC by this process's clock.
    pub known_at_ms: i64,
}

/// Why the table on the disk cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// It cannot be opened: in use, damaged, or not ours to read. The sentence says what to do.
    #[error("{0}")]
    Open(String),
    /// A read or write failed. Nothing was changed; it is opened anew for the next one.
    #[error("the follow state cannot be read or written: {0}")]
    Storage(String),
    /// Too many changes wait for the disk. Nothing was changed.
    #[error("too many changes of the follow state wait for the disk")]
    Busy,
}

/// Who follows.
#[derive(Debug)]
pub struct Follows {
    cache: Arc<Mutex<Cache>>,
    table: Option<Arc<Table>>,
}

impl Follows {
    /// In memory only: enough where WeChat can be asked about any voter who comes.
    #[must_use]
    pub fn in_memory() -> Self {
        Self { cache: Arc::new(Mutex::new(Cache::new(None))), table: None }
    }

    /// Backed by the table at `path`, which is made, for its owner only, if it is not there; its
    /// folder must be. Rows older than `retention` are forgotten, now and at each
    /// [`Follows::purge`]. Blocks: every page of the file is read and checked.
    ///
    /// # Errors
    /// [`Error::Open`], and the file is as it was, or repaired.
    pub fn open(path: &Path, retention: Duration, now_ms: i64) -> Result<Self, Error> {
        let retention_ms = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let cache = Arc::new(Mutex::new(Cache::new(Some(retention_ms))));
        let table = Table::open(path, retention_ms, Arc::clone(&cache))?;
        table.write_now(Change::Purge { before_ms: now_ms.saturating_sub(retention_ms) })?;
        Ok(Self { cache, table: Some(Arc::new(table)) })
    }

    /// What is known of a voter: a yes until an event or the retention ends it, a no for ten
    /// seconds, so that who has just followed and comes back is asked about again.
    ///
    /// # Errors
    /// [`Error::Storage`] or [`Error::Open`], with a table only.
    pub async fn known(&self, voter: VoterId, now_ms: i64) -> Result<Option<Known>, Error> {
        let changes = {
            let mut cache = self.cache();
            if let Some(known) = cache.find(voter, now_ms) {
                return Ok(Some(known));
            }
            cache.changes()
        };
        let Some(table) = &self.table else { return Ok(None) };
        let found = table.find(voter).await?;
        let mut cache = self.cache();
        // If anything has changed meanwhile, it may be this voter: then it is not kept.
        Ok(found.filter(|known| cache.holds(known, now_ms)).inspect(|known| {
            if cache.changes() == changes {
                cache.put(voter, *known);
            }
        }))
    }

    /// Takes WeChat's word on a voter, in memory only. `now_ms` is the instant *before* WeChat was
    /// asked: an older word than the one that is known is dropped.
    pub fn learn(&self, voter: VoterId, follows: bool, since_s: Option<u64>, now_ms: i64) {
        self.cache().learn(voter, Known { follows, since_s, known_at_ms: now_ms });
    }

    /// Forgets a voter, with the row of their subscription if there is one.
    ///
    /// # Errors
    /// With a table only; then nothing is forgotten.
    pub async fn forget(&self, voter: VoterId) -> Result<(), Error> {
        match &self.table {
            Some(table) => table.write(Change::Forget { voter }).await.map(|_| ()),
            None => {
                self.cache().pop(voter);
                Ok(())
            }
        }
    }

    /// Notes that `subscriber`, the pseudonym of an openid of the account to follow, is `voter`,
    /// the pseudonym of a unionid, and follows. On the disk when this returns; without a table in
    /// memory only.
    ///
    /// # Errors
    /// With a table only; then nothing is noted.
    pub async fn link(
        &self,
        subscriber: VoterId,
        voter: VoterId,
        since_s: Option<u64>,
        now_ms: i64,
    ) -> Result<(), Error> {
        let known = Known { follows: true, since_s, known_at_ms: now_ms };
        match &self.table {
            Some(table) => table.write(Change::Link { subscriber, voter, known }).await.map(|_| ()),
            None => {
                self.cache().put_changed(voter, known);
                Ok(())
            }
        }
    }

    /// Forgets a subscriber who has gone, and answers which voter that was, if it was known.
    ///
    /// # Errors
    /// With a table only; then nothing is forgotten.
    pub async fn unsubscribed(&self, subscriber: VoterId) -> Result<Option<VoterId>, Error> {
        let Some(table) = &self.table else { return Ok(None) };
        Ok(table.write(Change::Unsubscribed { subscriber }).await?.voter)
    }

    /// Deletes what is older than the retention; answers how many followers that were.
    ///
    /// # Errors
    /// With a table only; then nothing is deleted.
    pub async fn purge(&self, now_ms: i64) -> Result<u64, Error> {
        let Some(table) = &self.table else { return Ok(0) };
        let before_ms = now_ms.saturating_sub(table.retention_ms());
        Ok(table.write(Change::Purge { before_ms }).await?.purged)
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
