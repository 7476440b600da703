//! What is unusual about how ballots come, and who asks too often.
//!
//! Invariant: what is unusual is noted in the ballot and counts all the same; only a voter or a
//! connection that asks far beyond any use is refused, and a network's ballots only if the operator
//! has said so: behind one carrier's address there are thousands of voters. Memory is bounded by
//! the rate of arrivals: an entry goes once its allowance is full again. Never here: an address or
//! a voter in a log or a metric.

mod cadence;
mod exchanges;
mod rates;

use std::num::NonZeroU32;

use ballot::{Risk, VoterId};
use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use crate::caller::Prefix;
use crate::metrics::{REFUSED_BY_RATE, REFUSED_BY_RATES};
use cadence::Cadences;
pub(crate) use exchanges::Exchanges;
pub(crate) use rates::{Connection, OpenStream};
use rates::{Keyed, per_second};

/// What a voter may ask in a row, and each second after that: a page that retries with backoff
/// asks ten times in a minute, an impatient thumb twice a second.
const VOTER_BURST: u32 = 30;
/// A voter who asks more than this in a row is noted: a vote, a change of mind, a reload, a retry.
const VOTER_NOTED_BURST: u32 = 8;
/// Ballots in a row from one network until it is noted, and each second after that. A carrier's
/// exit that a twentieth of 100,000 voters a minute share sends 83 a second.
const PREFIX_NOTED_BURST: u32 = 1_000;
const PREFIX_NOTED_RATE: u32 = 100;
/// What a network is noted by: as much again as it may send unnoted, so that all of a flood is
/// noted, and what comes some ten seconds after it is not.
const PREFIX_SEEN_BURST: u32 = 2 * PREFIX_NOTED_BURST;
/// A network that is limited may send this many seconds' worth at once.
const PREFIX_BURST_SECONDS: u32 = 10;

/// Why somebody is refused for asking too often.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooOften {
    /// This voter.
    Voter,
    /// Everybody in this network together.
    Prefix,
    /// This connection.
    Connection,
}

/// What an edge notices.
#[derive(Debug)]
pub(crate) struct Abuse {
    voters: Keyed<VoterId>,
    /// Refuses nobody.
    busy_prefixes: Keyed<Prefix>,
    /// None as long as no network is refused.
    prefixes: Option<Keyed<Prefix>>,
    cadences: Cadences,
    exchanges: Exchanges,
    refused: [IntCounter; 3],
}

impl Abuse {
    /// Notices from now on, and counts whom it refuses.
    pub(crate) fn new(
        registry: &Registry,
        prefix_rate_max: Option<NonZeroU32>,
    ) -> prometheus::Result<Self> {
        let opts = Opts::new(REFUSED_BY_RATE, "Requests refused because there were too many.");
        let refused = IntCounterVec::new(opts, &["by"])?;
        registry.register(Box::new(refused.clone()))?;
        let prefixes = prefix_rate_max.map(|rate| {
            let burst = rate.get().saturating_mul(PREFIX_BURST_SECONDS);
            Keyed::new(per_second(rate.get(), burst))
        });
        Ok(Self {
            voters: Keyed::new(per_second(1, VOTER_BURST)),
            busy_prefixes: Keyed::new(per_second(PREFIX_NOTED_RATE, PREFIX_SEEN_BURST)),
            prefixes,
            cadences: Cadences::default(),
            exchanges: Exchanges::default(),
            refused: REFUSED_BY_RATES.map(|by| refused.with_label_values(&[by])),
        })
    }

    /// What is unusual about a ballot of this voter from there, or why it is not taken; whoever
    /// asks counts a refusal, where it is one.
    pub(crate) fn judge(&self, voter: VoterId, from: Option<Prefix>) -> Result<Risk, TooOften> {
        let left = self.voters.take(voter).ok_or(TooOften::Voter)?;
        let burst = Risk::BURST.when(left < VOTER_BURST - VOTER_NOTED_BURST);
        let Some(from) = from else { return Ok(burst) };
        if self.prefixes.as_ref().is_some_and(|prefixes| prefixes.take(from).is_none()) {
            return Err(TooOften::Prefix);
        }
        let left = self.busy_prefixes.take(from).unwrap_or(0);
        let busy = Risk::PREFIX.when(left < PREFIX_SEEN_BURST - PREFIX_NOTED_BURST);
        Ok(burst | busy | Risk::CADENCE.when(self.cadences.is_regular(from)))
    }

