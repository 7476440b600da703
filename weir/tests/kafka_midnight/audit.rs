//! The log read whole, and counted twice: by the real fold, and by a plain count of this file that
//! knows nothing of it, whose places the ledger of the voters is held against.

use std::collections::{BTreeMap, BTreeSet};

use ballot::{Ballot, Fold, Receipt, Record, Rules, TallyDocument, VoterId, VoterMap, VotingDay};
use bytes::Bytes;
use journal::{Journal as _, Kafka, Reader as _};

use crate::kit::choices;
use crate::voters::{Answer, Attempt};

/// The values of each partition, from offset 0 to its end.
pub(crate) async fn read_log(journal: &Kafka) -> Vec<Vec<Bytes>> {
    let mut log = Vec::new();
    for partition in 0..journal.partitions() {
        let end = journal.bounds(partition).await.unwrap().end;
        let mut reader = journal.read(partition, 0);
        let mut values = Vec::new();
        while u64::try_from(values.len()) != Ok(end) {
            values.extend(reader.next().await.unwrap().into_iter().map(|record| record.value));
        }
        log.push(values);
    }
    log
}

/// The document that the real fold makes of the whole log.
pub(crate) fn recount(rules: &Rules, log: &[Vec<Bytes>]) -> Vec<u8> {
    let mut snapshots = Vec::new();
    for (values, partition) in log.iter().zip(0..) {
        let mut fold = Fold::new(rules.journal, partition);
        let mut voters = VoterMap::new(10_000);
        for (value, offset) in values.iter().zip(0..) {
            fold.apply(offset, value, &mut voters).unwrap();
        }
        snapshots.push(fold.snapshot());
    }
    TallyDocument::of(&snapshots.iter().collect::<Vec<_>>()).unwrap().to_json()
}

/// What became of a ballot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fate {
    Counted,
    Duplicate,
    Late,
    AfterFinal,
}

/// Every ballot of the log by its place, and where the days end in each partition.
#[derive(Debug, Default)]
pub(crate) struct Count {
    pub(crate) ballots: BTreeMap<Receipt, (Ballot, VotingDay, Fate)>,
    /// How many close records each partition has of each day.
    pub(crate) closes: BTreeMap<(u32, VotingDay), u64>,
}

impl Count {
    /// Counts the plain way. Every ballot of these stories is cast on one of the days.
    pub(crate) fn of(rules: &Rules, log: &[Vec<Bytes>]) -> Self {
        let last = rules.days.last().unwrap().day;
        let mut count = Self::default();
        for (values, partition) in log.iter().zip(0..) {
            let mut voted = BTreeSet::new();
            let mut closed = BTreeSet::new();
            for (value, offset) in values.iter().zip(0..) {
                match Record::decode(value).unwrap() {
                    Record::Rules(found) => assert_eq!((offset, &found), (0, rules)),
                    Record::Close(close) => {
                        let day = rules.days.iter().find(|day| day.day == close.day).unwrap();
                        assert!(close.clock_ms >= rules.closable_at_ms(day), "{close:?}");
                        closed.insert(close.day);
                        *count.closes.entry((partition, close.day)).or_default() += 1;
                    }
                    Record::Batch(batch) => {
                        for (ballot, index) in batch.ballots().zip(0..) {
                            let day = rules.day_at(ballot.cast_at_ms).unwrap().day;
                            let fate = if closed.contains(&last) {
                                Fate::AfterFinal
                            } else if closed.contains(&day) {
                                Fate::Late
                            } else if voted.insert((ballot.voter, day)) {
                                Fate::Counted
                            } else {
                                Fate::Duplicate
                            };
                            let receipt = Receipt { partition, offset, index };
                            count.ballots.insert(receipt, (ballot, day, fate));
                        }
                    }
                }
            }
        }
        count
    }

    /// How many ballots of a day have a fate.
    pub(crate) fn number(&self, day: VotingDay, fate: Fate) -> u64 {
        self.ballots.values().filter(|(_, on, of)| (*on, *of) == (day, fate)).count() as u64
    }

    /// How many voters count on both days.
    pub(crate) fn counted_on_both(&self, days: [VotingDay; 2]) -> usize {
        let [first, second] = days.map(|day| -> BTreeSet<VoterId> {
            let on_day =
                self.ballots.values().filter(|(_, on, of)| (*on, *of) == (day, Fate::Counted));
            on_day.map(|(ballot, ..)| ballot.voter).collect()
        });
        first.intersection(&second).count()
    }

