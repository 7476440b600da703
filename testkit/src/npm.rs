//! The caches of npm's packages under `target/npm/`, each filled by npm once.
//!
//! A folder appears by a rename or not at all, and holds the manifest and the lock file that it was
//! made from: equal text means nothing to do. Test binaries that run at once share it behind a file
//! lock. Where packages come from is npm's business; no host is named here. Never here: a package's
//! install scripts.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::jars::{clear, tail};
use crate::tools::search_path;
use crate::{Error, Process, find, target};

/// 100 MB took 4 s here; a slow line gets its chance.
const FETCHED_WITHIN: Duration = Duration::from_mins(10);

/// Packages that belong together, pinned.
#[derive(Debug, Clone, Copy)]
pub struct Packages<'a> {
    /// The folder's name under `target/npm/`.
    pub name: &'a str,
    /// The text of `package.json`; versions are exact.
    pub manifest: &'a str,
    /// The text of `package-lock.json`; it names no registry. None: only what the manifest names
    /// is pinned.
    pub lock: Option<&'a str>,
}

impl Packages<'_> {
    /// The folder with `node_modules` in it, fetched first if it is not there. `finish` does what
    /// is left to do in a new folder, before anybody sees it; it may hold the lock it is given.
    ///
    /// # Errors
    ///
    /// npm is missing or failed, or `finish` did: a sentence that says what to do.
    pub fn folder(
        &self,
        finish: impl FnOnce(&Path, &File) -> Result<(), Error>,
    ) -> Result<PathBuf, Error> {
        let home = target().join("npm").join(self.name);
        let folder = home.join("packages");
        if !self.is_in(&folder) {
            fs::create_dir_all(&home).map_err(Error::io("making", &home))?;
            let lock = File::create(home.join("lock")).map_err(Error::io("locking", &home))?;
            lock.lock().map_err(Error::io("locking", &home))?;
            // Another process may have fetched them while this one waited.
            if !self.is_in(&folder) {
                let aside = home.join("aside");
                self.fetch(&home, &aside, &lock)?;
                finish(&aside, &lock)?;
                clear(&folder)?;
                fs::rename(&aside, &folder).map_err(Error::io("renaming", &aside))?;
            }
        }
        Ok(folder)
    }

    fn is_in(&self, folder: &Path) -> bool {
        let is = |name, text| fs::read_to_string(folder.join(name)).is_ok_and(|had| had == text);
        is("package.json", self.manifest)
            && self.lock.is_none_or(|lock| is("package-lock.json", lock))
    }

    /// Whoever calls holds the lock.
    fn fetch(&self, home: &Path, aside: &Path, lock: &File) -> Result<(), Error> {
        clear(aside)?;
        fs::create_dir_all(aside).map_err(Error::io("making", aside))?;
        let write = |name, text| {
            let file = aside.join(name);
            fs::write(&file, text).map_err(Error::io("writing", &file))
        };
        write("package.json", self.manifest)?;
        if let Some(text) = self.lock {
            write("package-lock.json", text)?;
        }
        let log = home.join("log");
        File::create(&log).map_err(Error::io("making", &log))?;
        let npm = node_program("npm", &search_path())?;
        let command = if self.lock.is_some() { "ci" } else { "install" };
        let quiet = [command, "--ignore-scripts", "--omit=peer", "--no-audit", "--no-fund"];
        let mut words: Vec<OsString> = vec![npm.into_os_string()];
        words.extend(quiet.map(OsString::from));
        words.extend(["--prefix".into(), aside.as_os_str().to_owned()]);
        let ended = Process::spawn_holding(&words, &log, lock)?.wait(FETCHED_WITHIN)?;
        if ended.success() {
            // As it was given: npm writes its own version of a manifest that it installs.
            return write("package.json", self.manifest);
        }
        let (name, tail) = (self.name, tail(&log));
        Err(Error::new(format!(
            "npm could not fetch the packages of {name} ({ended}); tests need them once, from a \
             registry that `npm` can reach. {tail}"
        )))
    }
}

/// Where `node` or `npm` is.
pub(crate) fn node_program(name: &str, path: &OsStr) -> Result<PathBuf, Error> {
    find(name, path).map_err(|_| {
        Error::new(format!(
            "{name} is not on the PATH: tests of pages need Node, 20.11 or newer, with npm; \
             install it (Debian: nodejs and npm)"
        ))
    })
}
