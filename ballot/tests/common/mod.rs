//! What the tests of this crate share: a small campaign of three voting days in four partitions,
//! and short ways to make its ballots and records.
//!
//! Everything is a constant or a function of its arguments: golden files depend on it.

#![allow(dead_code, reason = "each test crate uses a part of it")]

use ballot::{
    Applied, Ballot, BatchBuilder, ChoiceSet, Close, Day, FOLD_VERSION, Fold, JournalId, Record,
    Rules, VoterId, VoterMap, VotingDay, words_for,
};
use bytes::Bytes;

pub(crate) const JOURNAL: JournalId = JournalId(*b"\x00journal of test");
pub(crate) const PARTITIONS: u32 = 4;
/// The partition whose log the tests fold.
pub(crate) const PARTITION: u32 = 1;
pub(crate) const OPENS_MS: i64 = 1_702_864_800_000;
pub(crate) const DAY_MS: i64 = 1_000;
pub(crate) const GRACE_MS: u64 = 100;

/// The day with this index, whether the rules have it or not.
pub(crate) fn day(index: u32) -> VotingDay {
    VotingDay::new(2023, 12, 18 + index).expect("a day of December")
}

/// A whole voting day of [`DAY_MS`].
pub(crate) fn day_span(index: u32) -> Day {
    let start_ms = OPENS_MS + i64::from(index) * DAY_MS;
    Day { day: day(index), start_ms, end_ms: start_ms + DAY_MS }
}

/// One to three of 20 choices on three days.
pub(crate) fn rules() -> Rules {
    Rules {
        journal: JOURNAL,
        campaign: "spring".into(),
        partitions: PARTITIONS,
        choices: 20,
        choices_per_ballot_min: 1,
        choices_per_ballot_max: 3,
        days: (0..3).map(day_span).collect(),
        grace_ms: GRACE_MS,
        fold_version: FOLD_VERSION,
        pseudonym_key: *b"key fingerprint!",
    }
}

/// A voter of a partition. Two neighbours share their low half, the hash in voter sets.
pub(crate) fn voter(partition: u32, number: u32) -> VoterId {
    let high = (u64::from(partition) << 62) | (u64::from(number) << 8) | 0x5a;
    VoterId { high, low: u64::from(number / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15) }
}

/// A ballot of a voter of [`PARTITION`], `after_ms` after the opening.
pub(crate) fn ballot(number: u32, choices: &[u32], after_ms: i64) -> Ballot {
    Ballot {
        voter: voter(PARTITION, number),
        choices: choices.iter().copied().collect::<ChoiceSet>(),
        cast_at_ms: OPENS_MS + after_ms,
    }
}

/// A batch record's value.
pub(crate) fn batch_of(choices: u32, ballots: &[Ballot]) -> Bytes {
    let mut builder = BatchBuilder::new(words_for(choices));
    for ballot in ballots {
        builder.push(ballot);
    }
    Record::Batch(builder.finish()).encode()
}

/// A batch record's value in the campaign of [`rules`].
pub(crate) fn batch(ballots: &[Ballot]) -> Bytes {
    batch_of(20, ballots)
}

/// A rules record's value.
pub(crate) fn rules_record(rules: &Rules) -> Bytes {
    Record::Rules(rules.clone()).encode()
}

/// The earliest valid close record's value of a day of [`rules`].
pub(crate) fn close(index: u32) -> Bytes {
    Record::Close(valid_close(&day_span(index))).encode()
}

/// The earliest valid close of a day.
pub(crate) fn valid_close(day: &Day) -> Close {
    let clock_ms = day.end_ms + GRACE_MS.cast_signed();
    Close { day: day.day, instant_ms: day.end_ms, clock_ms }
}

/// Room for every voter a test may come up with.
pub(crate) fn voters() -> VoterMap {
    VoterMap::new(1_000)
}

/// The fold of these values, all of which are folded, from offset 0.
pub(crate) fn folded(partition: u32, values: &[Bytes]) -> Fold {
    let mut fold = Fold::new(JOURNAL, partition);
    let mut voters = voters();
    for (offset, value) in (0..).zip(values) {
        assert_eq!(fold.apply(offset, value, &mut voters), Ok(Applied::Folded), "at {offset}");
    }
    fold
}

/// The bytes of a golden file: hexadecimal, in lines.
pub(crate) fn golden(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| {
        let pair = std::str::from_utf8(pair).expect("hexadecimal is ASCII");
        u8::from_str_radix(pair, 16).expect("two hexadecimal digits")
    };
    digits.chunks(2).map(byte).collect::<Vec<_>>().into()
}

pub(crate) const GOLDEN_RULES: &str = include_str!("../golden/rules.hex");
pub(crate) const GOLDEN_BATCH: &str = include_str!("../golden/batch.hex");
pub(crate) const GOLDEN_BATCH_WIDE: &str = include_str!("../golden/batch_wide.hex");
pub(crate) const GOLDEN_CLOSE: &str = include_str!("../golden/close.hex");
pub(crate) const GOLDEN_SNAPSHOT: &str = include_str!("../golden/snapshot.hex");
