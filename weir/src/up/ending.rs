//! How `weir up` ends: not ready, no new connections, ballots in flight, counting, journals. A
//! single process has no balancer that would have to hear of it first, so nothing waits between.
//!
//! Invariant: exit code 0 says that every ballot in flight got its answer and that everything
//! acknowledged is in the last snapshots. What takes too long is cut off, and then the code is 75;
//! nothing is lost by that, since the journal has it, but it has not been published.

use std::convert::Infallible;
use std::time::Duration;

use journal::Embedded;
use tokio::time::timeout;

use super::counting::Counting;
use super::running::Running;
use super::signals::Signals;
use crate::exit::Failure;
use crate::say;

/// When the end is forced. Kubernetes kills after 30 s; a journal's last word takes 5 s at most.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// How long the last snapshots may take to be read back; they have been published by then.
const FLUSHED_WAIT: Duration = Duration::from_secs(5);

/// Waits until the process is to end, and ends it. `greeting` has its turn meanwhile.
pub(super) async fn end(
    mut running: Running,
    greeting: impl Future<Output = Infallible>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    // Biased: when both have happened, the signal is what was meant.
    let broken = tokio::select! {
        biased;
        () = signals.next() => None,
        what = unexpected(&mut running) => Some(what),
        never = greeting => match never {},
    };
    match &broken {
        None => say("ending: finishing what is in flight"),
        Some(what) => tracing::error!(what, "this should never end; ending the process"),
    }
    let (shutdown, ops_shutdown) = (running.shutdown.clone(), running.ops_shutdown.clone());
    // Biased: a second signal forces, whatever else is ready.
    let drained = tokio::select! {
        biased;
        () = signals.next() => Err("a second signal came"),
        drained = timeout(DRAIN_DEADLINE, drain(running)) => {
            drained.map_err(|_elapsed| "it took too long").flatten()
        }
    };
    shutdown.force();
    ops_shutdown.force();
    match (drained, broken) {
        (Ok(()), None) => Ok(()),
        (Ok(()), Some(what)) => Err(Failure::internal(format!("{what} ended unexpectedly"))),
        (Err(why), _) => Err(Failure::unflushed(format!(
            "ended before everything was flushed: {why}. What was acknowledged is in the journal; \
             starting again is safe"
        ))),
    }
}

/// Resolves if something ends that should run as long as the process, with its name.
async fn unexpected(running: &mut Running) -> String {
    let Running { edge, ops, tasks, .. } = running;
    // Biased, and each resolves once at most.
    tokio::select! {
        biased;
        _report = edge => "the public server".to_owned(),
        _report = ops => "the operators' server".to_owned(),
        Some(ended) = tasks.join_next() => {
            ended.map_or_else(|error| error.to_string(), str::to_owned)
        }
    }
}

/// Ends everything in order, each step when the one before it is done.
async fn drain(running: Running) -> Result<(), &'static str> {
    let Running { leaving, shutdown, edge, ops_shutdown, ops, counting, mut tasks } = running;
    leaving.cancel();
    shutdown.drain();
    if !edge.is_finished() {
        let report = edge.await.map_err(|_panic| "the public server broke")?;
        tracing::info!(finished = report.finished, dropped = report.dropped, "connections closed");
    }
    for counting in &counting {
        counting.batcher.settle().await;
        counting.drain.cancel();
    }
    let mut journals = Vec::new();
    for counting in counting {
        let view = counting.view.clone();
        let journal = join(counting).await?;
        match timeout(FLUSHED_WAIT, view.is_flushed(&journal)).await {
            Ok(Ok(true)) => journals.push(journal),
            Ok(Ok(false) | Err(_)) | Err(_) => return Err("not everything has been counted"),
        }
    }
    tasks.shutdown().await;
    for journal in journals {
        journal.close().await;
    }
    ops_shutdown.force();
    if !ops.is_finished() {
        drop(ops.await);
    }
    Ok(())
}

/// Waits for the counting to flush and end.
async fn join(counting: Counting) -> Result<Embedded, &'static str> {
    let Counting { journal, ended, thread, .. } = counting;
    ended.cancelled().await;
    thread.join().map_err(|_panic| "the counting broke")?;
    Ok(journal)
}
