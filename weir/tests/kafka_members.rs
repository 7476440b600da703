//! Aggregators come, go, die and fall asleep under load: from one to three and back, one killed
//! with -9, one stopped past its session that wakes as a stale owner. The result stays exact, and
//! for each event it is printed how long the counting of each partition stood still.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;
mod site;
#[path = "kafka_members/standstill.rs"]
mod standstill;
mod storm;

use std::sync::Arc;
use std::time::Duration;

use kit::{Scratch, Server, eventually, now_ms};
use serde_json::Value;
use site::Site;
use standstill::Standstill;
use storm::{Load, Plan, Population, Watcher};
use testkit::Kafka;

const RATE_PER_S: u32 = 1_500;

/// The brokers of the test kit allow this.
const SESSION: [&str; 2] = ["--session-timeout", "3"];

/// Everything that runs, but the load's own threads.
struct World<'a> {
    site: &'a Site<'a>,
    edge: Server<'a>,
    aggregators: Vec<Server<'a>>,
    load: Load,
    standstill: Standstill,
}

impl<'a> World<'a> {
    fn join(&mut self) {
        self.aggregators.push(self.site.spawn_aggregate(&SESSION));
    }

    /// How many partitions each of the aggregators that answer counts.
    fn shares(&self) -> Vec<f64> {
        let awake = self.aggregators.iter();
        awake.map(|one| one.metric("weir_partition_phase", "phase=\"folding\"")).collect()
    }

    /// Waits until every one of these has a share, and together they have all.
    fn shared_out(&self, what: &str) {
        eventually(what, || {
            let shares = self.shares();
            let all: f64 = shares.iter().sum();
            let fair = shares.iter().all(|share| *share >= 1.0);
            (fair && all >= f64::from(self.site.partitions)).then_some(())
        });
    }

    /// Something happens; tells how long each partition stood still until all was well.
    fn event(&mut self, what: &str, happens: impl FnOnce(&mut Self)) {
        self.standstill.take();
        let began_ms = now_ms();
        happens(self);
        self.shared_out(what);
        let before = self.load.acknowledged();
        eventually("more ballots", || (self.load.acknowledged() > before + 1_000).then_some(()));
        let stood: Vec<_> = self.standstill.take().iter().map(Duration::as_millis).collect();
        println!("{what}: well after {} ms; stood still, in ms: {stood:?}", now_ms() - began_ms);
    }
}

#[test]
fn aggregators_that_come_go_die_and_fall_asleep_change_nothing_in_the_result() {
    let kafka = Kafka::start(1);
    let scratch = Scratch::new();
    let site = Site::founded(&kafka, &scratch, "members");
    let population = Arc::new(Population::new(&site.text, 1_000_000));
    let edge = site.ingest(&[]);
    let first = site.aggregate(&SESSION);
    let url = edge.url();
    let plan = Plan { rate_per_s: RATE_PER_S, threads: 32, seed: 5 };
    let load = Load::start(&population, &[url.clone(), url.clone()], plan);
    let (watcher, standstill) = (Watcher::start(&url), Standstill::of(&url));
    let mut world = World { site: &site, edge, aggregators: vec![first], load, standstill };

    world.event("one aggregator, nothing happens", |_| {});
    world.event("from 1 to 3 aggregators", |world| {
        world.join();
        world.join();
    });
    let mut asleep = None;
    world.event("one of 3 killed with -9", |world| world.aggregators.remove(0).kill());
    world.event("one of 2 stopped past its session", |world| {
        let sleeper = world.aggregators.remove(0);
        sleeper.signal("STOP");
        asleep = Some(sleeper);
    });
    let sleeper = asleep.unwrap();
    world.event("the sleeper wakes, a stale owner", |world| {
        sleeper.signal("CONT");
        world.aggregators.push(sleeper);
    });
    world.event("from 2 to 3 aggregators", World::join);
    world.event("from 3 to 1 aggregators", |world| {
        world.aggregators.drain(1..).for_each(Server::stop);
    });

    let World { edge, mut aggregators, load, standstill, .. } = world;
    drop(standstill);
    let notes = load.finish(Duration::from_secs(30));
    assert_eq!(notes.unsettled, 0, "{notes}");
    let recount = site.caught_up(&[edge.url(), aggregators[0].url()]);
    let document: Value = serde_json::from_slice(&recount).unwrap();
    println!("{}", watcher.finish());
    aggregators.pop().unwrap().stop();
    edge.stop();
    println!("{notes}\n{}", site.prove(&population, &notes, &document));
}
