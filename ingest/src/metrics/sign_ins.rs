//! What became of voters who wanted to sign in, by campaign.
//!
//! Invariant: every campaign and outcome has its series from the start. Never here: who it was.

use std::sync::Arc;

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::{CAMPAIGN, OUTCOME, SIGN_IN_OUTCOMES, SIGN_INS};

/// How a sign-in went; its name is also what the page is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignInOutcome {
    /// Signed in.
    Ok,
    /// Signed in, but the campaign is for followers and this is none.
    NotFollower,
    /// The voter declined.
    Refused,
    /// WeChat showed the page to a virtual voter.
    Snapshot,
    /// State, code, token or link does not hold, or not any more.
    Expired,
    /// WeChat, its quota or this edge has too much to do.
    Busy,
    /// Something is set up wrongly.
    Failed,
    /// Sent to WeChat once more.
    Again,
}

impl SignInOutcome {
    /// As the page and the metric have it.
    pub(crate) const fn name(self) -> &'static str {
        SIGN_IN_OUTCOMES[self as usize]
    }
}

/// The sign-ins of all campaigns. Clones count together.
#[derive(Debug, Clone)]
pub(crate) struct SignIns(Arc<[(String, Counts)]>);

type Counts = [IntCounter; SIGN_IN_OUTCOMES.len()];

impl SignIns {
    /// For these campaigns, registered.
    pub(crate) fn new<'a>(
        registry: &Registry,
        campaigns: impl Iterator<Item = &'a str>,
    ) -> prometheus::Result<Self> {
        let opts = Opts::new(SIGN_INS, "Sign-ins by campaign and outcome.");
        let counts = IntCounterVec::new(opts, &[CAMPAIGN, OUTCOME])?;
        registry.register(Box::new(counts.clone()))?;
        let of = |campaign: &str| {
            let of = SIGN_IN_OUTCOMES.map(|name| counts.with_label_values(&[campaign, name]));
            (campaign.to_owned(), of)
        };
        Ok(Self(campaigns.map(of).collect()))
    }

    /// Counts one. There are few campaigns: comparing beats hashing.
    pub(crate) fn count(&self, campaign: &str, outcome: SignInOutcome) {
        if let Some((_, counts)) = self.0.iter().find(|(id, _)| id == campaign) {
            counts[outcome as usize].inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_the_place_of_its_own_name() {
        for (outcome, name) in [
            (SignInOutcome::Ok, "ok"),
            (SignInOutcome::NotFollower, "not_follower"),
            (SignInOutcome::Refused, "refused"),
            (SignInOutcome::Snapshot, "snapshot"),
            (SignInOutcome::Expired, "expired"),
            (SignInOutcome::Busy, "busy"),
            (SignInOutcome::Failed, "failed"),
            (SignInOutcome::Again, "again"),
        ] {
            assert_eq!(outcome.name(), name);
        }
    }
}
