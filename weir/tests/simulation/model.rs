//! What the tally of a log has to be, in the words of the design and without the code of the fold:
//! sets of voters, one pass, no batches, no frontier.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use ballot::{
    Ballot, Close, Receipt, Record, RecordError, Rules, TallyDocument, VoterId, VotingDay,
};

/// The outcome of each ballot and record of a log, as counts and by place.
#[derive(Debug, Default)]
pub(crate) struct Model {
    pub(crate) votes: BTreeMap<VotingDay, BTreeMap<u32, u64>>,
    pub(crate) counted: BTreeMap<(VotingDay, VoterId), (Receipt, Ballot)>,
    pub(crate) duplicates: BTreeMap<VotingDay, u64>,
    pub(crate) late: BTreeMap<Receipt, VotingDay>,
    pub(crate) outside: BTreeSet<Receipt>,
    pub(crate) invalid: u64,
    pub(crate) misrouted: u64,
    pub(crate) malformed: u64,
    pub(crate) ignored: u64,
    pub(crate) closed: BTreeMap<u32, BTreeSet<VotingDay>>,
}

impl Model {
    /// The model of the logs of all partitions.
    pub(crate) fn of(logs: &[Vec<journal::Record>]) -> Self {
        let mut model = Self::default();
        for (log, partition) in logs.iter().zip(0..) {
            model.run(partition, log);
        }
        model
    }

    fn run(&mut self, partition: u32, log: &[journal::Record]) {
        let mut rules: Option<Rules> = None;
        for record in log {
            let closed = self.closed.entry(partition).or_default();
            let last = rules.as_ref().and_then(|rules| rules.days.last());
            if last.is_some_and(|last| closed.contains(&last.day)) {
                return;
            }
            match Record::decode(&record.value) {
                // Schedules only widen rules; the same again does nothing.
                Ok(Record::Rules(again)) if rules.as_ref() == Some(&again) => self.ignored += 1,
                Ok(Record::Rules(changed)) => rules = Some(changed),
                Ok(Record::Close(close)) => {
                    let rules = rules.as_ref().expect("rules come first");
                    if !is_due(rules, &close) || !closed.insert(close.day) {
                        self.ignored += 1;
                    }
                }
                Ok(Record::Batch(batch)) => {
                    let rules = rules.as_ref().expect("rules come first");
                    for (ballot, index) in batch.ballots().zip(0..) {
                        let receipt = Receipt { partition, offset: record.offset, index };
                        self.judge(rules, &ballot, receipt);
                    }
                }
                Err(RecordError::Malformed) => self.malformed += 1,
                Err(error @ RecordError::Unknown) => {
                    panic!("nothing else is in these logs: {error}")
                }
            }
        }
    }

    fn judge(&mut self, rules: &Rules, ballot: &Ballot, receipt: Receipt) {
        let choices: Vec<u32> = ballot.choices.iter().collect();
        let (least, most) = (rules.choices_per_ballot_min, rules.choices_per_ballot_max);
        let count = u32::try_from(choices.len()).unwrap();
        let cast_at_ms = ballot.cast_at_ms;
        let day = rules.days.iter().find(|d| (d.start_ms..d.end_ms).contains(&cast_at_ms));
        if ballot.voter.partition(rules.partitions) != receipt.partition {
            self.misrouted += 1;
        } else if let Some(day) = day {
            let day = day.day;
            if !(least..=most).contains(&count) || choices.iter().any(|c| *c > rules.choices) {
                self.invalid += 1;
            } else if self.closed[&receipt.partition].contains(&day) {
                self.late.insert(receipt, day);
            } else if let Entry::Vacant(first) = self.counted.entry((day, ballot.voter)) {
                first.insert((receipt, *ballot));
                for choice in choices {
                    *self.votes.entry(day).or_default().entry(choice).or_default() += 1;
                }
            } else {
                *self.duplicates.entry(day).or_default() += 1;
            }
        } else {
            self.outside.insert(receipt);
        }
    }

    /// Panics, saying where, unless the document says what the model says.
    pub(crate) fn assert_same(&self, document: &TallyDocument) {
        assert_eq!(document.ballots, self.counted.len() as u64, "ballots counted");
        let outcomes = &document.outcomes;
        assert_eq!(outcomes.counted, self.counted.len() as u64, "counted");
        assert_eq!(outcomes.duplicate, self.duplicates.values().sum::<u64>(), "duplicates");
        assert_eq!(outcomes.late, self.late.len() as u64, "late");
        assert_eq!(outcomes.outside, self.outside.len() as u64, "outside");
        assert_eq!(outcomes.invalid, self.invalid, "invalid");
        assert_eq!(outcomes.misrouted, self.misrouted, "misrouted");
        assert_eq!(outcomes.malformed, self.malformed, "malformed");
        assert_eq!(outcomes.ignored, self.ignored, "ignored");
        for day in &document.days {
            let counted = self.counted.keys().filter(|(d, _)| *d == day.day).count();
            assert_eq!(day.ballots, counted as u64, "ballots of {}", day.day);
            let duplicates = self.duplicates.get(&day.day).copied().unwrap_or(0);
            assert_eq!(day.duplicates, duplicates, "duplicates of {}", day.day);
            let late = self.late.values().filter(|late| **late == day.day).count();
            assert_eq!(day.late, late as u64, "late on {}", day.day);
            let closed = self.closed.values().all(|closed| closed.contains(&day.day));
            assert_eq!(day.closed, closed, "{} closed", day.day);
            for (votes, choice) in day.votes.iter().zip(1..) {
                let expected = self.votes.get(&day.day).and_then(|votes| votes.get(&choice));
                assert_eq!(*votes, expected.copied().unwrap_or(0), "{}: {choice}", day.day);
            }
        }
    }
}

/// Whether a close record takes effect, the first of its day.
fn is_due(rules: &Rules, close: &Close) -> bool {
    let grace_ms = i64::try_from(rules.grace_ms).unwrap();
    rules.days.iter().any(|day| {
        day.day == close.day
            && day.end_ms == close.instant_ms
            && day.end_ms + grace_ms <= close.clock_ms
    })
}
