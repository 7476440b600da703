//! What one listener counts. Registration with the metrics is elsewhere.
//!
//! Invariant: each value is written by its listener only, and all but `active` only grow.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Counts of one listener; give each listener its own.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) accepted: Count,
    pub(super) refused_at_cap: Count,
    pub(super) accept_errors: Count,
    pub(super) closed_idle: Count,
    pub(super) closed_first_request: Count,
    active: AtomicUsize,
}

/// The counts at one moment; each is exact, they are not read together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CountersSnapshot {
    /// Connections accepted and served.
    pub accepted: u64,
    /// Connections closed at once because `connections_max` were open.
    pub refused_at_cap: u64,
    /// Failed attempts to accept, such as for want of a file descriptor.
    pub accept_errors: u64,
    /// Connections closed because no request followed the last answer in time.
    pub closed_idle: u64,
    /// Connections closed because no request came at all in time.
    pub closed_first_request: u64,
    /// Connections open now.
    pub active: usize,
}

impl Counters {
    /// Reads all counts.
    #[must_use]
    pub fn snapshot(&self) -> CountersSnapshot {
        CountersSnapshot {
            accepted: self.accepted.value(),
            refused_at_cap: self.refused_at_cap.value(),
            accept_errors: self.accept_errors.value(),
            closed_idle: self.closed_idle.value(),
            closed_first_request: self.closed_first_request.value(),
            active: self.active(),
        }
    }

    pub(super) fn active(&self) -> usize {
        // Relaxed, as for `Count`.
        self.active.load(Ordering::Relaxed)
    }

    pub(super) fn set_active(&self, active: usize) {
        self.active.store(active, Ordering::Relaxed);
    }
}

/// One growing count. Relaxed: each stands alone, nothing else is published with it.
#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
