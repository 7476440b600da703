//! One broker of a cluster: started, broken and started again on the same ports and data.
//!
//! Each run has a log file of its own, so that a line found in it is of that run. A broker that a
//! test breaks says so by its methods only; the kit never restarts one by itself.

use std::ffi::OsString;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::disk::Disk;
use crate::error::must;
use crate::jars::tail;
use crate::properties::{Node, PLAIN, server};
use crate::{Error, Process, answers, wait_for};

/// What a broker says when it has joined the quorum and serves.
const READY: &str = "Kafka Server started";

/// An answer to the smallest request; the next look asks again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// A shutdown hands the broker's partitions over first; alone and idle it took 0.5 s.
const ENDS_WITHIN: Duration = Duration::from_secs(60);

/// A broker, which is a controller too.
#[derive(Debug)]
pub struct Broker {
    node: Node,
    disk: Disk,
    properties: PathBuf,
    logs: PathBuf,
    /// The Java machine, up to the name of the class.
    java: Vec<OsString>,
    /// Held by each process: the cluster's turn lasts as long as the last of them.
    turn: File,
    run: Mutex<Run>,
}

/// The latest run of a broker, from 1.
#[derive(Debug, Default)]
struct Run {
    number: u32,
    process: Option<Process>,
}

impl Broker {
    /// A broker not yet started, with an empty disk. The files of the cluster are in `folder`.
    pub(crate) fn new(node: Node, disk: Disk, folder: &Path, machine: (&[OsString], File)) -> Self {
        let properties = folder.join(format!("server-{}.properties", node.number));
        let (java, turn) = (machine.0.to_vec(), machine.1);
        let run = Mutex::new(Run { number: 0, process: None });
        Self { node, disk, properties, logs: folder.join("logs"), java, turn, run }
    }

    /// Writes what it reads at its first start.
    pub(crate) fn prepare(&self, nodes: &[Node], added: &[(String, String)]) -> Result<(), Error> {
        let text = server(&self.node, nodes, &self.disk.data, added);
        fs::write(&self.properties, text).map_err(Error::io("writing", &self.properties))?;
        self.format()
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its number in the cluster, which is its node id.
    #[must_use]
    pub const fn number(&self) -> usize {
        self.node.number
    }

    /// The port for clients.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port_on(PLAIN)
    }

    pub(crate) fn port_on(&self, listener: &str) -> u16 {
        let found = self.node.listeners.iter().find(|(name, ..)| name == listener);
        let port = found.map(|&(_, _, port)| port);
        must(port.ok_or_else(|| Error::new(format!("there is no listener {listener}"))))
    }

    /// The process id of the run that was started last.
    ///
    /// # Panics
    ///
    /// None was, or it was killed or stopped.
    #[must_use]
    #[track_caller]
    pub fn pid(&self) -> u32 {
        must(self.with(|process| Ok(process.pid())))
    }

    /// Whether it was started and neither killed nor stopped since.
    #[must_use]
    pub fn is_started(&self) -> bool {
        self.run().process.is_some()
    }

    /// What it has said since it was last started.
    #[must_use]
    pub fn log(&self) -> String {
        let log = self.log_file(self.run().number);
        String::from_utf8_lossy(&fs::read(log).unwrap_or_default()).into_owned()
    }

    fn log_file(&self, run: u32) -> PathBuf {
        self.logs.join(format!("broker-{}-run-{run}.log", self.number()))
    }

    /// Makes its disk empty. Not while it runs.
    pub(crate) fn format(&self) -> Result<(), Error> {
        if self.is_started() {
            return Err(Error::new(format!("broker {} runs: its disk stays", self.number())));
        }
        self.disk.format(self.number())
    }

