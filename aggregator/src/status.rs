//! What an aggregator knows of itself, for readiness and metrics: one entry per partition it works
//! on, gone when the partition is revoked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::Outcomes;
use tokio::time::Instant;

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
    /// The offset of the next record to fold.
    pub frontier: u64,
    /// Records behind the frontier; zero once final.
    pub lag: u64,
    /// What became of the ballots so far.
    pub outcomes: Outcomes,
    /// Records seen behind the campaign's close.
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
}

impl PartitionStatus {
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
        let (frontier, lag, measured) = (self.frontier, self.lag, self.measured_at.elapsed());
        if self.stalled && measured > LAG_AGE_MAX {
            return Some(format!(
                "partition {partition} is at offset {frontier}; how many records are behind it \
                 has not been known for {} s",
                measured.as_secs()
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
