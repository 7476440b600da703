//! A small disk that can be filled without harm. Needs root.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Error;

/// A small file system, gone when this is dropped.
pub(crate) struct Mount(pub(crate) PathBuf);

impl Mount {
    /// Mounts it there.
    pub(crate) fn new(place: &Path) -> Result<Self, Error> {
        fs::create_dir_all(place)?;
        let mut command = Command::new("mount");
        command.args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"]).arg(place);
        let ended = command.status()?;
        if ended.success() {
            return Ok(Self(place.to_owned()));
        }
        Err(format!("mount ended with {ended}; this part needs root").into())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        // A mount that stays is seen by whoever runs this next.
        drop(Command::new("umount").arg("-l").arg(&self.0).status());
    }
}
