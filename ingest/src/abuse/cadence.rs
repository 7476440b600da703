//! Ballots that come from one network at equal intervals, as no people do.
//!
//! Bounded: so many networks are watched; one that comes into another's place begins anew, and the
//! other does when it comes back. Only a sign is missed by that.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::caller::Prefix;

/// Networks watched at a time, 64 bytes each.
const PLACES: usize = 4_096;
/// Shorter intervals are those of a busy network, where everything looks even.
const INTERVAL_MIN: Duration = Duration::from_millis(200);
/// Equal intervals in a row until it is said: of arrivals at random within a twentieth of the last
/// interval, eight in a row come by chance once in some 10⁸.
const EQUAL_MIN: u32 = 8;
/// Equal is within this part of the interval.
const TOLERANCE: u32 = 20;

/// The networks that are watched.
#[derive(Debug)]
pub(super) struct Cadences {
    places: Box<[Mutex<Option<Cadence>>]>,
    hasher: RandomState,
}

#[derive(Debug, Clone, Copy)]
struct Cadence {
    of: Prefix,
    last: Instant,
    interval: Duration,
    equal: u32,
}

impl Default for Cadences {
    fn default() -> Self {
        let places = std::iter::repeat_with(Mutex::default).take(PLACES).collect();
        Self { places, hasher: RandomState::new() }
    }
}

impl Cadences {
    /// Notes that a ballot came from there now; whether it was one in an even row.
    pub(super) fn is_regular(&self, from: Prefix) -> bool {
        let now = Instant::now();
        let place = usize::try_from(self.hasher.hash_one(from)).unwrap_or_default() % PLACES;
        // Held for these few lines.
        let mut place = self.places[place].lock().unwrap_or_else(PoisonError::into_inner);
        let next = match *place {
            Some(before) if before.of == from => before.then(now),
            Some(_) | None => Cadence { of: from, last: now, interval: Duration::ZERO, equal: 0 },
        };
        *place = Some(next);
        next.equal >= EQUAL_MIN
    }
}

impl Cadence {
    fn then(self, now: Instant) -> Self {
        let interval = now - self.last;
        let is_equal = interval >= INTERVAL_MIN
            && interval.abs_diff(self.interval) <= self.interval / TOLERANCE;
        let equal = if is_equal { self.equal.saturating_add(1) } else { 0 };
        Self { last: now, interval, equal, ..self }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    fn prefix() -> Prefix {
        Prefix::of("192.0.2.1".parse().unwrap())
    }

    /// How many of ballots at these intervals, in milliseconds, are said to be regular.
    async fn regular(intervals_ms: impl Iterator<Item = u64>) -> usize {
        let cadences = Cadences::default();
        let mut said = 0;
        for interval_ms in intervals_ms {
            advance(Duration::from_millis(interval_ms)).await;
            said += usize::from(cadences.is_regular(prefix()));
        }
        said
    }

    #[tokio::test(start_paused = true)]
    async fn a_machine_is_noticed_and_people_are_not() {
        // The tenth ballot is the first with eight equal intervals behind one to compare with.
        assert_eq!(regular(std::iter::repeat_n(2_000, 20)).await, 11);
        // A machine with some jitter.
        assert_eq!(regular((0..20).map(|i| 2_000 + i % 3 * 40)).await, 11);
        // Primes apart: no two intervals are alike.
        let people = [700, 5_300, 1_900, 211, 3_001, 9_700, 450, 2_503, 800, 6_007];
        assert_eq!(regular(people.into_iter().cycle().take(100)).await, 0);
        // A busy network.
        assert_eq!(regular(std::iter::repeat_n(10, 1_000)).await, 0);
    }
}
