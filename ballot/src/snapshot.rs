//! A snapshot: the fold of one partition up to its frontier, as bytes that can be published and
//! resumed from. It says which journal and rules it is of, so that it is never taken for another's.

use std::collections::BTreeSet;

use bytes::Bytes;
use prost::Message;

use crate::wire::{self, VERSION};
use crate::{
    DayTally, Digest, FOLD_VERSION, Fold, Hash, JournalId, Outcomes, RULES_MAX, Record, Rules,
    VotingDay,
};

/// The most a count or an offset may be: far beyond any log, exact in JSON, and still without
/// overflow when the counts of all partitions are added.
const COUNT_MAX: u64 = 1 << 53;

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
    /// [`NotASnapshot`] if they are of another version or fold version, damaged, or no fold could
    /// have made them.
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
            outcomes: outcomes_from_wire(&snapshot.outcomes?),
            closed: closed.collect::<Option<_>>()?,
            digest: Digest::from_edge(snapshot.frontier, edge.collect::<Option<_>>()?)?,
        };
        let hash = fold.rules().map(|rules| rules.hash().to_vec()).unwrap_or_default();
        let sound = snapshot.version == VERSION
            && hash == snapshot.rules_hash
            && snapshot.days.len() == fold.days.len()
            && rules_lead_to(&fold)
            && counts_add_up(&fold);
        sound.then_some(Self(fold))
    }
}

/// Whether a fold of this partition can have these rules in force at its frontier.
fn rules_lead_to(fold: &Fold) -> bool {
    let Some((0, first)) = fold.rules.first() else {
        return fold.rules.is_empty() && fold.frontier == 0;
    };
    let in_order = fold.rules.windows(2).all(|pair| {
        let ((was_at, was), (is_at, is)) = (&pair[0], &pair[1]);
        was_at < is_at && was.may_become(is)
    });
    first.journal == fold.journal
        && first.fold_version == FOLD_VERSION
        && fold.partition < first.partitions
        && in_order
        && fold.rules.len() <= RULES_MAX
        && fold.rules.last().is_some_and(|(at, _)| *at < fold.frontier)
}

/// Whether the counts are of the rules' days and choices, and those of the days add up to the
/// outcomes.
fn counts_add_up(fold: &Fold) -> bool {
    let days = fold.rules().map(|rules| rules.days.as_slice()).unwrap_or_default();
    let choices = fold.rules().map_or(0, |rules| rules.choices as usize);
    let sum = |count: fn(&DayTally) -> u64| {
        fold.days.values().try_fold(0u64, |sum, tally| sum.checked_add(count(tally)))
    };
    let outcomes = &fold.outcomes;
    let others = [outcomes.outside, outcomes.invalid, outcomes.malformed, outcomes.misrouted];
    let days_add_up = [
        (sum(|tally| tally.ballots), outcomes.counted),
        (sum(|tally| tally.duplicates), outcomes.duplicate),
        (sum(|tally| tally.late), outcomes.late),
    ];
    days.iter().map(|day| day.day).eq(fold.days.keys().copied())
        && fold.closed.iter().all(|day| fold.days.contains_key(day))
        && fold.days.values().all(|tally| {
            tally.votes.len() == choices && tally.votes.iter().all(|n| *n <= tally.ballots)
        })
        && days_add_up.iter().all(|(sum, total)| *sum == Some(*total) && *total <= COUNT_MAX)
        && others.iter().chain([&outcomes.ignored, &fold.frontier]).all(|n| *n <= COUNT_MAX)
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
