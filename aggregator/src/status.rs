//! What an aggregator knows of itself, for readiness and metrics: one entry per partition it works
//! on, gone when the partition is revoked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::{Fold, Outcomes};
use tokio::time::Instant;

use crate::behind::Behind;
use crate::drain::Window;

/// How old a measurement of lag may be to be told as a number: five looks at it.
const LAG_AGE_MAX: Duration = Duration::from_secs(5);

/// What a worker is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Finding its snapshot and marking the voters of open days.
    Rebuilding,
    /// Counting.
    Folding,
    /// The campaign's close has been folded.
    Final,
    /// It cannot go on without an operator.
    Stopped(String),
}

/// The state of one partition.
#[derive(Debug, Clone)]
pub struct PartitionStatus {
    /// What the worker is doing.
    pub phase: Phase,
    /// The offset of the next record to fold; 0 until the partition's snapshot has been found.
    pub frontier: u64,
    /// Records behind the frontier; zero once final.
    pub lag: u64,
    /// What became of the ballots so far.
    pub outcomes: Outcomes,
    /// Records seen behind the campaign's close: how many lie behind its frontier.
    pub after_final: u64,
    /// Whether, for too long, the frontier has stood still with lag, or lag could not be measured.
    pub stalled: bool,
    /// Why its snapshots have not been published for too long, if so.
    pub unpublished: Option<String>,
    /// Since when publishing fails.
    pub(crate) unpublished_since: Option<Instant>,
    /// Since when the frontier stands still with records behind it.
    pub(crate) behind_since: Option<Instant>,
    /// When the lag was last measured.
    pub(crate) measured_at: Instant,
    /// Whether the frontier and the outcomes are known.
    pub(crate) has_frontier: bool,
    /// How much of the rebuild is done, 0 to 1.
    pub(crate) rebuilt: f64,
    /// For how long what is behind the frontier has been there.
    pub(crate) behind: Behind,
    /// Since when something folded has not been published.
    pub(crate) ahead_since: Option<Instant>,
    /// What the last looks at the lag saw.
    pub(crate) looks: Window,
}

impl PartitionStatus {
    /// A worker begins, or starts over after an error, at this time by the wall clock.
    pub(crate) fn begin_rebuild(&mut self, now_ms: i64) {
        self.phase = Phase::Rebuilding;
        self.rebuilt = 0.0;
        self.behind.begin(now_ms);
        self.ahead_since = None;
    }

    /// Takes the fold it goes on from, and the log's end as it was then.
    pub(crate) fn resume(&mut self, fold: &Fold, end: u64, asked_ms: i64) {
        self.note_fold(fold, None);
        self.has_frontier = true;
        self.note_end(end, asked_ms);
    }

    /// Takes how far a fold is, and the timestamp of the last record in it if that is known.
    pub(crate) fn note_fold(&mut self, fold: &Fold, last_ms: Option<i64>) {
        if let Some(timestamp_ms) = last_ms {
            self.behind.note_folded(timestamp_ms);
        }
        if fold.frontier() < self.frontier {
            self.behind.note_fallen();
        }
        if self.frontier != fold.frontier() {
            self.behind_since = None;
        }
        self.frontier = fold.frontier();
        self.outcomes = *fold.outcomes();
    }

    /// Takes the log's end, asked for at this time by the wall clock.
    pub(crate) fn note_end(&mut self, end: u64, asked_ms: i64) {
        let now = Instant::now();
        self.lag = end.saturating_sub(self.frontier);
        self.measured_at = now;
        if !self.has_frontier {
            return;
        }
        self.looks.push(now, self.frontier, end);
        if self.lag == 0 {
            self.behind.note_caught_up(asked_ms);
        }
    }

    /// Whether its lag was measured lately: an older one says nothing of what is written since.
    pub(crate) fn is_lag_known(&self) -> bool {
        self.measured_at.elapsed() <= LAG_AGE_MAX
    }

    /// Seconds until its lag is gone; see [`Window::drain_seconds`].
    pub(crate) fn drain_seconds(&self) -> f64 {
        if self.lag == 0 { 0.0 } else { self.looks.drain_seconds() }
    }

    /// Takes what became of a publish: why it failed, if it did. It is told once publishing has
    /// failed for longer than `patience`.
    pub(crate) fn note_publish(&mut self, failure: Option<String>, patience: Duration) {
        let since = self.unpublished_since.unwrap_or_else(Instant::now);
        self.unpublished_since = failure.as_ref().map(|_| since);
        self.unpublished = failure.filter(|_| since.elapsed() > patience);
    }

