//! How a worker publishes: after a change, and once more at the end.
//!
//! A snapshot is made from between two records and published whole, one at a time. Never here: a
//! commit that tells the group of more than is durable.

use futures_util::future::{FusedFuture, FutureExt};
use journal::{AppendError, Journal};
use tokio::time::{Instant, sleep};

use super::Worker;
use crate::context::Failure;
#[cfg(feature = "planted")]
use crate::planted::Planted;

/// Since when something folded has not been published.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Ahead {
    /// Since when the frontier is ahead of what is published.
    published: Option<Instant>,
    /// Since when it is ahead of what is being published.
    publishing: Option<Instant>,
}

impl Ahead {
    pub(super) const fn since(&self) -> Option<Instant> {
        self.published
    }

    pub(super) fn note_folded(&mut self, now: Instant) {
        self.published.get_or_insert(now);
        self.publishing.get_or_insert(now);
    }

    /// All that is folded is being published.
    const fn note_begun(&mut self) {
        self.publishing = None;
    }

    /// What was being published is.
    const fn note_published(&mut self) {
        self.published = self.publishing;
    }
}

impl<J: Journal> Worker<'_, J> {
    /// Publishes on assignment, after a change, and when somebody else's lower snapshot was
    /// published after ours: compaction keeps the last, so the last has to be the highest.
    pub(super) fn flush_if_changed(&mut self) {
        self.flush_at = Instant::now() + self.context.config.flush_interval;
        let last = {
            let results = self.context.view.results.borrow();
            results.partitions.get(self.partition as usize).and_then(|known| known.last)
        };
        let overwritten = last.is_some() && last < self.published;
        #[cfg(feature = "planted")]
        let overwritten = overwritten && !self.context.is_planted(Planted::StaleSnapshotKept);
        if self.published != Some(self.fold.frontier()) || overwritten {
            self.start_publish();
        } else if self.publish_failed {
            // Another owner's is higher by now.
            self.note_publish(None);
        }
    }

    fn note_publish(&mut self, failure: Option<String>) {
        let (statuses, stall_after) = (&self.context.statuses, self.context.config.stall_after);
        self.publish_failed = failure.is_some();
        statuses.update(self.partition, |status| {
            status.ahead_since = self.ahead.since();
            status.note_publish(failure, stall_after);
        });
    }

    fn start_publish(&mut self) {
        let (frontier, value) = (self.fold.frontier(), self.fold.snapshot().encode());
        let (journal, partition) = (&self.context.journal, self.partition);
        let publish = async move { (frontier, journal.publish(partition, value).await) };
        self.publishing = publish.boxed().fuse();
        self.publish_began = Instant::now();
        self.ahead.note_begun();
    }

    pub(super) fn note_published(&mut self, frontier: u64, result: Result<(), AppendError>) {
        match result {
            Ok(()) => {
                self.context.meters.note_flushed(self.publish_began.elapsed());
                self.ahead.note_published();
                self.note_publish(None);
                self.published = self.published.max(Some(frontier));
                // Full: the group is behind, and the next flush tells it more than this one.
                let _ = self.context.flushed.try_send((self.partition, frontier));
            }
            Err(error) => {
                let partition = self.partition;
                self.context.meters.flush_errors.inc();
                if !self.publish_failed {
                    tracing::warn!(partition, %error, "snapshots are not published, trying again");
                }
                self.note_publish(Some(error.to_string()));
                self.flush_at = Instant::now() + self.context.config.retry_interval;
            }
        }
    }

    /// The final flush: what is folded is published, or the next owner folds it again.
    pub(super) async fn finish(&mut self) -> Result<(), Failure> {
        if !self.publishing.is_terminated() {
            let (frontier, result) = (&mut self.publishing).await;
            self.note_published(frontier, result);
        }
        while self.published != Some(self.fold.frontier()) {
            self.start_publish();
            let (frontier, result) = (&mut self.publishing).await;
            let failed = result.is_err();
            self.note_published(frontier, result);
            if failed {
                sleep(self.context.config.retry_interval).await;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_is_folded_while_a_snapshot_is_on_its_way_is_not_in_it() {
        let began = Instant::now();
        let second = |n| began + Duration::from_secs(n);
        let mut ahead = Ahead::default();
        assert_eq!(ahead.since(), None);
        ahead.note_folded(second(1));
        ahead.note_folded(second(2));
        ahead.note_begun();
        assert_eq!(ahead.since(), Some(second(1)));
        ahead.note_folded(second(3));
        ahead.note_folded(second(4));
        ahead.note_published();
        assert_eq!(ahead.since(), Some(second(3)));
        // One that was not taken, and the next, which was.
        ahead.note_begun();
        ahead.note_folded(second(5));
        assert_eq!(ahead.since(), Some(second(3)));
        ahead.note_begun();
        ahead.note_published();
        assert_eq!(ahead.since(), None);
    }
}
