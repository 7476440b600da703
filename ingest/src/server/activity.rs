//! What a connection's watchdog knows of its traffic: requests in flight, and since when none is.
//!
//! Invariant: a request is in flight from its header until its handler's answer, an event stream
//! until its end, and each is counted out exactly once, also when it is dropped. Never here: a
//! timer; a request costs two atomic additions, a store and one reading of the clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use tokio::time::{Duration, Instant};

/// Stands for "nothing has been answered yet".
const NEVER: u64 = u64::MAX;

/// The traffic of one connection.
#[derive(Debug)]
pub(super) struct Activity {
    opened: Instant,
    in_flight: AtomicUsize,
    /// When the last request ended, in µs since `opened`.
    ended_us: AtomicU64,
}

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quiet {
    /// Something is in flight.
    No,
    /// Nothing has ever been; the connection is open since then.
    BeforeFirstRequest(Instant),
    /// The last ended then.
    Since(Instant),
}

impl Activity {
    pub(super) const fn new(opened: Instant) -> Self {
        Self { opened, in_flight: AtomicUsize::new(0), ended_us: AtomicU64::new(NEVER) }
    }

    /// Counts a request in until the value is dropped.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        // Relaxed: nothing is published with it. If the watchdog misses it, the connection is
        // closed gracefully, which lets the request finish.
        self.in_flight.fetch_add(1, Ordering::Relaxed);
        InFlight(Arc::clone(self))
    }

    pub(super) fn quiet(&self) -> Quiet {
        // Acquire, with the Release in `drop`: who sees the last one gone sees when it went.
        if self.in_flight.load(Ordering::Acquire) > 0 {
            return Quiet::No;
        }
        match self.ended_us.load(Ordering::Relaxed) {
            NEVER => Quiet::BeforeFirstRequest(self.opened),
            ended_us => Quiet::Since(self.opened + Duration::from_micros(ended_us)),
        }
    }
}

/// One request, or event stream, in flight.
#[derive(Debug)]
pub(super) struct InFlight(Arc<Activity>);

impl Drop for InFlight {
    fn drop(&mut self) {
        let ended_us = u64::try_from(self.0.opened.elapsed().as_micros()).unwrap_or(NEVER - 1);
        self.0.ended_us.store(ended_us, Ordering::Relaxed);
        self.0.in_flight.fetch_sub(1, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn quiet_begins_when_the_last_of_several_requests_ends() {
        let opened = Instant::now();
        let activity = Arc::new(Activity::new(opened));
        assert_eq!(activity.quiet(), Quiet::BeforeFirstRequest(opened));

        let (first, second) = (activity.begin(), activity.begin());
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(first);
        assert_eq!(activity.quiet(), Quiet::No);
        tokio::time::advance(Duration::from_secs(1)).await;
        drop(second);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(activity.quiet(), Quiet::Since(opened + Duration::from_secs(2)));
    }
}