    pub(crate) fn try_start(&self) -> Result<(), Error> {
        let mut run = self.run();
        if run.process.is_some() {
            return Err(Error::new(format!("broker {} was started before", self.number())));
        }
        run.number += 1;
        let log = self.log_file(run.number);
        let server = [OsString::from("kafka.Kafka"), self.properties.clone().into_os_string()];
        let command = [self.java.as_slice(), &server].concat();
        run.process = Some(Process::spawn_holding(&command, &log, &self.turn)?);
        Ok(())
    }

    fn is_ready(&self) -> bool {
        self.log().contains(READY) && answers(self.port(), ANSWERS_WITHIN)
    }

    fn failure(&self) -> Option<Error> {
        let ended = match &mut self.run().process {
            None => return Some(Error::new(format!("broker {} does not run", self.number()))),
            Some(process) => process.ended()?,
        };
        Some(self.failed(&format!("has ended ({ended})")))
    }

    fn failed(&self, how: &str) -> Error {
        let log = self.log_file(self.run().number);
        Error::new(format!("broker {} {how}. {}", self.number(), tail(&log)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut Process) -> Result<T, Error>) -> Result<T, Error> {
        let missing = || Error::new(format!("broker {} does not run", self.number()));
        act(self.run().process.as_mut().ok_or_else(missing)?)
    }

    fn end(&self, end: impl FnOnce(&mut Process) -> Result<(), Error>) -> Result<(), Error> {
        self.with(end)?;
        self.run().process = None;
        Ok(())
    }

    /// Starts it again after [`kill`](Self::kill) or [`stop`](Self::stop), without waiting: alone,
    /// one of three does not become ready.
    ///
    /// # Panics
    ///
    /// It was started before.
    #[track_caller]
    pub fn start(&self) {
        must(self.try_start());
    }

    /// Waits until it has joined the quorum and answers.
    ///
    /// # Panics
    ///
    /// It has ended, or is not ready at the deadline: the test fails with the end of its log.
    #[track_caller]
    pub fn wait_ready(&self, within: Duration) {
        must(all_ready(&[self], within));
    }

    /// Kills it as a power cut would, with signal 9, and waits until it is gone.
    ///
    /// # Panics
    ///
    /// It does not run.
    #[track_caller]
    pub fn kill(&self) {
        must(self.end(|process| process.kill().map(drop)));
    }

    /// Asks it to end and waits until it has. A paused one is resumed for it.
    ///
    /// # Panics
    ///
    /// It does not run, or still does after 60 s.
    #[track_caller]
    pub fn stop(&self) {
        must(self.end(|process| {
            process.signal("CONT")?;
            process.signal("TERM")?;
            process.wait(ENDS_WITHIN).map(drop)
        }));
    }

    /// Stops it in its tracks: connections stay, nothing is answered.
    ///
    /// # Panics
    ///
    /// It does not run.
    #[track_caller]
    pub fn pause(&self) {
        must(self.with(|process| process.signal("STOP")));
    }

    /// Lets a paused one go on.
    ///
    /// # Panics
    ///
    /// It does not run.
    #[track_caller]
    pub fn resume(&self) {
        must(self.with(|process| process.signal("CONT")));
    }

    /// Empties its disk, as if it had been replaced. Not while it runs.
    ///
    /// # Panics
    ///
    /// It runs, or its disk cannot be written.
    #[track_caller]
    pub fn wipe(&self) {
        must(self.format());
    }
}

/// Waits for all of them together: one that has ended is the reason why others are not ready.
pub(crate) fn all_ready(brokers: &[&Broker], within: Duration) -> Result<(), Error> {
    let state = wait_for(within, || {
        if let Some(failure) = brokers.iter().find_map(|broker| broker.failure()) {
            return Some(Err(failure));
        }
        brokers.iter().all(|broker| broker.is_ready()).then_some(Ok(()))
    });
    let late = || {
        let late = brokers.iter().find(|broker| !broker.is_ready());
        late.map_or(Ok(()), |late| Err(late.failed(&format!("is not ready after {within:?}"))))
    };
    state.unwrap_or_else(late)
}
