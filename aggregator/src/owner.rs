//! The owner: takes part in the group that shares out partitions, and runs a worker for each that
//! is assigned. A revocation ends the worker first and is acknowledged right after.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::FutureExt;

use journal::{Clock, ClockCheck, Group, GroupEvent, Journal};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use crate::config::Config;
use crate::context::Context;
use crate::dedup::VoterSets;
use crate::looks::look_at_lag;
use crate::metrics::{Meters, Metrics, Sources};
use crate::status::{Phase, StatusGuard, Statuses};
use crate::view::View;
use crate::worker::work;

/// How many flushes may wait for the group to be told; beyond, a note is dropped and the next
/// flush's says more.
const FLUSHED_BOUND: usize = 1_024;

/// How long a group that could not be heard must be silent to be well again. A member that is still
/// refused says so every few seconds; one that is well may have nothing to say.
const WELL_AFTER: Duration = Duration::from_secs(15);

/// An aggregator: owns partitions, counts them, publishes their snapshots.
#[derive(Debug)]
pub struct Aggregator<J> {
    context: Context<J>,
    flushed: mpsc::Receiver<(u32, u64)>,
}

impl<J: Journal> Aggregator<J> {
    /// An aggregator on a journal whose results `view` follows.
    #[must_use]
    pub fn new(
        journal: J,
        view: View,
        clock: Arc<dyn Clock>,
        clock_check: Arc<ClockCheck>,
        config: Config,
    ) -> Self {
        let (sender, flushed) = mpsc::channel(FLUSHED_BOUND);
        let context = Context {
            journal,
            clock,
            clock_check,
            view,
            sets: VoterSets::new(config.voters_max),
            statuses: Statuses::default(),
            meters: Meters::new(),
            config: Arc::new(config),
            flushed: sender,
        };
        Self { context, flushed }
    }

    /// What it knows of its partitions, kept up to date while it runs.
    #[must_use]
    pub fn statuses(&self) -> Statuses {
        self.context.statuses.clone()
    }

    /// Its metrics, to be registered, with the campaign's id on each.
    ///
    /// # Errors
    /// If a name or label is not one Prometheus knows, which is a defect.
    pub fn metrics(&self, campaign: &str) -> prometheus::Result<Metrics> {
        let context = &self.context;
        let sources = Sources {
            statuses: context.statuses.clone(),
            sets: context.sets.clone(),
            meters: context.meters.clone(),
            view: context.view.clone(),
            clock: Arc::clone(&context.clock),
            voters_max: context.config.voters_max,
        };
        Metrics::new(campaign, sources)
    }

    /// Runs until `drain`: then the workers flush, and it leaves the group. Answers whether all
    /// that it counted has been flushed: every partition it was folding at the drain was folded to
    /// the end noted then, or to the campaign's close, and its last snapshot published. One that
    /// was stopped, or whose drain failed, makes it `false`; one that was still being rebuilt does
    /// not, as in it nothing had been counted.
    ///
    /// Dropping the future ends everything at once, as a crash would. The caller does that when a
    /// drain takes too long: a snapshot that is not taken is tried again without end.
    pub async fn run(mut self, drain: CancellationToken) -> bool {
        let mut group = self.context.journal.join();
        let mut workers = Workers { context: self.context.clone(), running: BTreeMap::new() };
        // Ended by being dropped, with this future.
        let _looking = AbortOnDropHandle::new(tokio::spawn(look_at_lag(self.context.clone())));
        let mut hearing = Hearing { statuses: self.context.statuses.clone(), well_at: None };
        loop {
            // Biased for determinism. Flush notes are one per flush, and a group that has news
            // without end is broken anyway: nothing starves.
            tokio::select! {
                biased;
                () = drain.cancelled() => break,
                event = group.next() => {
                    hearing.note(event.as_ref().err());
                    match event {
                        Ok(GroupEvent::Assigned(partitions)) => workers.start(&partitions),
                        Ok(GroupEvent::Revoked(partitions, acknowledge)) => {
                            workers.stop(&partitions).await;
                            acknowledge.acknowledge();
                        }
                        Err(_) => sleep(self.context.config.retry_interval).await,
                    }
                }
                () = hearing.wellness() => hearing.note(None),
                Some((partition, frontier)) = self.flushed.recv() => {
                    group.commit(partition, frontier);
                }
            }
        }
        // One partition that cannot be drained must not keep the others from their next owners.
        let drained = timeout(self.context.config.drain_max, workers.drain()).await;
        let flushed = drained.unwrap_or(false);
        while let Ok((partition, frontier)) = self.flushed.try_recv() {
            group.commit(partition, frontier);
        }
        group.leave().await;
        flushed
    }
}

