//! Debian packages unpacked under `target/debian/`, each once, without root and without installing.
//!
//! A package's folder appears by a rename or not at all. Test binaries that run at once share it
//! behind a file lock. Where packages come from is apt's business; no host is named here, and
//! nothing outside the cache is written: where the machine's lists are empty or stale, lists of our
//! own are fetched. Never here: a package's maintainer scripts.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::jars::{clear, tail};
use crate::{Error, Process, find};

/// 20 MB took a second here and new lists 5 s; a slow line gets its chance.
const FETCHED_WITHIN: Duration = Duration::from_mins(5);

/// The root of what is in a package: `usr/bin/…` and so on. Seconds, or nothing if it is there.
/// Programs are looked for in `path`.
///
/// # Errors
///
/// It cannot be had: a sentence that says what to do.
pub fn unpacked(cache: &Path, package: &str, path: &OsStr) -> Result<PathBuf, Error> {
    let folder = cache.join(package);
    let root = folder.join("root");
    if !root.exists() {
        fs::create_dir_all(&folder).map_err(Error::io("making", &folder))?;
        let lock = File::create(folder.join("lock")).map_err(Error::io("locking", &folder))?;
        lock.lock().map_err(Error::io("locking", &folder))?;
        // Another process may have fetched it while this one waited.
        if !root.exists() {
            let fetch = Fetch { folder: &folder, package, path, lock: &lock };
            fetch.run(&root)?;
        }
    }
    Ok(root)
}

/// One package on its way. Whoever makes one holds the lock.
struct Fetch<'a> {
    folder: &'a Path,
    package: &'a str,
    path: &'a OsStr,
    lock: &'a File,
}

impl Fetch<'_> {
    fn run(&self, root: &Path) -> Result<(), Error> {
        let aside = self.folder.join("aside");
        clear(&aside)?;
        fs::create_dir_all(&aside).map_err(Error::io("making", &aside))?;
        let lists = self.folder.join("lists");
        let archive = match self.download(&aside, &[]) {
            Ok(archive) => archive,
            Err(_) => self.download_by_own_lists(&aside, &lists)?,
        };
        let unpacked = aside.join("root");
        self.say(&[
            find("dpkg", self.path)?.into_os_string(),
            "-x".into(),
            archive.into_os_string(),
            unpacked.clone().into_os_string(),
        ])?;
        fs::rename(&unpacked, root).map_err(Error::io("renaming", &unpacked))?;
        clear(&lists)?;
        clear(&aside)
    }

    /// Lists of our own, because the machine's do not have the package, or name a file that its
    /// mirror no longer has.
    fn download_by_own_lists(&self, aside: &Path, lists: &Path) -> Result<PathBuf, Error> {
        clear(lists)?;
        let partial = lists.join("partial");
        fs::create_dir_all(&partial).map_err(Error::io("making", &partial))?;
        let mut option = OsString::from("Dir::State::Lists=");
        option.push(lists);
        let own = [OsString::from("-o"), option];
        let update = [&own[..], &["update".into()]].concat();
        self.apt_get(aside, &update)?;
        self.download(aside, &own)
    }

    /// apt's download goes to the working folder, which only a shell can set for a [`Process`].
    fn download(&self, aside: &Path, options: &[OsString]) -> Result<PathBuf, Error> {
        let words = ["download".into(), OsString::from(self.package)];
        self.apt_get(aside, &[options, &words].concat())?;
        let files = fs::read_dir(aside).map_err(Error::io("reading", aside))?.flatten();
        let mut archives = files.map(|file| file.path());
        let found = archives.find(|path| path.extension().is_some_and(|kind| kind == "deb"));
        found.ok_or_else(|| self.error("no package came"))
    }

    fn apt_get(&self, aside: &Path, words: &[OsString]) -> Result<(), Error> {
        let cache = aside.join("cache");
        let partial = cache.join("archives/partial");
        fs::create_dir_all(&partial).map_err(Error::io("making", &partial))?;
        let mut own_cache = OsString::from("Dir::Cache=");
        own_cache.push(&cache);
        // Without a sandbox: its user could not write here. Only who is root has one at all.
        let options = ["-q", "-o", "Debug::NoLocking=1", "-o", "APT::Sandbox::User=root", "-o"];
        let shell = ["sh", "-c", "cd \"$0\" && exec \"$@\""].map(OsString::from);
        let program = find("apt-get", self.path)?.into_os_string();
        let mut command = shell.to_vec();
        command.extend([aside.as_os_str().to_owned(), program]);
        command.extend(options.map(OsString::from));
        command.push(own_cache);
        command.extend_from_slice(words);
        self.say(&command)
    }

    fn say(&self, command: &[OsString]) -> Result<(), Error> {
        let log = self.folder.join("log");
        File::create(&log).map_err(Error::io("making", &log))?;
        let ended = Process::spawn_holding(command, &log, self.lock)?.wait(FETCHED_WITHIN)?;
        if ended.success() { Ok(()) } else { Err(self.error(&ended.to_string())) }
    }

    fn error(&self, what: &str) -> Error {
        let package = self.package;
        Error::new(format!(
            "the Debian package {package} could not be fetched ({what}). {}",
            tail(&self.folder.join("log"))
        ))
    }
}
