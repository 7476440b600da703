//! The wall clock as a value, and what a process knows of its distance to the journal's time.
//!
//! Nothing else in the workspace reads the machine's clock; timers are tokio's.

use std::fmt;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A source of wall-clock time.
pub trait Clock: Send + Sync + fmt::Debug + 'static {
    /// Milliseconds since 1970-01-01 UTC.
    fn now_ms(&self) -> i64;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        since.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX))
    }
}

/// How far this process's clock is from the journal's, as its last heartbeat found.
///
/// Until a first heartbeat has been answered the distance is unknown, and an unknown distance is
/// treated like one that is too large.
#[derive(Debug)]
pub struct ClockCheck {
    offset_ms: AtomicI64,
    offset_ms_max: i64,
    made_at: Instant,
    /// When the offset was measured, in milliseconds since `made_at`.
    measured_ms: AtomicU64,
    answered_at: Mutex<Option<Instant>>,
}

/// How long a measurement is believed: a clock may be stepped while heartbeats are too slow to
/// measure by. Thirty heartbeats, and far above any stall that ballots survive.
pub const MEASURED_AGE_MAX: Duration = Duration::from_secs(30);

/// Stands for "no heartbeat answered yet".
const UNKNOWN: i64 = i64::MAX;

impl ClockCheck {
    /// A check that allows `offset_ms_max` milliseconds either way.
    #[must_use]
    pub fn new(offset_ms_max: i64) -> Self {
        Self {
            offset_ms: AtomicI64::new(UNKNOWN),
            offset_ms_max,
            made_at: Instant::now(),
            measured_ms: AtomicU64::new(0),
            answered_at: Mutex::new(None),
        }
    }

    /// Takes a heartbeat's figures: our clock before it was sent and after it was answered, and the
    /// journal's append time. A slow answer says little about the distance, so one that took longer
    /// than the allowed distance is not used. Answers whether it was: only then is what the check
    /// says now newer than this heartbeat.
    pub fn observe(&self, sent_ms: i64, answered_ms: i64, append_time_ms: i64) -> bool {
        *self.lock() = Some(Instant::now());
        let round_trip_ms = answered_ms.saturating_sub(sent_ms);
        let used = (0..=self.offset_ms_max).contains(&round_trip_ms);
        if used {
            let middle_ms = sent_ms + round_trip_ms / 2;
            // Relaxed: either value stands alone; read apart by a moment they say the same.
            self.offset_ms.store(middle_ms.saturating_sub(append_time_ms), Ordering::Relaxed);
            self.measured_ms.store(self.age_ms(), Ordering::Relaxed);
        }
        used
    }

    /// Whether the journal has answered a heartbeat within this time: it takes appends.
    #[must_use]
    pub fn is_answered_within(&self, time: Duration) -> bool {
        self.lock().is_some_and(|answered_at| answered_at.elapsed() <= time)
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.answered_at.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Our clock minus the journal's, in milliseconds; `None` until known.
    #[must_use]
    pub fn offset_ms(&self) -> Option<i64> {
        let offset_ms = self.offset_ms.load(Ordering::Relaxed);
        (offset_ms != UNKNOWN).then_some(offset_ms)
    }

    /// How long ago the offset was measured; until it is known, how old this check is.
    #[must_use]
    pub fn measured_ago(&self) -> Duration {
        let measured_ms = self.measured_ms.load(Ordering::Relaxed);
        Duration::from_millis(self.age_ms().saturating_sub(measured_ms))
    }

    /// Whether ballots may be stamped and closes written by this clock.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.measured_ago() <= MEASURED_AGE_MAX
            && self.offset_ms().is_some_and(|offset_ms| offset_ms.abs() <= self.offset_ms_max)
    }

    fn age_ms(&self) -> u64 {
        u64::try_from(self.made_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_clock_is_not_sound_and_the_edge_of_the_bound_is() {
        let check = ClockCheck::new(2_000);
        assert!(!check.is_sound());
        check.observe(10_000, 10_010, 8_005);
        assert_eq!(check.offset_ms(), Some(2_000));
        assert!(check.is_sound());
        check.observe(10_000, 10_010, 8_004);
        assert!(!check.is_sound());
    }

    #[tokio::test(start_paused = true)]
    async fn an_old_measurement_is_not_believed() {
        let check = ClockCheck::new(2_000);
        assert!(check.observe(10_000, 10_010, 10_005));
        tokio::time::advance(MEASURED_AGE_MAX).await;
        assert!(check.is_sound());
        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(!check.is_sound());
        assert!(check.observe(50_000, 50_010, 50_005));
        assert!(check.is_sound());
    }

    #[test]
    fn a_slow_heartbeat_or_a_clock_step_during_it_changes_nothing() {
        let check = ClockCheck::new(2_000);
        check.observe(10_000, 10_010, 10_005);
        assert!(!check.observe(10_000, 12_001, 90_000));
        assert!(!check.observe(10_000, 9_000, 90_000));
        assert_eq!(check.offset_ms(), Some(0));
    }
}
