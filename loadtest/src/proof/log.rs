//! The log, judged ballot by ballot against what was sent, without the fold.
//!
//! For each voter and day the first valid ballot before the day's close counts, in the voter's own
//! partition. What lay in the log before the load only says who has voted. Never here:
//! `ballot::Fold`; only the decoding of records and the rules are shared with it.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::Duration;

use ballot::{Ballot, Batch, Close, Receipt, Record, Rules, Verdict, VoterId, VotingDay};
use journal::{Journal, Reader as _};
use tokio::time::timeout;

use super::found::{Found, Kind};
use super::{Evidence, numbers};
use crate::load::Sample;
use crate::notes::Cell;

/// How long the next records may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Strangers that are remembered, 48 MB; of more, a second ballot is taken for a first. The proof
/// has failed long before.
const STRANGERS_MAX: usize = 1 << 20;

/// What a day comes to, from where the tally stood before the load to where it stood after it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) ballots: u64,
    pub(super) duplicates: u64,
    pub(super) late: u64,
    pub(super) votes: Vec<u64>,
}

/// The counts of each day.
pub(super) type Days = BTreeMap<VotingDay, Counts>;

/// Reads the whole log: notes for each voter-day what is there, and counts.
pub(super) async fn read<J: Journal>(
    journal: &J,
    of: Evidence<'_>,
    found: &mut Found,
) -> Result<Days, String> {
    let mut samples: BTreeMap<(u32, u64), Vec<Sample>> = BTreeMap::new();
    for sample in of.samples {
        let Receipt { partition, offset, .. } = sample.receipt;
        samples.entry((partition, offset)).or_default().push(*sample);
    }
    let mut judge = Judge { of, found, samples, counts: Days::new(), strangers: HashSet::new() };
    for partition in 0..journal.partitions() {
        let failed = |error: &dyn std::fmt::Display| {
            format!("partition {partition} of the log cannot be read: {error}")
        };
        let end = journal.bounds(partition).await.map_err(|error| failed(&error))?.end;
        let mut reader = journal.read(partition, 0);
        let mut here = Here::new(of, partition);
        while here.offset < end {
            let next = timeout(PATIENCE, reader.next()).await;
            let records = next.map_err(|late| failed(&late))?.map_err(|error| failed(&error))?;
            for record in records.into_iter().take_while(|record| record.offset < end) {
                here.offset = record.offset;
                judge.record(&Record::decode(&record.value), &mut here);
                here.offset += 1;
            }
        }
    }
    let Judge { counts, samples, .. } = judge;
    for sample in samples.into_values().flatten() {
        found.add(Kind::Receipt, 1, || format!("{} is beyond the log", sample.receipt));
    }
    Ok(counts)
}

/// What is true at one place of one partition.
struct Here {
    partition: u32,
    offset: u64,
    rules: Option<Rules>,
    closed: BTreeSet<VotingDay>,
    /// The offsets that the load and the tally after it have in common.
    from: u64,
    to: u64,
}

impl Here {
    fn new(of: Evidence<'_>, partition: u32) -> Self {
        let frontier = |tally: &crate::target::Tally| {
            tally.partitions.get(partition as usize).map_or(0, |partition| partition.frontier)
        };
        let (from, to) = (frontier(of.before), frontier(of.after));
        Self { partition, offset: 0, rules: None, closed: BTreeSet::new(), from, to }
    }

    fn is_final(&self) -> bool {
        let last = self.rules.as_ref().and_then(|rules| rules.days.last());
        last.is_some_and(|day| self.closed.contains(&day.day))
    }
}

struct Judge<'a> {
    of: Evidence<'a>,
    found: &'a mut Found,
    samples: BTreeMap<(u32, u64), Vec<Sample>>,
    counts: Days,
    /// Voters that are not of this load, found behind its beginning.
    strangers: HashSet<(VoterId, VotingDay)>,
}

