//! Folds every partition of a journal up to a given end, on several threads.
//!
//! Partitions do not touch one another, so which thread takes which changes nothing. Never here:
//! a snapshot as a starting point.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use ballot::{Applied, Fold, Snapshot, VoterMap};
use bytes::Bytes;
use journal::{Journal, Reader as _, SnapshotReader as _};

use super::runtime;
use crate::exit::Failure;

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
        let one = one(journal, place, witnesses.get(&partition));
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

/// The fold of a partition.
async fn one(
    journal: &impl Journal,
    (partition, end): (u32, u64),
    witness: Option<&Witness>,
) -> Result<Snapshot, Failure> {
    let mut fold = Fold::new(journal.identity(), partition);
    // The limit of a server is no fact of the journal: here the memory follows the voters.
    let mut voters = VoterMap::new(usize::MAX);
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
                Ok(Applied::AfterFinal) => return Ok(fold.snapshot()),
                Err(stop) => {
                    return Err(Failure::journal(format!("partition {partition}: {stop}")));
                }
            }
        }
    }
    Ok(fold.snapshot())
}

#[cfg(test)]
mod tests {
    use ballot::{Ballot, BatchBuilder, ChoiceSet, Record, Rules, VoterId, words_for};
    use journal::{Embedded, EmbeddedOptions};

    use super::*;
    use crate::config::read_campaign;

    #[test]
    fn a_partition_is_counted_to_its_end_and_a_snapshot_that_says_otherwise_is_refused() {
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
        let counted = runtime.block_on(async {
            for record in records {
                journal.append(0, 0, record).await.unwrap();
            }
            let counted = one(&journal, (0, 5), None).await.unwrap();
            let lie = (3, counted.encode());
            let refused = one(&journal, (0, 5), Some(&lie)).await.unwrap_err();
            assert!(refused.sentence.contains("the journal is damaged"), "{refused}");
            let truth = (5, counted.encode());
            one(&journal, (0, 5), Some(&truth)).await.unwrap();
            journal.close().await;
            counted
        });
        let outcomes = counted.fold().outcomes();
        assert_eq!((outcomes.counted, outcomes.duplicate), (13, 3));
    }
}
