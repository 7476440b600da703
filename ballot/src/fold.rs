//! The fold: records of one partition in offset order into a tally. Pure: value, offset and its own
//! state are all it reads, so the same prefix gives the same bytes on any machine.
//!
//! It takes only the record at its frontier. A record is folded whole or, when the fold stops, not
//! at all: state is untouched by a record that stops it.

use std::collections::BTreeSet;

use bytes::Bytes;

use crate::rules::{Day, FOLD_VERSION};
use crate::tally::Days;
use crate::{
    Close, DayTally, Digest, JournalId, Outcomes, Record, RecordError, Rules, Snapshot, VoterMap,
    Voters, VotingDay,
};

/// The most rules records that may take effect; beyond, further ones are ignored. A campaign is
/// extended once or twice.
pub const RULES_MAX: usize = 64;

/// The fold of one partition up to its frontier.
#[derive(Debug, Clone)]
pub struct Fold {
    pub(crate) journal: JournalId,
    pub(crate) partition: u32,
    pub(crate) frontier: u64,
    /// Rules that took effect and the offset of each, oldest first.
    pub(crate) rules: Vec<(u64, Rules)>,
    pub(crate) days: Days,
    pub(crate) outcomes: Outcomes,
    pub(crate) closed: BTreeSet<VotingDay>,
    pub(crate) digest: Digest,
}

/// What became of a record handed to the fold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It was folded; the frontier is behind it now.
    Folded,
    /// It lies below the frontier and had been folded before.
    Skipped,
    /// It lies behind the campaign's close; nothing moves any more.
    AfterFinal,
}

/// Why the fold cannot go on. Every one needs an operator; none is passed over.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Stop {
    /// The log's next record is not there.
    #[error("the record at offset {expected} is missing, the next is at {found}")]
    Gap {
        /// The frontier.
        expected: u64,
        /// The offset handed in.
        found: u64,
    },
    /// A record this program does not understand.
    #[error("the record at offset {0} is of a kind or version this program does not know")]
    Unknown(u64),
    /// The log does not begin with rules for this partition's journal.
    #[error("the log does not begin with the rules record of this journal")]
    NoRules,
    /// The voter set of a day has no room for a record's voters.
    #[error("the voter set of {day} is full; raise voters_per_day_max")]
    VotersFull {
        /// The day.
        day: VotingDay,
    },
}

impl Fold {
    /// The fold of no records.
    #[must_use]
    pub fn new(journal: JournalId, partition: u32) -> Self {
        Self {
            journal,
            partition,
            frontier: 0,
            rules: Vec::new(),
            days: Days::new(),
            outcomes: Outcomes::default(),
            closed: BTreeSet::new(),
            digest: Digest::default(),
        }
    }

    /// The offset of the next record to fold.
    #[must_use]
    pub const fn frontier(&self) -> u64 {
        self.frontier
    }

    /// The rules in force at the frontier.
    #[must_use]
    pub fn rules(&self) -> Option<&Rules> {
        self.rules.last().map(|(_, rules)| rules)
    }

    /// The counts so far.
    #[must_use]
    pub const fn outcomes(&self) -> &Outcomes {
        &self.outcomes
    }

    /// The counts of each day so far.
    #[must_use]
    pub const fn days(&self) -> &Days {
        &self.days
    }

    /// Days of the rules that have no close record yet, in order.
    pub fn open_days(&self) -> impl Iterator<Item = &Day> {
        let days = self.rules().map(|rules| rules.days.as_slice()).unwrap_or_default();
        days.iter().filter(|day| !self.closed.contains(&day.day))
    }

    /// Whether the campaign's close record has been folded: nothing moves any more.
    #[must_use]
    pub fn is_final(&self) -> bool {
        let last = self.rules().and_then(|rules| rules.days.last());
        last.is_some_and(|day| self.closed.contains(&day.day))
    }

    /// Folds one record.
    ///
    /// # Errors
    /// [`Stop`]; the fold is as it was before.
    pub fn apply<V: Voters>(
        &mut self,
        offset: u64,
        value: &Bytes,
        voters: &mut V,
    ) -> Result<Applied, Stop> {
        self.step(offset, value, Some(voters))
    }

