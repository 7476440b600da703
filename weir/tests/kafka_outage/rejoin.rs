//! An only broker that is frozen and goes on: the aggregator loses its session, asks for its
//! partitions again, and has them back by itself.

use std::sync::Arc;
use std::time::Duration;

use testkit::Kafka;

use crate::kit::{Request, Scratch, Server, eventually, now_ms};
use crate::site::Site;
use crate::storm::{Load, Plan, Population};

/// Seen: 0.7 to 9.2 s, of which up to 6 for the place in the group that nobody answers for. A
/// member that hears nothing is made anew after a minute, which is not to be the way back.
const WITHIN_MS: i64 = 30_000;

/// One ballot a second, as at night.
const CALM: Plan = Plan { rate_per_s: 1, threads: 2, seed: 7 };

/// Waits until an aggregator has every partition again after a broker went on, then so long ago.
pub(crate) fn rejoined(site: &Site<'_>, aggregate: &Server<'_>, resumed_ms: i64) {
    let of = |name: &str| aggregate.metric(&format!("weir_{name}_total"), "");
    eventually("the aggregator to have its partitions again", || {
        assert!(of("revocations") > 0.0, "it lost its session with a broker that stood still");
        (of("assignments") - of("revocations") >= f64::from(site.partitions)).then_some(())
    });
    let took_ms = now_ms() - resumed_ms;
    println!("the aggregator has its partitions again after {took_ms} ms");
    assert!(took_ms < WITHIN_MS, "the aggregator had no partitions for {took_ms} ms");
}

#[test]
#[ignore = "minutes long: run it when librdkafka or the group's member has changed"]
fn an_aggregator_comes_back_by_itself_after_its_only_broker_was_frozen_for_long() {
    let (kafka, scratch) = (Kafka::start(1), Scratch::new());
    let site = Site::founded(&kafka, &scratch, "rejoin");
    let population = Arc::new(Population::new(&site.text, 1_000));
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let load = Load::start(&population, &[edge.url(), edge.url()], CALM);
    let counted = || {
        let answer = Request::get(&format!("{}/tally", aggregate.url())).send();
        answer.json()["ballots"].as_u64()
    };
    for seconds in [30, 30, 30, 60] {
        let before = load.acknowledged();
        eventually("some ballots", || (load.acknowledged() >= before + 4).then_some(()));
        kafka.broker(1).pause();
        // A park may end early, and then goes on.
        let until_ms = now_ms() + seconds * 1_000;
        while now_ms() < until_ms {
            std::thread::park_timeout(Duration::from_millis(100));
        }
        kafka.broker(1).resume();
        let (resumed_ms, then) = (now_ms(), counted());
        println!("frozen for {seconds} s");
        rejoined(&site, &aggregate, resumed_ms);
        eventually("it to count on", || (counted() > then).then_some(()));
        println!("it counts on after {} ms", now_ms() - resumed_ms);
    }
    load.finish(Duration::from_secs(60));
    site.caught_up(&[edge.url(), aggregate.url()]);
    edge.stop();
    aggregate.stop();
}
