//! The challenge: what a voter has to show before a ballot is cast that comes in an unusual way, a
//! little work of their phone or a captcha.
//!
//! Invariant: whoever comes as voters come never meets it, and what cannot be checked passes: the
//! ballot has its signs all the same, and counts. A solution is its voter's, in this campaign, for
//! five minutes. Never here: a voter or an address in anything that leaves this process.

mod captcha;
mod work;

use std::num::NonZeroUsize;
use std::sync::{Mutex, PoisonError};

use ballot::{Risk, VoterId};
use hyper::header::{HeaderMap, HeaderName};
use journal::Journal;
use lru::LruCache;
use serde::Serialize;

pub use captcha::{BadCaptcha, Captcha};

use crate::edge::EdgeCampaign;
use crate::hosted::Hosted;
use crate::metrics::{ChallengeCounts, ChallengeOutcome};
use crate::problem::Problem;
use crate::refusal::Refusal;

/// `work SEED NONCE` or `captcha RESPONSE`.
const SOLUTION: HeaderName = HeaderName::from_static("weir-challenge");
/// A provider says of a solution once only that it holds. So for as long as a seed lives, a voter
/// whose ballot then met a journal that was down is not asked again.
const PASSED_MS: i64 = work::LIFE_MS;
/// Five minutes of 54 a second, at some 80 bytes each; whoever was pushed out solves another one.
const PASSED_MAX: NonZeroUsize = NonZeroUsize::new(16_384).expect("it is not zero");

/// What a voter is asked to do, as the refusal of their ballot has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum Task {
    /// To find a number N for which the SHA-256 of `SEED.N` begins with so many zero bits.
    Work {
        /// 32 characters of base64url.
        seed: String,
        bits: u32,
        expires_at_ms: i64,
    },
    /// To solve a captcha there, and to come back with the response.
    Captcha { page_url: String },
}

/// The challenge of one campaign.
#[derive(Debug)]
pub(crate) struct Challenge {
    kind: Kind,
    counts: ChallengeCounts,
}

#[derive(Debug)]
enum Kind {
    Work {
        bits: u32,
    },
    Captcha {
        page_url: String,
        captcha: Captcha,
        /// Until when voters are not asked again.
        passed: Mutex<LruCache<VoterId, i64>>,
    },
}

/// Whether a ballot with these signs has to meet a challenge. That an identity is new is nothing
/// that its voter does.
pub(crate) fn is_due(risk: Risk) -> bool {
    risk.has(Risk::BURST | Risk::PREFIX | Risk::CADENCE)
}

impl Challenge {
    /// The challenge that a campaign's file asks for; none where no ballots are taken, or where
    /// nobody can say whether a captcha was solved.
    pub(crate) fn of<J>(given: &EdgeCampaign<J>, counts: ChallengeCounts) -> Option<Self> {
        let voting = given.voting.as_ref()?;
        let kind = match given.campaign.challenge.as_ref()? {
            ballot::Challenge::Work { bits } => Kind::Work { bits: *bits },
            ballot::Challenge::Captcha { page_url, .. } => Kind::Captcha {
                page_url: page_url.clone(),
                captcha: voting.sign_in.captcha.clone()?,
                passed: Mutex::new(LruCache::sparse(PASSED_MAX)),
            },
        };
        Some(Self { kind, counts })
    }

    /// Lets a ballot pass if its headers solve the challenge, or refuses it with a new one.
    pub(crate) async fn pass<J: Journal>(
        &self,
        hosted: &Hosted<J>,
        headers: &HeaderMap,
        (voter, now_ms): (VoterId, i64),
    ) -> Result<(), Refusal> {
        let solution = headers.get(SOLUTION).map(|value| value.as_bytes());
        let kind_and_rest = solution.map(|solution| {
            let mut parts = solution.splitn(2, |byte| *byte == b' ');
            (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
        });
        let outcome = match (&self.kind, kind_and_rest) {
            (Kind::Captcha { passed, .. }, _) if has_passed(passed, voter, now_ms) => {
                ChallengeOutcome::Solved
            }
            (_, None) => ChallengeOutcome::Asked,
            (Kind::Work { bits }, Some((b"work", solution))) => {
                hosted.with_keys(|keys| work::check(keys, *bits, (voter, now_ms), solution))?
            }
            (Kind::Captcha { captcha, passed, .. }, Some((b"captcha", response))) => {
                let outcome = captcha.verify(response).await.ok_or(Problem::Overloaded)?;
                if outcome == ChallengeOutcome::Solved {
                    let mut passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
                    passed.put(voter, now_ms.saturating_add(PASSED_MS));
                }
                outcome
            }
            (Kind::Work { .. } | Kind::Captcha { .. }, Some(_)) => ChallengeOutcome::Wrong,
        };
        self.counts.count(outcome);
        match outcome {
            ChallengeOutcome::Solved | ChallengeOutcome::Unreachable => Ok(()),
            ChallengeOutcome::Asked | ChallengeOutcome::Wrong | ChallengeOutcome::Expired => {
                Err(self.ask(hosted, voter, now_ms)?)
            }
        }
    }

    /// The refusal that asks for a solution.
    fn ask<J: Journal>(
        &self,
        hosted: &Hosted<J>,
        voter: VoterId,
        now_ms: i64,
    ) -> Result<Refusal, Refusal> {
        let refusal = match &self.kind {
            Kind::Work { bits } => {
                let (seed, expires_at_ms) =
                    hosted.with_keys(|keys| work::seed(keys, voter, now_ms))?;
                let task = Task::Work { seed, bits: *bits, expires_at_ms };
                Refusal::from(Problem::ChallengeRequired).with(task)
            }
            Kind::Captcha { page_url, .. } => {
                let refusal = Problem::ChallengeRequired.because(
                    "Please pass a short security check first, then send this ballot again.",
                    "请先完成一次安全验证，再提交这张选票。",
                );
                refusal.with(Task::Captcha { page_url: page_url.clone() })
            }
        };
        Ok(refusal)
    }
}

fn has_passed(passed: &Mutex<LruCache<VoterId, i64>>, voter: VoterId, now_ms: i64) -> bool {
    let passed = passed.lock().unwrap_or_else(PoisonError::into_inner);
    passed.peek(&voter).is_some_and(|until_ms| now_ms < *until_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_is_due_for_what_a_voter_does_and_not_for_a_new_identity() {
        for (sign, name) in Risk::ALL {
            assert_eq!(is_due(sign), name != "fresh", "{name}");
            assert_eq!(is_due(sign | Risk::FRESH), name != "fresh", "{name}");
        }
        assert!(!is_due(Risk::NONE));
    }
}
