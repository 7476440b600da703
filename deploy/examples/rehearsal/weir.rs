//! One process of Weir: started with its addresses, restarted as an orchestrator would.
//!
//! Invariant: a process that is asked to end must end with 0 by itself, or the part fails.

use std::path::{Path, PathBuf};
use std::time::Duration;

use testkit::{Process, free_ports, wait_for};

use crate::Error;
use crate::files::text;

/// Until a process that starts is ready, on a machine that is busy.
const READY_WITHIN: Duration = Duration::from_mins(2);
/// A drain may take 30 s.
const ENDED_WITHIN: Duration = Duration::from_mins(1);

/// A process, running or not.
#[derive(Debug)]
pub(crate) struct Weir {
    pub(crate) name: String,
    pub(crate) job: &'static str,
    /// Host and port.
    pub(crate) api: String,
    pub(crate) ops: String,
    command: Vec<String>,
    log: PathBuf,
    process: Option<Process>,
}

impl Weir {
    /// Names a process, with the command that starts it; its two addresses are added.
    pub(crate) fn new(name: &str, job: &'static str, command: Vec<String>, folder: &Path) -> Self {
        let mut ports = free_ports(2).into_iter().map(|port| format!("127.0.0.1:{port}"));
        let mut port = || ports.next().unwrap_or_default();
        let (api, ops) = (port(), port());
        let mut command = command;
        for (flag, address) in [("--listen", &api), ("--ops-listen", &ops)] {
            command.extend([flag.to_owned(), address.clone()]);
        }
        let log = folder.join(format!("{name}.log"));
        Self { name: name.to_owned(), job, api, ops, command, log, process: None }
    }

    /// Starts it, and waits until it is ready.
    pub(crate) fn start(&mut self) -> Result<(), Error> {
        self.launch()?;
        self.ready()
    }

    /// Starts it.
    pub(crate) fn launch(&mut self) -> Result<(), Error> {
        self.process = Some(Process::spawn(&self.command, &self.log)?);
        Ok(())
    }

    /// Waits until it is ready.
    pub(crate) fn ready(&mut self) -> Result<(), Error> {
        let url = format!("http://{}/readyz", self.ops);
        let ready = wait_for(READY_WITHIN, || ureq::get(&url).call().ok());
        let log = text(&self.log);
        ready.map(drop).ok_or_else(|| format!("{} is not ready: see {log}", self.name).into())
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.process.as_ref().map(Process::pid)
    }

    /// Sends it a signal by name.
    pub(crate) fn signal(&mut self, name: &str) -> Result<(), Error> {
        let process = self.process.as_mut().ok_or_else(|| format!("{} does not run", self.name))?;
        Ok(process.signal(name)?)
    }

    /// Has it started, from now on, by another command that takes its own as arguments.
    pub(crate) fn start_by(&mut self, before: &[&str]) {
        self.command.splice(..0, before.iter().map(|part| (*part).to_owned()));
    }

    /// Undoes that.
    pub(crate) fn start_by_itself(&mut self, before: &[&str]) {
        self.command.drain(..before.len());
    }

    /// Asks it to end, which it does with 0.
    pub(crate) fn stop(&mut self) -> Result<(), Error> {
        let Some(mut process) = self.process.take() else { return Ok(()) };
        process.signal("TERM")?;
        let ended = process.wait(ENDED_WITHIN)?;
        if ended.success() {
            return Ok(());
        }
        Err(format!("{} ended with {ended}: see {}", self.name, text(&self.log)).into())
    }

    /// Ends it as a power failure would.
    pub(crate) fn kill(&mut self) -> Result<(), Error> {
        if let Some(mut process) = self.process.take() {
            process.kill()?;
        }
        Ok(())
    }
}
