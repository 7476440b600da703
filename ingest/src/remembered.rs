//! What this edge remembers of ballots it has acknowledged, so that a voter who comes again gets a
//! certain answer at once. Bounded: of two generations the older is forgotten whole.
//!
//! Forgetting is always safe: the fold decides, this only spares the voter a wait.

use std::hash::BuildHasherDefault;

use ballot::{ChoiceSet, Receipt, VoterHasher, VoterId, VotingDay};
use hashbrown::HashMap;

/// An acknowledged ballot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Acknowledged {
    /// The voting day it was cast on.
    pub day: VotingDay,
    /// What was chosen.
    pub choices: ChoiceSet,
    /// Where it is.
    pub receipt: Receipt,
}

type Generation = HashMap<VoterId, Acknowledged, BuildHasherDefault<VoterHasher>>;

/// The newest acknowledged ballots of one partition.
#[derive(Debug)]
pub(crate) struct Remembered {
    young: Generation,
    old: Generation,
    generation_max: usize,
}

impl Remembered {
    /// Nothing remembered; at most `voters_max` voters to be.
    pub(crate) fn new(voters_max: usize) -> Self {
        let generation_max = (voters_max / 2).max(1);
        Self { young: Generation::default(), old: Generation::default(), generation_max }
    }

    /// Remembers a ballot. Of two of one voter and day the first stays: it is the one that counts.
    pub(crate) fn remember(&mut self, voter: VoterId, ballot: Acknowledged) {
        if self.find(voter, ballot.day).is_some() {
            return;
        }
        if self.young.len() >= self.generation_max {
            // The memory of the older is used again.
            std::mem::swap(&mut self.old, &mut self.young);
            self.young.clear();
        }
        self.young.insert(voter, ballot);
    }

    /// The voter's acknowledged ballot of a day.
    pub(crate) fn find(&self, voter: VoterId, day: VotingDay) -> Option<Acknowledged> {
        let found = self.young.get(&voter).or_else(|| self.old.get(&voter));
        found.copied().filter(|ballot| ballot.day == day)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ballot(day: u32, offset: u64) -> Acknowledged {
        Acknowledged {
            day: VotingDay::from_number(day).unwrap(),
            choices: ChoiceSet::new(),
            receipt: Receipt { partition: 0, offset, index: 0 },
        }
    }

    const VOTER: VoterId = VoterId { high: 0, low: 0 };

    #[test]
    fn the_first_ballot_of_a_day_stays_and_another_day_replaces_it() {
        let mut remembered = Remembered::new(4);
        let (first, second, next) =
            (ballot(20_231_218, 1), ballot(20_231_218, 2), ballot(20_231_219, 3));
        remembered.remember(VOTER, first);
        remembered.remember(VOTER, second);
        assert_eq!(remembered.find(VOTER, first.day), Some(first));
        remembered.remember(VOTER, next);
        assert_eq!(remembered.find(VOTER, first.day), None);
        assert_eq!(remembered.find(VOTER, next.day), Some(next));
    }

    #[test]
    fn never_more_are_remembered_than_the_bound_and_the_newest_half_always_is() {
        let mut remembered = Remembered::new(100);
        let day = ballot(20_231_218, 0).day;
        for low in 0..1_000 {
            remembered.remember(VoterId { high: 0, low }, ballot(20_231_218, low));
            assert!(remembered.young.len() + remembered.old.len() <= 100);
            for recent in low.saturating_sub(49)..=low {
                assert!(remembered.find(VoterId { high: 0, low: recent }, day).is_some());
            }
        }
    }
}
