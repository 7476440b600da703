//! The journal as one simulated process sees it.
//!
//! A handle belongs to one life of its process: after a crash every call of it fails. Reads answer
//! during a stall, writes wait. Never here: what makes a call fail, which is drawn in `fate`.

use std::fmt;
use std::ops::Range;

use ballot::JournalId;
use bytes::Bytes;

use super::readers::Pace;
use super::write::What;
use super::{Cluster, Process, SimulatedGroup, SimulatedReader, SimulatedSnapshotReader, State};
use crate::{AppendError, Error, Journal, Published};

/// One process's journal on a [`Cluster`].
#[derive(Clone)]
pub struct Simulated {
    cluster: Cluster,
    process: Process,
}

impl fmt::Debug for Simulated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Simulated({})", self.process)
    }
}

impl Simulated {
    pub(super) const fn new(cluster: Cluster, process: Process) -> Self {
        Self { cluster, process }
    }

    /// Answers a question about the cluster after the latency of a read.
    async fn ask<T>(&self, what: impl FnOnce(&State) -> Result<T, Error>) -> Result<T, Error> {
        Pace::default().wait(&self.cluster, &self.cluster.options().read_latency_ms).await;
        let mut state = self.cluster.lock();
        state.check_reachable(&self.process)?;
        what(&state)
    }
}

impl State {
    /// Whether a read of this process is answered. Now and then none is.
    pub(super) fn check_reachable(&mut self, process: &Process) -> Result<(), Error> {
        self.check_alive(process).map_err(Error::Unavailable)?;
        let unavailable = self.faults.unavailable;
        if unavailable > 0 && self.random.chance(unavailable) {
            self.note(format_args!("{process} cannot reach the cluster"));
            return Err(Error::Unavailable("as the seed would".to_owned()));
        }
        Ok(())
    }

    /// The error is refused for a partition that there is not.
    pub(super) fn log(&self, partition: u32) -> Result<&super::Log, Error> {
        let none = || Error::Refused(format!("there is no partition {partition}"));
        self.logs.get(&partition).ok_or_else(none)
    }
}

impl Journal for Simulated {
    type Reader = SimulatedReader;
    type SnapshotReader = SimulatedSnapshotReader;
    type Group = SimulatedGroup;

    fn identity(&self) -> JournalId {
        self.cluster.identity()
    }

    fn partitions(&self) -> u32 {
        self.cluster.partitions()
    }

    async fn append(
        &self,
        partition: u32,
        timestamp_ms: i64,
        value: Bytes,
    ) -> Result<u64, AppendError> {
        let record = What::Record { partition, timestamp_ms, value };
        Ok(self.cluster.write(&self.process, record).await?.place)
    }

    async fn bounds(&self, partition: u32) -> Result<Range<u64>, Error> {
        self.ask(|state| Ok(state.log(partition)?.bounds())).await
    }

    async fn position_at(&self, partition: u32, timestamp_ms: i64) -> Result<u64, Error> {
        self.ask(|state| Ok(state.log(partition)?.position_at(timestamp_ms))).await
    }

    fn read(&self, partition: u32, offset: u64) -> SimulatedReader {
        SimulatedReader::new(self.cluster.clone(), self.process.clone(), partition, offset)
    }

    async fn publish(&self, partition: u32, value: Bytes) -> Result<(), AppendError> {
        let snapshot = What::Snapshot(Published { partition, value });
        self.cluster.write(&self.process, snapshot).await.map(drop)
    }

    fn snapshots(&self) -> SimulatedSnapshotReader {
        SimulatedSnapshotReader::new(self.cluster.clone(), self.process.clone())
    }

    async fn snapshots_end(&self) -> Result<u64, Error> {
        self.ask(|state| Ok(state.snapshots.end())).await
    }

    async fn heartbeat(&self) -> Result<i64, AppendError> {
        Ok(self.cluster.write(&self.process, What::Heartbeat).await?.at_ms)
    }

    fn join(&self) -> SimulatedGroup {
        SimulatedGroup::join(self.cluster.clone(), self.process.clone())
    }
}
