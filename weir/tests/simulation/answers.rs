//! What voters were told, held against the logs and the model.
//!
//! Both ways: what was said is so in the log, and what is in the log was said to somebody. An
//! attempt is known by its voter, choices and instant.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Weak;

use ballot::{Ballot, Receipt, Record, Rules, VoterId};
use bytes::Bytes;
use ingest::Cast;

use crate::model::Model;
use crate::voters::{Attempt, Fate, Heard, Known};

/// Voter, choices, instant.
type Key = (VoterId, Vec<u32>, i64);

fn key(ballot: &Ballot) -> Key {
    (ballot.voter, ballot.choices.iter().collect(), ballot.cast_at_ms)
}

/// How the world ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End<'a> {
    pub(crate) logs: &'a [Vec<journal::Record>],
    /// The newest rules.
    pub(crate) rules: &'a Rules,
    pub(crate) model: &'a Model,
}

impl End<'_> {
    /// Panics, saying where, unless every answer was right. Records in `smuggled` are nobody's.
    pub(crate) fn check(&self, heard: &Heard, smuggled: &[Bytes]) {
        let mut attempts: BTreeMap<Key, Vec<&Attempt>> = BTreeMap::new();
        for attempt in &heard.attempts {
            self.check_attempt(attempt);
            attempts.entry(key(&attempt.ballot)).or_default().push(attempt);
        }
        for key in self.written(smuggled) {
            let attempts = attempts.get(&key).map(Vec::as_slice).unwrap_or_default();
            assert!(!attempts.is_empty(), "{key:?} is in a log and nobody cast it");
            let perhaps = |attempt: &&Attempt| attempt.fate != Fate::Told(Cast::Refused);
            assert!(attempts.iter().any(perhaps), "{key:?} was refused and is in a log");
        }
        for known in &heard.known {
            self.check_known(known, &attempts);
        }
    }

    /// Every ballot that came through an edge. No record is older than what is in it: a seek by
    /// time would miss it.
    fn written(&self, smuggled: &[Bytes]) -> BTreeSet<Key> {
        let mut written = BTreeSet::new();
        for record in self.logs.iter().flatten() {
            let Ok(Record::Batch(batch)) = Record::decode(&record.value) else { continue };
            for ballot in batch.ballots() {
                let (at_ms, stamp_ms) = (ballot.cast_at_ms, record.timestamp_ms);
                assert!(at_ms <= stamp_ms, "a record of {stamp_ms} has a ballot of {at_ms}");
                if !smuggled.contains(&record.value) {
                    written.insert(key(&ballot));
                }
            }
        }
        written
    }

    fn ballot(&self, receipt: Receipt) -> Option<Ballot> {
        let log = self.logs.get(receipt.partition as usize)?;
        let record = log.get(usize::try_from(receipt.offset).ok()?)?;
        let Ok(Record::Batch(batch)) = Record::decode(&record.value) else { return None };
        batch.ballot(receipt.index as usize)
    }

    fn check_attempt(&self, attempt: &Attempt) {
        assert_ne!(attempt.fate, Fate::Open, "{attempt:?} was never answered");
        let Fate::Told(Cast::Durable(receipt)) = attempt.fate else { return };
        assert_eq!(self.ballot(receipt), Some(attempt.ballot), "{receipt} is another");
        let counted = self.model.counted.contains_key(&(attempt.day, attempt.ballot.voter));
        assert!(counted || !attempt.sound, "{attempt:?} is in time and not counted");
        assert!(counted || self.is_untimely(receipt), "{attempt:?} has no outcome");
    }

    fn is_untimely(&self, receipt: Receipt) -> bool {
        self.model.late.contains_key(&receipt) || self.model.outside.contains(&receipt)
    }

    /// The ballot an edge remembers is in the log, of this voter, day and choices, and somebody
    /// cast it there who was told so, or no longer waited when the journal did.
    fn check_known(&self, known: &Known, attempts: &BTreeMap<Key, Vec<&Attempt>>) {
        let receipt = known.ballot.receipt;
        let ballot = self.ballot(receipt);
        let ballot = ballot.unwrap_or_else(|| panic!("{known:?} is not in the log"));
        let day = self.rules.day_at(ballot.cast_at_ms).map(|day| day.day);
        assert_eq!(
            (ballot.voter, ballot.choices, day, known.ballot.day),
            (known.voter, known.ballot.choices, Some(known.day), known.day),
            "{known:?} is another"
        );
        let counted = self.model.counted.contains_key(&(known.day, known.voter));
        assert!(counted || self.is_untimely(receipt), "{known:?} has no outcome");
        let mut of_it = attempts[&key(&ballot)].iter();
        let acknowledged = of_it.any(|attempt| {
            let open = matches!(attempt.fate, Fate::HungUp | Fate::Told(Cast::InDoubt));
            let told = attempt.fate == Fate::Told(Cast::Durable(receipt));
            Weak::ptr_eq(&attempt.edge, &known.edge) && (open || told)
        });
        assert!(acknowledged, "{known:?} was acknowledged to nobody");
    }
}
