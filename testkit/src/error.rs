//! Why something could not be started, awaited or fetched: a sentence for whoever runs the tests.
//!
//! It names the file to look at or the thing to install. It is never matched on.

use std::path::Path;
use std::{fmt, io};

/// A sentence that says what went wrong and where to look.
pub struct Error(String);

impl Error {
    pub(crate) fn new(sentence: impl Into<String>) -> Self {
        Self(sentence.into())
    }

    /// For `map_err`: what was being done, and to which file.
    pub(crate) fn io(doing: &str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |error| Self(format!("{doing} {}: {error}", path.display()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// As `Display`, so that an `unwrap` in a test prints the sentence as it is.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// The end of a test whose cluster does not do as told.
#[track_caller]
#[expect(clippy::panic, reason = "a test says where it fails by panicking")]
pub(crate) fn must<T>(done: Result<T, Error>) -> T {
    match done {
        Ok(done) => done,
        Err(error) => panic!("{error}"),
    }
}
