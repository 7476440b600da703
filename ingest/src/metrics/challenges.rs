//! What became of ballots whose voters had to meet the campaign's challenge, by campaign.
//!
//! Invariant: every campaign and outcome has its series from the start, also where there is no
//! challenge; a ballot is counted once each time it is sent. Never here: who it was.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::{CAMPAIGN, CHALLENGE_OUTCOMES, CHALLENGES, OUTCOME};

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChallengeOutcome {
    /// It came without a solution, and its voter was asked for one.
    Asked,
    /// Its solution holds.
    Solved,
    /// Its solution does not hold: asked again.
    Wrong,
    /// Its solution came too late, or for the second time: asked again.
    Expired,
    /// Nobody could say whether its solution holds: it passed.
    Unreachable,
}

/// The counters of one campaign.
#[derive(Debug)]
pub(crate) struct ChallengeCounts([IntCounter; CHALLENGE_OUTCOMES.len()]);

impl ChallengeCounts {
    /// For each of these campaigns, registered.
    pub(crate) fn of<'a>(
        registry: &Registry,
        campaigns: impl Iterator<Item = &'a str>,
    ) -> prometheus::Result<Vec<Self>> {
        let opts = Opts::new(CHALLENGES, "Ballots that had to meet the campaign's challenge.");
        let counts = IntCounterVec::new(opts, &[CAMPAIGN, OUTCOME])?;
        registry.register(Box::new(counts.clone()))?;
        let of = |id| Self(CHALLENGE_OUTCOMES.map(|name| counts.with_label_values(&[id, name])));
        Ok(campaigns.map(of).collect())
    }

    /// Counts one.
    pub(crate) fn count(&self, outcome: ChallengeOutcome) {
        self.0[outcome as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_the_place_of_its_own_name() {
        for (outcome, name) in [
            (ChallengeOutcome::Asked, "asked"),
            (ChallengeOutcome::Solved, "solved"),
            (ChallengeOutcome::Wrong, "wrong"),
            (ChallengeOutcome::Expired, "expired"),
            (ChallengeOutcome::Unreachable, "unreachable"),
        ] {
            assert_eq!(CHALLENGE_OUTCOMES[outcome as usize], name);
        }
    }
}
