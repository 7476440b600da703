//! The voters of a load: numbers from 0, each with a pseudonym and a token of the campaign's keys.
//!
//! Invariant: processes that are given [`Population::keys_toml`] know exactly these voters. Nothing
//! is kept per voter, so a population of millions costs nothing until they vote.

use ballot::{Campaign, ChoiceSet, JournalId, PseudonymKey, Rules, Token, TokenKeys, VoterId, hex};
use journal::simulated::Random;

/// Secrets of tests only.
const PSEUDONYM_KEY: [u8; 32] = [0x5a; 32];
const TOKEN_KEY: (u8, [u8; 32]) = (3, [0xa5; 32]);

/// How long tokens are good after the campaign's end.
const TOKEN_GRACE_S: i64 = 86_400;

/// Voters of one campaign.
#[derive(Debug)]
pub(crate) struct Population {
    campaign: Campaign,
    pseudonym_key: PseudonymKey,
    token_keys: TokenKeys,
    voters: u32,
}

impl Population {
    /// So many voters of the campaign of this file's text. Mind its `voters_per_day_max`.
    pub(crate) fn new(campaign_text: &str, voters: u32) -> Self {
        let campaign = Campaign::parse(campaign_text).unwrap();
        let token_keys = TokenKeys::new(&campaign.id, &[TOKEN_KEY]).unwrap();
        Self { pseudonym_key: PseudonymKey::new(&PSEUDONYM_KEY), campaign, token_keys, voters }
    }

    /// The text of the keys file for `--keys`.
    pub(crate) fn keys_toml() -> String {
        let (id, secret) = TOKEN_KEY;
        let (key, secret) = (hex(&PSEUDONYM_KEY), hex(&secret));
        format!("pseudonym_key = \"{key}\"\n\n[[token_keys]]\nid = {id}\nsecret = \"{secret}\"\n")
    }

    /// How many voters there are.
    pub(crate) const fn voters(&self) -> u32 {
        self.voters
    }

    /// The campaign they vote in.
    pub(crate) const fn campaign(&self) -> &Campaign {
        &self.campaign
    }

    /// The rules of that campaign in a journal: what record 0 of each partition must say.
    pub(crate) fn rules(&self, journal: JournalId, partitions: u32) -> Rules {
        Rules::new(&self.campaign, journal, partitions, self.pseudonym_key.fingerprint())
    }

    /// The pseudonym of a voter.
    pub(crate) fn voter(&self, number: u32) -> VoterId {
        self.pseudonym_key.voter(format!("storm-{number}").as_bytes())
    }

    /// The token of a voter.
    pub(crate) fn token(&self, number: u32) -> String {
        let expires_at_s = self.campaign.closes_at_ms.div_euclid(1_000) + TOKEN_GRACE_S;
        self.token_keys.mint(&Token {
            voter: self.voter(number),
            follower: true,
            fresh: false,
            expires_at_s: u64::try_from(expires_at_s).unwrap(),
        })
    }

    /// Choices that the campaign allows.
    pub(crate) fn choices(&self, random: &mut Random) -> ChoiceSet {
        let (min, max) =
            (self.campaign.choices_per_ballot_min, self.campaign.choices_per_ballot_max);
        let wanted = random.within(&(u64::from(min)..=u64::from(max)));
        let mut choices = ChoiceSet::new();
        while u64::from(choices.len()) < wanted {
            let index = random.index(self.campaign.choices.len());
            choices.insert(self.campaign.choices[index].number);
        }
        choices
    }
}
