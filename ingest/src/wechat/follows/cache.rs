//! The voters about whom something is known, in memory: the most recently asked about stay.
//!
//! Invariant: never more than [`VOTERS_MAX`]; the one asked about longest ago makes room.
//! Forgetting is always safe: it is asked for again.

use std::hash::BuildHasherDefault;
use std::num::NonZeroUsize;

use ballot::{VoterHasher, VoterId};
use lru::LruCache;

use super::Known;

/// The most voters there are. A node of the list is 64 bytes and its slot in the map 17 to 34.
pub(super) const VOTERS_MAX: NonZeroUsize = NonZeroUsize::new(100_000).expect("it is not zero");
/// How long a no holds: who reads "follow first", follows and comes back takes longer.
pub(super) const NO_HOLDS_MS: i64 = 10_000;

pub(super) struct Cache {
    voters: LruCache<VoterId, Known, BuildHasherDefault<VoterHasher>>,
    /// How often an event has changed something. Who reads the table looks at it before and after.
    changes: u64,
    retention_ms: i64,
}

impl Cache {
    pub(super) fn new(retention_ms: Option<i64>) -> Self {
        // Made unbounded and bounded at once: a bounded one takes all its memory at the start.
        let mut voters = LruCache::unbounded_with_hasher(BuildHasherDefault::default());
        voters.resize(VOTERS_MAX);
        Self { voters, changes: 0, retention_ms: retention_ms.unwrap_or(i64::MAX) }
    }

    pub(super) const fn changes(&self) -> u64 {
        self.changes
    }

    /// Whether this may be served now.
    pub(super) fn holds(&self, known: &Known, now_ms: i64) -> bool {
        let age_ms = now_ms.saturating_sub(known.known_at_ms);
        if known.follows {
            return age_ms < self.retention_ms;
        }
        // One from the future is from before the clock was set back.
        (0..NO_HOLDS_MS).contains(&age_ms)
    }

    pub(super) fn find(&mut self, voter: VoterId, now_ms: i64) -> Option<Known> {
        let known = self.voters.get(&voter).copied();
        known.filter(|known| self.holds(known, now_ms))
    }

    pub(super) fn put(&mut self, voter: VoterId, known: Known) {
        self.voters.put(voter, known);
    }

    /// Takes a word that may have been overtaken.
    pub(super) fn learn(&mut self, voter: VoterId, known: Known) {
        let newest = self.voters.peek(&voter);
        if newest.is_none_or(|newest| newest.known_at_ms <= known.known_at_ms) {
            self.voters.put(voter, known);
        }
    }

    /// Takes an event's word.
    pub(super) fn put_changed(&mut self, voter: VoterId, known: Known) {
        self.changes += 1;
        self.voters.put(voter, known);
    }

    /// Forgets a voter after an event.
    pub(super) fn pop(&mut self, voter: VoterId) {
        self.changes += 1;
        self.voters.pop(&voter);
    }

    /// Forgets what was known before this instant.
    pub(super) fn purge(&mut self, before_ms: i64) {
        self.changes += 1;
        self.voters.retain(|_, known| known.known_at_ms >= before_ms);
    }
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache").field("voters", &self.voters.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VOTER: VoterId = VoterId { high: 1, low: 2 };

    fn known(follows: bool, known_at_ms: i64) -> Known {
        Known { follows, since_s: None, known_at_ms }
    }

    #[test]
    fn a_yes_holds_and_a_no_holds_ten_seconds() {
        let mut cache = Cache::new(None);
        cache.learn(VOTER, known(false, 1_000));
        assert_eq!(cache.find(VOTER, 10_999), Some(known(false, 1_000)));
        assert_eq!(cache.find(VOTER, 11_000), None);
        assert_eq!(cache.find(VOTER, 999), None);
        cache.learn(VOTER, known(true, 12_000));
        assert_eq!(cache.find(VOTER, i64::MAX - 1), Some(known(true, 12_000)));
    }

    #[test]
    fn an_older_word_does_not_overtake_a_newer_one() {
        let mut cache = Cache::new(None);
        cache.learn(VOTER, known(false, 2_000));
        cache.learn(VOTER, known(true, 1_999));
        assert_eq!(cache.find(VOTER, 2_001), Some(known(false, 2_000)));
        cache.learn(VOTER, known(true, 2_000));
        assert_eq!(cache.find(VOTER, 2_001), Some(known(true, 2_000)));
    }

    #[test]
    fn a_yes_ends_with_the_retention() {
        let mut cache = Cache::new(Some(5_000));
        cache.learn(VOTER, known(true, 1_000));
        assert!(cache.find(VOTER, 5_999).is_some());
        assert!(cache.find(VOTER, 6_000).is_none());
        cache.purge(1_001);
        assert!(cache.voters.is_empty());
    }

    #[test]
    fn never_more_than_the_bound_and_who_was_asked_about_last_stays() {
        let mut cache = Cache::new(None);
        let voter = |low| VoterId { high: 0, low };
        for low in 0..150_000 {
            cache.learn(voter(low), known(true, 1));
            assert!(cache.find(voter(0), 2).is_some(), "{low}");
        }
        assert_eq!(cache.voters.len(), VOTERS_MAX.get());
        assert!(cache.find(voter(50_000), 2).is_none());
        assert!(cache.find(voter(50_001), 2).is_some());
    }
}
