//! How the appends of a campaign's ballots fare: whether every one has failed, and for how long.
//!
//! A journal may answer heartbeats and take no ballot: its topics have rights and limits of their
//! own. Invariant: one append that is acknowledged ends every complaint. Never here: what a single
//! voter is told.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use journal::AppendError;
use tokio::time::Instant;

/// How long appends may fail before that is no moment's trouble: twice an append's deadline.
const FAILING_MAX: Duration = Duration::from_secs(10);
/// How long after the last try failures are complained of. Where nobody casts, nothing could show
/// that ballots are taken again: an edge that is sent no voters must ask for some.
const TRIED_WITHIN: Duration = Duration::from_secs(30);

/// The appends of one campaign.
#[derive(Debug, Default)]
pub(crate) struct Appends(Mutex<Option<Failing>>);

/// Appends that failed one after the other.
#[derive(Debug)]
struct Failing {
    since: Instant,
    last_at: Instant,
    error: String,
}

impl Failing {
    fn is_long(&self) -> bool {
        self.last_at - self.since > FAILING_MAX
    }
}

impl Appends {
    /// Takes what became of an append.
    pub(crate) fn note(&self, campaign: &str, result: &Result<u64, AppendError>) {
        let mut failing = self.lock();
        let was_long = failing.as_ref().is_some_and(Failing::is_long);
        let Err(error) = result else {
            *failing = None;
            if was_long {
                tracing::info!(campaign, "ballots are appended again");
            }
            return;
        };
        let now = Instant::now();
        let since = failing.as_ref().map_or(now, |failing| failing.since);
        let failed = failing.insert(Failing { since, last_at: now, error: error.to_string() });
        if failed.is_long() && !was_long {
            tracing::error!(campaign, %error, "ballots are not appended");
        }
    }

    /// The last error, if every append has failed for long and one was tried lately.
    pub(crate) fn failing(&self) -> Option<String> {
        let failing = self.lock();
        let lately = |failing: &&Failing| failing.last_at.elapsed() <= TRIED_WITHIN;
        failing.as_ref().filter(lately).filter(|f| f.is_long()).map(|f| f.error.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failing>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
