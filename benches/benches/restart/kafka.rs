//! A Weir on real Kafka, one broker: an edge, two aggregators, a day's ballots and a steady trickle
//! of more.
//!
//! At the end a recount must be the very bytes that edge and aggregator served, with every ballot
//! in it that was acknowledged, once.

use std::sync::Arc;
use std::time::Duration;

use benches::Error;
use journal::{KafkaCluster, KafkaOptions};

use crate::http::Client;
use crate::plan::{Journal, PARTITIONS, Plan};
use crate::preload::preload;
use crate::report::{Report, ms};
use crate::rounds;
use crate::server::Server;
use crate::site::Site;
use crate::trickle::{Trickle, ms_since};
use crate::watch::{Tally, Watch};

/// As for measurements in general: the test kit's own are for a small machine beside other tests.
const JAVA_OPTIONS: [&str; 2] = ["-Xmx1g", "-XX:+UseG1GC"];
/// The least that design and broker allow: the brokers of the test kit have a lower minimum.
const SESSION_S: &str = "3";
/// Until the preloaded ballots are counted, on a machine that is busy.
const COUNTED_WITHIN: Duration = Duration::from_mins(10);

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) site: Arc<Site>,
    bootstrap: String,
    pub(crate) edge: Server,
    pub(crate) aggregators: Vec<Server>,
    pub(crate) watch: Watch,
}

impl World {
    /// Starts an aggregator at these addresses.
    pub(crate) fn aggregate(&self, ports: &[String; 2]) -> Result<Server, Error> {
        aggregate(&self.site, &self.bootstrap, ports)
    }
}

fn aggregate(site: &Site, bootstrap: &str, ports: &[String; 2]) -> Result<Server, Error> {
    let command = ["aggregate", "--session-timeout", SESSION_S];
    site.serve(&[&command, &flags(site, bootstrap)[..]].concat(), ports)
}

/// The flags of a server.
fn flags<'a>(site: &'a Site, bootstrap: &'a str) -> [&'a str; 8] {
    let campaign = ["--campaign", &site.campaign];
    let [kafka, replication, wait] =
        [["--kafka", bootstrap], ["--replication", "1"], ["--drain-wait", "0"]];
    let pairs = [kafka, campaign, replication, wait];
    std::array::from_fn(|place| pairs[place / 2][place % 2])
}

/// Runs all rounds on a new cluster.
pub(crate) async fn run(plan: &Plan, report: &mut Report) -> Result<(), Error> {
    let kafka = testkit::Kafka::builder(1).java_options(&JAVA_OPTIONS).try_start()?;
    let (site, bootstrap) = (Arc::new(Site::new(plan)?), kafka.bootstrap());
    found(&site, &bootstrap)?;
    let cluster = KafkaCluster::connect(KafkaOptions::new(&bootstrap))?;
    preload(&cluster.journal(&site.id).await?, &site, plan).await?;
    drop(cluster);
    let keys = ["ingest", "--keys", &site.keys];
    let edge = site.serve(&[&keys, &flags(&site, &bootstrap)[..]].concat(), &Site::ports())?;
    edge.ready().await?;
    let aggregators = [Site::ports(), Site::ports()];
    let aggregators = aggregators.iter().map(|ports| aggregate(&site, &bootstrap, ports));
    let aggregators: Vec<_> = aggregators.collect::<Result<_, _>>()?;
    Tally::reached(&edge, &site.tally(), plan.ballots, COUNTED_WITHIN).await?;
    for one in &aggregators {
        report.usage(Journal::Kafka, "first start", one.usage()?);
    }
    let first = aggregators.first().map_or(0, |one| ms_since(one.started));
    report.add(Journal::Kafka, "first start of two, to all counted", ms(first));
    let watch = Watch::start(&edge.api, &site.tally());
    let trickle = Trickle::start(Arc::clone(&site), &edge.api);
    let mut world = World { site, bootstrap, edge, aggregators, watch };
    rounds::run(plan, &mut world, report).await?;
    let cast = trickle.finish().await?;
    settle(world, plan.ballots + cast).await
}

/// Makes the topics with the rules in them.
fn found(site: &Site, bootstrap: &str) -> Result<(), Error> {
    let partitions = PARTITIONS.to_string();
    let made = ["--keys", &site.keys, "--partitions", &partitions, "--replication", "1"];
    let command = ["topics", "--kafka", bootstrap, "--campaign", &site.campaign];
    site.run(&[&command, &made[..]].concat()).map(drop)
}

/// Waits until everything is counted, compares what is served with a recount, and ends it all.
async fn settle(world: World, ballots: u64) -> Result<(), Error> {
    let World { site, bootstrap, edge, aggregators, watch } = world;
    drop(watch);
    let (command, campaign) = (["recount", "--kafka", &bootstrap], ["--campaign", &site.campaign]);
    for server in aggregators.iter().chain([&edge]) {
        Tally::reached(server, &site.tally(), ballots, COUNTED_WITHIN).await?;
        let live = Client::new(&server.api).ask(&site.tally()).await.ok_or("no tally")?;
        if site.run(&[&command, &campaign[..]].concat())? != live.body {
            return Err("the recount is not what was served".into());
        }
    }
    eprintln!("kafka: {ballots} ballots, the recount is the same");
    aggregators.into_iter().try_for_each(Server::stop)?;
    edge.stop()
}
