//! Counts of one partition: per day and choice, and per outcome.
//!
//! Counts only grow, and only by what the fold adds.

use std::collections::BTreeMap;

use crate::{ChoiceSet, VotingDay};

/// The counts of one voting day.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct DayTally {
    /// Ballots counted.
    pub ballots: u64,
    /// Valid ballots of voters who had been counted that day.
    pub duplicates: u64,
    /// Valid ballots behind the day's close.
    pub late: u64,
    /// Votes per choice, choice 1 first.
    pub votes: Vec<u64>,
}

impl DayTally {
    /// No counts yet, for this many choices.
    #[must_use]
    pub fn new(choices: u32) -> Self {
        Self { votes: vec![0; choices as usize], ..Self::default() }
    }

    /// Counts a ballot.
    pub fn count(&mut self, choices: &ChoiceSet) {
        self.ballots += 1;
        for number in choices.iter() {
            if let Some(votes) = self.votes.get_mut(number as usize - 1) {
                *votes += 1;
            }
        }
    }

    /// Adds another partition's counts of the same day.
    pub fn add(&mut self, other: &Self) {
        self.ballots += other.ballots;
        self.duplicates += other.duplicates;
        self.late += other.late;
        self.votes.resize(self.votes.len().max(other.votes.len()), 0);
        for (sum, votes) in self.votes.iter_mut().zip(&other.votes) {
            *sum += votes;
        }
    }
}

/// The counts of each day.
pub type Days = BTreeMap<VotingDay, DayTally>;

/// What became of ballots, records and all: exactly one outcome each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize)]
pub struct Outcomes {
    /// Ballots in the tally.
    pub counted: u64,
    /// Valid ballots of voters who had been counted that day.
    pub duplicate: u64,
    /// Valid ballots behind the day's close.
    pub late: u64,
    /// Ballots cast outside the window.
    pub outside: u64,
    /// Ballots with choices the rules do not allow.
    pub invalid: u64,
    /// Records of a known kind that do not decode; how many ballots they held is not known.
    pub malformed: u64,
    /// Ballots in a partition that is not their voter's.
    pub misrouted: u64,
    /// Close and rules records that did not take effect.
    pub ignored: u64,
}

impl Outcomes {
    /// Adds another partition's counts.
    pub fn add(&mut self, other: &Self) {
        self.counted += other.counted;
        self.duplicate += other.duplicate;
        self.late += other.late;
        self.outside += other.outside;
        self.invalid += other.invalid;
        self.malformed += other.malformed;
        self.misrouted += other.misrouted;
        self.ignored += other.ignored;
    }
}
