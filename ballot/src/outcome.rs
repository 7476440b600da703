//! The outcome of one ballot, found again from the log: what the fold did with it, and with which
//! ballot of the same voter and day it competed.
//!
//! It judges by the same rules at the same offsets as the fold, so that the two never disagree.
//! Never here: an answer about a ballot that the fold has not reached.

use bytes::Bytes;

use crate::{Ballot, Batch, ChoiceSet, Close, Receipt, Record, Rules, Verdict, VotingDay};

/// What became of a ballot that the fold has reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the tally.
    Counted,
    /// An earlier ballot of the same voter and day is in the tally.
    Duplicate {
        /// Where the counted one is.
        counted: Receipt,
        /// What it chose.
        choices: ChoiceSet,
    },
    /// It lies behind its day's close.
    Late,
    /// Its choices were not allowed.
    Invalid,
    /// It was cast outside the window.
    Outside,
    /// It lies in a partition that is not its voter's.
    Misrouted,
}

/// Looks for the outcome of one ballot in the records before it.
#[derive(Debug)]
pub struct OutcomeScan<'a> {
    rules: &'a [(u64, Rules)],
    place: Receipt,
    ballot: Ballot,
    verdict: Verdict,
    closed: bool,
    first: Option<(Receipt, ChoiceSet)>,
}

impl<'a> OutcomeScan<'a> {
    /// A scan for the ballot at `place`, under the rules of a snapshot whose frontier is beyond it.
    #[must_use]
    pub fn new(rules: &'a [(u64, Rules)], place: Receipt, ballot: Ballot) -> Self {
        let verdict = rules_at(rules, place.offset)
            .map_or(Verdict::Outside, |rules| rules.judge(place.partition, &ballot));
        Self { rules, place, ballot, verdict, closed: false, first: None }
    }

    /// From which time on records have to be fed: the start of the ballot's day; `None` if the
    /// outcome is known without any.
    #[must_use]
    pub fn from_ms(&self) -> Option<i64> {
        let day = self.day()?;
        let rules = rules_at(self.rules, self.place.offset)?;
        rules.days.iter().find(|known| known.day == day).map(|day| day.start_ms)
    }

    /// Takes a record's value. Records come in order, from the first whose timestamp is not before
    /// [`OutcomeScan::from_ms`] to the ballot's own. False once no further one is needed.
    pub fn feed(&mut self, offset: u64, value: &Bytes) -> bool {
        let Some(day) = self.day().filter(|_| !self.closed && offset <= self.place.offset) else {
            return false;
        };
        let Some(rules) = rules_at(self.rules, offset) else { return true };
        match Record::decode(value) {
            Ok(Record::Close(close)) => self.closed = closes(rules, &close, day),
            Ok(Record::Batch(batch)) if self.first.is_none() => {
                self.first = self.first_in(rules, day, offset, &batch);
            }
            Ok(Record::Batch(_) | Record::Rules(_)) | Err(_) => {}
        }
        !self.closed && offset < self.place.offset
    }

    /// The outcome, once [`OutcomeScan::feed`] has answered false or `from_ms` nothing.
    #[must_use]
    pub const fn outcome(&self) -> Outcome {
        match self.verdict {
            Verdict::Misrouted => Outcome::Misrouted,
            Verdict::Outside => Outcome::Outside,
            Verdict::Invalid => Outcome::Invalid,
            Verdict::Valid(_) if self.closed => Outcome::Late,
            Verdict::Valid(_) => match self.first {
                Some((counted, choices)) => Outcome::Duplicate { counted, choices },
                None => Outcome::Counted,
            },
        }
    }

    const fn day(&self) -> Option<VotingDay> {
        match self.verdict {
            Verdict::Valid(day) => Some(day),
            Verdict::Misrouted | Verdict::Outside | Verdict::Invalid => None,
        }
    }

    /// The voter's first valid ballot of the day in a batch, if it lies before the one in question.
    fn first_in(
        &self,
        rules: &Rules,
        day: VotingDay,
        offset: u64,
        batch: &Batch,
    ) -> Option<(Receipt, ChoiceSet)> {
        let partition = self.place.partition;
        let (index, ballot) = (0..).zip(batch.ballots()).find(|(_, ballot)| {
            ballot.voter == self.ballot.voter
                && rules.judge(partition, ballot) == Verdict::Valid(day)
        })?;
        let found = Receipt { partition, offset, index };
        ((offset, index) < (self.place.offset, self.place.index)).then_some((found, ballot.choices))
    }
}

/// The rules in force for the record at an offset.
fn rules_at(rules: &[(u64, Rules)], offset: u64) -> Option<&Rules> {
    rules.iter().rev().find(|(since, _)| *since < offset).map(|(_, rules)| rules)
}