impl Judge<'_> {
    fn record(&mut self, record: &Result<Record, ballot::RecordError>, here: &mut Here) {
        match record {
            Ok(Record::Rules(rules)) => {
                let fits = here.rules.as_ref().is_none_or(|was| was.may_become(rules));
                if fits && !here.is_final() {
                    here.rules = Some(rules.clone());
                }
            }
            Ok(Record::Close(close)) => Self::close(close, here),
            Ok(Record::Batch(batch)) => self.batch(batch, here),
            Err(error) => {
                let place = format!("partition {}, offset {}", here.partition, here.offset);
                self.found.add(Kind::Differs, 1, || format!("{place}: {error}"));
            }
        }
    }

    fn close(close: &Close, here: &mut Here) {
        let Some(rules) = here.rules.as_ref().filter(|_| !here.is_final()) else { return };
        let day = rules.days.iter().find(|day| day.day == close.day);
        let holds = day.is_some_and(|day| {
            close.instant_ms == day.end_ms && close.clock_ms >= rules.closable_at_ms(day)
        });
        if holds {
            here.closed.insert(close.day);
        }
    }

    fn batch(&mut self, batch: &Batch, here: &Here) {
        self.check_receipts(batch, here);
        let Some(rules) = here.rules.as_ref() else { return };
        let is_final = here.is_final();
        for ballot in batch.ballots() {
            if let Verdict::Valid(day) = rules.judge(here.partition, &ballot) {
                let is_late = is_final || here.closed.contains(&day);
                self.ballot(&ballot, (day, is_late), here);
            }
        }
    }

    /// Takes a valid ballot: first, again, or too late.
    fn ballot(&mut self, ballot: &Ballot, (day, is_late): (VotingDay, bool), here: &Here) {
        let shared = self.of.shared;
        let number = shared.population.number(ballot.voter).zip(shared.days.of(day));
        let flag = if is_late { Cell::LATE } else { Cell::COUNTED };
        let is_new = match number {
            Some((voter, day)) => {
                let cell = shared.notes.add(voter, day, flag);
                let is_new = !cell.has(flag);
                if !is_new && !is_late {
                    shared.notes.add(voter, day, Cell::AGAIN);
                }
                if is_new && !is_late && here.offset >= here.from {
                    self.check_sent(ballot, (voter, day), cell, here);
                }
                is_new
            }
            None if here.offset < here.from => return,
            None => {
                let is_full = self.strangers.len() >= STRANGERS_MAX;
                let is_new = is_full || self.strangers.insert((ballot.voter, day));
                if is_new && !is_late {
                    let (voter, place) = (ballot.voter, (here.partition, here.offset));
                    self.found.add(Kind::Unsent, 1, || {
                        format!("{voter:?}, at {}-{}, is not of this load", place.0, place.1)
                    });
                }
                is_new
            }
        };
        if here.offset < here.from || here.offset >= here.to {
            return;
        }
        let counts = self.counts.entry(day).or_default();
        counts.votes.resize(shared.population.choice_count() as usize, 0);
        match (is_late, is_new) {
            (true, _) => counts.late += 1,
            (false, false) => counts.duplicates += 1,
            (false, true) => {
                counts.ballots += 1;
                for choice in ballot.choices.iter() {
                    if let Some(votes) = counts.votes.get_mut(choice as usize - 1) {
                        *votes += 1;
                    }
                }
            }
        }
    }

    /// Whether a ballot that counts is one that may have got there.
    fn check_sent(&mut self, ballot: &Ballot, (voter, day): (u64, usize), cell: Cell, here: &Here) {
        let shared = self.of.shared;
        let sent = |variation| shared.population.choices(voter, variation) == ballot.choices;
        if cell.variations().any(sent) {
            return;
        }
        self.found.add(Kind::Unsent, 1, || {
            let place = format!("at {}-{}", here.partition, here.offset);
            let (day, there) = (shared.days.text(day), numbers(&ballot.choices));
            let sent = super::ballots(shared, voter, cell);
            let sent = if sent.is_empty() { "nothing that was taken".to_owned() } else { sent };
            format!("number {voter} on {day} counts with {there} {place}, and sent {sent}")
        });
    }

    fn check_receipts(&mut self, batch: &Batch, here: &Here) {
        let Some(samples) = self.samples.remove(&(here.partition, here.offset)) else { return };
        for Sample { voter, variation, receipt, .. } in samples {
            let population = &self.of.shared.population;
            let there = batch.ballot(receipt.index as usize);
            let fits = there.is_some_and(|ballot| {
                ballot.voter == population.voter(voter)
                    && ballot.choices == population.choices(voter, variation)
            });
            if !fits {
                self.found.add(Kind::Receipt, 1, || format!("{receipt} of number {voter}"));
            }
        }
    }
}
