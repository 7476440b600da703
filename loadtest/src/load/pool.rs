//! The requests of one edge that wait for one of this thread's connections.
//!
//! Invariant: requests leave in the order in which they came, and none that is overdue leaves.
//! Single-threaded: never here a lock.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::inbox::Job;

#[derive(Debug, Default)]
pub(super) struct Pool {
    jobs: RefCell<VecDeque<Job>>,
    ended: Cell<bool>,
    notify: Notify,
}

impl Pool {
    pub(super) fn put(&self, job: Job) {
        self.jobs.borrow_mut().push_back(job);
        self.notify.notify_one();
    }

    /// The next request; none once the load has ended.
    pub(super) async fn next(&self) -> Option<Job> {
        loop {
            if self.ended.get() {
                return None;
            }
            if let Some(job) = self.jobs.borrow_mut().pop_front() {
                return Some(job);
            }
            self.notify.notified().await;
        }
    }

    /// Takes out what has waited too long.
    pub(super) fn overdue(&self, now: Instant) -> Option<Job> {
        let mut jobs = self.jobs.borrow_mut();
        let late = jobs.front().is_some_and(|job| job.is_overdue(now));
        if late { jobs.pop_front() } else { None }
    }

    pub(super) fn end(&self) -> usize {
        self.ended.set(true);
        self.notify.notify_waiters();
        self.jobs.borrow_mut().drain(..).count()
    }
}
