//! Folds every partition of a journal up to a given end, on several threads.
//!
//! Partitions do not touch one another, so which thread takes which changes nothing. Never here:
//! a snapshot as a starting point.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use ballot::{Applied, Fold, Snapshot, Stop, VoterMap};
use bytes::Bytes;
use journal::{Journal, Reader as _, SnapshotReader as _};

use super::runtime;
use crate::exit::Failure;

/// How many voters of one day a partition's set first has room for. A set of this size reserves
/// 34 MiB of addresses and touches 2 MiB; sixteen of them hold the largest campaign we know of.
const VOTERS_FIRST: usize = 1 << 20;

/// How much more room there is each time that was not enough. The partition is then counted anew:
/// at most a third of the work is done in vain.
const VOTERS_GROWTH: usize = 4;

/// What was published of a partition: the frontier and the snapshot's bytes.
type Witness = (u64, Bytes);

/// The fold of each partition up to its end in `ends`, or to its campaign's close before that.
///
/// The snapshots that were published are not used, but they are witnesses: where the fold passes
/// one and says otherwise, the journal is not the one that was counted.
pub(super) fn all(
    journal: &impl Journal,
    ends: &[u64],
    threads: usize,
) -> Result<Vec<Snapshot>, Failure> {
    let next = AtomicU32::new(0);
    let witnesses = runtime()?.block_on(witnesses(journal))?;
    let work = || some(journal, ends, &witnesses, &next);
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
fn some(
    journal: &impl Journal,
    ends: &[u64],
    witnesses: &BTreeMap<u32, Witness>,
    next: &AtomicU32,
) -> Result<Vec<Snapshot>, Failure> {
    let runtime = runtime()?;
    let mut folded = Vec::new();
    loop {
        // Relaxed: only uniqueness is wanted, nothing is published with the number.
        let partition = next.fetch_add(1, Ordering::Relaxed);
        let Some(end) = ends.get(partition as usize) else { return Ok(folded) };
        let place = (partition, *end);
        let one = one(journal, place, VOTERS_FIRST, witnesses.get(&partition));
        folded.push(runtime.block_on(one)?);
    }
}

async fn witnesses(journal: &impl Journal) -> Result<BTreeMap<u32, Witness>, Failure> {
    let end = journal.snapshots_end().await?;
    let mut reader = journal.snapshots();
    let (mut witnesses, mut position) = (BTreeMap::new(), 0);
    while position < end {
        let read = reader.next().await?;
        position = read.position;
        for entry in read.entries {
            let snapshot = Snapshot::decode(&entry.value)
                .map_err(|error| damaged(entry.partition, &error.to_string()))?;
            witnesses.insert(entry.partition, (snapshot.frontier(), entry.value));
        }
    }
    Ok(witnesses)
}

fn damaged(partition: u32, what: &str) -> Failure {
    Failure::journal(format!(
        "partition {partition}: {what}; the journal is damaged or was changed, and this \
         would not be the result that was published"
    ))
}

async fn one(
    journal: &impl Journal,
    place: (u32, u64),
    mut voters_max: usize,
    witness: Option<&Witness>,
) -> Result<Snapshot, Failure> {
    loop {
        match attempt(journal, place, voters_max, witness).await? {
            Some(snapshot) => return Ok(snapshot),
            None => voters_max = voters_max.saturating_mul(VOTERS_GROWTH),
        }
    }
}

/// The fold of a partition; `None` if a day had more voters than there was room for.
async fn attempt(
    journal: &impl Journal,
    (partition, end): (u32, u64),
    voters_max: usize,
    witness: Option<&Witness>,
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
                Ok(Applied::Folded | Applied::Skipped) => {
                    let seen = witness.filter(|(frontier, _)| *frontier == fold.frontier());
                    if seen.is_some_and(|(_, bytes)| *bytes != fold.snapshot().encode()) {
                        let what = "the recount differs from the snapshot that was published";
                        return Err(damaged(partition, what));
                    }
                }
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

#[cfg(test)]
mod tests {
    use ballot::{Ballot, BatchBuilder, ChoiceSet, Record, Rules, VoterId, words_for};
    use journal::{Embedded, EmbeddedOptions};

    use super::*;
    use crate::config::read_campaign;

    #[test]
    fn a_day_with_more_voters_than_there_was_room_for_is_counted_anew_with_the_same_result() {
        let dir = tempfile::tempdir().unwrap();
        let journal = Embedded::open(&EmbeddedOptions::new(dir.path(), "c", 1)).unwrap();
        let campaign = read_campaign(None).unwrap();
        let rules = Rules::new(&campaign, journal.identity(), 1, [0; 16]);
        let mut records = vec![Record::Rules(rules).encode()];
        let choices = ChoiceSet::from_words(&[0b11]).unwrap();
        for first in [0, 3, 6, 9] {
            let mut batch = BatchBuilder::new(words_for(20));
            for low in first..first + 4 {
                let voter = VoterId { high: 0, low };
                batch.push(&Ballot { voter, choices, cast_at_ms: campaign.opens_at_ms });
            }
            records.push(Record::Batch(batch.finish()).encode());
        }
        let runtime = runtime().unwrap();
        let (small, large, too_small) = runtime.block_on(async {
            for record in records {
                journal.append(0, 0, record).await.unwrap();
            }
            let small = one(&journal, (0, 5), 1, None).await.unwrap();
            let large = one(&journal, (0, 5), 1_000, None).await.unwrap();
            let too_small = attempt(&journal, (0, 5), 12, None).await.unwrap();
            let lie = (3, large.encode());
            let refused = one(&journal, (0, 5), 1_000, Some(&lie)).await.unwrap_err();
            assert!(refused.sentence.contains("the journal is damaged"), "{refused}");
            let truth = (5, large.encode());
            one(&journal, (0, 5), 1_000, Some(&truth)).await.unwrap();
            journal.close().await;
            (small, large, too_small)
        });
        assert_eq!(small.encode(), large.encode());
        assert!(too_small.is_none());
        let outcomes = small.fold().outcomes();
        assert_eq!((outcomes.counted, outcomes.duplicate), (13, 3));
    }
}
