//! What is counted of WeChat's events.
//!
//! Invariant: every event and outcome has its series from the start. Never here: anything that a
//! message says but its kind.

use prometheus::{IntCounter, IntCounterVec, Opts, Registry};

use super::{EVENT, OUTCOME, WECHAT_EVENT_KINDS, WECHAT_EVENT_OUTCOMES, WECHAT_EVENTS};

/// What kind of event it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventKind {
    Subscribe,
    Unsubscribe,
    Scan,
    Text,
    /// Another, or one that nobody has looked into.
    Other,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventOutcome {
    /// It was acted upon, or there was nothing to do.
    Handled,
    /// It had been handled before.
    Repeated,
    /// Its signature does not hold, is old, or has spoken for another body.
    Forged,
    /// It cannot be read.
    Malformed,
    /// It has no effect: too many waited, or WeChat did not say who it was about.
    Dropped,
}

/// The counts. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct WeChatEvents([[IntCounter; 5]; 5]);

impl WeChatEvents {
    /// Registered, all at zero.
    pub(super) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let opts = Opts::new(WECHAT_EVENTS, "Events from WeChat by kind and outcome.");
        let counts = IntCounterVec::new(opts, &[EVENT, OUTCOME])?;
        registry.register(Box::new(counts.clone()))?;
        Ok(Self(WECHAT_EVENT_KINDS.map(|kind| {
            WECHAT_EVENT_OUTCOMES.map(|outcome| counts.with_label_values(&[kind, outcome]))
        })))
    }

    /// Counts an event.
    pub(crate) fn count(&self, kind: EventKind, outcome: EventOutcome) {
        self.0[kind as usize][outcome as usize].inc();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_and_outcome_has_the_place_of_its_own_name() {
        let counts = WeChatEvents::new(&Registry::new()).unwrap();
        for (kind, name) in [
            (EventKind::Subscribe, "subscribe"),
            (EventKind::Unsubscribe, "unsubscribe"),
            (EventKind::Scan, "scan"),
            (EventKind::Text, "text"),
            (EventKind::Other, "other"),
        ] {
            assert_eq!(WECHAT_EVENT_KINDS[kind as usize], name);
        }
        for (outcome, name) in [
            (EventOutcome::Handled, "handled"),
            (EventOutcome::Repeated, "repeated"),
            (EventOutcome::Forged, "forged"),
            (EventOutcome::Malformed, "malformed"),
            (EventOutcome::Dropped, "dropped"),
        ] {
            assert_eq!(WECHAT_EVENT_OUTCOMES[outcome as usize], name);
        }
        counts.count(EventKind::Text, EventOutcome::Dropped);
        assert_eq!(counts.0[3][4].get(), 1);
    }
}
