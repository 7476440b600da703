//! The readers of a simulated cluster.
//!
//! A reader's place moves only when it answers, and the wait for an answer goes on where a dropped
//! one left off: neither loses a record or starves. Never here: a sleep that polls; at the end a
//! reader waits to be woken.

use std::fmt;
use std::ops::RangeInclusive;
use std::pin::pin;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::{Cluster, Process, State};
use crate::{Error, PublishedSnapshots, Reader, Record, SnapshotReader};

/// When the answer that is waited for comes. It outlives a dropped future.
#[derive(Debug, Default)]
pub(super) struct Pace {
    ready_at: Option<Instant>,
}

impl Pace {
    pub(super) async fn wait(&mut self, cluster: &Cluster, latency_ms: &RangeInclusive<u64>) {
        let drawn = || {
            // Never at once, so that who tries again and again lets time go on.
            let ms = cluster.lock().random.within(latency_ms).max(1);
            Instant::now() + Duration::from_millis(ms)
        };
        let ready_at = *self.ready_at.get_or_insert_with(drawn);
        sleep_until(ready_at).await;
        self.ready_at = None;
    }
}

impl Cluster {
    /// Waits until there is an answer, be it an error. Whatever may bring one wakes `woken`.
    pub(super) async fn until(&self, woken: &Notify, mut answered: impl FnMut(&State) -> bool) {
        loop {
            // Enabled before looking, so that what comes in between wakes it.
            let mut wake = pin!(woken.notified());
            wake.as_mut().enable();
            if answered(&self.lock()) {
                return;
            }
            wake.await;
        }
    }

    /// How many records or snapshots a reader is given at most.
    fn batch_size(&self) -> usize {
        1 + self.lock().random.index(self.options().read_batch_max)
    }
}

/// Reads one partition of a simulated cluster.
pub struct SimulatedReader {
    cluster: Cluster,
    process: Process,
    partition: u32,
    offset: u64,
    pace: Pace,
}

impl fmt::Debug for SimulatedReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedReader({}, p{} at {})", self.process, self.partition, self.offset)
    }
}

impl SimulatedReader {
    pub(super) fn new(cluster: Cluster, process: Process, partition: u32, offset: u64) -> Self {
        Self { cluster, process, partition, offset, pace: Pace::default() }
    }
}

impl Reader for SimulatedReader {
    async fn next(&mut self) -> Result<Vec<Record>, Error> {
        let Self { cluster, process, partition, offset, pace } = self;
        if let Some(arrivals) = cluster.arrivals(*partition) {
            let at_the_end =
                |state: &State| state.log(*partition).is_ok_and(|log| log.bounds().end == *offset);
            cluster
                .until(arrivals, |state| state.check_alive(process).is_err() || !at_the_end(state))
                .await;
        }
        pace.wait(cluster, &cluster.options().read_latency_ms).await;
        let count = cluster.batch_size();
        let mut state = cluster.lock();
        state.check_reachable(process)?;
        let records = state.log(*partition)?.batch(*partition, *offset, count)?;
        *offset += records.len() as u64;
        state.note(format_args!("{process} reads p{partition} to {offset}"));
        Ok(records)
    }
}

/// Reads the snapshots of a simulated cluster.
pub struct SimulatedSnapshotReader {
    cluster: Cluster,
    process: Process,
    position: u64,
    pace: Pace,
}

impl fmt::Debug for SimulatedSnapshotReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SimulatedSnapshotReader({}, at {})", self.process, self.position)
    }
}

impl SimulatedSnapshotReader {
    pub(super) fn new(cluster: Cluster, process: Process) -> Self {
        Self { cluster, process, position: 0, pace: Pace::default() }
    }
}

impl SnapshotReader for SimulatedSnapshotReader {
    async fn next(&mut self) -> Result<PublishedSnapshots, Error> {
        let Self { cluster, process, position, pace } = self;
        cluster
            .until(cluster.publications(), |state| {
                state.check_alive(process).is_err() || state.snapshots.end() > *position
            })
            .await;
        pace.wait(cluster, &cluster.options().read_latency_ms).await;
        let count = cluster.batch_size();
        let mut state = cluster.lock();
        state.check_reachable(process)?;
        let published = state.snapshots.batch(*position, count);
        *position = published.position;
        state.note(format_args!("{process} reads snapshots to {position}"));
        Ok(published)
    }
}
