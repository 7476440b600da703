//! Three brokers, three replicas, two of them in sync at least: what was acknowledged while a
//! leader dies, or stands still and comes back, is in the log once and where it was told.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

mod conformance;
#[path = "kafka/kit.rs"]
mod kit;
#[path = "kafka/load.rs"]
mod load;

use kit::Campaigns;
use load::{Counts, Load, SOON, compare};
use testkit::wait_for;

const REPLICAS: u32 = 3;
const PARTITIONS: u32 = 6;
/// Enough to see that a partition works.
const MORE: u64 = 50;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_outlives_dead_and_frozen_leaders() {
    let kafka = testkit::Kafka::start(3);
    let options = journal::KafkaOptions::new(kafka.bootstrap());
    let append_timeout = options.append_timeout;
    let campaigns = Campaigns::with(options);
    let journal = campaigns.replicated_journal(PARTITIONS, REPLICAS).await;
    let topic = campaigns.last_topic();
    let mut load = Load::start(&journal);
    load.until_more(MORE, "a first acknowledgement").await;

    let leader = kafka.broker(campaigns.leader(&topic, 0).unwrap());
    eprintln!("killing broker {}", leader.number());
    leader.kill();
    load.until_more(MORE, "acknowledgements without a dead leader").await;
    leader.start();
    leader.wait_ready(SOON);
    let in_sync = || campaigns.in_sync(&topic) == Some(REPLICAS);
    assert!(wait_for(SOON, || in_sync().then_some(())).is_some(), "it is not in sync again");
    load.until_more(MORE, "acknowledgements with all three").await;

    // Longer than an append may take: the others take over before any is in doubt, or a little
    // later on a busy machine.
    let leader = kafka.broker(campaigns.leader(&topic, 0).unwrap());
    eprintln!("freezing broker {}", leader.number());
    leader.pause();
    load.until_more(MORE * 12, "acknowledgements without a frozen leader").await;
    leader.resume();
    assert!(wait_for(SOON, || in_sync().then_some(())).is_some(), "it is not in sync again");

    // Without a second replica nobody can acknowledge anything.
    let in_doubt = load.counts().in_doubt;
    let frozen = [1, 2].map(|number| kafka.broker(number));
    eprintln!("freezing brokers 1 and 2");
    frozen.iter().for_each(|broker| broker.pause());
    let every = |counts: &Counts| counts.in_doubt.iter().zip(&in_doubt).all(|(now, was)| now > was);
    load.until("appends in doubt", every).await;
    frozen.iter().for_each(|broker| broker.resume());
    load.until_more(MORE, "acknowledgements with all three").await;

    let outcomes = load.finish().await;
    compare(&journal, &outcomes, append_timeout).await;
}
