//! Puts a day's ballots into a journal, as edges would have: records of one partition's ballots,
//! many in flight, each with the time of its latest ballot.
//!
//! Invariant: every ballot is durable when this answers. Never here: a record of a partition that
//! its voters are not of.

use ballot::{Ballot, BatchBuilder, Record, words_for};
use benches::Error;
use bytes::Bytes;
use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use journal::Journal;
use tokio::time::Instant;

use crate::plan::{PARTITIONS, Plan};
use crate::site::Site;

/// Choices of the campaign.
const CHOICES: u32 = 20;
/// Appends under way: below what either journal takes before it refuses.
const AT_ONCE: usize = 512;

/// A record to append.
struct Full {
    partition: u32,
    timestamp_ms: i64,
    value: Bytes,
}

/// Appends the ballots of the plan.
pub(crate) async fn preload<J: Journal>(
    journal: &J,
    site: &Site,
    plan: &Plan,
) -> Result<(), Error> {
    let began = Instant::now();
    let records = Records {
        ballots: site.preloaded(plan.ballots),
        lanes: (0..PARTITIONS).map(|_| BatchBuilder::new(words_for(CHOICES))).collect(),
        per_record: plan.per_record,
    };
    let appends = records.map(|full| journal.append(full.partition, full.timestamp_ms, full.value));
    iter(appends).buffer_unordered(AT_ONCE).try_for_each(async |_offset| Ok(())).await?;
    eprintln!("{} ballots appended in {} ms", plan.ballots, began.elapsed().as_millis());
    Ok(())
}

/// Ballots sorted into records.
struct Records<I> {
    ballots: I,
    lanes: Vec<BatchBuilder>,
    per_record: u32,
}

impl<I: Iterator<Item = Ballot>> Iterator for Records<I> {
    type Item = Full;

    fn next(&mut self) -> Option<Full> {
        for ballot in self.ballots.by_ref() {
            let partition = ballot.voter.partition(PARTITIONS);
            let lane = &mut self.lanes[partition as usize];
            if lane.push(&ballot) + 1 >= self.per_record {
                return Some(full(partition, lane));
            }
        }
        let left = (0..).zip(&mut self.lanes).find(|(_, lane)| !lane.is_empty());
        left.map(|(partition, lane)| full(partition, lane))
    }
}

fn full(partition: u32, lane: &mut BatchBuilder) -> Full {
    let batch = std::mem::replace(lane, BatchBuilder::new(words_for(CHOICES)));
    let timestamp_ms = batch.latest_ms();
    Full { partition, timestamp_ms, value: Record::Batch(batch.finish()).encode() }
}
