//! Work on a file that may be damaged: whatever redb makes of one, it comes out as an error.
//!
//! redb answers much damage with an error, but asserts what it takes for granted of a file it has
//! written, such as the pages below a sound header. Invariant: a panic over a file is told as the
//! file's damage, once and in a sentence. Never here: silence about a panic anywhere else.

use std::any::Any;
use std::cell::Cell;
use std::io::ErrorKind;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::sync::Once;

use crate::Error;

thread_local! {
    /// Whether what panics on this thread is told as damage, and so not by the panic itself.
    static IS_TOLD: Cell<bool> = const { Cell::new(false) };
}

/// Does the work; if it panics, that is [`redb::Error::Corrupted`].
pub(super) fn caught<T>(work: impl FnOnce() -> Result<T, redb::Error>) -> Result<T, redb::Error> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let told = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            if !IS_TOLD.get() {
                told(panic);
            }
        }));
    });
    let outer = IS_TOLD.replace(true);
    // What the work may have left half done is dropped with it, or is a database that is not
    // written to again.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    IS_TOLD.set(outer);
    done.unwrap_or_else(|panic| Err(redb::Error::Corrupted(sentence(panic.as_ref()))))
}

/// The first line of what was said.
fn sentence(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or_default();
    text.lines().next().unwrap_or("it cannot be made sense of").to_owned()
}

/// Whether the error says that the file is not what was written, and no disk will make it so. A
/// file that ends too early, or begins as no file of redb does, is told as one that cannot be read.
pub(super) fn is_damage(error: &redb::Error) -> bool {
    if let redb::Error::Io(error) = error {
        return [ErrorKind::InvalidData, ErrorKind::UnexpectedEof].contains(&error.kind());
    }
    // No journal was ever in another format of redb's than the one that is read.
    matches!(error, redb::Error::Corrupted(_) | redb::Error::UpgradeRequired(_))
}

/// Refuses a file that is damaged, and says the way out.
pub(super) fn damaged(file: &Path, reason: &str) -> Error {
    let reason = reason.strip_prefix("DB corrupted: ").unwrap_or(reason);
    Error::Refused(format!(
        "{} is damaged or was cut off ({reason}), and nothing more is written to it; put it back \
         from your copy, with the keys that belong to it: docs/runbook.md says how, under \"The \
         journal's file is damaged\"",
        file.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_panics_is_damage_with_what_it_said_and_the_next_work_is_done() {
        let panicked = caught::<()>(|| panic!("page {} is not there\nand so on", 3));
        let error = panicked.unwrap_err();
        assert!(is_damage(&error));
        assert_eq!(error.to_string(), "DB corrupted: page 3 is not there");
        let nested = caught(|| Ok(caught::<()>(|| panic!("inside")).is_err() && IS_TOLD.get()));
        assert!(nested.unwrap(), "work goes on to be caught after some within it was");
        assert_eq!(caught(|| Ok(3)).unwrap(), 3);
        assert!(!IS_TOLD.get());
    }

    #[test]
    fn a_disk_that_fails_is_no_damage() {
        let of = |kind: ErrorKind| is_damage(&redb::Error::Io(kind.into()));
        assert!(of(ErrorKind::UnexpectedEof) && of(ErrorKind::InvalidData));
        assert!(!of(ErrorKind::StorageFull) && !of(ErrorKind::PermissionDenied));
        assert!(!is_damage(&redb::Error::DatabaseAlreadyOpen));
    }
}
