//! Whether a process still appends to the log it has appended to before.
//!
//! A topic that is deleted and made again takes appends as if nothing had happened, from offset 0
//! on; no rules are in it, and what was acknowledged is gone. rdkafka does not tell a topic's id.
//! But in one log, a record sent after another was acknowledged is always behind it, and behind
//! every end that was told before.
//!
//! Invariant: once an offset has gone back, nothing is acknowledged and nothing more is sent. Never
//! here: a question to a broker; a new topic that grew longer than the old is not noticed.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::AppendError;

/// How far each partition's log was told to reach.
#[derive(Debug)]
pub(super) struct Continuity {
    ends: Box<[AtomicU64]>,
    broken: OnceLock<String>,
}

impl Continuity {
    pub(super) fn new(partitions: u32) -> Self {
        let ends = (0..partitions).map(|_| AtomicU64::new(0)).collect();
        Self { ends, broken: OnceLock::new() }
    }

    /// Why nothing is sent any more, if so.
    pub(super) fn trouble(&self) -> Option<&String> {
        self.broken.get()
    }

    /// Where the log reaches at least: what is sent from now on comes there or behind.
    ///
    /// # Errors
    /// [`AppendError::Refused`] if it is not that log any more.
    pub(super) fn before(&self, partition: u32) -> Result<u64, AppendError> {
        let refused = |why: &String| Err(AppendError::Refused(why.clone()));
        self.trouble().map_or_else(|| Ok(self.end(partition).load(Ordering::SeqCst)), refused)
    }

    /// Takes note of where the log reaches, as the brokers say.
    pub(super) fn reaches(&self, partition: u32, end: u64) {
        self.end(partition).fetch_max(end, Ordering::SeqCst);
    }

    /// Takes note of where a record came that was sent after `before`.
    ///
    /// # Errors
    /// [`AppendError::InDoubt`] if it is not that log any more.
    pub(super) fn after(
        &self,
        partition: u32,
        before: u64,
        offset: u64,
    ) -> Result<u64, AppendError> {
        if offset < before {
            let why = self.broken.get_or_init(|| {
                let why = format!(
                    "partition {partition} has gone back from {before} to {offset}: its topic was \
                     made anew or cut, and what was acknowledged is gone"
                );
                tracing::error!("{why}");
                why
            });
            return Err(AppendError::InDoubt(why.clone()));
        }
        self.end(partition).fetch_max(offset + 1, Ordering::SeqCst);
        self.trouble().map_or(Ok(offset), |why| Err(AppendError::InDoubt(why.clone())))
    }

    fn end(&self, partition: u32) -> &AtomicU64 {
        &self.ends[partition as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_that_goes_back_takes_nothing_more() {
        let log = Continuity::new(2);
        let (first, second) = (log.before(1).unwrap(), log.before(1).unwrap());
        // Answers come in any order.
        assert_eq!(log.after(1, second, 8), Ok(8));
        assert_eq!(log.after(1, first, 7), Ok(7));
        assert_eq!(log.before(1), Ok(9));
        assert_eq!(log.before(0), Ok(0));
        assert!(log.trouble().is_none());
        log.reaches(0, 5);
        log.reaches(0, 3);
        assert_eq!(log.before(0), Ok(5));
        assert!(matches!(log.after(1, 9, 0), Err(AppendError::InDoubt(_))));
        assert!(matches!(log.before(0), Err(AppendError::Refused(_))));
        assert!(matches!(log.after(0, 0, 3), Err(AppendError::InDoubt(_))));
    }
}