    fn complaint(&self, partition: u32) -> Option<String> {
        match &self.phase {
            Phase::Stopped(why) => return Some(format!("partition {partition} stopped: {why}")),
            Phase::Rebuilding | Phase::Folding | Phase::Final => {}
        }
        let (frontier, lag) = (self.frontier, self.lag);
        if self.stalled && !self.is_lag_known() {
            return Some(format!(
                "partition {partition} is at offset {frontier}; how many records are behind it \
                 has not been known for {} s",
                self.measured_at.elapsed().as_secs()
            ));
        }
        if self.stalled {
            return Some(format!(
                "partition {partition} stands at offset {frontier} with {lag} records behind it"
            ));
        }
        let why = self.unpublished.as_ref()?;
        Some(format!("the snapshots of partition {partition} are not published: {why}"))
    }
}

/// The state of all partitions of a process, and of its part in the group.
#[derive(Clone, Default)]
pub struct Statuses(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    partitions: BTreeMap<u32, PartitionStatus>,
    /// Why the group cannot be heard, if so: partitions that it gives out are not worked on.
    group: Option<String>,
}

impl Statuses {
    /// The partitions as they are now.
    #[must_use]
    pub fn all(&self) -> BTreeMap<u32, PartitionStatus> {
        self.lock().partitions.clone()
    }

    /// Why the process should not be sent work, if so: partitions that are stopped, stalled or not
    /// published, or a group that cannot be heard.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        let state = self.lock();
        let mut partitions = state.partitions.iter();
        let of_a_partition = partitions.find_map(|(number, status)| status.complaint(*number));
        let of_the_group =
            || state.group.as_ref().map(|w| format!("the group cannot be heard: {w}"));
        of_a_partition.or_else(of_the_group)
    }

    pub(crate) fn set_group_trouble(&self, why: Option<String>) {
        self.lock().group = why;
    }

    pub(crate) fn begin(&self, partition: u32) {
        let status = PartitionStatus {
            phase: Phase::Rebuilding,
            frontier: 0,
            lag: 0,
            outcomes: Outcomes::default(),
            after_final: 0,
            stalled: false,
            unpublished: None,
            unpublished_since: None,
            behind_since: None,
            measured_at: Instant::now(),
            has_frontier: false,
            rebuilt: 0.0,
            behind: Behind::default(),
            ahead_since: None,
            looks: Window::default(),
        };
        self.lock().partitions.insert(partition, status);
    }

    pub(crate) fn update(&self, partition: u32, change: impl FnOnce(&mut PartitionStatus)) {
        if let Some(status) = self.lock().partitions.get_mut(&partition) {
            change(status);
        }
    }

    pub(crate) fn end(&self, partition: u32) {
        self.lock().partitions.remove(&partition);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is a plain assignment, so what a panicking holder left behind is usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lock().partitions.iter()).finish()
    }
}

/// Keeps the partition's entry among the statuses while it is worked on.
pub(crate) struct StatusGuard {
    statuses: Statuses,
    partition: u32,
}

impl StatusGuard {
    pub(crate) fn new(statuses: &Statuses, partition: u32) -> Self {
        statuses.begin(partition);
        Self { statuses: statuses.clone(), partition }
    }
}

impl Drop for StatusGuard {
    fn drop(&mut self) {
        self.statuses.end(self.partition);
    }
}

#[cfg(test)]
mod tests {
    use ballot::JournalId;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_known_of_a_frontier_that_falls_is_not_believed_of_where_it_falls_to() {
        let statuses = Statuses::default();
        let _guard = StatusGuard::new(&statuses, 0);
        statuses.update(0, |status| {
            (status.has_frontier, status.frontier) = (true, 5);
            status.begin_rebuild(10_000);
            // A look before the snapshot has been found.
            status.note_end(5, 40_000);
            assert_eq!(status.lag, 0);
            status.resume(&Fold::new(JournalId([1; 16]), 0), 5, 50_000);
            assert_eq!((status.frontier, status.lag), (0, 5));
            assert_eq!(status.behind.seconds(60_000), 50.0, "since it began to rebuild");
            assert_eq!(status.drain_seconds(), f64::INFINITY);
        });
    }
}
