//! A weir process that serves: started, asked how it is, measured from outside, killed.
//!
//! Its addresses are chosen before it starts, so that whoever waits for it to come back knows
//! where. It is killed when it is dropped, and when this process ends.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use benches::{Error, cpu_us, resident_kib};
use testkit::Process;
use tokio::time::Instant;

use crate::http::{Client, until};

/// Until a process without ballots is ready, or has ended.
const SOON: Duration = Duration::from_secs(60);

/// A process that serves.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    log: PathBuf,
    /// Where its public API and its operators' routes are.
    pub(crate) api: String,
    pub(crate) ops: String,
    pub(crate) started: Instant,
}

/// What a process has used so far.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) cpu_ms: u64,
    pub(crate) resident_mib: u64,
    pub(crate) peak_mib: u64,
}

impl Server {
    pub(crate) fn spawn(
        binary: &Path,
        args: &[&str],
        ports: &[String; 2],
        log: PathBuf,
    ) -> Result<Self, Error> {
        let binary = binary.to_str().ok_or("the binary's path is not readable")?;
        let [api, ops] = ports;
        let mut command = vec!["env", "-u", "RUST_LOG", binary];
        command.extend(args);
        command.extend(["--listen", api, "--ops-listen", ops]);
        let started = Instant::now();
        let process = Process::spawn(&command, &log)?;
        Ok(Self { process, log, api: api.clone(), ops: ops.clone(), started })
    }

    /// Waits until it says that it is ready.
    pub(crate) async fn ready(&self) -> Result<(), Error> {
        let mut client = Client::new(&self.ops);
        let ready = until("a process to be ready", SOON, async || {
            client.ask("/readyz").await.filter(|answer| answer.status == 200).map(drop)
        });
        ready.await.map_err(|error| self.explained(&*error))
    }

    /// An error with the end of what the process has said.
    pub(crate) fn explained(&self, error: &(dyn std::error::Error + Send + Sync)) -> Error {
        let log = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = log.lines().collect();
        let end = lines[lines.len().saturating_sub(20)..].join("\n");
        format!("{error}; what it said last:\n{end}").into()
    }

    pub(crate) fn usage(&self) -> Result<Usage, Error> {
        let pid = self.process.pid();
        let [now_kib, peak_kib] = resident_kib(pid)?;
        let (resident_mib, peak_mib) = (now_kib / 1024, peak_kib / 1024);
        Ok(Usage { cpu_ms: cpu_us(pid)? / 1000, resident_mib, peak_mib })
    }

    /// Sends signal 9 and waits until it is gone; when it was sent.
    pub(crate) fn kill(mut self) -> Result<Instant, Error> {
        let killed = Instant::now();
        self.process.kill()?;
        Ok(killed)
    }

    /// Asks it to end, which it does with 0.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.process.signal("TERM")?;
        let ended = self.process.wait(SOON)?;
        if ended.success() {
            return Ok(());
        }
        Err(self.explained(&*Error::from(format!("it ended with {ended}"))))
    }
}
