//! A campaign that is open now, and its ballots.
//!
//! Voters are drawn from a seeded generator and none comes twice, so every ballot is a new voter's:
//! what costs most.

use ballot::{
    Ballot, Campaign, ChoiceSet, JournalId, PseudonymKey, Rules, TokenKeys, VoterId, VotingDay,
    local_date,
};

/// The real first campaign.
const FILE: &str = include_str!("../../campaigns/hubei-2023.toml");

/// What is behind every pseudonym and token here.
const SECRET: [u8; 32] = [7; 32];

/// Room for all voters of a long run of the whole path; memory is reserved for it, not used.
pub const VOTERS_PER_DAY_MAX: u64 = 20_000_000;

const DAY_MS: i64 = 86_400_000;

/// A campaign and what every process on it must agree on.
#[derive(Debug, Clone)]
pub struct Poll {
    /// The campaign: 20 choices, up to 10 a ballot, 7 days.
    pub campaign: Campaign,
    /// Signs and checks its tokens.
    pub tokens: TokenKeys,
}

/// The day before the one of `now_ms`: a campaign that started then is open now and does not end
/// soon.
#[must_use]
pub fn yesterday(now_ms: i64) -> VotingDay {
    local_date("Asia/Shanghai", now_ms - DAY_MS).expect("a clock of this century")
}

impl Poll {
    /// The campaign, started on this day.
    #[must_use]
    pub fn started(on: VotingDay) -> Self {
        let campaign = Campaign::parse(FILE).and_then(|campaign| campaign.moved_to_start(on));
        let mut campaign = campaign.expect("the real campaign can start on any day");
        campaign.voters_per_day_max = VOTERS_PER_DAY_MAX;
        let tokens = TokenKeys::new(&campaign.id, &[(1, SECRET)]).expect("it is one key");
        Self { campaign, tokens }
    }

    /// Its rules in a journal.
    #[must_use]
    pub fn rules(&self, journal: JournalId, partitions: u32) -> Rules {
        let fingerprint = PseudonymKey::new(&SECRET).fingerprint();
        Rules::new(&self.campaign, journal, partitions, fingerprint)
    }
}

/// Ballots of one day, each of another voter. Two seeds below 2²⁴ have no voter in common.
#[derive(Debug, Clone)]
pub struct Ballots {
    next: u64,
    cast_at_ms: i64,
}

impl Ballots {
    /// Ballots cast at this time.
    #[must_use]
    pub const fn new(seed: u64, cast_at_ms: i64) -> Self {
        Self { next: seed << 40, cast_at_ms }
    }
}

impl Iterator for Ballots {
    type Item = Ballot;

    fn next(&mut self) -> Option<Ballot> {
        self.next += 2;
        let (high, low) = (mixed(self.next), mixed(self.next + 1));
        // One to five of the 20 choices: five numbers drawn from the bits of a third one.
        let drawn = mixed(low);
        let choices: ChoiceSet =
            drawn.to_le_bytes().into_iter().take(5).map(|byte| 1 + u32::from(byte) % 20).collect();
        Some(Ballot { voter: VoterId { high, low }, choices, cast_at_ms: self.cast_at_ms })
    }
}

/// The step of SplitMix64: a bijection of 64 bits that looks random.
const fn mixed(counter: u64) -> u64 {
    let z = counter.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}
