//! For how long the oldest record behind a frontier has been waiting, at most.
//!
//! It was appended after the record folded last, and after the last moment at which nothing was
//! behind the frontier. Record timestamps are those of the edges and not monotone, so this is as
//! true as their clocks agree. Pure: times are arguments, milliseconds since 1970-01-01 UTC.

/// Since when a record may have been waiting.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Behind {
    /// The timestamp of the record before the frontier. While that has not been read by this
    /// worker, when it began: it may have waited for longer, but that is not known here.
    folded_ms: Option<i64>,
    /// When the log's end was last found to be the frontier.
    caught_up_ms: Option<i64>,
}

impl Behind {
    /// A worker begins, or starts over: then what waited before still does, and what is looked at
    /// meanwhile may be another frontier.
    pub(crate) fn begin(&mut self, now_ms: i64) {
        self.folded_ms = self.folded_ms.max(self.caught_up_ms.take()).or(Some(now_ms));
    }

    /// Takes the timestamp of the record that is now the one before the frontier.
    pub(crate) const fn note_folded(&mut self, timestamp_ms: i64) {
        self.folded_ms = Some(timestamp_ms);
    }

    /// Takes that nothing was behind the frontier at a moment.
    pub(crate) const fn note_caught_up(&mut self, at_ms: i64) {
        self.caught_up_ms = Some(at_ms);
    }

    /// The frontier fell, to where a snapshot is: what was seen of where it was says nothing.
    pub(crate) const fn note_fallen(&mut self) {
        self.caught_up_ms = None;
    }

    /// Seconds that a record behind the frontier has been waiting for, at most; where the frontier
    /// fell, at least, until it is where it was.
    pub(crate) fn seconds(&self, now_ms: i64) -> f64 {
        // A missing one is less than any that is there.
        let since_ms = self.folded_ms.max(self.caught_up_ms).unwrap_or(now_ms);
        now_ms.saturating_sub(since_ms).max(0) as f64 / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_waits_since_the_one_before_it_or_since_there_was_none_whichever_is_later() {
        let mut behind = Behind::default();
        behind.begin(1_000);
        assert_eq!(behind.seconds(3_500), 2.5);
        // The record before it turns out to be old: so may the one behind it be.
        behind.note_folded(500);
        assert_eq!(behind.seconds(3_500), 3.0);
        behind.note_caught_up(3_000);
        assert_eq!(behind.seconds(3_500), 0.5);
        behind.note_folded(3_400);
        assert_eq!(behind.seconds(3_500), 0.1);
        // An edge's clock is ahead of ours.
        behind.note_folded(9_000);
        assert_eq!(behind.seconds(3_500), 0.0);
        assert_eq!(Behind::default().seconds(3_500), 0.0);
    }

    #[test]
    fn errors_in_a_row_do_not_make_a_record_wait_anew() {
        let mut behind = Behind::default();
        behind.begin(1_000);
        behind.begin(2_000);
        assert_eq!(behind.seconds(3_500), 2.5);
        behind.note_folded(500);
        behind.note_caught_up(3_000);
        behind.begin(3_100);
        behind.note_fallen();
        assert_eq!(behind.seconds(3_500), 0.5);
        // From then on it is what is folded again that says it.
        behind.note_folded(400);
        assert_eq!(behind.seconds(3_500), 3.1);
    }
}
