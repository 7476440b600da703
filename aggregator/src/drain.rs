//! When a partition's lag will be gone, from what the last looks at it saw.
//!
//! Pure: moments are arguments, and its tests are arithmetic. Never here: a guess where there is
//! nothing to measure by; a lag that does not shrink is never gone.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How far back speeds are measured: long enough that one batch or one slow look does not swing the
/// estimate, short enough that a spike that has ended is forgotten soon.
const WINDOW: Duration = Duration::from_secs(10);

/// The most looks kept, should they come faster than they are meant to.
const LOOKS_MAX: usize = 64;

/// What one look at a partition saw.
#[derive(Debug, Clone, Copy)]
struct Look {
    at: Instant,
    frontier: u64,
    end: u64,
}

/// The looks of the last ten seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Window(VecDeque<Look>);

impl Window {
    /// Takes what a look saw, and forgets those that are too old.
    pub(crate) fn push(&mut self, at: Instant, frontier: u64, end: u64) {
        // Started over from a snapshot: what was done before has to be done again.
        if self.0.back().is_some_and(|last| frontier < last.frontier) {
            self.0.clear();
        }
        self.0.push_back(Look { at, frontier, end });
        let is_old = |look: &Look| at.duration_since(look.at) > WINDOW;
        while self.0.front().is_some_and(is_old) || self.0.len() > LOOKS_MAX {
            self.0.pop_front();
        }
    }

    /// Seconds from the last look until there is no lag: the lag then, over the speed of the
    /// frontier minus the speed of the end. Zero without lag; infinite if it does not shrink, or
    /// there is only one look.
    pub(crate) fn drain_seconds(&self) -> f64 {
        let (Some(first), Some(last)) = (self.0.front(), self.0.back()) else { return 0.0 };
        let lag = last.end.saturating_sub(last.frontier);
        if lag == 0 {
            return 0.0;
        }
        let folded = last.frontier.saturating_sub(first.frontier);
        let appended = last.end.saturating_sub(first.end);
        let caught_up = folded.saturating_sub(appended);
        if caught_up == 0 {
            return f64::INFINITY;
        }
        // By how much the lag shrank, in how long: so for how long it will shrink on.
        let seconds = last.at.duration_since(first.at).as_secs_f64();
        lag as f64 * seconds / caught_up as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look a second: frontier and end.
    fn drain_seconds(looks: &[(u64, u64)]) -> f64 {
        let (began, mut window) = (Instant::now(), Window::default());
        for (second, (frontier, end)) in (0..).zip(looks) {
            window.push(began + Duration::from_secs(second), *frontier, *end);
        }
        window.drain_seconds()
    }

    #[test]
    fn a_lag_is_gone_after_itself_over_the_difference_of_the_speeds() {
        // 300 a second folded, 100 appended: 200 a second, and 600 are left.
        assert_eq!(drain_seconds(&[(0, 1_000), (300, 1_100), (600, 1_200)]), 3.0);
        assert_eq!(drain_seconds(&[(0, 100), (90, 100)]), 10.0 / 90.0);
    }

    #[test]
    fn without_lag_there_is_nothing_to_wait_for() {
        assert_eq!(drain_seconds(&[]), 0.0);
        assert_eq!(drain_seconds(&[(5, 5)]), 0.0);
        assert_eq!(drain_seconds(&[(0, 9), (9, 9)]), 0.0);
        // The frontier is newer than the end that was asked for before it.
        assert_eq!(drain_seconds(&[(0, 9), (11, 10)]), 0.0);
    }

    #[test]
    fn a_lag_that_stays_or_grows_or_was_seen_once_is_never_gone() {
        for looks in [&[(0, 100), (50, 150)][..], &[(0, 100), (50, 200)], &[(0, 1), (0, 1)]] {
            assert_eq!(drain_seconds(looks), f64::INFINITY);
        }
        assert_eq!(drain_seconds(&[(0, 100)]), f64::INFINITY);
    }

    #[test]
    fn only_the_last_ten_seconds_count() {
        // Twenty seconds of standing still, then 10 a second.
        let mut looks = vec![(0, 1_000); 20];
        looks.extend((0..=10).map(|second| (second * 10, 1_000)));
        assert_eq!(drain_seconds(&looks), 900.0 / 10.0);
    }

    #[test]
    fn a_frontier_that_fell_begins_anew() {
        assert_eq!(drain_seconds(&[(0, 1_000), (900, 1_000), (0, 1_000)]), f64::INFINITY);
        assert_eq!(drain_seconds(&[(900, 1_000), (0, 1_000), (500, 1_000)]), 1.0);
    }
}
