//! Who votes, and for what: voters by number, with tokens and choices that follow from the seed.
//!
//! Invariant: a voter's number can be worked out from the pseudonym, and a ballot from number and
//! variation, so the proof needs to keep neither. Pseudonyms are made, not derived from identities:
//! the edge sees only tokens, and cannot tell. Never here: what was sent.

use ballot::{ChoiceSet, Token, TokenKeys, VoterId};

use crate::random::{Random, mix, unmix};
use crate::zipf::Zipf;

/// How many different ballots a voter may try: the true one, and others.
pub const VARIATIONS: u8 = 4;

/// The most voters of a population.
pub const VOTERS_MAX: u64 = 100_000_000;

const VOTERS: u64 = 2;
const CHECKS: u64 = 3;
const CHOICES: u64 = 4;

/// What the campaign allows, and how popular its choices are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ballots {
    /// Choices are numbered `1..=choices`.
    pub choices: u32,
    /// The fewest choices of a ballot.
    pub min: u32,
    /// The most choices of a ballot.
    pub max: u32,
    /// The exponent of Zipf's law over the choices.
    pub zipf: f64,
}

/// The voters of a seed.
#[derive(Debug, Clone)]
pub struct Population {
    seed: u64,
    voters: u64,
    add: u64,
    check: u64,
    ballots: Ballots,
    zipf: Zipf,
    keys: TokenKeys,
    expires_at_s: u64,
}

impl Population {
    /// So many voters, whose tokens these keys sign.
    #[must_use]
    pub fn new(
        (seed, voters): (u64, u64),
        ballots: Ballots,
        (keys, expires_at_s): (TokenKeys, u64),
    ) -> Self {
        Self {
            seed,
            voters: voters.clamp(1, VOTERS_MAX),
            add: Random::of(seed, VOTERS, 0).bits(),
            check: Random::of(seed, CHECKS, 0).bits(),
            zipf: Zipf::new(ballots.choices, ballots.zipf),
            ballots,
            keys,
            expires_at_s,
        }
    }

    /// How many voters there are.
    #[must_use]
    pub const fn voters(&self) -> u64 {
        self.voters
    }

    /// How many choices the campaign has.
    #[must_use]
    pub const fn choice_count(&self) -> u32 {
        self.ballots.choices
    }

    /// The most choices of a ballot.
    #[must_use]
    pub const fn choices_max(&self) -> u32 {
        self.ballots.max
    }

    /// The pseudonym of a voter.
    #[must_use]
    pub const fn voter(&self, number: u64) -> VoterId {
        let high = mix(number.wrapping_add(self.add));
        VoterId { high, low: mix(high ^ self.check) }
    }

    /// The number of a voter; `None` for one who is not of this population.
    #[must_use]
    pub fn number(&self, voter: VoterId) -> Option<u64> {
        let number = unmix(voter.high).wrapping_sub(self.add);
        (number < self.voters && self.voter(number) == voter).then_some(number)
    }

    /// The token of a voter.
    #[must_use]
    pub fn token(&self, number: u64) -> String {
        let (voter, expires_at_s) = (self.voter(number), self.expires_at_s);
        self.keys.mint(&Token { voter, follower: true, fresh: false, expires_at_s })
    }

    /// The choices of one of a voter's ballots: variation 0 is the true one.
    #[must_use]
    pub fn choices(&self, number: u64, variation: u8) -> ChoiceSet {
        let item = number * u64::from(VARIATIONS) + u64::from(variation);
        let mut random = Random::of(self.seed, CHOICES, item);
        let Ballots { choices, min, max, .. } = self.ballots;
        let spread = u64::from(max.saturating_sub(min)) + 1;
        let wanted = min + u32::try_from(random.below(spread)).unwrap_or(0);
        let mut set = ChoiceSet::new();
        // Draws that hit what is there already are lost; a ballot of nearly all choices would cost
        // thousands of them, so the most popular that are missing fill it up in the end.
        for _ in 0..8 * wanted {
            if set.len() >= wanted {
                return set;
            }
            set.insert(u32::try_from(self.zipf.draw(&mut random)).unwrap_or(0) + 1);
        }
        let mut rest = 1..=choices;
        while set.len() < wanted
            && let Some(number) = rest.next()
        {
            set.insert(number);
        }
        set
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn population(ballots: Ballots) -> Population {
        let keys = TokenKeys::new("c", &[(1, [1; 32])]).unwrap();
        Population::new((7, 1_000), ballots, (keys, 2_000))
    }

    const HUBEI: Ballots = Ballots { choices: 20, min: 1, max: 10, zipf: 1.0 };

    #[test]
    fn a_number_comes_back_from_its_pseudonym_and_strangers_have_none() {
        let population = population(HUBEI);
        for number in 0..1_000 {
            assert_eq!(population.number(population.voter(number)), Some(number));
        }
        let VoterId { high, low } = population.voter(3);
        assert_eq!(population.number(VoterId { high, low: low ^ 1 }), None);
        assert_eq!(population.number(VoterId { high: high ^ 1, low }), None);
        assert_eq!(population.number(population.voter(1_000)), None);
    }

    #[test]
    fn pseudonyms_spread_over_the_partitions() {
        let population = population(HUBEI);
        let mut partitions = [0_u32; 4];
        for number in 0..1_000 {
            partitions[population.voter(number).partition(4) as usize] += 1;
        }
        assert!(partitions.iter().all(|count| (180..320).contains(count)), "{partitions:?}");
    }

    #[test]
    fn ballots_keep_the_limits_and_variations_differ() {
        for ballots in [HUBEI, Ballots { choices: 256, min: 250, max: 256, zipf: 1.5 }] {
            let population = population(ballots);
            let mut same = 0;
            for number in 0..300 {
                let sets: Vec<_> =
                    (0..VARIATIONS).map(|of| population.choices(number, of)).collect();
                for set in &sets {
                    assert!((ballots.min..=ballots.max).contains(&set.len()));
                    assert!(set.is_within(ballots.choices));
                }
                assert_eq!(sets[0], population.choices(number, 0));
                same += u32::from(sets[0] == sets[1]);
            }
            assert!(same < 60, "{same}");
        }
    }

    #[test]
    fn a_token_is_one_that_the_edge_believes() {
        let population = population(HUBEI);
        let keys = TokenKeys::new("c", &[(1, [1; 32])]).unwrap();
        let token = keys.check(population.token(5).as_bytes(), 0).unwrap();
        assert_eq!((token.voter, token.follower), (population.voter(5), true));
    }
}
