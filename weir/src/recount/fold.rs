//! Folds every partition of a journal up to a given end, on several threads.
//!
//! Partitions do not touch one another, so which thread takes which changes nothing. Never here:
//! a snapshot as a starting point.

use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use ballot::{Applied, Fold, Snapshot, Stop, VoterMap};
use journal::{Embedded, Journal as _, Reader as _};

use super::runtime;
use crate::exit::Failure;

/// How many voters of one day a partition's set first has room for. A set of this size reserves
/// 34 MiB of addresses and touches 2 MiB; sixteen of them hold the largest campaign we know of.
const VOTERS_FIRST: usize = 1 << 20;

/// How much more room there is each time that was not enough. The partition is then counted anew:
/// at most a third of the work is done in vain.
const VOTERS_GROWTH: usize = 4;

/// The fold of each partition up to its end in `ends`, or to its campaign's close before that.
pub(super) fn all(
    journal: &Embedded,
    ends: &[u64],
    threads: usize,
) -> Result<Vec<Snapshot>, Failure> {
    let next = AtomicU32::new(0);
    let work = || some(journal, ends, &next);
    let folded = thread::scope(|scope| {
        // Joined here, in any case.
        let threads: Vec<_> =
            (0..threads.clamp(1, ends.len().max(1))).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| {
                let panicked = |_| Failure::internal("a counting thread panicked");
                thread.join().map_err(panicked).flatten()
            })
            .collect::<Result<Vec<_>, Failure>>()
    });
    let mut folded: Vec<_> = folded?.into_iter().flatten().collect();
    folded.sort_unstable_by_key(Snapshot::partition);
    Ok(folded)
}

/// What one thread does: takes partition after partition that no other has taken.
fn some(journal: &Embedded, ends: &[u64], next: &AtomicU32) -> Result<Vec<Snapshot>, Failure> {
    let runtime = runtime()?;
    let mut folded = Vec::new();
    loop {
        // Relaxed: only uniqueness is wanted, nothing is published with the number.
        let partition = next.fetch_add(1, Ordering::Relaxed);
        let Some(end) = ends.get(partition as usize) else { return Ok(folded) };
        folded.push(runtime.block_on(one(journal, partition, *end))?);
    }
}

async fn one(journal: &Embedded, partition: u32, end: u64) -> Result<Snapshot, Failure> {
    let mut voters_max = VOTERS_FIRST;
    loop {
        match attempt(journal, partition, end, voters_max).await? {
            Some(snapshot) => return Ok(snapshot),
            None => voters_max = voters_max.saturating_mul(VOTERS_GROWTH),
        }
    }
}

/// The fold of a partition; `None` if a day had more voters than there was room for.
async fn attempt(
    journal: &Embedded,
    partition: u32,
    end: u64,
    voters_max: usize,
) -> Result<Option<Snapshot>, Failure> {
    let mut fold = Fold::new(journal.identity(), partition);
    let mut voters = VoterMap::new(voters_max);
    let mut reader = journal.read(partition, 0);
    while fold.frontier() < end {
        for record in reader.next().await? {
            if record.offset >= end {
                break;
            }
            match fold.apply(record.offset, &record.value, &mut voters) {
                Ok(Applied::Folded | Applied::Skipped) => {}
                Ok(Applied::AfterFinal) => return Ok(Some(fold.snapshot())),
                Err(Stop::VotersFull { .. }) => return Ok(None),
                Err(stop @ (Stop::Gap { .. } | Stop::Unknown(_) | Stop::NoRules)) => {
                    return Err(Failure::journal(format!("partition {partition}: {stop}")));
                }
            }
        }
    }
    Ok(Some(fold.snapshot()))
}