/// Whether the group can be heard, for the statuses.
struct Hearing {
    statuses: Statuses,
    /// While it cannot: when it is well again if nothing more is heard.
    well_at: Option<Instant>,
}

impl Hearing {
    fn note(&mut self, error: Option<&journal::Error>) {
        match (error, self.well_at) {
            (None, None) => return,
            (None, Some(_)) => tracing::info!("the group is heard again"),
            (Some(error), None) => tracing::warn!(%error, "the group cannot be heard"),
            (Some(error), Some(_)) => tracing::debug!(%error, "the group cannot be heard"),
        }
        self.well_at = error.map(|_| Instant::now() + WELL_AFTER);
        self.statuses.set_group_trouble(error.map(ToString::to_string));
    }

    /// Resolves when a group that could not be heard is well again.
    async fn wellness(&self) {
        match self.well_at {
            Some(at) => sleep_until(at).await,
            None => std::future::pending().await,
        }
    }
}

struct Workers<J: Journal> {
    context: Context<J>,
    running: BTreeMap<u32, Running>,
}

/// A worker's task, which answers whether it has flushed; joined by `stop` or `drain`, ended by
/// being dropped.
struct Running {
    drain: CancellationToken,
    task: JoinHandle<bool>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl<J: Journal> Workers<J> {
    fn start(&mut self, partitions: &[u32]) {
        self.context.meters.assignments.inc_by(partitions.len() as u64);
        for &partition in partitions {
            let drain = CancellationToken::new();
            let task = tokio::spawn(watched(self.context.clone(), partition, drain.clone()));
            self.running.insert(partition, Running { drain, task });
        }
    }

    /// Ends workers at once. What they were in the middle of is thrown away, not finished.
    async fn stop(&mut self, partitions: &[u32]) {
        self.context.meters.revocations.inc_by(partitions.len() as u64);
        for partition in partitions {
            if let Some(mut running) = self.running.remove(partition) {
                running.task.abort();
                // It is another owner's to flush now.
                let _: bool = has_flushed(*partition, (&mut running.task).await);
            }
        }
    }

    /// Ends all workers and answers whether every one has flushed.
    async fn drain(mut self) -> bool {
        for running in self.running.values() {
            running.drain.cancel();
        }
        let mut flushed = true;
        for (partition, mut running) in std::mem::take(&mut self.running) {
            flushed &= has_flushed(partition, (&mut running.task).await);
        }
        flushed
    }
}

/// A worker whose panic is seen: its partition stays in the status, stopped, until it is revoked.
async fn watched<J: Journal>(
    context: Context<J>,
    partition: u32,
    drain: CancellationToken,
) -> bool {
    let statuses = context.statuses.clone();
    let _status = StatusGuard::new(&statuses, partition);
    let work = AssertUnwindSafe(work(context, partition, drain.clone()));
    if let Ok(flushed) = work.catch_unwind().await {
        return flushed;
    }
    tracing::error!(partition, "the worker panicked");
    let phase = Phase::Stopped("its worker panicked; restart the process".to_owned());
    statuses.update(partition, |status| status.phase = phase);
    drain.cancelled().await;
    false
}

fn has_flushed(partition: u32, ended: Result<bool, JoinError>) -> bool {
    ended.unwrap_or_else(|error| {
        if error.is_panic() {
            tracing::error!(partition, %error, "a worker panicked");
        }
        false
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_group_that_falls_silent_is_well_again() {
        let statuses = Statuses::default();
        let mut hearing = Hearing { statuses: statuses.clone(), well_at: None };
        let error = journal::Error::Refused("not allowed".to_owned());
        let (started, pause) = (Instant::now(), WELL_AFTER / 3);
        for _ in 0..5 {
            hearing.note(Some(&error));
            let heard = "the group cannot be heard: not allowed";
            assert_eq!(statuses.complaint().as_deref(), Some(heard));
            sleep(pause).await;
        }
        hearing.wellness().await;
        assert_eq!(started.elapsed().as_secs(), (pause * 4 + WELL_AFTER).as_secs());
        hearing.note(None);
        assert_eq!(statuses.complaint(), None);
    }
}
