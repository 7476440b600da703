//! Work that may panic on a broken file, of which nothing is to be seen but the finding.
//!
//! redb asserts what a file that was cut off does not keep. Never here: silence about a panic
//! anywhere else.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    /// Whether this thread's panics are a finding.
    static IS_QUIET: Cell<bool> = const { Cell::new(false) };
}

/// What the work comes to; none if it panics, about which nothing is said.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_QUIET.get() {
                told(panic);
            }
        }));
    });
    IS_QUIET.set(true);
    // What it may have left half done is dropped with it.
    let done = panic::catch_unwind(AssertUnwindSafe(work)).ok();
    IS_QUIET.set(false);
    done
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_panics_comes_to_nothing_and_the_next_is_done() {
        assert_eq!(quietly(|| assert_eq!(1, 2, "this is not to be seen")), None);
        assert_eq!(quietly(|| 3), Some(3));
        assert!(!IS_QUIET.get());
    }
}
