//! What happens between an assignment and the first record counted: find the partition's snapshot,
//! check that it is of this log, and mark the voters of the open days.
//!
//! Nothing is published here, and nothing is guessed: if records it needs are gone, it refuses.

use std::ops::Range;
use std::time::Duration;

use ballot::{Fold, Snapshot};
use journal::{Error, Journal, Reader};
use tokio::time::{Instant, sleep};

use crate::context::{Context, Failure};
use crate::dedup::AssignedVoters;
use crate::status::PartitionStatus;
use crate::view::View;

/// How long an end of the log below a snapshot is asked for again before it is believed. A broker
/// that was stopped and thaws answers as the leader it was until it hears of its successor, which
/// it does within its session's timeout.
pub(crate) const OLD_END_MAX: Duration = Duration::from_secs(30);

/// How long a failed question waits before it is asked again.
pub(crate) const RETRY_INTERVAL: Duration = Duration::from_millis(500);

/// The partition's bounds: with an end at or behind `frontier`, or else as they are at `until`.
pub(crate) async fn bounds_reaching<J: Journal>(
    journal: &J,
    partition: u32,
    frontier: u64,
    until: Instant,
) -> Result<Range<u64>, Error> {
    let mut told = false;
    loop {
        let bounds = journal.bounds(partition).await?;
        if bounds.end >= frontier || Instant::now() >= until {
            return Ok(bounds);
        }
        if !told {
            let end = bounds.end;
            tracing::warn!(partition, frontier, end, "counted records are not there, asking again");
        }
        told = true;
        sleep(RETRY_INTERVAL).await;
    }
}

/// The partition's fold to go on from, with `voters` marked as they were at its frontier.
pub(crate) async fn rebuild<J: Journal>(
    context: &Context<J>,
    partition: u32,
    voters: &mut AssignedVoters,
) -> Result<Fold, Failure> {
    let Context { journal, view, .. } = context;
    let snapshot = find_snapshot(journal, view, partition).await?;
    let counted = snapshot.as_ref().map_or(0, |snapshot| snapshot.frontier());
    let (until, asked_ms) = (Instant::now() + OLD_END_MAX, context.clock.now_ms());
    let bounds = bounds_reaching(journal, partition, counted, until).await?;
    let resume = |fold: &Fold| {
        let note = |status: &mut PartitionStatus| status.resume(fold, bounds.end, asked_ms);
        context.statuses.update(partition, note);
    };
    let Some(snapshot) = snapshot else {
        if bounds.start > 0 {
            return Err(gone(partition, 0, bounds));
        }
        let fold = Fold::new(journal.identity(), partition);
        resume(&fold);
        return Ok(fold);
    };
    let frontier = snapshot.frontier();
    if snapshot.journal() != journal.identity() {
        return Err(Failure::Stopped("its snapshot is of another journal".to_owned()));
    }
    if !(bounds.start..=bounds.end).contains(&frontier) {
        return Err(gone(partition, frontier, bounds));
    }
    let fold = snapshot.resume();
    resume(&fold);
    #[cfg(feature = "planted")]
    if context.is_planted(crate::planted::Planted::RebuildSkipped) {
        return Ok(fold);
    }
    let Some(open) = fold.open_days().next() else { return Ok(fold) };
    // Timestamps are not monotone: with the log's start cut off, ballots of an open day may have
    // been before it, whatever is found behind it.
    if bounds.start > 0 {
        return Err(gone(partition, 0, bounds));
    }
    let from = journal.position_at(partition, open.start_ms).await?.min(frontier);
    mark(context, &fold, partition, from, voters).await?;
    Ok(fold)
}

/// The partition's snapshot, after everything published before this call has been read.
async fn find_snapshot<J: Journal>(
    journal: &J,
    view: &View,
    partition: u32,
) -> Result<Option<std::sync::Arc<Snapshot>>, Failure> {
    let end = journal.snapshots_end().await?;
    view.wait_for(|read| read.complete && read.position >= end).await;
    let read = view.results.borrow();
    if let Some(why) = &read.refused {
        return Err(Failure::Stopped(why.clone()));
    }
    Ok(read.partitions.get(partition as usize).and_then(|known| known.highest.clone()))
}

async fn mark<J: Journal>(
    context: &Context<J>,
    fold: &Fold,
    partition: u32,
    from: u64,
    voters: &mut AssignedVoters,
) -> Result<(), Failure> {
    let frontier = fold.frontier();
    let mut next = from;
    let mut reader = context.journal.read(partition, from);
    while next < frontier {
        for record in reader.next().await? {
            #[cfg(feature = "planted")]
            if context.is_planted(crate::planted::Planted::InvalidMarksVoter) {
                ballot::planted::mark_all(fold, &record.value, voters);
            }
            if record.offset < frontier {
                fold.mark(record.offset, &record.value, voters)?;
            }
            next = record.offset + 1;
            if next == frontier {
                let timestamp_ms = record.timestamp_ms;
                let note = |status: &mut PartitionStatus| status.behind.note_folded(timestamp_ms);
                context.statuses.update(partition, note);
            }
        }
        let (done, all) = (next.min(frontier) - from, frontier - from);
        let note = |status: &mut PartitionStatus| status.rebuilt = done as f64 / all as f64;
        context.statuses.update(partition, note);
        // Reading may never have to wait; revocation and shutdown must get a turn all the same.
        tokio::task::yield_now().await;
    }
    Ok(())
}

fn gone(partition: u32, offset: u64, bounds: std::ops::Range<u64>) -> Failure {
    let (start, end) = (bounds.start, bounds.end);
    Failure::Stopped(Error::OutOfRange { partition, offset, start, end }.to_string())
}
