//! The log lines about WeChat: each sort at most once a minute, whatever number of voters meets it.
//!
//! What is written is the call, the outcome and a cause in words of ours or of the network's; never
//! WeChat's text, a URL, or anything of a request.

use std::sync::atomic::{AtomicI64, Ordering};

use super::metrics::{Call, Outcome};

/// Between two lines of one sort. The metrics have the numbers.
const EVERY_MS: i64 = 60_000;

/// When a line of each sort was last written.
#[derive(Debug)]
pub(super) struct Complaints {
    written_ms: [[AtomicI64; Outcome::COUNT]; Call::COUNT],
}

impl Complaints {
    pub(super) fn new() -> Self {
        let never = || AtomicI64::new(i64::MIN);
        Self { written_ms: std::array::from_fn(|_| std::array::from_fn(|_| never())) }
    }

    /// Writes a line about a call, if its outcome is an operator's business.
    pub(super) fn about(&self, call: Call, outcome: Outcome, cause: &str, now_ms: i64) {
        let must_act = match outcome {
            Outcome::Configuration => true,
            Outcome::Quota | Outcome::Unreachable | Outcome::Nonsense => false,
            // The voter's affair, or WeChat's for a moment.
            Outcome::Ok | Outcome::Busy | Outcome::CodeSpent | Outcome::Token | Outcome::Openid => {
                return;
            }
        };
        if !self.is_due(call, outcome, now_ms) {
            return;
        }
        let (call, outcome) = (call.name(), outcome.name());
        if must_act {
            tracing::error!(call, outcome, cause, "WeChat refuses this account: nobody is let in");
        } else {
            tracing::warn!(call, outcome, cause, "WeChat gives no answer that can be used");
        }
    }

    fn is_due(&self, call: Call, outcome: Outcome, now_ms: i64) -> bool {
        let written_ms = &self.written_ms[call as usize][outcome as usize];
        let last_ms = written_ms.load(Ordering::SeqCst);
        let is_due = now_ms < last_ms || now_ms.saturating_sub(last_ms) >= EVERY_MS;
        let swap =
            |to_ms| written_ms.compare_exchange(last_ms, to_ms, Ordering::SeqCst, Ordering::SeqCst);
        is_due && swap(now_ms).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_of_each_sort_a_minute() {
        let complaints = Complaints::new();
        let is_due = |call, now_ms| {
            complaints.is_due(call, Outcome::Unreachable, 1_700_000_000_000 + now_ms)
        };
        assert!(is_due(Call::Exchange, 0));
        assert!(!is_due(Call::Exchange, EVERY_MS - 1));
        assert!(is_due(Call::UserInfo, EVERY_MS - 1));
        assert!(is_due(Call::Exchange, EVERY_MS));
        assert!(is_due(Call::Exchange, 0), "a clock that was set back does not silence it");
    }
}
