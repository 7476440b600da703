//! A record of the journal: rules, batch or close, and how it is told apart from what is unknown.
//!
//! The first four bytes say version and kind. An unknown one is never guessed at, a known one that
//! does not decode is malformed: the two have different consequences (the partition stops; the
//! record is counted and passed).

use bytes::Bytes;
use prost::Message;

use crate::rules::Rules;
use crate::wire::{self, VERSION};
use crate::{Batch, VotingDay};

const RULES: u32 = 1;
const BATCH: u32 = 2;
const CLOSE: u32 = 3;

/// What a record's value says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// What the fold depends on, from this offset on.
    Rules(Rules),
    /// Ballots.
    Batch(Batch),
    /// The end of a voting day.
    Close(Close),
}

/// The end of a voting day in one partition: of the day's ballots only those before it count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close {
    /// The day.
    pub day: VotingDay,
    /// The day's end as the rules have it, milliseconds since 1970-01-01 UTC.
    pub instant_ms: i64,
    /// The writer's clock, milliseconds since 1970-01-01 UTC.
    pub clock_ms: i64,
}

/// Why a value is not a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// A version or kind this program does not know, or rules with something in them that it does
    /// not know. What follows cannot be counted without it.
    #[error("a record of unknown kind or version")]
    Unknown,
    /// A known kind that does not decode.
    #[error("a record that does not decode")]
    Malformed,
}

impl Record {
    /// The record's value: canonical, the same bytes on every machine.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let mut record = wire::Record { version: VERSION, ..Default::default() };
        match self {
            Self::Rules(rules) => {
                record.kind = RULES;
                record.rules = Some(rules.to_wire());
            }
            Self::Batch(batch) => {
                record.kind = BATCH;
                record.batch = Some(batch.to_wire());
            }
            Self::Close(close) => {
                record.kind = CLOSE;
                record.close = Some(wire::Close {
                    day: close.day.number(),
                    instant_ms: close.instant_ms,
                    clock_ms: close.clock_ms,
                });
            }
        }
        record.encode_to_vec().into()
    }

    /// Reads a record's value.
    ///
    /// # Errors
    /// [`RecordError`]. Rules must be in canonical bytes: a field that is not known here may change
    /// what counts, so it is [`RecordError::Unknown`].
    pub fn decode(value: &Bytes) -> Result<Self, RecordError> {
        let kind = kind(value).ok_or(RecordError::Unknown)?;
        let record = wire::Record::decode(value.clone());
        if kind == RULES {
            let rules = record.ok().and_then(|record| Rules::from_wire(record.rules?));
            let record = rules.map(Self::Rules).ok_or(RecordError::Unknown)?;
            return if record.encode() == *value { Ok(record) } else { Err(RecordError::Unknown) };
        }
        let record = record.map_err(|_| RecordError::Malformed)?;
        if (record.version, record.kind) != (VERSION, kind) {
            return Err(RecordError::Malformed);
        }
        let decoded = if kind == BATCH {
            record.batch.and_then(Batch::from_wire).map(Self::Batch)
        } else {
            record.close.and_then(close_from_wire).map(Self::Close)
        };
        decoded.ok_or(RecordError::Malformed)
    }

    /// Whether a value is a rules record, by its first bytes alone.
    #[must_use]
    pub fn is_rules(value: &[u8]) -> bool {
        kind(value) == Some(RULES)
    }
}

fn kind(value: &[u8]) -> Option<u32> {
    match value {
        [0x08, version, 0x10, kind, ..] if u32::from(*version) == VERSION => {
            let kind = u32::from(*kind);
            matches!(kind, RULES | BATCH | CLOSE).then_some(kind)
        }
        [..] => None,
    }
}

fn close_from_wire(close: wire::Close) -> Option<Close> {
    let day = VotingDay::from_number(close.day)?;
    Some(Close { day, instant_ms: close.instant_ms, clock_ms: close.clock_ms })
}
