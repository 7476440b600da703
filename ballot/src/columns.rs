//! The ballots of a batch as their columns have them, 64 at a time: what the fold reads of a batch
//! that is valid as a whole, and how such ballots are added up.
//!
//! Columns are in step: the batch was refused otherwise.

use std::slice::ChunksExact;

use crate::{DayTally, VoterId};

/// How many ballots are looked at together: as many as a word has bits.
const BLOCK: usize = 64;

/// Ballots in a row, by columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Columns<'a> {
    /// Words of a choice set.
    pub(crate) words: usize,
    pub(crate) voter_high: &'a [u8],
    pub(crate) voter_low: &'a [u8],
    pub(crate) choices: &'a [u8],
    pub(crate) cast_at_ms: &'a [u8],
}

impl<'a> Columns<'a> {
    /// The same in blocks of 64 ballots, the last of fewer.
    pub(crate) fn blocks(self) -> impl Iterator<Item = Self> {
        let voters = self.voter_high.chunks(BLOCK * 8).zip(self.voter_low.chunks(BLOCK * 8));
        let choices = self.choices.chunks(BLOCK * 8 * self.words);
        let rest = choices.zip(self.cast_at_ms.chunks(BLOCK * 8));
        voters.zip(rest).map(move |((voter_high, voter_low), (choices, cast_at_ms))| Self {
            words: self.words,
            voter_high,
            voter_low,
            choices,
            cast_at_ms,
        })
    }

    pub(crate) fn voters(&self) -> impl ExactSizeIterator<Item = VoterId> + Clone + use<'a> {
        let halves = words(self.voter_high).zip(words(self.voter_low));
        halves.map(|(high, low)| VoterId { high, low })
    }

    /// Each ballot's choices, eight to a byte.
    pub(crate) fn choices(&self) -> ChunksExact<'a, u8> {
        self.choices.chunks_exact(8 * self.words)
    }

    pub(crate) fn cast_at_ms(&self) -> impl ExactSizeIterator<Item = i64> + use<'a> {
        words(self.cast_at_ms).map(u64::cast_signed)
    }

    /// Counts a block: bit `i` of `new` says whether the voter of its `i`th ballot is new.
    pub(crate) fn count(&self, new: u64, tally: &mut DayTally) {
        let counted = u64::from(new.count_ones());
        tally.ballots += counted;
        tally.duplicates += self.voters().len() as u64 - counted;
        // Eight choices at a time, whose sums are the bytes of a word: none exceeds 64. No branch
        // depends on a ballot; which choices it has nobody could foresee.
        for (byte, votes) in tally.votes.chunks_mut(8).enumerate() {
            let chosen = self.choices().map(|set| set.get(byte).copied().unwrap_or(0));
            let sums = chosen.enumerate().map(|(at, bits)| spread(bits) * (new >> at & 1));
            for (votes, sum) in votes.iter_mut().zip(sums.sum::<u64>().to_le_bytes()) {
                *votes += u64::from(sum);
            }
        }
    }
}

/// The little-endian words of a column.
pub(crate) fn words(column: &[u8]) -> impl ExactSizeIterator<Item = u64> + Clone + '_ {
    column.chunks_exact(8).map(|chunk| {
        let mut word = [0; 8];
        word.copy_from_slice(chunk);
        u64::from_le_bytes(word)
    })
}

/// The bits of a byte, each in a byte of its own, the lowest first.
const fn spread(bits: u8) -> u64 {
    // Byte `i` keeps bit `i` of a copy; adding 127 carries whichever it is to the top.
    let kept = (bits as u64 * 0x0101_0101_0101_0101) & 0x8040_2010_0804_0201;
    ((kept + 0x7f7f_7f7f_7f7f_7f7f) >> 7) & 0x0101_0101_0101_0101
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_spread_bit_by_bit() {
        for bits in 0..=u8::MAX {
            assert_eq!(spread(bits).to_le_bytes(), std::array::from_fn(|at| bits >> at & 1));
        }
    }
}
