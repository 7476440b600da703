//! How a process ends: not ready, a wait for the balancer to hear of it, no new connections,
//! ballots in flight, counting, journals. One that only counts hands its partitions over at once.
//!
//! Invariant: exit code 0 says that every ballot in flight got its answer, and that what this
//! process counted is in the last snapshots: everything acknowledged, if it is alone. What takes
//! too long is cut off, and then the code is 75; nothing is lost by that, since the journal has it,
//! but it has not been published.

use std::convert::Infallible;
use std::time::Duration;

use journal::Journal;
use tokio::time::{sleep, timeout};

use super::running::Running;
use super::signals::Signals;
use super::working::Working;
use crate::exit::Failure;
use crate::say;

/// When the end is forced. Kubernetes kills after 30 s; a journal's last word takes 5 s at most.
const DRAIN_DEADLINE: Duration = Duration::from_secs(30);

/// How long the last snapshots may take to be read back; they have been published by then.
const FLUSHED_WAIT: Duration = Duration::from_secs(5);

const UNFLUSHED: &str = "not everything that was counted has been published";
const UNCOUNTED: &str = "not everything has been counted";

/// Waits until the process is to end, and ends it. `meanwhile` has its turn until then.
pub(super) async fn end<J: Journal>(
    mut running: Running<J>,
    meanwhile: impl Future<Output = Infallible>,
    signals: &mut Signals,
) -> Result<(), Failure> {
    // Biased: when both have happened, the signal is what was meant.
    let broken = tokio::select! {
        biased;
        () = signals.next() => None,
        what = unexpected(&mut running) => Some(what),
        never = meanwhile => match never {},
    };
    match &broken {
        None => say("ending: finishing what is in flight"),
        Some(what) => tracing::error!(what, "this should never end; ending the process"),
    }
    let ends = running.ends.clone();
    // Biased: a second signal forces, whatever else is ready.
    let drained = tokio::select! {
        biased;
        () = signals.next() => Err("a second signal came"),
        drained = timeout(DRAIN_DEADLINE, drain(running)) => {
            drained.map_err(|_elapsed| "it took too long").flatten()
        }
    };
    ends.shutdown.force();
    ends.ops_shutdown.force();
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
async fn unexpected<J>(running: &mut Running<J>) -> String {
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
async fn drain<J: Journal>(running: Running<J>) -> Result<(), &'static str> {
    let Running { ends, edge, ops, working, mut tasks } = running;
    ends.leaving.cancel();
    // Nothing comes in here that would have to be counted.
    let only_counts = working.iter().filter(|working| working.batcher.is_none());
    only_counts.filter_map(|working| working.counting.as_ref()).for_each(|c| c.drain.cancel());
    sleep(ends.drain_wait).await;
    ends.shutdown.drain();
    if !edge.is_finished() {
        let report = edge.await.map_err(|_panic| "the public server broke")?;
        tracing::info!(finished = report.finished, dropped = report.dropped, "connections closed");
    }
    for working in &working {
        if let Some(batcher) = &working.batcher {
            batcher.settle().await;
        }
        if let Some(counting) = &working.counting {
            counting.drain.cancel();
        }
    }
    // One that fails must not keep the others from their last snapshots.
    let (mut journals, mut flushed) = (Vec::new(), Ok(()));
    for working in working {
        let Working { journal, view, counting, .. } = working;
        if let Some(counting) = counting {
            let counted = counting.join().await;
            flushed =
                flushed.and(counted.and_then(|all| if all { Ok(()) } else { Err(UNFLUSHED) }));
        }
        if ends.is_alone {
            let all = timeout(FLUSHED_WAIT, view.is_flushed(&journal)).await;
            let all = all.ok().and_then(Result::ok).filter(|all| *all).ok_or(UNCOUNTED);
            flushed = flushed.and(all.map(drop));
        }
        journals.push(journal);
    }
    flushed?;
    tasks.shutdown().await;
    for journal in journals {
        journal.close().await;
    }
    ends.ops_shutdown.force();
    if !ops.is_finished() {
        drop(ops.await);
    }
    Ok(())
}
