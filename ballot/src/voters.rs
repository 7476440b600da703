//! The voter sets of a partition as the fold sees them, and how large they have to be.
//!
//! A set never evicts: one that is full stops its partition, so it is made large enough before.

use std::hash::{Hash, Hasher};

use crate::{VoterId, VoterSet, VotingDay};

/// The voter sets of one partition, one per open day. The fold sees nothing else of how they are
/// kept.
pub trait Voters {
    /// Runs `work` on the set of a day, made empty if it is not there.
    fn with_day<R>(&mut self, day: VotingDay, work: impl FnOnce(&mut VoterSet) -> R) -> R;

    /// Forgets a day, which is closed.
    fn drop_day(&mut self, day: VotingDay);
}

/// Voter sets in a plain map: for recounts and tests.
#[derive(Debug)]
pub struct VoterMap {
    days: std::collections::BTreeMap<VotingDay, VoterSet>,
    limit: usize,
}

impl VoterMap {
    /// No sets; each to be made holds up to `limit` voters.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { days: std::collections::BTreeMap::new(), limit }
    }
}

impl Voters for VoterMap {
    fn with_day<R>(&mut self, day: VotingDay, work: impl FnOnce(&mut VoterSet) -> R) -> R {
        work(self.days.entry(day).or_insert_with(|| VoterSet::new(self.limit)))
    }

    fn drop_day(&mut self, day: VotingDay) {
        self.days.remove(&day);
    }
}

/// The share of one partition of `total` voters: the mean, an eighth more, and a constant for small
/// numbers. Pseudonyms are uniform, so a partition strays from the mean by a few standard
/// deviations at most: at 16 partitions of 1,000,000 voters one is 242.
#[must_use]
pub fn voters_per_partition(total: u64, partitions: u32) -> usize {
    let mean = total.div_ceil(u64::from(partitions.max(1)));
    usize::try_from(mean + mean / 8 + 256).unwrap_or(usize::MAX)
}

/// The hasher of maps keyed by voter: takes the low half of the id as it is.
#[derive(Debug, Clone, Copy, Default)]
pub struct VoterHasher(u64);

impl Hasher for VoterHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("a voter id is hashed by write_u64 alone");
    }

    fn write_u64(&mut self, low: u64) {
        self.0 = low;
    }
}

impl Hash for VoterId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.low);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_partition_gets_its_share_and_some_room() {
        assert_eq!(voters_per_partition(2_000_000, 16), 125_000 + 15_625 + 256);
        assert_eq!(voters_per_partition(1, 16), 257);
    }
}
