//! Waiting for a state, with a deadline.
//!
//! The one file of the kit that reads a clock: its waits are for real processes, which know nothing
//! of a test's paused time. Nothing here waits for time to pass and hopes.

use std::time::{Duration, Instant};

/// How often a state that cannot be waited for is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The state as soon as it is there, or `None` at the deadline. Looks at least once.
pub fn wait_for<T>(within: Duration, mut state: impl FnMut() -> Option<T>) -> Option<T> {
    let from = now();
    loop {
        let found = state();
        if found.is_some() || now().duration_since(from) >= within {
            return found;
        }
        std::thread::park_timeout(POLL);
    }
}

#[expect(clippy::disallowed_methods, reason = "a deadline for real processes, outside any runtime")]
fn now() -> Instant {
    Instant::now()
}
