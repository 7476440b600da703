//! Kafka frozen, and Kafka gone, with an edge that stays up: what is beyond the bound is refused at
//! once, what is in flight is in doubt at its deadline and says so, memory does not grow, and when
//! Kafka is back so are the acknowledgements. Appends that arrive late are never acknowledged, and
//! never counted twice. The aggregator has its partitions again by itself.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;
#[path = "kafka_outage/rejoin.rs"]
mod rejoin;
mod site;
mod storm;
#[path = "kafka_outage/wave.rs"]
mod wave;

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use kit::{Scratch, Server, eventually, now_ms};
use rejoin::rejoined;
use serde_json::Value;
use site::Site;
use storm::{Address, Load, Plan, Population, Watcher};
use testkit::Kafka;
use tokio::runtime::Runtime;
use wave::wave;

/// What an edge holds in flight.
const IN_FLIGHT_MAX: u32 = 8_192;
const WAVE: u32 = 9_000;

const PLAN: Plan = Plan { rate_per_s: 1_000, threads: 64, seed: 6 };

/// Resident memory in KiB.
fn memory_kib(server: &Server<'_>) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[test]
fn an_outage_of_kafka_refuses_keeps_its_bounds_and_heals_by_itself() {
    let kafka = Kafka::start(1);
    let scratch = Scratch::new();
    late_appends_are_never_acknowledged_and_never_counted_twice(&kafka, &scratch);
    beyond_the_bound_ballots_are_refused_at_once_and_memory_stays(&kafka, &scratch);
}

/// The broker stops for longer than the deadline and goes on: what lay in its sockets is appended
/// then. The load sends everything that is in doubt again, so much of it is there twice.
fn late_appends_are_never_acknowledged_and_never_counted_twice(kafka: &Kafka, scratch: &Scratch) {
    let site = Site::founded(kafka, scratch, "frozen");
    let population = Arc::new(Population::new(&site.text, 1_000_000));
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let url = edge.url();
    let load = Load::start(&population, &[url.clone(), url.clone()], PLAN);
    let watcher = Watcher::start(&url);
    let more = |than: u64| {
        eventually("more acknowledgements", || (load.acknowledged() > than).then_some(()));
    };
    for _ in 0..2 {
        more(load.acknowledged() + 2_000);
        load.take_gaps();
        kafka.broker(1).pause();
        let (frozen, frozen_ms) = (load.acknowledged(), now_ms());
        eventually("the deadline of what is in flight to pass twice", || {
            (now_ms() > frozen_ms + 11_000).then_some(())
        });
        assert!(!edge.complaints().unwrap().is_empty(), "an edge that cannot append is ready");
        let meanwhile = load.acknowledged() - frozen;
        kafka.broker(1).resume();
        let resumed_ms = now_ms();
        more(load.acknowledged() + 2_000);
        let (gaps, took_ms) = (load.take_gaps(), now_ms() - frozen_ms);
        println!("frozen for 11 s: {meanwhile} late 202s; all well after {took_ms} ms; {gaps:?}");
        // Those that were on their way when the broker stopped.
        assert!(meanwhile <= 64, "{meanwhile} ballots acknowledged by a broker that stands still");
        rejoined(&site, &aggregate, resumed_ms);
    }
    let notes = load.finish(Duration::from_secs(60));
    assert_eq!(notes.unsettled, 0, "{notes}");
    let document: Value = serde_json::from_slice(&site.caught_up(&[url])).unwrap();
    println!("{}", watcher.finish());
    println!("{notes}\n{}", site.prove(&population, &notes, &document));
    edge.stop();
    aggregate.stop();
}

fn beyond_the_bound_ballots_are_refused_at_once_and_memory_stays(kafka: &Kafka, scratch: &Scratch) {
    let site = Site::founded(kafka, scratch, "gone");
    let population = Population::new(&site.text, 1_000_000);
    let (mut edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let address = Address::of(&edge.url());
    let runtime = Runtime::new().unwrap();
    let cast = |first: u32| {
        let voters = (first..first + WAVE).collect();
        runtime.block_on(wave(&address, &population, voters))
    };
    let before = cast(0);
    println!("with Kafka: {before}, {} KiB", memory_kib(&edge));
    assert!(before.count("202") >= IN_FLIGHT_MAX / 2, "{before}");

    kafka.broker(1).kill();
    let mut resident = Vec::new();
    for number in 1..=4 {
        let without = cast(number * WAVE);
        resident.push(memory_kib(&edge));
        println!("without Kafka: {without}{} KiB", memory_kib(&edge));
        let refused = without.count("overloaded") + without.count("journal_unavailable");
        assert_eq!((without.count("202"), refused), (0, WAVE), "{without}");
        assert!(without.count("overloaded") >= WAVE - IN_FLIGHT_MAX, "{without}");
        assert!(without.all_say_when, "{without}");
        let (_, first, last) = without.codes["overloaded"];
        let in_doubt = without.codes["journal_unavailable"].2;
        assert!(last < in_doubt, "{without}, the first after {first:?}");
    }
    // The second wave finds all the room made by the first.
    assert!(resident[3] <= resident[1] + resident[1] / 10, "memory grows: {resident:?} KiB");
    assert!(!edge.complaints().unwrap().is_empty(), "an edge without Kafka is ready");

    let began_ms = now_ms();
    kafka.broker(1).start();
    kafka.wait_ready(Duration::from_secs(60));
    let up_ms = now_ms() - began_ms;
    edge.wait_ready();
    let after = cast(5 * WAVE);
    println!(
        "Kafka again after {up_ms} ms, the edge ready after {} ms: {after}",
        now_ms() - began_ms
    );
    assert!(after.count("202") >= IN_FLIGHT_MAX / 2, "{after}");
    let recount = site.caught_up(&[aggregate.url(), edge.url()]);
    let document: Value = serde_json::from_slice(&recount).unwrap();
    let acknowledged = u64::from(before.count("202") + after.count("202"));
    assert!(document["ballots"].as_u64().unwrap() >= acknowledged, "{document}");
    edge.stop();
    aggregate.stop();
}
