//! Starts what is compared, runs the rounds one after another, and reads what each cost.
//!
//! All servers live through the whole run; an idle one costs nothing. A round begins only when what
//! the one before it left in Kafka has been counted. Never here: two loads at once.

use std::net::SocketAddr;

use aggregator::found;
use ballot::JournalId;
use journal::{Clock as _, Journal as _, KafkaCluster, KafkaOptions, SystemClock};
use serde::Serialize;
use tempfile::TempDir;
use testkit::Kafka;
use tokio::runtime::Builder;

use crate::Error;
use crate::child::{COUNTING, Child, LOAD};
use crate::plan::{CONNECTIONS, Plan, SECONDS, SEED, STARTED, TARGET, Variant, partitions, poll};
use benches::cpu_us;

/// As for measurements in general: the test kit's own are for a small machine beside other tests.
const JAVA_OPTIONS: [&str; 2] = ["-Xmx1g", "-XX:+UseG1GC"];

/// How often a server is loaded before its rounds count. A broker's Java takes up to four times the
/// CPU until, after some 15 s of load, it has compiled what it runs often.
const fn passes(variant: Variant) -> usize {
    match variant {
        Variant::Bare | Variant::Waiting | Variant::Null | Variant::Embedded => 1,
        Variant::Kafka => 6,
    }
}

/// What one round cost.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Round {
    pub(crate) variant: Variant,
    pub(crate) connections: usize,
    /// 202s behind the warm-up, and the time they took.
    pub(crate) answered: u64,
    pub(crate) micros: u64,
    /// The server's CPU time for them.
    pub(crate) cpu_us: u64,
    /// Records that the edge appended, warm-up included, and the ballots in them.
    pub(crate) records: u64,
    pub(crate) ballots: u64,
    /// Answers that were no 202: there should be none.
    pub(crate) others: u64,
    /// The CPU time behind an edge on Kafka from before the warm-up until everything is counted.
    pub(crate) behind: Option<Behind>,
}

/// What lies behind an edge on Kafka.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Behind {
    pub(crate) ballots: u64,
    pub(crate) broker_us: u64,
    pub(crate) aggregator_us: u64,
}

/// All rounds of a plan, in the order in which they were run.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Round>, Error> {
    let mut site = Site::build(plan)?;
    let mut rounds = Vec::new();
    if let Some(&most) = plan.connections.iter().max().filter(|_| benches::is_measured()) {
        // Thrown away: the journals' machinery warms up, and sets get their memory.
        for &variant in &plan.variants {
            for _ in 0..passes(variant) {
                site.round(plan, variant, most)?;
            }
        }
    }
    for &connections in &plan.connections {
        for _ in 0..plan.rounds {
            for &variant in &plan.variants {
                rounds.push(site.round(plan, variant, connections)?);
            }
        }
    }
    Ok(rounds)
}

/// Everything that is compared, up and running.
struct Site {
    servers: Vec<Server>,
    counting: Option<Counting>,
    loads: u64,
    _kafka: Option<Kafka>,
    _dir: TempDir,
}

struct Server {
    variant: Variant,
    child: Child,
    address: SocketAddr,
    /// Records and ballots of earlier rounds.
    appended: [u64; 2],
}

struct Counting {
    child: Child,
    broker: u32,
    /// Ballots of all rounds so far.
    counted: u64,
}

impl Site {
    fn build(plan: &Plan) -> Result<Self, Error> {
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let started = (STARTED, benches::yesterday(SystemClock.now_ms()).to_string());
        let wanted = plan.variants.contains(&Variant::Kafka);
        let kafka = if wanted { Some(broker()?) } else { None };
        let bootstrap = kafka.as_ref().map(Kafka::bootstrap).unwrap_or_default();
        let mut servers = Vec::new();
        for &variant in &plan.variants {
            let target = match variant {
                Variant::Bare | Variant::Waiting | Variant::Null => String::new(),
                Variant::Embedded => dir.path().display().to_string(),
                Variant::Kafka => bootstrap.clone(),
            };
            let mut child = Child::start(variant.name(), &[started.clone(), (TARGET, target)])?;
            let address = child.hear("listening")?.concat().parse()?;
            servers.push(Server { variant, child, address, appended: [0; 2] });
        }
        let counting = kafka.as_ref().map(|kafka| {
            let mut child = Child::start(COUNTING, &[started, (TARGET, bootstrap)])?;
            child.hear("counting")?;
            Ok::<_, Error>(Counting { child, broker: kafka.broker(1).pid(), counted: 0 })
        });
        Ok(Self { servers, counting: counting.transpose()?, loads: 0, _kafka: kafka, _dir: dir })
    }

