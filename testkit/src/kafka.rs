//! A cluster that lives, and its folder under `target/tmp/kafka/`.
//!
//! Dropping it kills the brokers, removes their data and lets the next cluster's turn come. Logs
//! stay when the test is failing. Nothing outside that folder is ever written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use crate::broker::{Broker, all_ready};
use crate::error::must;
use crate::jars::clear;
use crate::properties::PLAIN;
use crate::turn::Turn;
use crate::{Builder, Error};

/// A cluster of Apache Kafka brokers, each also a controller, on loopback ports.
#[derive(Debug)]
pub struct Kafka {
    // In this order they go: brokers, then data, then the turn.
    brokers: Vec<Broker>,
    folder: Folder,
    turn: Turn,
}

impl Kafka {
    /// Starts so many brokers (1 or 3) and waits until they are ready.
    ///
    /// # Panics
    ///
    /// They cannot be started: the test fails with the reason.
    #[must_use]
    #[track_caller]
    pub fn start(brokers: usize) -> Self {
        Self::builder(brokers).start()
    }

    /// A start with other settings.
    #[must_use]
    pub fn builder(brokers: usize) -> Builder {
        Builder::new(brokers)
    }

    pub(crate) const fn new(folder: Folder, turn: Turn) -> Self {
        Self { brokers: Vec::new(), folder, turn }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder.path
    }

    pub(crate) fn lock(&self) -> Result<File, Error> {
        self.turn.file().try_clone().map_err(Error::io("holding the turn for", self.folder()))
    }

    pub(crate) fn replace(&mut self, brokers: Vec<Broker>) {
        self.brokers = brokers;
    }

    /// For a failure that is not this thread's panic.
    pub(crate) const fn keep_logs(&mut self) {
        self.folder.keeps_logs = true;
    }

    /// Starts all at once: alone, one of three does not become ready.
    pub(crate) fn begin(&self, ready_within: Duration) -> Result<(), Error> {
        self.brokers.iter().try_for_each(Broker::try_start)?;
        all_ready(&self.brokers.iter().collect::<Vec<_>>(), ready_within)
    }

    /// Whether a broker found its port taken.
    pub(crate) fn has_clashed(&self) -> bool {
        self.brokers.iter().any(|broker| broker.log().contains("Address already in use"))
    }

    /// What clients are given: `127.0.0.1:port` of every broker, running or not.
    #[must_use]
    pub fn bootstrap(&self) -> String {
        self.bootstrap_on(PLAIN)
    }

    /// The same for a listener that the builder was asked for.
    #[must_use]
    pub fn bootstrap_on(&self, listener: &str) -> String {
        let ports = self.brokers.iter().map(|broker| broker.port_on(listener));
        ports.map(|port| format!("127.0.0.1:{port}")).collect::<Vec<_>>().join(",")
    }

    /// The broker with this number, from 1; it is its node id.
    ///
    /// # Panics
    ///
    /// There are fewer.
    #[must_use]
    #[track_caller]
    pub fn broker(&self, number: usize) -> &Broker {
        let found = self.brokers.iter().find(|broker| broker.number() == number);
        must(found.ok_or_else(|| Error::new(format!("there is no broker {number}"))))
    }

    /// All of them, by number.
    #[must_use]
    pub fn brokers(&self) -> &[Broker] {
        &self.brokers
    }

    /// Waits until every broker that was started is ready.
    ///
    /// # Panics
    ///
    /// One has ended, or is not ready at the deadline: the test fails with the end of its log.
    #[track_caller]
    pub fn wait_ready(&self, within: Duration) {
        let started = self.brokers.iter().filter(|broker| broker.is_started());
        must(all_ready(&started.collect::<Vec<_>>(), within));
    }

    /// Where its logs are.
    #[must_use]
    pub fn logs(&self) -> PathBuf {
        self.folder().join("logs")
    }
}

/// The folder of a cluster, gone with it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    keeps_logs: bool,
}

impl Folder {
    /// Makes one in `all`, named after the test (the thread), and frees the disk of what tests left
    /// behind that were killed. Whoever calls has the turn.
    pub(crate) fn make(all: &Path) -> Result<Self, Error> {
        fs::create_dir_all(all).map_err(Error::io("making", all))?;
        for left in fs::read_dir(all).map_err(Error::io("reading", all))?.flatten() {
            clear(&left.path().join("data"))?;
        }
        let thread = thread::current();
        let test = thread.name().unwrap_or("test").replace(|c: char| !c.is_alphanumeric(), "-");
        // The turn makes this the only one that makes folders here.
        let mut folders = (1..).map(|n: u32| all.join(format!("{test}-{n}")));
        let folder = folders.find(|folder| !folder.exists()).unwrap_or_else(|| all.join(test));
        let logs = folder.join("logs");
        fs::create_dir_all(&logs).map_err(Error::io("making", &logs))?;
        Ok(Self { path: folder, keeps_logs: false })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies under `target/`.
        if self.keeps_logs || thread::panicking() {
            drop(clear(&self.path.join("data")));
            eprintln!("Kafka's logs are in {}", self.path.join("logs").display());
        } else {
            drop(clear(&self.path));
        }
    }
}
