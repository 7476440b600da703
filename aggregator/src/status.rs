//! What an aggregator knows of itself, for readiness and metrics: one entry per partition it works
//! on, gone when the partition is revoked.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ballot::Outcomes;
use tokio::time::Instant;

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
    /// Since when the frontier stands still with records behind it.
    pub(crate) behind_since: Option<Instant>,
    /// When the lag was last measured.
    pub(crate) measured_at: Instant,
}

/// The state of all partitions of a process.
#[derive(Clone, Default)]
pub struct Statuses(Arc<Mutex<BTreeMap<u32, PartitionStatus>>>);

impl Statuses {
    /// The partitions as they are now.
    #[must_use]
    pub fn all(&self) -> BTreeMap<u32, PartitionStatus> {
        self.lock().clone()
    }

    /// Why the process should not be sent work, if so: stopped or stalled partitions.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.lock().iter().find_map(|(partition, status)| match &status.phase {
            Phase::Stopped(why) => Some(format!("partition {partition} stopped: {why}")),
            Phase::Rebuilding | Phase::Folding | Phase::Final if status.stalled => Some(format!(
                "partition {partition} stands at offset {} with {} records behind it",
                status.frontier, status.lag
            )),
            Phase::Rebuilding | Phase::Folding | Phase::Final => None,
        })
    }

    pub(crate) fn begin(&self, partition: u32) {
        let status = PartitionStatus {
            phase: Phase::Rebuilding,
            frontier: 0,
            lag: 0,
            outcomes: Outcomes::default(),
            after_final: 0,
            stalled: false,
            behind_since: None,
            measured_at: Instant::now(),
        };
        self.lock().insert(partition, status);
    }

    pub(crate) fn update(&self, partition: u32, change: impl FnOnce(&mut PartitionStatus)) {
        if let Some(status) = self.lock().get_mut(&partition) {
            change(status);
        }
    }

    pub(crate) fn end(&self, partition: u32) {
        self.lock().remove(&partition);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u32, PartitionStatus>> {
        // Every change is a plain assignment, so what a panicking holder left behind is usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Statuses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.lock().iter()).finish()
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
