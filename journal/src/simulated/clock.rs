//! Time in a simulation: the cluster's, which is tokio's paused time, and each process's own wall
//! clock, which is off by a skew that can be stepped.
//!
//! Never here: the machine's clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tokio::time::Instant;

use crate::Clock;

/// Turns tokio's time into the cluster's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timeline {
    origin: Instant,
    epoch_ms: i64,
}

impl Timeline {
    pub(super) fn new(epoch_ms: i64) -> Self {
        Self { origin: Instant::now(), epoch_ms }
    }

    /// Milliseconds since the cluster was made.
    pub(super) fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since 1970-01-01 UTC by the cluster's clock.
    pub(super) fn now_ms(&self) -> i64 {
        self.epoch_ms.saturating_add_unsigned(self.elapsed_ms())
    }
}

/// The wall clock of one simulated process: the cluster's time plus a skew. Clones share the skew.
#[derive(Debug, Clone)]
pub struct SimulatedClock {
    timeline: Timeline,
    skew_ms: Arc<AtomicI64>,
}

impl SimulatedClock {
    pub(super) fn new(timeline: Timeline) -> Self {
        Self { timeline, skew_ms: Arc::default() }
    }

    /// Steps the clock so that it is `skew_ms` ahead of the cluster's (behind, if negative).
    pub fn set_skew_ms(&self, skew_ms: i64) {
        // Relaxed: the value stands alone, and a simulation has one thread.
        self.skew_ms.store(skew_ms, Ordering::Relaxed);
    }

    /// How far ahead of the cluster's clock this one is.
    #[must_use]
    pub fn skew_ms(&self) -> i64 {
        self.skew_ms.load(Ordering::Relaxed)
    }
}

impl Clock for SimulatedClock {
    fn now_ms(&self) -> i64 {
        self.timeline.now_ms().saturating_add(self.skew_ms())
    }
}
