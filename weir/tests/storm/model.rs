//! What a log says, worked out without the fold: for each voter and voting day the first valid
//! ballot before the day's close record counts, in the voter's own partition.
//!
//! It is written for being obviously right, with ordered maps and no state but the log. Never here:
//! `ballot::Fold`, or anything the fold judges by; only the decoding of records is shared.

use std::collections::{BTreeMap, BTreeSet};

use ballot::{Batch, ChoiceSet, Close, Receipt, RecordError, Rules, VoterId, VotingDay};
use journal::Record;

/// What became of a ballot in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Judged {
    /// The first of its voter and day.
    Counted,
    /// Another was before it.
    Duplicate,
    /// Its day was closed, or the whole campaign.
    Late,
    /// Cast outside the window.
    Outside,
    /// Choices that are not allowed.
    Invalid,
    /// In a partition that is not its voter's.
    Misrouted,
}

/// A ballot found in the log.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Found {
    /// Whose it is.
    pub(crate) voter: VoterId,
    /// What it chooses.
    pub(crate) choices: ChoiceSet,
    /// The voting day of its cast time.
    pub(crate) day: Option<VotingDay>,
    /// What became of it.
    pub(crate) judged: Judged,
}

/// The counts of one day.
#[derive(Debug, Clone, Default)]
pub(crate) struct DayCounts {
    pub(crate) ballots: u64,
    pub(crate) duplicates: u64,
    pub(crate) late: u64,
    pub(crate) votes: Vec<u64>,
    /// In how many partitions it is closed.
    pub(crate) closed: usize,
}

/// A whole log, judged.
#[derive(Debug, Clone, Default)]
pub(crate) struct Model {
    /// The ballots of each partition, by offset; empty where the record is no batch.
    pub(crate) ballots: Vec<BTreeMap<u64, Vec<Found>>>,
    /// The ballot that counts of each voter and day.
    pub(crate) counted: BTreeMap<(VoterId, VotingDay), Receipt>,
    /// The counts of each day.
    pub(crate) days: BTreeMap<VotingDay, DayCounts>,
    /// Folded ballots by outcome.
    pub(crate) outcomes: BTreeMap<Judged, u64>,
    /// Records that do not decode, and close and rules records without effect.
    pub(crate) malformed: u64,
    pub(crate) ignored: u64,
    /// For each partition: the end of what is folded, and whether that is the campaign's close.
    pub(crate) frontiers: Vec<(u64, bool)>,
    /// The first and the newest rules of each partition.
    pub(crate) rules: Vec<Vec<Rules>>,
    /// What no log may have.
    pub(crate) faults: Vec<String>,
}

/// What is true at one place of one partition.
struct Here {
    partition: usize,
    closed: BTreeSet<VotingDay>,
    is_final: bool,
}

impl Model {
    /// Judges the records of all partitions.
    pub(crate) fn of(partitions: &[Vec<Record>]) -> Self {
        let mut model = Self::default();
        for (partition, records) in partitions.iter().enumerate() {
            model.partition(partition, records);
        }
        model
    }

    /// The ballot at a place.
    pub(crate) fn at(&self, place: Receipt) -> Option<&Found> {
        let records = self.ballots.get(place.partition as usize)?;
        records.get(&place.offset)?.get(place.index as usize)
    }

    /// Every ballot with its place.
    pub(crate) fn all(&self) -> impl Iterator<Item = (Receipt, &Found)> {
        (0..).zip(&self.ballots).flat_map(|(partition, records)| {
            records.iter().flat_map(move |(&offset, ballots)| {
                let place = move |index| Receipt { partition, offset, index };
                (0..).zip(ballots).map(move |(index, found)| (place(index), found))
            })
        })
    }