    /// As [`Fold::apply`], but ballots are passed over: for whoever only asks which rules are in
    /// force and which days are closed. Counts mean nothing afterwards.
    ///
    /// # Errors
    /// As [`Fold::apply`].
    pub fn skim(&mut self, offset: u64, value: &Bytes) -> Result<Applied, Stop> {
        self.step::<VoterMap>(offset, value, None)
    }

    fn step<V: Voters>(
        &mut self,
        offset: u64,
        value: &Bytes,
        voters: Option<&mut V>,
    ) -> Result<Applied, Stop> {
        if offset < self.frontier {
            return Ok(Applied::Skipped);
        }
        if self.is_final() {
            return Ok(Applied::AfterFinal);
        }
        if offset > self.frontier {
            return Err(Stop::Gap { expected: self.frontier, found: offset });
        }
        match (Record::decode(value), self.rules.is_empty()) {
            (Ok(Record::Rules(rules)), first) => self.apply_rules(rules, first)?,
            (Err(RecordError::Unknown), _) => return Err(Stop::Unknown(offset)),
            (Ok(Record::Batch(_) | Record::Close(_)) | Err(RecordError::Malformed), true) => {
                return Err(Stop::NoRules);
            }
            (Ok(Record::Batch(batch)), false) => {
                voters.map_or(Ok(()), |voters| self.apply_batch(&batch, voters))?;
            }
            (Ok(Record::Close(close)), false) => self.apply_close(&close, voters),
            (Err(RecordError::Malformed), false) => self.outcomes.malformed += 1,
        }
        self.digest.push(value);
        self.frontier += 1;
        Ok(Applied::Folded)
    }

    /// Marks the voters of a record below the frontier whose ballots counted, tally and digest
    /// untouched: how voter sets are rebuilt. Records must come in order, from any offset at or
    /// before the first ballot of the earliest open day, into sets that began empty.
    ///
    /// # Errors
    /// [`Stop`], as when the record was folded.
    pub fn mark<V: Voters>(&self, offset: u64, value: &Bytes, voters: &mut V) -> Result<(), Stop> {
        let in_force = self.rules.iter().rev().find(|(since, _)| *since < offset);
        let Some((_, rules)) = in_force else { return Ok(()) };
        match Record::decode(value) {
            Ok(Record::Batch(batch)) => self.mark_batch(rules, &batch, voters),
            Ok(Record::Rules(_) | Record::Close(_)) | Err(RecordError::Malformed) => Ok(()),
            Err(RecordError::Unknown) => Err(Stop::Unknown(offset)),
        }
    }

    /// The state as a value that can be published.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::of(self)
    }

    fn apply_rules(&mut self, rules: Rules, first: bool) -> Result<(), Stop> {
        if rules.fold_version != FOLD_VERSION {
            return Err(Stop::Unknown(self.frontier));
        }
        let fits = match self.rules() {
            None => rules.journal == self.journal && self.partition < rules.partitions,
            // The same again, from a second writer, is a repeat and does nothing.
            Some(was) => *was != rules && was.may_become(&rules),
        };
        if first && !fits {
            return Err(Stop::NoRules);
        }
        if fits && self.rules.len() < RULES_MAX {
            for day in &rules.days {
                let choices = rules.choices;
                self.days.entry(day.day).or_insert_with(|| DayTally::new(choices));
            }
            self.rules.push((self.frontier, rules));
        } else {
            self.outcomes.ignored += 1;
        }
        Ok(())
    }

    fn apply_close<V: Voters>(&mut self, close: &Close, voters: Option<&mut V>) {
        let Some(rules) = self.rules() else { return };
        let day = rules.days.iter().find(|day| day.day == close.day);
        let valid = day.is_some_and(|day| {
            day.end_ms == close.instant_ms && close.clock_ms >= rules.closable_at_ms(day)
        });
        if valid && self.closed.insert(close.day) {
            if let Some(voters) = voters {
                voters.drop_day(close.day);
            }
        } else {
            self.outcomes.ignored += 1;
        }
    }
}