/// Whether a close record ends `day`, as the fold sees it.
fn closes(rules: &Rules, close: &Close, day: VotingDay) -> bool {
    rules.days.iter().any(|known| {
        known.day == day
            && close.day == day
            && known.end_ms == close.instant_ms
            && close.clock_ms >= rules.closable_at_ms(known)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchBuilder, Day, FOLD_VERSION, Fold, JournalId, Outcomes, VoterId, VoterMap};

    const MONDAY: VotingDay = VotingDay::new(2023, 12, 18).unwrap();
    const END_MS: i64 = 1_000;

    fn rules() -> Rules {
        Rules {
            journal: JournalId([0; 16]),
            campaign: "c".to_owned(),
            partitions: 1,
            choices: 3,
            choices_per_ballot_min: 1,
            choices_per_ballot_max: 2,
            days: vec![Day { day: MONDAY, start_ms: 0, end_ms: END_MS }],
            grace_ms: 10,
            fold_version: FOLD_VERSION,
            pseudonym_key: [0; 16],
        }
    }

    fn ballot(voter: u64, choices: &[u32], cast_at_ms: i64) -> Ballot {
        let choices = choices.iter().copied().collect();
        Ballot { voter: VoterId { high: 0, low: voter }, choices, cast_at_ms }
    }

    fn batch(ballots: &[Ballot]) -> Bytes {
        let mut builder = BatchBuilder::new(1);
        for ballot in ballots {
            builder.push(ballot);
        }
        Record::Batch(builder.finish()).encode()
    }

    fn close(clock_ms: i64) -> Bytes {
        Record::Close(Close { day: MONDAY, instant_ms: END_MS, clock_ms }).encode()
    }

    /// The outcome of every ballot of a log, and how the fold counted them.
    fn outcomes(log: &[Bytes]) -> (Vec<Outcome>, Outcomes) {
        let mut fold = Fold::new(JournalId([0; 16]), 0);
        let mut voters = VoterMap::new(100);
        for (value, offset) in log.iter().zip(0..) {
            fold.apply(offset, value, &mut voters).unwrap();
        }
        let snapshot = fold.snapshot();
        let mut found = Vec::new();
        for (value, offset) in log.iter().zip(0..) {
            let Ok(Record::Batch(batch)) = Record::decode(value) else { continue };
            for (ballot, index) in batch.ballots().zip(0..) {
                let place = Receipt { partition: 0, offset, index };
                let mut scan = OutcomeScan::new(snapshot.rules(), place, ballot);
                if scan.from_ms().is_some() {
                    let mut rest = log.iter().zip(0..);
                    while rest.next().is_some_and(|(value, offset)| scan.feed(offset, value)) {}
                }
                found.push(scan.outcome());
            }
        }
        (found, *fold.outcomes())
    }

    #[test]
    fn each_outcome_is_the_one_that_the_fold_counted() {
        let (found, counted) = outcomes(&[
            Record::Rules(rules()).encode(),
            batch(&[ballot(1, &[1, 2, 3], 5), ballot(1, &[1], 5), ballot(2, &[2], -1)]),
            batch(&[ballot(3, &[2], 6), ballot(1, &[3], 7), ballot(3, &[2], 8)]),
            close(END_MS),
            batch(&[ballot(4, &[1], 9), ballot(1, &[2], 9)]),
            close(END_MS + 10),
        ]);
        let first = |offset, index, choice| Outcome::Duplicate {
            counted: Receipt { partition: 0, offset, index },
            choices: [choice].into_iter().collect(),
        };
        let expected = [
            Outcome::Invalid,
            Outcome::Counted,
            Outcome::Outside,
            Outcome::Counted,
            first(1, 1, 1),
            first(2, 0, 2),
            Outcome::Counted,
            first(1, 1, 1),
        ];
        assert_eq!(found, expected);
        assert_eq!((counted.counted, counted.duplicate, counted.ignored), (3, 3, 1));
    }

    #[test]
    fn behind_the_close_a_ballot_is_late_whether_its_voter_was_counted_or_not() {
        let mut two_days = rules();
        let tuesday = VotingDay::new(2023, 12, 19).unwrap();
        two_days.days.push(Day { day: tuesday, start_ms: END_MS, end_ms: END_MS * 2 });
        let (found, counted) = outcomes(&[
            Record::Rules(two_days).encode(),
            batch(&[ballot(1, &[1], 5)]),
            close(END_MS + 10),
            batch(&[ballot(1, &[1], 6), ballot(2, &[1], 7), ballot(1, &[1], END_MS)]),
        ]);
        let expected = [Outcome::Counted, Outcome::Late, Outcome::Late, Outcome::Counted];
        assert_eq!(found, expected);
        assert_eq!((counted.counted, counted.late), (2, 2));
    }
}
