//! The journal's own time: the process's clock as it was at opening, running on evenly from there.
//!
//! A clock that is stepped while the journal is open is then seen to be off, like one that differs
//! from a broker's. A clock that was wrong before cannot be found out here, but for one that is
//! behind what the journal holds already: time never begins before the newest record.

use tokio::time::Instant;

/// A time that nobody can step.
#[derive(Debug, Clone, Copy)]
pub(super) struct JournalTime {
    opened_ms: i64,
    opened_at: Instant,
}

impl JournalTime {
    /// Begins at `now_ms`, or at the newest record's time if that is later.
    pub(super) fn begin(now_ms: i64, newest_ms: Option<i64>) -> Self {
        let opened_ms = newest_ms.map_or(now_ms, |newest_ms| newest_ms.max(now_ms));
        Self { opened_ms, opened_at: Instant::now() }
    }

    /// Milliseconds since 1970-01-01 UTC.
    pub(super) fn now_ms(&self) -> i64 {
        let elapsed_ms = u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.opened_ms.saturating_add_unsigned(elapsed_ms)
    }
}
