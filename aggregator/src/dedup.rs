//! Who has voted, for every partition this process works on: voter sets in one dashmap.
//!
//! A set belongs to one assignment and one day, and an assignment is never reused: whatever a
//! former owner in this process left behind, a new one begins with empty sets. Guards never leave
//! this module, and nothing here is `async`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use ballot::{VoterSet, Voters, VotingDay};
use dashmap::DashMap;

/// One stretch of work on one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Assignment {
    partition: u32,
    generation: u64,
}

/// The voter sets of all assignments of a process.
#[derive(Debug, Clone)]
pub struct VoterSets {
    sets: Arc<DashMap<(Assignment, VotingDay), VoterSet>>,
    generations: Arc<AtomicU64>,
    voters_max: usize,
}

impl VoterSets {
    /// No sets. Each to come holds up to `voters_max` voters: one partition's share of a day.
    #[must_use]
    pub fn new(voters_max: usize) -> Self {
        Self { sets: Arc::default(), generations: Arc::default(), voters_max }
    }

    /// Empty sets for a new stretch of work on a partition. They go when the value is dropped.
    #[must_use]
    pub fn assign(&self, partition: u32) -> AssignedVoters {
        // Relaxed: only uniqueness is wanted, nothing is published with the number.
        let generation = self.generations.fetch_add(1, Ordering::Relaxed);
        self.assignment(partition, generation)
    }

    /// Planted: every assignment of a partition gets the same sets, and leaves them behind.
    #[cfg(feature = "planted")]
    pub(crate) fn assign_shared(&self, partition: u32) -> AssignedVoters {
        let mut assigned = self.assignment(partition, u64::MAX);
        assigned.kept = true;
        assigned
    }

    /// Voters marked and bytes reserved, over all sets of a partition.
    #[must_use]
    pub fn size(&self, partition: u32) -> (usize, usize) {
        let mine = self.sets.iter().filter(|entry| entry.key().0.partition == partition);
        mine.fold((0, 0), |(voters, bytes), entry| (voters + entry.len(), bytes + entry.bytes()))
    }

    fn assignment(&self, partition: u32, generation: u64) -> AssignedVoters {
        AssignedVoters {
            sets: Arc::clone(&self.sets),
            assignment: Assignment { partition, generation },
            voters_max: self.voters_max,
            kept: false,
        }
    }
}

/// The voter sets of one assignment: what the fold of its partition sees.
#[derive(Debug)]
pub struct AssignedVoters {
    sets: Arc<DashMap<(Assignment, VotingDay), VoterSet>>,
    assignment: Assignment,
    voters_max: usize,
    kept: bool,
}

impl Voters for AssignedVoters {
    fn with_day<R>(&mut self, day: VotingDay, work: impl FnOnce(&mut VoterSet) -> R) -> R {
        let key = (self.assignment, day);
        let mut set = self.sets.entry(key).or_insert_with(|| VoterSet::new(self.voters_max));
        work(&mut set)
    }

    fn drop_day(&mut self, day: VotingDay) {
        self.sets.remove(&(self.assignment, day));
    }
}

impl Drop for AssignedVoters {
    fn drop(&mut self) {
        if !self.kept {
            self.sets.retain(|(assignment, _), _| *assignment != self.assignment);
        }
    }
}

#[cfg(test)]
mod tests {
    use ballot::VoterId;

    use super::*;

    #[test]
    fn a_new_assignment_of_a_partition_begins_empty_and_the_old_one_takes_only_its_own_along() {
        let sets = VoterSets::new(10);
        let day = VotingDay::new(2023, 12, 18).unwrap();
        let voter = VoterId { high: 1, low: 1 };
        let (mut old, mut new) = (sets.assign(3), sets.assign(3));
        assert!(old.with_day(day, |set| set.insert(voter)));
        assert!(new.with_day(day, |set| set.insert(voter)));
        drop(old);
        assert_eq!(sets.size(3).0, 1);
        assert!(!new.with_day(day, |set| set.insert(voter)));
        new.drop_day(day);
        assert_eq!(sets.size(3), (0, 0));
    }
}
