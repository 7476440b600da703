//! Allowances that refill with time, by governor's cell rate algorithm, on tokio's clock.
//!
//! Invariant: an entry is kept only while its allowance is not full, so there are at most as many
//! as came in the time that refills one; and beyond a bound none is added. Never here: a wait.

use std::hash::Hash;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::Clock;
use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

/// More entries than this and none is added, and nobody refused, until there are fewer: at some 100
/// bytes each it is 100 MB, and a million voters who are all new are no one's flood. It is looked
/// at once a second; what comes within that second is the most by which it is exceeded.
const ENTRIES_MAX: usize = 1_000_000;
/// What a voter's own connection may ask in a row, and each second after that: a page with its
/// files and everything it asks is 20 requests, HTTP/2 carries those of several tabs.
const CONNECTION_BURST: u32 = 200;
const CONNECTION_RATE: u32 = 20;
/// Tally streams of a voter's own connection: the board in four tabs.
const CONNECTION_STREAMS_MAX: u32 = 4;

/// So many a second, after so many at once.
pub(crate) fn per_second(rate: u32, burst: u32) -> Quota {
    let at_least_one = |number| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
    Quota::per_second(at_least_one(rate)).allow_burst(at_least_one(burst))
}

/// Allowances by key.
#[derive(Debug)]
pub(crate) struct Keyed<K: Hash + Eq + Clone> {
    allowances: RateLimiter<K, DashMapStateStore<K>, Since, StateInformationMiddleware>,
    entries_max: usize,
    /// Relaxed: it orders nothing, and a request that sees it late adds one entry more.
    is_full: AtomicBool,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    pub(crate) fn new(quota: Quota) -> Self {
        Self {
            allowances: RateLimiter::new(quota, DashMapStateStore::default(), Since::now()),
            entries_max: ENTRIES_MAX,
            is_full: AtomicBool::new(false),
        }
    }

    /// Takes one from the allowance, and answers how many are left in it; none if it was empty.
    /// While there are too many entries, everybody's is without end.
    pub(crate) fn take(&self, key: K) -> Option<u32> {
        if self.is_full.load(Ordering::Relaxed) {
            return Some(u32::MAX);
        }
        let taken = self.allowances.check_key(&key).ok()?;
        Some(taken.remaining_burst_capacity())
    }

    /// Forgets those whose allowance is full, and gives back their memory.
    pub(crate) fn forget(&self) {
        self.allowances.retain_recent();
        self.allowances.shrink_to_fit();
        self.is_full.store(self.len() > self.entries_max, Ordering::Relaxed);
    }

    pub(crate) fn len(&self) -> usize {
        self.allowances.len()
    }
}

/// The allowance of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    requests: RateLimiter<NotKeyed, InMemoryState, Since, NoOpMiddleware<Nanos>>,
    /// Tally streams that are open. Relaxed: it guards nothing but itself.
    streams: AtomicU32,
}

impl Connection {
    /// A full one.
    pub(crate) fn new() -> Self {
        let quota = per_second(CONNECTION_RATE, CONNECTION_BURST);
        let requests = RateLimiter::direct_with_clock(quota, Since::now());
        Self { requests, streams: AtomicU32::new(0) }
    }

    pub(crate) fn allow(&self) -> bool {
        self.requests.check().is_ok()
    }
}

/// A tally stream of a connection, counted until it is dropped.
#[derive(Debug)]
pub(crate) struct OpenStream(Arc<Connection>);

impl OpenStream {
    /// One more; none if the connection has as many as it may have.
    pub(crate) fn of(connection: &Arc<Connection>) -> Option<Self> {
        let one_more = |open| (open < CONNECTION_STREAMS_MAX).then_some(open + 1);
        let streams = &connection.streams;
        let taken = streams.fetch_update(Ordering::Relaxed, Ordering::Relaxed, one_more);
        taken.is_ok().then(|| Self(Arc::clone(connection)))
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams.fetch_sub(1, Ordering::Relaxed);
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

    #[tokio::test]
    async fn a_connection_has_so_many_streams_at_once() {
        let connection = Arc::new(Connection::new());
        let open = || OpenStream::of(&connection);
        let mut streams: Vec<_> = (0..CONNECTION_STREAMS_MAX).map(|_| open().unwrap()).collect();
        assert!(open().is_none() && open().is_none());
        streams.pop();
        streams.push(open().unwrap());
        assert!(open().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn beyond_the_bound_nobody_is_added_or_refused_and_memory_is_given_back_after() {
        const BOUND: u32 = 10_000;
        let keyed = Keyed { entries_max: BOUND as usize, ..Keyed::new(per_second(1, 1)) };
        for key in 0..=BOUND {
            assert_eq!(keyed.take(key), Some(0));
        }
        assert_eq!(keyed.take(7), None);
        keyed.forget();
        for key in 0..3 * BOUND {
            assert_eq!(keyed.take(key), Some(u32::MAX));
        }
        assert_eq!(keyed.len(), BOUND as usize + 1);
        advance(Duration::from_secs(2)).await;
        keyed.forget();
        assert_eq!((keyed.take(7), keyed.take(7), keyed.len()), (Some(0), None, 1));
        let kept = keyed.allowances.into_state_store().capacity();
        assert!(kept < BOUND as usize / 10, "room for {kept}");
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
