//! A log of records with ballots in them, as edges leave it.
//!
//! Invariant: a ballot is in its voter's partition, and the offsets of a partition have no gap, so
//! that a fold takes all of it. A log need not be in memory at once: its writer hands out each
//! record when it is full.

use ballot::{Ballot, BatchBuilder, Record, Rules, words_for};
use bytes::Bytes;

use crate::{Ballots, Poll};

/// A record and its place.
#[derive(Debug, Clone)]
pub struct Logged {
    /// The partition.
    pub partition: u32,
    /// The offset in it.
    pub offset: u64,
    /// The record's bytes.
    pub value: Bytes,
}

/// Puts ballots into records. Offset 0 of every partition is left to the rules.
#[derive(Debug)]
pub struct LogWriter {
    /// Of each partition: the next offset, and the record that is not full yet.
    lanes: Vec<(u64, BatchBuilder)>,
    words: usize,
    per_record: u32,
}

impl LogWriter {
    /// A writer of records of `per_record` ballots.
    #[must_use]
    pub fn new(rules: &Rules, per_record: u32) -> Self {
        let words = words_for(rules.choices);
        let lanes = (0..rules.partitions).map(|_| (1, BatchBuilder::new(words))).collect();
        Self { lanes, words, per_record }
    }

    /// The records that these ballots fill, in the order in which they become full.
    pub fn records(
        &mut self,
        ballots: impl Iterator<Item = Ballot>,
    ) -> impl Iterator<Item = Logged> {
        ballots.filter_map(|ballot| self.push(&ballot))
    }

    /// The records that are not full yet, as they are.
    pub fn rest(&mut self) -> Vec<Logged> {
        let begun = (0..).zip(&self.lanes).filter(|(_, (_, batch))| !batch.is_empty());
        let begun: Vec<u32> = begun.map(|(partition, _)| partition).collect();
        begun.into_iter().map(|partition| self.flush(partition)).collect()
    }

    fn push(&mut self, ballot: &Ballot) -> Option<Logged> {
        let partitions = u32::try_from(self.lanes.len()).unwrap_or(u32::MAX);
        let partition = ballot.voter.partition(partitions);
        let is_full = self.lanes[partition as usize].1.push(ballot) + 1 == self.per_record;
        is_full.then(|| self.flush(partition))
    }

    fn flush(&mut self, partition: u32) -> Logged {
        let (next, batch) = &mut self.lanes[partition as usize];
        let batch = std::mem::replace(batch, BatchBuilder::new(self.words));
        let offset = *next;
        *next += 1;
        Logged { partition, offset, value: Record::Batch(batch.finish()).encode() }
    }
}

impl Poll {
    /// The rules in every partition, then so many ballots in records of `per_record`.
    #[must_use]
    pub fn log(&self, rules: &Rules, ballots: usize, per_record: u32) -> Vec<Logged> {
        let value = Record::Rules(rules.clone()).encode();
        let first = |partition| Logged { partition, offset: 0, value: value.clone() };
        let mut log: Vec<Logged> = (0..rules.partitions).map(first).collect();
        let mut writer = LogWriter::new(rules, per_record);
        let ballots = Ballots::new(1, self.campaign.opens_at_ms).take(ballots);
        log.extend(writer.records(ballots));
        log.extend(writer.rest());
        log
    }
}
