//! Whose turn it is to have a cluster: a file lock under the workspace's `target/`.
//!
//! Three brokers with sessions of 3 s beside others on two cores get fenced, so one cluster lives
//! at a time; tests in other binaries and threads queue. The turn ends when the last broker is
//! gone (each holds the lock open), not when the test process is.

use std::fs::{self, File};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

use crate::Error;

/// The thread of this process that took the turn: waiting for itself it would wait for ever.
static HOLDER: Mutex<Option<ThreadId>> = Mutex::new(None);

fn holder() -> MutexGuard<'static, Option<ThreadId>> {
    HOLDER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A turn, which ends when this and all who hold its file are gone.
#[derive(Debug)]
pub(crate) struct Turn {
    file: File,
}

impl Turn {
    /// Waits for the turn, for as long as it takes: clusters of other tests end with them.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        if *holder() == Some(thread::current().id()) {
            return Err(Error::new(
                "this thread has a cluster that lives: drop it before starting another",
            ));
        }
        fs::create_dir_all(folder).map_err(Error::io("making", folder))?;
        let path = folder.join("turn");
        let file = File::create(&path).map_err(Error::io("making", &path))?;
        if file.try_lock().is_err() {
            eprintln!("waiting for the cluster of another test to end ({})", path.display());
            file.lock().map_err(Error::io("locking", &path))?;
        }
        *holder() = Some(thread::current().id());
        Ok(Self { file })
    }

    pub(crate) const fn file(&self) -> &File {
        &self.file
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        // Before the lock goes, so that the next holder's name is not overwritten.
        *holder() = None;
    }
}