    /// The document says what this count says.
    pub(crate) fn check_document(&self, document: &TallyDocument) {
        for day in &document.days {
            assert_eq!(day.ballots, self.number(day.day, Fate::Counted), "{day:?}");
            assert_eq!(day.duplicates, self.number(day.day, Fate::Duplicate), "{day:?}");
            assert_eq!(day.late, self.number(day.day, Fate::Late), "{day:?}");
            let counted = self
                .ballots
                .values()
                .filter(|(_, on, fate)| (*on, *fate) == (day.day, Fate::Counted));
            let votes = [1, 2].map(|choice| {
                let votes =
                    counted.clone().filter(|(ballot, ..)| ballot.choices == choices(choice));
                votes.count() as u64
            });
            assert_eq!(day.votes, votes, "{day:?}");
        }
    }

    /// Every acknowledged ballot is at its receipt, stamped by its edge's clock, in time; and a
    /// voter and day with one counts exactly once.
    pub(crate) fn check_acknowledged(&self, ledger: &Ledger<'_>) {
        let mut owed = BTreeSet::new();
        for attempt in ledger.attempts {
            let Answer::Accepted(receipt, day) = &attempt.answer else { continue };
            let (ballot, stamped, fate) = self.ballots.get(receipt).expect("what a receipt names");
            assert_eq!((ballot.voter, ballot.choices), (attempt.voter, choices(attempt.choice)));
            assert_eq!(stamped, day, "{attempt:?}: another day than the clock's");
            assert!(matches!(fate, Fate::Counted | Fate::Duplicate), "{fate:?}: {attempt:?}");
            let edges = ledger.edges_of(ballot);
            assert!(edges.contains(&attempt.edge), "{ballot:?} stamped by none of {edges:?}");
            owed.insert((ballot.voter, *day));
        }
        let mut counted = BTreeMap::new();
        for (ballot, day, fate) in self.ballots.values() {
            *counted.entry((ballot.voter, *day)).or_insert(0) += u64::from(*fate == Fate::Counted);
        }
        assert!(counted.values().all(|times| *times <= 1), "counted twice");
        for voter_day in owed {
            assert_eq!(counted.get(&voter_day), Some(&1), "{voter_day:?}");
        }
    }

    /// Every ballot in the log was sent by a voter, but for those of `strangers`.
    pub(crate) fn check_sent(&self, ledger: &Ledger<'_>, strangers: impl Fn(VoterId) -> bool) {
        for (ballot, ..) in self.ballots.values().filter(|(ballot, ..)| !strangers(ballot.voter)) {
            assert!(!ledger.edges_of(ballot).is_empty(), "nobody sent {ballot:?}");
        }
    }
}

/// The attempts of all voters.
#[derive(Debug)]
pub(crate) struct Ledger<'a> {
    attempts: &'a [Attempt],
    of_voter: BTreeMap<VoterId, Vec<&'a Attempt>>,
}

impl<'a> Ledger<'a> {
    pub(crate) fn new(attempts: &'a [Attempt]) -> Self {
        let mut of_voter: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for attempt in attempts {
            of_voter.entry(attempt.voter).or_default().push(attempt);
        }
        Self { attempts, of_voter }
    }

    /// The edges by whose clock this ballot's cast time lies between sending and answer.
    fn edges_of(&self, ballot: &Ballot) -> BTreeSet<usize> {
        let sent = self.of_voter.get(&ballot.voter).into_iter().flatten();
        let during = sent.filter(|attempt| {
            ballot.choices == choices(attempt.choice)
                && (attempt.sent_ms..=attempt.answered_ms).contains(&ballot.cast_at_ms)
        });
        during.map(|attempt| attempt.edge).collect()
    }

    /// How many were accepted by an edge for a day.
    pub(crate) fn accepted(&self, edge: usize, day: VotingDay) -> usize {
        let accepted = self.attempts.iter().filter(|attempt| {
            attempt.edge == edge && matches!(attempt.answer, Answer::Accepted(_, on) if on == day)
        });
        accepted.count()
    }

    /// An edge refuses as closed only what its own clock puts behind the day or the campaign, and
    /// otherwise only repeats with other choices and, safe to retry, what the journal did not take.
    pub(crate) fn check_refusals(&self, rules: &Rules) {
        for attempt in self.attempts {
            let Answer::Refused(status, code) = &attempt.answer else { continue };
            match (status, code.as_str()) {
                (403, "closed") => {
                    let meant = attempt.meant;
                    let day = rules.days.iter().find(|day| meant == Some(day.day));
                    let end_ms = day.map_or(rules.closes_at_ms(), |day| day.end_ms);
                    assert!(attempt.answered_ms >= end_ms, "{attempt:?}");
                }
                (409, "already_voted") => {
                    let known = self.of_voter[&attempt.voter]
                        .iter()
                        .any(|other| other.edge == attempt.edge && other.choice != attempt.choice);
                    assert!(known, "{attempt:?}: the edge knew no other ballot");
                }
                (503, "journal_unavailable") => {}
                _ => panic!("{attempt:?}"),
            }
        }
    }
}
