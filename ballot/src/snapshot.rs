//! A snapshot: the fold of one partition up to its frontier, as bytes that can be published and
//! resumed from. It says which journal and rules it is of, so that it is never taken for another's.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;

use crate::wire::{self, VERSION};
use crate::{DayTally, Digest, Fold, Hash, JournalId, Outcomes, Record, Rules, VotingDay};

/// The fold of the records below `frontier`, and of nothing else.
#[derive(Debug, Clone)]
pub struct Snapshot(Fold);

/// The bytes are not a snapshot that this program can use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a snapshot of a version this program knows")]
pub struct NotASnapshot;

impl Snapshot {
    pub(crate) fn of(fold: &Fold) -> Self {
        Self(fold.clone())
    }

    /// The fold to go on from.
    #[must_use]
    pub fn resume(&self) -> Fold {
        self.0.clone()
    }

    /// The state; everything readable of a fold is readable of its snapshot.
    #[must_use]
    pub const fn fold(&self) -> &Fold {
        &self.0
    }

    /// The journal it is of.
    #[must_use]
    pub const fn journal(&self) -> JournalId {
        self.0.journal
    }

    /// The partition it is of.
    #[must_use]
    pub const fn partition(&self) -> u32 {
        self.0.partition
    }

    /// The offset of the first record not in it.
    #[must_use]
    pub const fn frontier(&self) -> u64 {
        self.0.frontier
    }

    /// The rules that took effect, oldest first, with the offset of each.
    #[must_use]
    pub fn rules(&self) -> &[(u64, Rules)] {
        &self.0.rules
    }

    /// The days closed.
    #[must_use]
    pub const fn closed(&self) -> &BTreeSet<VotingDay> {
        &self.0.closed
    }

    /// The RFC 6962 tree head over the records below the frontier.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.0.digest.head()
    }

    /// Canonical bytes: the same fold gives the same bytes.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let fold = &self.0;
        let at = |(offset, rules): &(u64, Rules)| wire::RulesAt {
            offset: *offset,
            record: Record::Rules(rules.clone()).encode(),
        };
        let day = |(day, tally): (&VotingDay, &DayTally)| wire::DayTally {
            day: day.number(),
            ballots: tally.ballots,
            duplicates: tally.duplicates,
            late: tally.late,
            votes: tally.votes.clone(),
        };
        let snapshot = wire::Snapshot {
            version: VERSION,
            journal: fold.journal.0.to_vec(),
            partition: fold.partition,
            frontier: fold.frontier,
            rules_hash: fold.rules().map(|rules| rules.hash().to_vec()).unwrap_or_default(),
            rules: fold.rules.iter().map(at).collect(),
            days: fold.days.iter().map(day).collect(),
            outcomes: Some(outcomes_to_wire(&fold.outcomes)),
            closed_days: fold.closed.iter().map(|day| day.number()).collect(),
            digest_edge: fold.digest.edge().iter().map(|hash| hash.to_vec()).collect(),
        };
        snapshot.encode_to_vec().into()
    }

    /// Reads a snapshot's bytes.
    ///
    /// # Errors
    /// [`NotASnapshot`] if they are of another version, damaged, or do not fit together.
    pub fn decode(value: &Bytes) -> Result<Self, NotASnapshot> {
        Self::read(value).ok_or(NotASnapshot)
    }

    fn read(value: &Bytes) -> Option<Self> {
        let snapshot = wire::Snapshot::decode(value.clone()).ok()?;
        let at = |at: &wire::RulesAt| match Record::decode(&at.record) {
            Ok(Record::Rules(rules)) => Some((at.offset, rules)),
            Ok(Record::Batch(_) | Record::Close(_)) | Err(_) => None,
        };
        let day = |day: &wire::DayTally| {
            let tally = DayTally {
                ballots: day.ballots,
                duplicates: day.duplicates,
                late: day.late,
                votes: day.votes.clone(),
            };
            Some((VotingDay::from_number(day.day)?, tally))
        };
        let edge = snapshot.digest_edge.into_iter().map(|hash| Hash::try_from(hash).ok());
        let closed = snapshot.closed_days.iter().map(|day| VotingDay::from_number(*day));
        let fold = Fold {
            journal: JournalId(snapshot.journal.try_into().ok()?),
            partition: snapshot.partition,
            frontier: snapshot.frontier,
            rules: snapshot.rules.iter().map(at).collect::<Option<_>>()?,
            days: snapshot.days.iter().map(day).collect::<Option<_>>()?,
            outcomes: outcomes_from_wire(&snapshot.outcomes.unwrap_or_default()),
            closed: closed.collect::<Option<_>>()?,
            digest: Digest::from_edge(snapshot.frontier, edge.collect::<Option<_>>()?)?,
        };
        let hash = fold.rules().map(|rules| rules.hash().to_vec()).unwrap_or_default();
        let sound = snapshot.version == VERSION && hash == snapshot.rules_hash;
        sound.then_some(Self(fold))
    }
}

const fn outcomes_to_wire(outcomes: &Outcomes) -> wire::Outcomes {
    wire::Outcomes {
        counted: outcomes.counted,
        duplicate: outcomes.duplicate,
        late: outcomes.late,
        outside: outcomes.outside,
        invalid: outcomes.invalid,
        malformed: outcomes.malformed,
        misrouted: outcomes.misrouted,
        ignored: outcomes.ignored,
    }
}

const fn outcomes_from_wire(outcomes: &wire::Outcomes) -> Outcomes {
    Outcomes {
        counted: outcomes.counted,
        duplicate: outcomes.duplicate,
        late: outcomes.late,
        outside: outcomes.outside,
        invalid: outcomes.invalid,
        malformed: outcomes.malformed,
        misrouted: outcomes.misrouted,
        ignored: outcomes.ignored,
    }
}
