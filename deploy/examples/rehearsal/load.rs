//! The load tester as a process of its own beside the rehearsal, and what it proved.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::Value;
use testkit::Process;

use crate::Error;
use crate::files::{built, text};
use crate::site::Site;

/// Beyond its duration: the proof, and a machine that is busy.
const PROVED_WITHIN: Duration = Duration::from_mins(5);

/// A run of the load tester.
#[derive(Debug)]
pub(crate) struct Load {
    process: Process,
    report: PathBuf,
    log: PathBuf,
    seconds: u64,
}

impl Load {
    /// Begins `profile` at this highest rate a second, for so long.
    pub(crate) fn start(
        site: &Site,
        profile: &str,
        rate: u64,
        seconds: u64,
    ) -> Result<Self, Error> {
        Self::over(site, profile, (rate, seconds), 512)
    }

    /// A steady load on more connections than ballots may be in flight.
    pub(crate) fn crowd(site: &Site, rate: u64, seconds: u64) -> Result<Self, Error> {
        Self::over(site, "steady", (rate, seconds), 18_000)
    }

    fn over(
        site: &Site,
        profile: &str,
        (rate, seconds): (u64, u64),
        connections: u32,
    ) -> Result<Self, Error> {
        let (report, log) = (site.folder.join("load.json"), site.folder.join("load.log"));
        let (rate, duration) = (rate.to_string(), seconds.to_string());
        let bootstrap = site.kafka.bootstrap();
        let mut command = vec![built("loadtest")?, profile.to_owned()];
        let mut add = |flag: &str, value: String| command.extend([flag.to_owned(), value]);
        let edges = site.edges.iter().map(|edge| &edge.api);
        let front = site.balancer.iter().map(|balancer| &balancer.address);
        // Whoever stands in front of the edges is the only one asked.
        let asked: Vec<_> = if site.balancer.is_some() { front.collect() } else { edges.collect() };
        for address in asked {
            add("--edge", format!("http://{address}"));
        }
        for weir in site.edges.iter().chain(&site.aggregators) {
            if let Some(pid) = weir.pid() {
                add("--watch-pid", format!("{}={pid}", weir.name));
            }
        }
        add("--rate", rate);
        add("--duration", duration);
        add("--connections", connections.to_string());
        add("--campaign", site.campaign.clone());
        add("--keys", site.keys.clone());
        add("--kafka", bootstrap);
        add("--json", text(&report));
        add("--html", text(&site.folder.join("load.html")));
        Ok(Self { process: Process::spawn(&command, &log)?, report, log, seconds })
    }

    /// Its report, once it has ended with its proof.
    pub(crate) fn finish(self) -> Result<Value, Error> {
        let report = self.report.clone();
        let (is_proven, last) = self.end()?;
        if !is_proven {
            return Err(format!("the load tester ended with: {last}").into());
        }
        println!("{last}");
        Ok(serde_json::from_str(&fs::read_to_string(report)?)?)
    }

    /// Whether it has proved that all is well, and its last line, once it has ended. Where others
    /// have voted too it says so, and that is no proof.
    pub(crate) fn end(mut self) -> Result<(bool, String), Error> {
        let ended = self.process.wait(Duration::from_secs(self.seconds) + PROVED_WITHIN)?;
        let log = fs::read_to_string(&self.log)?;
        Ok((ended.success(), log.lines().last().unwrap_or_default().to_owned()))
    }
}
