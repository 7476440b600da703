//! Who is waited for: ballots whose body was not there with its header, each of which holds a
//! permit until it comes.
//!
//! Invariant: they hold a quarter of a campaign's permits at most, and one voter a few, so that
//! whoever sends headers only cannot keep out those who vote. The map is no larger than the bound.
//! Never here: anything on the way of a ballot that arrives whole.

use std::hash::BuildHasherDefault;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ballot::{VoterHasher, VoterId};
use hashbrown::HashMap;

use crate::problem::Problem;
use crate::refusal::Refusal;

/// How many slow bodies a voter may have: a try and its retry, on two devices.
const OF_A_VOTER_MAX: u32 = 4;
/// What part of the permits slow bodies may hold. A body that is waited for costs a round trip
/// (100 ms) or, if it never comes, the body's deadline (10 s); one that is there costs the journal
/// some milliseconds, so three quarters are enough for those.
const PART_OF_PERMITS: usize = 4;

/// The slow bodies of one campaign.
#[derive(Debug)]
pub(crate) struct SlowBodies {
    waiting: Mutex<Waiting>,
    total_max: usize,
}

#[derive(Debug, Default)]
struct Waiting {
    total: usize,
    of_voter: HashMap<VoterId, u32, BuildHasherDefault<VoterHasher>>,
}

impl SlowBodies {
    /// None yet, of a campaign with so many permits.
    pub(crate) fn new(permits: usize) -> Self {
        Self { waiting: Mutex::default(), total_max: (permits / PART_OF_PERMITS).max(1) }
    }

    /// The right to wait for a body of this voter.
    ///
    /// # Errors
    /// [`Problem::RateLimited`] if the voter has too many, [`Problem::Overloaded`] if all have.
    pub(crate) fn wait_for(&self, voter: VoterId) -> Result<Slot<'_>, Refusal> {
        let mut waiting = self.waiting();
        if waiting.of_voter.get(&voter).is_some_and(|slots| *slots >= OF_A_VOTER_MAX) {
            return Err(Problem::RateLimited.because(
                "Too many ballots of yours are still arriving. Please try again soon.",
                "您有多张选票仍在提交中，请稍后再试。",
            ));
        }
        if waiting.total >= self.total_max {
            return Err(Problem::Overloaded.into());
        }
        waiting.total += 1;
        *waiting.of_voter.entry(voter).or_default() += 1;
        Ok(Slot { bodies: self, voter })
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The right to wait for one body, until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot<'a> {
    bodies: &'a SlowBodies,
    voter: VoterId,
}

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        let mut waiting = self.bodies.waiting();
        waiting.total -= 1;
        let Some(slots) = waiting.of_voter.get_mut(&self.voter) else { return };
        *slots -= 1;
        if *slots == 0 {
            waiting.of_voter.remove(&self.voter);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bodies: &SlowBodies, low: u64) -> Option<Problem> {
        bodies.wait_for(VoterId { high: 0, low }).err().map(|refusal| refusal.problem)
    }

    #[test]
    fn a_voter_gets_four_slots_all_together_a_quarter_of_the_permits_and_each_comes_back() {
        let bodies = SlowBodies::new(24);
        let hold = |low| bodies.wait_for(VoterId { high: 0, low }).unwrap();
        let mut held: Vec<_> = (0..4).map(|_| hold(1)).collect();
        assert_eq!(refused(&bodies, 1), Some(Problem::RateLimited));
        held.extend([hold(2), hold(3)]);
        assert_eq!(refused(&bodies, 2), Some(Problem::Overloaded));
        held.remove(0);
        assert_eq!(refused(&bodies, 1), None);
        drop(held);
        let waiting = bodies.waiting();
        assert_eq!((waiting.total, waiting.of_voter.len()), (0, 0), "nothing is kept");
    }

    #[test]
    fn a_campaign_of_few_permits_may_still_wait_for_one_body() {
        let bodies = SlowBodies::new(3);
        let _held = bodies.wait_for(VoterId { high: 0, low: 1 }).unwrap();
        assert_eq!(refused(&bodies, 2), Some(Problem::Overloaded));
    }
}