    fn round(&mut self, plan: &Plan, variant: Variant, connections: usize) -> Result<Round, Error> {
        self.loads += 1;
        let server = self.servers.iter_mut().find(|server| server.variant == variant);
        let server = server.ok_or("there is no such server")?;
        let mut counting = self.counting.as_mut().filter(|_| variant == Variant::Kafka);
        let before = counting.as_ref().map(|counting| counting.cpu_us()).transpose()?;
        let told = [
            (TARGET, server.address.to_string()),
            (CONNECTIONS, connections.to_string()),
            (SECONDS, plan.seconds.as_secs_f64().to_string()),
            (SEED, self.loads.to_string()),
        ];
        let mut load = Child::start(LOAD, &told)?;
        load.hear("running")?;
        let began_us = server.child.cpu_us()?;
        let [warm_up, answered, others, micros] = load.hear_numbers("ended")?;
        let cpu_us = server.child.cpu_us()? - began_us;
        if answered == 0 || (others > 0 && !benches::is_measured()) {
            let name = variant.name();
            return Err(format!("{name}: {answered} answers were a 202, {others} were not").into());
        }
        let behind = match (&mut counting, before) {
            (Some(counting), Some(before)) => {
                Some(counting.settle((warm_up + answered, others), before)?)
            }
            (None, _) | (_, None) => None,
        };
        let [records, ballots] = server.appended()?;
        let name = variant.name();
        let rate = answered * 1_000_000 / micros.max(1);
        eprintln!("{name}, {connections} connections: {rate}/s, {others} answers were no 202");
        Ok(Round {
            variant,
            connections,
            answered,
            micros,
            cpu_us,
            records,
            ballots,
            others,
            behind,
        })
    }
}

impl Server {
    /// Records and ballots since this was last asked.
    fn appended(&mut self) -> Result<[u64; 2], Error> {
        self.child.tell("records")?;
        let [records, ballots] = self.child.hear_numbers("records")?;
        let since = [records - self.appended[0], ballots - self.appended[1]];
        self.appended = [records, ballots];
        Ok(since)
    }
}

impl Counting {
    /// Of broker and aggregator.
    fn cpu_us(&self) -> Result<[u64; 2], Error> {
        Ok([cpu_us(self.broker)?, self.child.cpu_us()?])
    }

    /// Waits until a round's acknowledged ballots are counted. Those that got another answer may
    /// have been counted too.
    fn settle(
        &mut self,
        (ballots, in_doubt): (u64, u64),
        before: [u64; 2],
    ) -> Result<Behind, Error> {
        let sent = self.counted + ballots;
        self.child.tell(&format!("until {sent}"))?;
        let [counted] = self.child.hear_numbers("counted")?;
        if !(sent..=sent + in_doubt).contains(&counted) {
            return Err(format!("{sent} ballots were acknowledged, {counted} counted").into());
        }
        self.counted = counted;
        let [broker_us, aggregator_us] = self.cpu_us()?;
        let (broker_us, aggregator_us) = (broker_us - before[0], aggregator_us - before[1]);
        Ok(Behind { ballots, broker_us, aggregator_us })
    }
}

/// A broker with the campaign's topics, and the rules in them.
fn broker() -> Result<Kafka, Error> {
    let kafka = Kafka::builder(1).java_options(&JAVA_OPTIONS).try_start()?;
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(async {
        let poll = poll();
        let id = &poll.campaign.id;
        let cluster = KafkaCluster::connect(KafkaOptions::new(kafka.bootstrap()))?;
        cluster.create_topics(id, Some(partitions()), 1).await?;
        let journal = cluster.founding(id, JournalId([9; 16])).await?;
        let rules = poll.rules(journal.identity(), journal.partitions());
        found(&journal, &rules, SystemClock.now_ms()).await?;
        Ok::<_, Error>(())
    })?;
    Ok(kafka)
}
