//! Allowances that refill with time, by governor's cell rate algorithm, on tokio's clock.
//!
//! Invariant: an entry is kept only while its allowance is not full, so there are at most as many
//! as came in the time that refills one. Never here: a wait.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// More entries than this and nobody is refused until there are fewer: at some 100 bytes each it
/// is 100 MB, and a million voters who are all new are no one's flood.
const ENTRIES_MAX: usize = 1_000_000;
/// What a voter's own connection may ask in a row, and each second after that: a page with its
/// files and everything it asks is 20 requests, HTTP/2 carries those of several tabs.
const CONNECTION_BURST: u32 = 200;
const CONNECTION_RATE: u32 = 20;

/// So many a second, after so many at once.
pub(crate) fn per_second(rate: u32, burst: u32) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
}

/// Allowances by key.
#[derive(Debug)]
pub(crate) struct Keyed<K: Hash + Eq + Clone>(
    RateLimiter<K, DashMapStateStore<K>, Since, StateInformationMiddleware>,
);

impl<K: Hash + Eq + Clone> Keyed<K> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self(RateLimiter::new(quota, DashMapStateStore::default(), Since::now()))
    }

    /// Takes one from the allowance, and answers how many are left in it; none if it was empty.
    pub(crate) fn take(&self, key: K) -> Option<u32> {
        match self.0.check_key(&key) {
            Ok(taken) => Some(taken.remaining_burst_capacity()),
            Err(_) => (self.len() > ENTRIES_MAX).then_some(0),
        }
    }

    pub(crate) fn forget(&self) {
        self.0.retain_recent();
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

/// The allowance of one connection.
#[derive(Debug)]
pub(crate) struct Connection(RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Nanos>>);

impl Connection {
    /// A full one.
    pub(crate) fn new() -> Self {
        let quota = per_second(CONNECTION_RATE, CONNECTION_BURST);
        Self(RateLimiter::direct_with_clock(quota, Since::now()))
    }

    pub(crate) fn allow(&self) -> bool {
        self.0.check().is_ok()
    }
}

/// Time since a beginning, by tokio's clock.
#[derive(Debug, Clone)]
struct Since(Instant);

impl Since {
    fn now() -> Self {
        Self(Instant::now())
    }
}

impl Clock for Since {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        // governor takes the beginning for a time that is not past.
        Nanos::from(self.0.elapsed() + Duration::from_secs(1))
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_connection_has_a_burst_and_then_so_many_a_second() {
        let connection = Connection::new();
        for _ in 0..CONNECTION_BURST {
            assert!(connection.allow());
        }
        assert!(!connection.allow());
        advance(Duration::from_secs(1)).await;
        for _ in 0..CONNECTION_RATE {
            assert!(connection.allow());
        }
        assert!(!connection.allow());
    }

    #[tokio::test(start_paused = true)]
    async fn only_those_whose_allowance_is_not_full_are_kept() {
        let keyed = Keyed::new(per_second(1, 3));
        for key in 0..100 {
            assert_eq!(keyed.take(key), Some(2));
        }
        assert_eq!(keyed.len(), 100);
        advance(Duration::from_secs(2)).await;
        assert_eq!(keyed.take(7), Some(2));
        keyed.forget();
        assert_eq!(keyed.len(), 1);
        assert_eq!([keyed.take(7), keyed.take(7), keyed.take(7)], [Some(1), Some(0), None]);
    }
}
