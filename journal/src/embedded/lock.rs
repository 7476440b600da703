//! The lock that keeps a second process from a campaign's journal, and names the first one.
//!
//! redb locks its file too, but a refused opener hears only "already open". The operating system
//! releases this lock when its holder ends, however it ends; the file stays and means nothing then.
//!
//! Never here: removing the file. Two processes could then hold locks on two files of one name.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, Write};
use std::path::Path;

use crate::Error;

/// Held as long as the journal is open.
#[derive(Debug)]
pub(super) struct DirectoryLock {
    /// None if there was no file that could be locked without making one.
    _file: Option<File>,
}

impl DirectoryLock {
    /// Takes the lock and leaves our process id and `now_ms` in its file.
    pub(super) fn take(path: &Path, now_ms: i64) -> Result<Self, Error> {
        let refused = |doing: &str, error: std::io::Error| {
            Error::Refused(format!("cannot {doing} the lock {}: {error}", path.display()))
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(path).map_err(|error| refused("open", error))?;
        match file.try_lock() {
            Ok(()) => {}
            // Who only looks leaves no text: what is there is of somebody before.
            Err(TryLockError::WouldBlock) if file.try_lock_shared().is_ok() => {
                return Err(looked_at(path));
            }
            Err(TryLockError::WouldBlock) => return Err(held(path, &mut file)),
            Err(TryLockError::Error(error)) => return Err(refused("take", error)),
        }
        let text = format!("{}\n{}\n", std::process::id(), ballot::rfc3339(now_ms));
        let written = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| file.write_all(text.as_bytes()));
        // The text is a courtesy to whoever is refused; the lock holds without it, as on a full
        // disk.
        if let Err(error) = written {
            tracing::warn!(%error, "cannot write the lock's text");
        }
        Ok(Self { _file: Some(file) })
    }

    /// Keeps takers away, as any number may at once, and leaves the file as it is.
    pub(super) fn share(path: &Path) -> Result<Self, Error> {
        let refused = |doing: &str, error: std::io::Error| {
            Error::Refused(format!("cannot {doing} the lock {}: {error}", path.display()))
        };
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { _file: None }),
            Err(error) => return Err(refused("open", error)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(Self { _file: Some(file) }),
            Err(TryLockError::WouldBlock) => Err(held(path, &mut file)),
            Err(TryLockError::Error(error)) => Err(refused("share", error)),
        }
    }
}

fn held(path: &Path, file: &mut File) -> Error {
    let mut text = String::new();
    // What cannot be read is left out of the sentence.
    drop(file.take(256).read_to_string(&mut text));
    let mut lines = text.lines();
    let process = lines.next().unwrap_or("unknown");
    let since = lines.next().unwrap_or("an unknown time");
    Error::Refused(format!(
        "the journal is in use: process {process} has held {} since {since}; stop that process, \
         or use another data directory",
        path.display()
    ))
}

fn looked_at(path: &Path) -> Error {
    Error::Refused(format!(
        "the journal is being looked at, as by a recount or a check, and {} is shared meanwhile; \
         wait for that to end, or recount a copy",
        path.display()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_taker_hears_who_holds_the_lock_and_since_when() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.lock");
        let lock = DirectoryLock::take(&path, 1_702_864_800_000).unwrap();
        let sentence = DirectoryLock::take(&path, 0).unwrap_err().to_string();
        assert!(sentence.contains(&format!("process {} has held", std::process::id())));
        assert!(sentence.contains("since 2023-12-18T02:00:00.000Z; stop that process"));
        assert_eq!(DirectoryLock::share(&path).unwrap_err().to_string(), sentence);
        drop(lock);
        DirectoryLock::take(&path, 0).unwrap();
    }

    #[test]
    fn whoever_shares_the_lock_keeps_takers_away_and_makes_and_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("c.lock");
        drop(DirectoryLock::share(&path).unwrap());
        assert!(!path.exists());
        drop(DirectoryLock::take(&path, 1_702_864_800_000).unwrap());
        let text = std::fs::read(&path).unwrap();
        let shared = [DirectoryLock::share(&path).unwrap(), DirectoryLock::share(&path).unwrap()];
        let sentence = DirectoryLock::take(&path, 0).unwrap_err().to_string();
        assert!(sentence.starts_with("the journal is being looked at"), "{sentence}");
        drop(shared);
        assert_eq!(std::fs::read(&path).unwrap(), text);
        DirectoryLock::take(&path, 0).unwrap();
    }
}
