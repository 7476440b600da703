//! What each arrival is: whose ballot, which choices, or something that must be refused.
//!
//! Invariant: the n-th arrival of a seed is always the same. Never here: when it comes, or what
//! became of it.

use crate::plan::Shares;
use crate::random::Random;

/// The stream of the seed that arrivals draw from.
const STREAM: u64 = 5;
/// How many voters back an impatient one may be: at 5,000 a second, a fifth of a second.
const RECENT: u64 = 1_000;

/// What kind of request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A ballot that the rules allow.
    Ballot,
    /// A ballot that they do not.
    Invalid,
    /// A ballot whose token nobody signed.
    Forged,
}

/// One request that is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cast {
    /// What it is.
    pub kind: Kind,
    /// Whose, by number.
    pub voter: u64,
    /// Which of the voter's ballots.
    pub variation: u8,
    /// Which edge, modulo their number.
    pub edge: u64,
    /// Whether it names its day, as a retry does.
    pub names_day: bool,
    /// Whether it has a connection of its own.
    pub new_connection: bool,
}

/// The arrivals of a seed, in order; it never ends.
#[derive(Debug, Clone)]
pub struct Traffic {
    seed: u64,
    voters: u64,
    shares: Shares,
    random_voters: bool,
    index: u64,
    begun: u64,
}

impl Traffic {
    /// Arrivals of a population of so many voters.
    #[must_use]
    pub const fn new(seed: u64, voters: u64, shares: Shares, random_voters: bool) -> Self {
        Self { seed, voters, shares, random_voters, index: 0, begun: 0 }
    }

    /// The next one.
    pub fn draw(&mut self) -> Cast {
        let mut random = Random::of(self.seed, STREAM, self.index);
        self.index += 1;
        let Shares { retries, repeats, other_choices, invalid, forged, new_connections } =
            self.shares;
        let mut at = random.unit();
        let new_connection = random.unit() < new_connections;
        let mut falls_in = |share: f64| {
            at -= share;
            at < 0.0
        };
        let kind = if falls_in(invalid) {
            Kind::Invalid
        } else if falls_in(forged) {
            Kind::Forged
        } else {
            Kind::Ballot
        };
        let is_ballot = kind == Kind::Ballot;
        let again = is_ballot && falls_in(retries);
        let elsewhere = is_ballot && !again && falls_in(repeats);
        let other = is_ballot && !again && !elsewhere && falls_in(other_choices);
        let is_first = is_ballot && !again && !elsewhere && !other;
        let number = self.voter(is_first, again, &mut random);
        let variation = if other { 1 + u8::try_from(random.below(3)).unwrap_or(0) } else { 0 };
        Cast {
            kind,
            voter: number % self.voters.max(1),
            variation,
            edge: number + u64::from(elsewhere || other),
            names_day: again,
            new_connection,
        }
    }

    /// The number of a voter before it is brought below their count, which says its edge too.
    fn voter(&mut self, is_first: bool, is_recent: bool, random: &mut Random) -> u64 {
        if self.random_voters {
            return random.below(self.voters);
        }
        if is_first || self.begun == 0 {
            self.begun += 1;
            return self.begun - 1;
        }
        let among = if is_recent { RECENT.min(self.begun) } else { self.begun };
        self.begun - 1 - random.below(among)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traffic(shares: Shares, random_voters: bool) -> Vec<Cast> {
        let mut traffic = Traffic::new(7, 50_000, shares, random_voters);
        (0..20_000).map(|_| traffic.draw()).collect()
    }

    const MIXED: Shares = Shares {
        retries: 0.1,
        repeats: 0.1,
        other_choices: 0.1,
        invalid: 0.05,
        forged: 0.05,
        new_connections: 0.2,
    };

    #[test]
    fn the_same_seed_has_the_same_arrivals_in_their_shares() {
        let drawn = traffic(MIXED, false);
        assert_eq!(drawn, traffic(MIXED, false));
        let share = |of: &dyn Fn(&Cast) -> bool| drawn.iter().filter(|cast| of(cast)).count();
        for (count, expected) in [
            (share(&|cast| cast.kind == Kind::Invalid), 1_000),
            (share(&|cast| cast.kind == Kind::Forged), 1_000),
            (share(&|cast| cast.names_day), 2_000),
            (share(&|cast| cast.variation > 0), 2_000),
            (share(&|cast| cast.new_connection), 4_000),
        ] {
            assert!(count.abs_diff(expected) < 250, "{count}, {expected}");
        }
        assert!(drawn.iter().all(|cast| cast.variation < 4));
    }

    #[test]
    fn without_shares_every_voter_votes_once_in_order() {
        let voters = traffic(Shares::default(), false).into_iter().map(|cast| cast.voter);
        assert!(voters.eq(0..20_000));
    }

    #[test]
    fn a_repeat_goes_to_another_edge_than_its_voter_did() {
        let drawn = traffic(Shares { repeats: 0.5, ..Shares::default() }, false);
        let mut first = std::collections::BTreeMap::new();
        let mut repeats = 0;
        for cast in drawn {
            let edge = first.entry(cast.voter).or_insert(cast.edge % 2);
            repeats += usize::from(*edge != cast.edge % 2);
        }
        assert!(repeats > 9_000, "{repeats}");
    }

    #[test]
    fn random_voters_are_few_and_send_much() {
        let mut traffic = Traffic::new(7, 50, MIXED, true);
        let drawn: Vec<_> = (0..1_000).map(|_| traffic.draw().voter).collect();
        assert!(drawn.iter().all(|voter| *voter < 50));
        assert!(drawn.iter().collect::<std::collections::BTreeSet<_>>().len() > 45);
    }
}
