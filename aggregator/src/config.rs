//! What an aggregator is told: every interval and bound in one place, with where it came from.

use std::time::Duration;

/// The settings of an aggregator.
#[derive(Debug, Clone)]
pub struct Config {
    /// How long a changed partition waits before its snapshot is published. 250 ms: the board moves
    /// four times a second, and a log of snapshots stays small.
    pub flush_interval: Duration,
    /// How long a failed step waits before it is tried again.
    pub retry_interval: Duration,
    /// How often closes that may be due, lag and stalls are looked at.
    pub tick: Duration,
    /// How long a frontier may stand still while there is lag before the process is not ready.
    pub stall_after: Duration,
    /// How long a drain may take; after that the group is left with what is flushed. A third of
    /// the 30 s that a process has to end.
    pub drain_max: Duration,
    /// The most voters of one partition and day; see [`ballot::voters_per_partition`].
    pub voters_max: usize,
    /// A defect to plant; tests only.
    #[cfg(feature = "planted")]
    pub planted: Option<crate::Planted>,
}

impl Config {
    /// The usual intervals, and a bound on the voters of one partition and day.
    #[must_use]
    pub const fn new(voters_max: usize) -> Self {
        Self {
            flush_interval: Duration::from_millis(250),
            retry_interval: Duration::from_millis(500),
            tick: Duration::from_secs(1),
            stall_after: Duration::from_secs(10),
            drain_max: Duration::from_secs(10),
            voters_max,
            #[cfg(feature = "planted")]
            planted: None,
        }
    }
}
