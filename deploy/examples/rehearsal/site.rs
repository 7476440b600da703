//! A whole Weir on real Kafka: one broker, the topics, edges and aggregators, and the Prometheus
//! that watches them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use testkit::{Kafka, Process};

use crate::Error;
use crate::balancer::Balancer;
use crate::files::{built, campaign, folder, text};
use crate::watch::Watch;
use crate::weir::Weir;

/// As for measurements: the test kit's own options are for a small machine beside other tests.
pub(crate) const JAVA_OPTIONS: [&str; 2] = ["-Xmx1g", "-XX:+UseG1GC"];
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
    /// Last, as it ends with the last site on it.
    pub(crate) kafka: Arc<Kafka>,
}

/// What a site stands on, and what else is watched there: job, host and port.
struct Ground<'a> {
    kafka: Arc<Kafka>,
    replicas: &'a str,
    others: &'a [(&'a str, &'a str)],
    every_s: u32,
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
        let kafka = Arc::new(Kafka::builder(1).java_options(&JAVA_OPTIONS).try_start()?);
        let every_s = if others.is_empty() { 1 } else { 5 };
        let ground = Ground { kafka, replicas: "1", others, every_s };
        let mut site = Self::on_ground(folder, campaign, (edges, aggregators), &ground)?;
        site.launch()?;
        site.ready()?;
        Ok(site)
    }

    /// The same on a Kafka that others use too, with topics of so many replicas, and watched as in
    /// production.
    pub(crate) fn sharing(
        kafka: &Arc<Kafka>,
        replicas: &str,
        folder: PathBuf,
        campaign: String,
        counts: (usize, usize),
    ) -> Result<Self, Error> {
        let mut site = Self::laid(kafka, replicas, folder, campaign, counts)?;
        site.launch()?;
        site.ready()?;
        Ok(site)
    }

    /// The same, of which only Prometheus is started yet.
    pub(crate) fn laid(
        kafka: &Arc<Kafka>,
        replicas: &str,
        folder: PathBuf,
        campaign: String,
        counts: (usize, usize),
    ) -> Result<Self, Error> {
        let ground = Ground { kafka: Arc::clone(kafka), replicas, others: &[], every_s: 5 };
        Self::on_ground(folder, campaign, counts, &ground)
    }

    fn on_ground(
        folder: PathBuf,
        campaign: String,
        (edges, aggregators): (usize, usize),
        ground: &Ground<'_>,
    ) -> Result<Self, Error> {
        let weir = built("weir")?;
        let keys = text(&folder.join("rehearsal.keys.toml"));
        let kafka = Arc::clone(&ground.kafka);
        let bootstrap = kafka.bootstrap();
        let replicas = ground.replicas;
        let common = ["--kafka", &bootstrap, "--campaign", &campaign, "--replication", replicas];
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
        let edges: Vec<_> = (1..=edges).map(edge).collect();
        let aggregators: Vec<_> = (1..=aggregators).map(aggregator).collect();
        let all = || edges.iter().chain(&aggregators);
        let targets = all().map(|weir| (weir.job, weir.ops.as_str()));
        let targets: Vec<_> = targets.chain(ground.others.iter().copied()).collect();
        let watch = Watch::start(&targets, ground.every_s, &folder);
        Ok(Self { folder, campaign, keys, edges, aggregators, watch, balancer: None, kafka })
    }

    /// Starts every process.
    pub(crate) fn launch(&mut self) -> Result<(), Error> {
        self.edges.iter_mut().chain(&mut self.aggregators).try_for_each(Weir::launch)
    }

    /// Waits until every process is ready.
    pub(crate) fn ready(&mut self) -> Result<(), Error> {
        self.edges.iter_mut().chain(&mut self.aggregators).try_for_each(Weir::ready)
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