    /// Whether somebody who is back at WeChat's callback may have a code exchanged.
    pub(crate) fn may_exchange(&self, from: Option<Prefix>) -> bool {
        self.exchanges.take(from).map_err(|why| why.map(|why| self.refuse(why))).is_ok()
    }

    /// Counts a refusal.
    pub(crate) fn refuse(&self, why: TooOften) -> TooOften {
        self.refused[why as usize].inc();
        why
    }

    /// Forgets whoever has not asked for a while. To be called about once a second.
    pub(crate) fn forget(&self) {
        self.voters.forget();
        self.busy_prefixes.forget();
        self.prefixes.iter().for_each(Keyed::forget);
        self.exchanges.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const VOTER: VoterId = VoterId { high: 1, low: 2 };

    fn abuse(rate: Option<u32>) -> Abuse {
        Abuse::new(&Registry::new(), rate.and_then(NonZeroU32::new)).unwrap()
    }

    fn prefix(address: &str) -> Option<Prefix> {
        Some(Prefix::of(address.parse().unwrap()))
    }

    fn voter(low: u64) -> VoterId {
        VoterId { high: 7, low }
    }

    #[tokio::test(start_paused = true)]
    async fn a_voter_is_noted_before_being_refused_and_welcome_again_after_a_while() {
        let abuse = abuse(None);
        for _ in 0..VOTER_NOTED_BURST {
            assert_eq!(abuse.judge(VOTER, None), Ok(Risk::NONE));
        }
        for _ in VOTER_NOTED_BURST..VOTER_BURST {
            assert_eq!(abuse.judge(VOTER, None), Ok(Risk::BURST));
        }
        assert_eq!(abuse.judge(VOTER, None), Err(TooOften::Voter));
        assert_eq!(abuse.judge(voter(3), None), Ok(Risk::NONE), "nobody else is meant");
        advance(Duration::from_secs(1)).await;
        assert_eq!(abuse.judge(VOTER, None), Ok(Risk::BURST), "still in the midst of it");
        assert_eq!(abuse.judge(VOTER, None), Err(TooOften::Voter));
        advance(Duration::from_secs(60)).await;
        abuse.forget();
        assert_eq!(abuse.voters.len(), 0);
        for _ in 0..VOTER_BURST {
            assert_eq!(abuse.judge(VOTER, None), Ok(Risk::NONE), "one a second is no burst");
            advance(Duration::from_secs(1)).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_network_of_many_voters_is_noted_and_never_refused_unless_the_operator_says_so() {
        let soft = abuse(None);
        let carrier = prefix("192.0.2.1");
        for low in 0..5_000 {
            let risk = soft.judge(voter(low), carrier).unwrap();
            assert_eq!(risk.has(Risk::PREFIX), low >= u64::from(PREFIX_NOTED_BURST), "{low}");
        }
        assert_eq!(soft.judge(voter(9_999), prefix("198.51.100.1")), Ok(Risk::NONE));
        // In the midst of a flood not one in ten goes unnoted because a moment has passed.
        advance(Duration::from_secs(1)).await;
        assert_eq!(soft.judge(voter(9_998), carrier), Ok(Risk::PREFIX));
        advance(Duration::from_secs(10)).await;
        assert_eq!(soft.judge(voter(9_997), carrier), Ok(Risk::NONE));

        let hard = abuse(Some(5));
        for low in 0..50 {
            assert!(hard.judge(voter(low), carrier).is_ok(), "{low}");
        }
        assert_eq!(hard.judge(voter(50), carrier), Err(TooOften::Prefix));
        assert!(hard.judge(voter(50), prefix("198.51.100.1")).is_ok());
    }
}
