//! What a sending thread is to send: filled by the schedule's thread, emptied by its own.
//!
//! Invariant: at most [`JOBS_MAX`] wait here; more are overdue at once. Never here: a wait of the
//! schedule's thread for anything but the lock, which is held for a swap.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::traffic::Cast;

/// A second of the highest rate that one thread has ever sent, several times over.
const JOBS_MAX: usize = 1 << 18;
/// How long a request may wait for a connection. A voter's phone has one of its own; a second
/// without any says that this load has too few, or that the server holds them all.
const WAIT_MAX: Duration = Duration::from_secs(1);

/// One request to be sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Job {
    pub(super) cast: Cast,
    /// When the schedule, or the wait before a retry, wants it sent.
    pub(super) intended: Instant,
    /// The second of the schedule that wanted it first.
    pub(super) second: u32,
    /// Attempts made.
    pub(super) attempts: u32,
    /// The number of the day that its first attempt was meant for.
    pub(super) day: Option<usize>,
}

impl Job {
    /// Whether it has waited too long for a connection. One that is sent again never has: what it
    /// is about is in doubt until it is answered.
    pub(super) fn is_overdue(&self, now: Instant) -> bool {
        self.attempts == 0 && now > self.intended + WAIT_MAX
    }
}

/// The jobs between two threads.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    jobs: Mutex<Vec<Job>>,
    notify: Notify,
}

impl Inbox {
    /// Takes jobs in; answers those there was no room for.
    pub(super) fn put(&self, jobs: &mut Vec<Job>) -> Vec<Job> {
        let mut waiting = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        let room = JOBS_MAX.saturating_sub(waiting.len()).min(jobs.len());
        let beyond = jobs.split_off(room);
        waiting.append(jobs);
        drop(waiting);
        self.notify.notify_one();
        beyond
    }

    /// Everything that waits, into `jobs`, which must be empty.
    pub(super) fn take(&self, jobs: &mut Vec<Job>) {
        std::mem::swap(&mut *self.jobs.lock().unwrap_or_else(PoisonError::into_inner), jobs);
    }

    /// Resolves once something has been put in, or somebody woke it.
    pub(super) async fn filled(&self) {
        self.notify.notified().await;
    }

    pub(super) fn wake(&self) {
        self.notify.notify_one();
    }
}