    fn partition(&mut self, partition: usize, records: &[Record]) {
        self.ballots.push(BTreeMap::new());
        self.rules.push(Vec::new());
        self.frontiers.push((0, false));
        let mut here = Here { partition, closed: BTreeSet::new(), is_final: false };
        for (record, expected) in records.iter().zip(0..) {
            let place = format!("partition {partition}, offset {}", record.offset);
            if record.offset != expected {
                self.faults.push(format!("{place}: the log goes on where {expected} is expected"));
            }
            let decoded = ballot::Record::decode(&record.value);
            let has_rules = !self.rules[partition].is_empty();
            match decoded {
                Ok(ballot::Record::Rules(rules)) => self.rules(rules, &here),
                _ if !has_rules => self.faults.push(format!("{place}: no rules come before it")),
                Ok(ballot::Record::Batch(batch)) => self.batch(&batch, record.offset, &here),
                Ok(ballot::Record::Close(close)) => self.close(&close, &mut here),
                Err(RecordError::Malformed) => self.malformed += u64::from(!here.is_final),
                Err(RecordError::Unknown) => self.faults.push(format!("{place}: of no known kind")),
            }
            if !self.frontiers[partition].1 {
                self.frontiers[partition] = (record.offset + 1, here.is_final);
            }
        }
    }

    fn rules(&mut self, rules: Rules, here: &Here) {
        let known = &mut self.rules[here.partition];
        if here.is_final {
            return;
        }
        // A repeat, from a second writer, does nothing.
        if known.last() == Some(&rules) {
            self.ignored += 1;
            return;
        }
        for day in &rules.days {
            let counts = self.days.entry(day.day).or_default();
            counts.votes.resize(rules.choices as usize, 0);
        }
        known.push(rules);
    }

    fn close(&mut self, close: &Close, here: &mut Here) {
        let rules = self.rules[here.partition].last().expect("rules come first");
        let day = rules.days.iter().find(|day| day.day == close.day);
        let holds = day.is_some_and(|day| {
            let earliest_ms = day.end_ms + i64::try_from(rules.grace_ms).unwrap();
            close.instant_ms == day.end_ms && close.clock_ms >= earliest_ms
        });
        let last = rules.days.last().map(|day| day.day);
        if here.is_final {
        } else if holds && here.closed.insert(close.day) {
            self.days.entry(close.day).or_default().closed += 1;
            here.is_final = Some(close.day) == last;
        } else {
            self.ignored += 1;
        }
    }

    fn batch(&mut self, batch: &Batch, offset: u64, here: &Here) {
        let rules = self.rules[here.partition].last().expect("rules come first").clone();
        let mut ballots = Vec::new();
        for (index, ballot) in (0..).zip(batch.ballots()) {
            let at_ms = ballot.cast_at_ms;
            let day = rules.days.iter().find(|day| day.start_ms <= at_ms && at_ms < day.end_ms);
            let day = day.map(|day| day.day);
            let partition = u32::try_from(here.partition).unwrap();
            let place = Receipt { partition, offset, index };
            let judged = match day {
                _ if home(ballot.voter, rules.partitions) != here.partition => Judged::Misrouted,
                None => Judged::Outside,
                Some(_) if !is_allowed(&rules, &ballot.choices) => Judged::Invalid,
                Some(day) if here.is_final || here.closed.contains(&day) => Judged::Late,
                Some(day) if self.counted.contains_key(&(ballot.voter, day)) => Judged::Duplicate,
                Some(day) => {
                    self.counted.insert((ballot.voter, day), place);
                    Judged::Counted
                }
            };
            let found = Found { voter: ballot.voter, choices: ballot.choices, day, judged };
            if !here.is_final {
                self.add(&found);
            }
            ballots.push(found);
        }
        self.ballots[here.partition].insert(offset, ballots);
    }

    fn add(&mut self, found: &Found) {
        *self.outcomes.entry(found.judged).or_default() += 1;
        let Some(day) = found.day else { return };
        let counts = self.days.entry(day).or_default();
        match found.judged {
            Judged::Counted => {
                counts.ballots += 1;
                for choice in found.choices.iter() {
                    counts.votes[choice as usize - 1] += 1;
                }
            }
            Judged::Duplicate => counts.duplicates += 1,
            Judged::Late => counts.late += 1,
            Judged::Outside | Judged::Invalid | Judged::Misrouted => {}
        }
    }
}

/// The partition of a voter: the high half, scaled down.
fn home(voter: VoterId, partitions: u32) -> usize {
    let scaled = u128::from(voter.high) * u128::from(partitions) / (1 << 64);
    usize::try_from(scaled).unwrap()
}

fn is_allowed(rules: &Rules, choices: &ChoiceSet) -> bool {
    let numbers: Vec<u32> = choices.iter().collect();
    numbers.len() >= rules.choices_per_ballot_min as usize
        && numbers.len() <= rules.choices_per_ballot_max as usize
        && numbers.iter().all(|number| *number <= rules.choices)
}
