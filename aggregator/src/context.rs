//! What the workers of a process share, and why an attempt of one ends.
//!
//! Never here: anything of a single partition's fold.

use std::sync::Arc;

use ballot::{Close, Day, Record, Stop};
use journal::{AppendError, Clock, ClockCheck, Error, Journal};
use tokio::sync::mpsc;

use crate::config::Config;
use crate::dedup::{AssignedVoters, VoterSets};
use crate::metrics::Meters;
#[cfg(feature = "planted")]
use crate::planted::Planted;
use crate::status::Statuses;
use crate::view::View;

/// What every worker of a process shares.
#[derive(Debug, Clone)]
pub(crate) struct Context<J> {
    pub(crate) journal: J,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) clock_check: Arc<ClockCheck>,
    pub(crate) config: Arc<Config>,
    pub(crate) view: View,
    pub(crate) sets: VoterSets,
    pub(crate) statuses: Statuses,
    pub(crate) meters: Meters,
    /// Tells the group how far a partition has been flushed.
    pub(crate) flushed: mpsc::Sender<(u32, u64)>,
}

impl<J: Journal> Context<J> {
    pub(crate) fn assign(&self, partition: u32) -> AssignedVoters {
        #[cfg(feature = "planted")]
        if self.is_planted(Planted::SetSharedByAssignments) {
            return self.sets.assign_shared(partition);
        }
        self.sets.assign(partition)
    }

    /// Appends a day's close record, after one more heartbeat: a clock that was stepped since the
    /// last one must not end a day early.
    pub(crate) async fn close(
        &self,
        partition: u32,
        day: Day,
        closable_at_ms: i64,
    ) -> Result<u64, AppendError> {
        let sent_ms = self.clock.now_ms();
        let append_time_ms = self.journal.heartbeat().await?;
        let clock_ms = self.clock.now_ms();
        let fresh = self.clock_check.observe(sent_ms, clock_ms, append_time_ms);
        if !fresh {
            let slow = "the journal answered too slowly to compare our clock with its own";
            return Err(AppendError::Refused(slow.to_owned()));
        }
        if !self.clock_check.is_sound() || clock_ms < closable_at_ms {
            return Err(AppendError::Refused("our own clock is off".to_owned()));
        }
        let close = Close { day: day.day, instant_ms: day.end_ms, clock_ms };
        self.journal.append(partition, clock_ms, Record::Close(close).encode()).await
    }

    #[cfg(feature = "planted")]
    pub(crate) fn is_planted(&self, defect: Planted) -> bool {
        self.config.planted == Some(defect)
    }
}

/// Why a worker's attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Failure {
    /// Rebuild and go on.
    Again(String),
    /// An operator has to look at it; going on would count wrongly.
    Stopped(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Unavailable(_) => Self::Again(error.to_string()),
            Error::OutOfRange { .. } | Error::Refused(_) => Self::Stopped(error.to_string()),
        }
    }
}

impl From<Stop> for Failure {
    fn from(stop: Stop) -> Self {
        Self::Stopped(stop.to_string())
    }
}
