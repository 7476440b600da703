//! A whole Weir on real Kafka: one broker, the topics, edges and aggregators, and the Prometheus
//! that watches them.

use std::path::PathBuf;
use std::time::Duration;

use testkit::{Kafka, Process};

use crate::Error;
use crate::balancer::Balancer;
use crate::files::{built, campaign, folder, text};
use crate::watch::Watch;
use crate::weir::Weir;

/// As for measurements: the test kit's own options are for a small machine beside other tests.
const JAVA_OPTIONS: [&str; 2] = ["-Xmx1g", "-XX:+UseG1GC"];
/// So many aggregators may share the work, and each keeps something to do.
const PARTITIONS: &str = "6";

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) folder: PathBuf,
    pub(crate) campaign: String,
    pub(crate) keys: String,
    pub(crate) edges: Vec<Weir>,
    pub(crate) aggregators: Vec<Weir>,
    pub(crate) watch: Watch,
    /// In front of the edges, if there is one.
    pub(crate) balancer: Option<Balancer>,
    pub(crate) kafka: Kafka,
}

impl Site {
    /// Starts Kafka, the topics, so many edges and aggregators, and Prometheus.
    pub(crate) fn start(name: &str, edges: usize, aggregators: usize) -> Result<Self, Error> {
        let folder = folder(name)?;
        let campaign = campaign(&folder, "rehearsal", Duration::from_hours(6 * 24))?;
        Self::on(folder, campaign, (edges, aggregators), &[])
    }

    /// The same in a folder and with a campaign that are there, watched every 5 s as in production
    /// if there are `others` to watch: job, host and port.
    pub(crate) fn on(
        folder: PathBuf,
        campaign: String,
        (edges, aggregators): (usize, usize),
        others: &[(&str, &str)],
    ) -> Result<Self, Error> {
        let weir = built("weir")?;
        let keys = text(&folder.join("rehearsal.keys.toml"));
        let kafka = Kafka::builder(1).java_options(&JAVA_OPTIONS).try_start()?;
        let bootstrap = kafka.bootstrap();
        let common = ["--kafka", &bootstrap, "--campaign", &campaign, "--replication", "1"];
        let command = |name: &str, more: &[&str]| -> Vec<String> {
            let all = [weir.as_str(), name].into_iter().chain(common).chain(more.iter().copied());
            all.map(str::to_owned).collect()
        };
        let topics = command("topics", &["--keys", &keys, "--partitions", PARTITIONS]);
        let ended =
            Process::spawn(&topics, &folder.join("topics.log"))?.wait(Duration::from_mins(1))?;
        if !ended.success() {
            return Err(format!("weir topics ended with {ended}: see {}", folder.display()).into());
        }
        let edge = |number| {
            let command = command("ingest", &["--keys", &keys]);
            Weir::new(&format!("ingest-{number}"), "weir-ingest", command, &folder)
        };
        let aggregator = |number| {
            let command = command("aggregate", &[]);
            Weir::new(&format!("aggregate-{number}"), "weir-aggregate", command, &folder)
        };
        let mut edges: Vec<_> = (1..=edges).map(edge).collect();
        let mut aggregators: Vec<_> = (1..=aggregators).map(aggregator).collect();
        let all = || edges.iter().chain(&aggregators);
        let targets = all().map(|weir| (weir.job, weir.ops.as_str()));
        let targets: Vec<_> = targets.chain(others.iter().copied()).collect();
        let every_s = if others.is_empty() { 1 } else { 5 };
        let watch = Watch::start(&targets, every_s, &folder);
        edges.iter_mut().chain(&mut aggregators).try_for_each(Weir::launch)?;
        edges.iter_mut().chain(&mut aggregators).try_for_each(Weir::ready)?;
        Ok(Self { folder, campaign, keys, edges, aggregators, watch, balancer: None, kafka })
    }

    /// Puts a balancer in front of the edges.
    pub(crate) fn balance(&mut self) -> Result<(), Error> {
        self.balancer = Some(Balancer::start(&self.edges, &self.folder)?);
        Ok(())
    }

    /// Ends all processes, each by itself.
    pub(crate) fn stop(mut self) -> Result<(), Error> {
        self.edges.iter_mut().chain(&mut self.aggregators).try_for_each(Weir::stop)
    }
}
