//! The storm: two edges, three aggregators and three brokers under load, while an aggregator, an
//! edge and the leader of a partition are killed with -9 and started again, over and over.
//!
//! The proof is that of the load kit: every 202 has one outcome, every voter with a 202 counts
//! exactly once, nobody else counts but those in doubt, nobody who watches an edge sees its result
//! go back, and the recount makes the live bytes. `STORM_SECONDS` makes it longer.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;
mod site;
mod storm;

use std::sync::Arc;
use std::time::Duration;

use kit::{Scratch, Server, eventually, now_ms};
use serde_json::Value;
use site::Site;
use storm::{Load, Plan, Population, Watcher};
use testkit::Kafka;

/// How long the load lasts at least, and how many ballots a second it wants.
const SECONDS: u64 = 60;
const RATE_PER_S: u32 = 2_500;

/// What is killed in turn.
#[derive(Debug, Clone, Copy)]
enum Victim {
    Aggregator,
    Leader,
    Edge,
}

/// Everything that runs.
struct World<'a> {
    kafka: &'a Kafka,
    site: &'a Site<'a>,
    edges: Vec<Server<'a>>,
    aggregators: Vec<Server<'a>>,
    load: Load,
    watchers: Vec<Watcher>,
    kills: usize,
}

impl World<'_> {
    fn strike(&mut self, victim: Victim) {
        let number = self.kills;
        self.kills += 1;
        self.load.take_gaps();
        let began_ms = now_ms();
        match victim {
            Victim::Aggregator => {
                let place = number % self.aggregators.len();
                self.aggregators.remove(place).kill();
                self.aggregators.push(self.site.spawn_aggregate(&[]));
            }
            Victim::Leader => self.kill_a_leader(1 + number % 3),
            Victim::Edge => {
                let place = number % self.edges.len();
                self.watchers[place].ended();
                self.edges.remove(place).kill();
                self.edges.insert(place, self.site.ingest(&[]));
                let url = self.edges[place].url();
                self.load.move_edge(place, &url);
                self.watchers[place].restarted(&url);
            }
        }
        self.settle();
        let gaps = self.load.take_gaps();
        let took_ms = now_ms() - began_ms;
        println!("{victim:?} killed: {took_ms} ms until all was well; without a 202: {gaps:?}");
    }

    /// Each broker leads some partitions. A dead one comes back before the next dies: two replicas
    /// of three are what ballots need.
    fn kill_a_leader(&self, broker: usize) {
        let broker = self.kafka.broker(broker);
        broker.kill();
        let before = self.load.acknowledged();
        eventually("acknowledgements without the leader", || {
            (self.load.acknowledged() > before + 500).then_some(())
        });
        broker.start();
        self.kafka.wait_ready(Duration::from_secs(60));
    }

    /// Waits until every process is ready, and ballots are acknowledged and counted.
    fn settle(&mut self) {
        let before = self.load.acknowledged();
        self.edges.iter_mut().chain(&mut self.aggregators).for_each(Server::wait_ready);
        eventually("ballots to be acknowledged", || {
            (self.load.acknowledged() > before + 500).then_some(())
        });
        eventually("the partitions to have owners that keep up", || {
            let owned: f64 = self.aggregators.iter().map(|one| one.metric(PHASE, FOLDING)).sum();
            (owned >= f64::from(self.site.partitions)).then_some(())
        });
    }
}

const PHASE: &str = "weir_partition_phase";
const FOLDING: &str = "phase=\"folding\"";

#[test]
fn nothing_acknowledged_is_lost_or_counted_twice_through_killed_processes_and_leaders() {
    let kafka = Kafka::start(3);
    let scratch = Scratch::new();
    let site = Site::founded(&kafka, &scratch, "storm");
    let seconds = std::env::var("STORM_SECONDS").ok().map_or(SECONDS, |s| s.parse().unwrap());
    let population = Arc::new(Population::new(&site.text, 1_000_000));
    let edges: Vec<_> = (0..2).map(|_| site.ingest(&[])).collect();
    let aggregators: Vec<_> = (0..3).map(|_| site.spawn_aggregate(&[])).collect();
    let urls: Vec<_> = edges.iter().map(Server::url).collect();
    let plan = Plan { rate_per_s: RATE_PER_S, threads: 128, seed: 4 };
    let mut world = World {
        kafka: &kafka,
        site: &site,
        edges,
        aggregators,
        load: Load::start(&population, &urls, plan),
        watchers: urls.iter().map(|url| Watcher::start(url)).collect(),
        kills: 0,
    };
    world.settle();
    let ends_ms = now_ms() + i64::try_from(seconds).unwrap() * 1_000;
    let victims = [Victim::Aggregator, Victim::Leader, Victim::Edge];
    for victim in victims.into_iter().cycle() {
        world.strike(victim);
        if now_ms() >= ends_ms && world.kills >= victims.len() {
            break;
        }
    }
    let World { edges, aggregators, load, watchers, kills, .. } = world;
    let notes = load.finish(Duration::from_secs(60));
    assert_eq!(notes.unsettled, 0, "{notes}");

    // Each process has followed for itself, and each ends with the same bytes.
    let all: Vec<_> = edges.iter().chain(&aggregators).map(Server::url).collect();
    let document: Value = serde_json::from_slice(&site.caught_up(&all)).unwrap();
    for watcher in watchers {
        println!("{}", watcher.finish());
    }
    edges.into_iter().chain(aggregators).for_each(Server::stop);
    let summary = site.prove(&population, &notes, &document);
    println!("{kills} kills\n{notes}\n{summary}");
    assert!(notes.gaps.anyone > Duration::ZERO && summary.counted > 10_000, "{summary}");
    assert_eq!(summary.late, 0, "{summary}");
}
