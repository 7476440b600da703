//! A batch of ballots in columns: how ballots travel in one record of the journal.
//!
//! Decoding never trusts a length: columns that do not match are refused whole.

use bytes::Bytes;

use crate::columns::{Columns, words};
use crate::wire;
use crate::{CHOICES_MAX, ChoiceSet, Risk, VoterId};

/// One voter's submission, stamped with its cast time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ballot {
    /// Who.
    pub voter: VoterId,
    /// What.
    pub choices: ChoiceSet,
    /// When the edge received it, milliseconds since 1970-01-01 UTC.
    pub cast_at_ms: i64,
}

/// Collects ballots into the columns of a record.
#[derive(Debug, Clone)]
pub struct BatchBuilder {
    words: usize,
    voter_high: Vec<u8>,
    voter_low: Vec<u8>,
    choices: Vec<u8>,
    cast_at_ms: Vec<u8>,
    /// A byte a ballot, or nothing as long as nothing is unusual.
    risk: Vec<u8>,
    latest_ms: i64,
}

impl BatchBuilder {
    /// An empty batch of a campaign whose choice sets take `words` words.
    #[must_use]
    pub fn new(words: usize) -> Self {
        Self {
            words: words.clamp(1, CHOICES_MAX / 64),
            voter_high: Vec::new(),
            voter_low: Vec::new(),
            choices: Vec::new(),
            cast_at_ms: Vec::new(),
            risk: Vec::new(),
            latest_ms: i64::MIN,
        }
    }

    /// Adds a ballot about which nothing is unusual, and answers its index.
    pub fn push(&mut self, ballot: &Ballot) -> u32 {
        self.push_noted(ballot, Risk::NONE)
    }

    /// Adds a ballot with what was noticed about it, and answers its index.
    pub fn push_noted(&mut self, ballot: &Ballot, risk: Risk) -> u32 {
        let index = self.len();
        if risk != Risk::NONE || !self.risk.is_empty() {
            self.risk.resize(self.voter_high.len() / 8, 0);
            self.risk.push(risk.bits());
        }
        self.voter_high.extend_from_slice(&ballot.voter.high.to_le_bytes());
        self.voter_low.extend_from_slice(&ballot.voter.low.to_le_bytes());
        for word in ballot.choices.words(self.words) {
            self.choices.extend_from_slice(&word.to_le_bytes());
        }
        self.cast_at_ms.extend_from_slice(&ballot.cast_at_ms.to_le_bytes());
        self.latest_ms = self.latest_ms.max(ballot.cast_at_ms);
        index
    }

    /// How many ballots are in.
    #[must_use]
    pub fn len(&self) -> u32 {
        u32::try_from(self.voter_high.len() / 8).unwrap_or(u32::MAX)
    }

    /// Whether none is in.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.voter_high.is_empty()
    }

    /// The latest cast time in it, the record's timestamp; `i64::MIN` when empty.
    #[must_use]
    pub const fn latest_ms(&self) -> i64 {
        self.latest_ms
    }

    /// The finished batch; cheap, the columns are handed over.
    #[must_use]
    pub fn finish(self) -> Batch {
        Batch {
            words: self.words,
            voter_high: self.voter_high.into(),
            voter_low: self.voter_low.into(),
            choices: self.choices.into(),
            cast_at_ms: self.cast_at_ms.into(),
            risk: self.risk.into(),
        }
    }
}

/// A batch as read from, or about to be written to, the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    words: usize,
    voter_high: Bytes,
    voter_low: Bytes,
    choices: Bytes,
    cast_at_ms: Bytes,
    /// A byte a ballot, or nothing. The fold never looks at it.
    risk: Bytes,
}

impl Batch {
    /// How many ballots are in it; at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.voter_high.len() / 8
    }

    /// Never: a record without ballots does not decode.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.voter_high.is_empty()
    }

    /// The ballot at an index.
    #[must_use]
    pub fn ballot(&self, index: usize) -> Option<Ballot> {
        self.ballots().nth(index)
    }

    /// The ballots in order.
    pub fn ballots(&self) -> impl ExactSizeIterator<Item = Ballot> + '_ {
        let columns = self.columns();
        columns.voters().zip(columns.choices()).zip(columns.cast_at_ms()).map(
            |((voter, chosen), cast_at_ms)| {
                let mut choices = ChoiceSet::new();
                choices.add(words(chosen));
                Ballot { voter, choices, cast_at_ms }
            },
        )
    }

    /// What was noticed about the ballot at an index.
    #[must_use]
    pub fn risk(&self, index: usize) -> Risk {
        self.risk.get(index).and_then(|bits| Risk::from_bits(*bits)).unwrap_or_default()
    }

    pub(crate) fn columns(&self) -> Columns<'_> {
        Columns {
            words: self.words,
            voter_high: &self.voter_high,
            voter_low: &self.voter_low,
            choices: &self.choices,
            cast_at_ms: &self.cast_at_ms,
        }
    }

    pub(crate) fn to_wire(&self) -> wire::Batch {
        wire::Batch {
            voter_high: vec![self.voter_high.clone()],
            voter_low: vec![self.voter_low.clone()],
            choices: vec![self.choices.clone()],
            cast_at_ms: vec![self.cast_at_ms.clone()],
            risk: if self.risk.is_empty() { vec![] } else { vec![self.risk.clone()] },
        }
    }

    pub(crate) fn from_wire(batch: wire::Batch) -> Option<Self> {
        let voter_high = whole(batch.voter_high)?;
        let voter_low = whole(batch.voter_low)?;
        let choices = whole(batch.choices)?;
        let cast_at_ms = whole(batch.cast_at_ms)?;
        let length = voter_high.len();
        let fits = length != 0
            && length % 8 == 0
            && voter_low.len() == length
            && cast_at_ms.len() == length
            && choices.len() % length == 0;
        let words = choices.len().checked_div(length)?;
        (fits && (1..=CHOICES_MAX / 64).contains(&words)).then_some(Self {
            words,
            voter_high,
            voter_low,
            choices,
            cast_at_ms,
            risk: risk(batch.risk, length / 8),
        })
    }
}

/// The signs of so many ballots. Any other column is as none at all: what does not count must not
/// make a batch malformed that a reader who does not know it would count.
fn risk(pieces: Vec<Bytes>, ballots: usize) -> Bytes {
    let is_signs =
        |column: &Bytes| column.len() == ballots && column.iter().all(|bits| *bits < 0x80);
    whole(pieces).filter(is_signs).unwrap_or_default()
}

/// A column, if it is there and in one piece.
fn whole(mut pieces: Vec<Bytes>) -> Option<Bytes> {
    let column = pieces.pop()?;
    pieces.is_empty().then_some(column)
}
