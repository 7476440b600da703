//! The conformance suite on the simulated journal, and what only a simulation has to show: a seed
//! tells the whole run, and the group does what a schedule orders. Other troubles are in
//! `simulated_faults.rs`.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test must say where")]

#[macro_use]
mod conformance;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use conformance::{BASE_MS, Harness, value};
use journal::simulated::{Cluster, Faults, Options, Simulated, SimulatedGroup};
use journal::{Group, GroupEvent, Journal, Reader};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

/// Makes each journal on a cluster of its own, under the next seed.
#[derive(Default)]
struct Seeds(RefCell<Vec<Cluster>>);

impl Harness for Seeds {
    type Journal = Simulated;

    async fn new_journal(&self, partitions: u32) -> Simulated {
        let seed = u64::try_from(self.0.borrow().len()).unwrap();
        let cluster = Cluster::new(seed, partitions, Options::default());
        self.0.borrow_mut().push(cluster.clone());
        cluster.process("only")
    }

    fn now_ms(&self) -> i64 {
        self.0.borrow().last().unwrap().now_ms()
    }
}

conformance_suite!(tokio::test(start_paused = true), Seeds::default());

/// Long enough for everything but timeouts and late landings.
const SOON: Duration = Duration::from_secs(1);
/// Longer than any timeout or late landing.
const LATE: Duration = Duration::from_secs(60);

/// Follows a member's changes, acknowledging at once, for as long as it is let.
async fn follow(mut group: SimulatedGroup, name: &'static str, cluster: Cluster) {
    let mut owned = BTreeSet::new();
    loop {
        match group.next().await {
            Ok(GroupEvent::Assigned(partitions)) => {
                for partition in partitions {
                    assert!(owned.insert(partition), "{name} has {partition} already");
                }
            }
            Ok(GroupEvent::Revoked(partitions, acknowledge)) => {
                for partition in partitions {
                    assert!(owned.remove(&partition), "{name} does not have {partition}");
                }
                acknowledge.acknowledge();
            }
            Err(_) => continue,
        }
        cluster.note(format_args!("{name} owns {owned:?}"));
    }
}

async fn assigned(group: &mut SimulatedGroup) -> Vec<u32> {
    match timeout(LATE, group.next()).await.unwrap().unwrap() {
        GroupEvent::Assigned(partitions) => partitions,
        GroupEvent::Revoked(partitions, _) => panic!("revoked {partitions:?}"),
    }
}

/// A process: it appends, publishes, reads and takes part in the group.
fn start(cluster: &Cluster, name: &'static str) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    let journal = cluster.process(name);
    tasks.spawn(follow(journal.join(), name, cluster.clone()));
    let reading = journal.clone();
    tasks.spawn(async move {
        let mut reader = reading.read(0, 0);
        let mut next = 0;
        loop {
            for record in reader.next().await.unwrap_or_default() {
                assert_eq!(record.offset, next);
                next += 1;
            }
        }
    });
    tasks.spawn(async move {
        for number in 0..40 {
            let partition = u32::try_from(number % 4).unwrap();
            let appending = journal.append(partition, BASE_MS, value(number));
            drop(timeout(Duration::from_millis(6), appending).await);
            drop(journal.publish(partition, value(number)).await);
            drop(journal.heartbeat().await);
        }
    });
    tasks
}

/// A schedule with a bit of everything; answers the hash of its event log and the log's last lines.
fn stormy_schedule(seed: u64) -> (u64, Vec<String>) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .unwrap();
    runtime.block_on(async {
        let cluster = Cluster::new(seed, 4, Options::stormy());
        let (_a, b, _c) = (start(&cluster, "a"), start(&cluster, "b"), start(&cluster, "c"));
        sleep(Duration::from_millis(60)).await;
        cluster.isolate("a");
        cluster.stall(Duration::from_millis(100));
        sleep(Duration::from_millis(40)).await;
        cluster.crash("b");
        cluster.rebalance();
        drop(b);
        let _reborn = start(&cluster, "b");
        sleep(Duration::from_secs(8)).await;
        cluster.revoke("c", 0);
        cluster.heal("a");
        cluster.set_faults(Faults::NONE);
        timeout(LATE, cluster.settled()).await.expect("the group never rests");
        timeout(LATE, cluster.written()).await.expect("a write never ends");
        assert!(cluster.owners().iter().all(Option::is_some));
        (cluster.event_hash(), cluster.event_log())
    })
}

#[test]
fn the_same_seed_gives_the_same_event_log_and_another_seed_another() {
    let mut hashes = BTreeSet::new();
    for seed in 0..50 {
        let (first, second) = (stormy_schedule(seed), stormy_schedule(seed));
        assert_eq!(first, second, "seed {seed}");
        assert!(first.1.len() > 300, "something happened");
        hashes.insert(first.0);
    }
    assert_eq!(hashes.len(), 50);
}

#[tokio::test(start_paused = true)]
async fn a_revocation_waits_for_its_acknowledgement_but_not_for_ever() {
    let cluster = Cluster::new(1, 2, Options::default());
    let mut first = cluster.process("first").join();
    assert_eq!(assigned(&mut first).await, [0, 1]);
    let mut second = cluster.process("second").join();
    let GroupEvent::Revoked(moved, acknowledge) = first.next().await.unwrap() else {
        panic!("a revocation comes first")
    };
    assert_eq!(moved.len(), 1);
    assert!(timeout(SOON, second.next()).await.is_err(), "not acknowledged yet");
    acknowledge.acknowledge();
    assert_eq!(assigned(&mut second).await, moved);

    // Forced back. The second hears of it and says nothing: it is taken all the same.
    cluster.revoke("second", moved[0]);
    let GroupEvent::Revoked(_, silent) = second.next().await.unwrap() else {
        panic!("a revocation comes first")
    };
    let asked_at = Instant::now();
    assert_eq!(assigned(&mut first).await, moved);
    assert!(asked_at.elapsed() > Duration::from_millis(2_900));
    drop(silent);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_owner_goes_on_unknowing_until_it_is_healed() {
    let cluster = Cluster::new(1, 2, Options::default());
    let (stale, fresh) = (cluster.process("stale"), cluster.process("fresh"));
    let mut member = stale.join();
    assert_eq!(assigned(&mut member).await, [0, 1]);
    cluster.isolate("stale");
    let mut other = fresh.join();
    assert!(timeout(SOON, other.next()).await.is_err(), "before the session timeout");
    let mut taken = assigned(&mut other).await;
    while taken.len() < 2 {
        taken.extend(assigned(&mut other).await);
    }
    assert!(timeout(Duration::from_secs(20), member.next()).await.is_err(), "it hears nothing");
    stale.publish(0, value(1)).await.unwrap();
    stale.append(0, BASE_MS, value(1)).await.unwrap();
    assert_eq!(stale.bounds(0).await, Ok(0..1));

    cluster.heal("stale");
    let GroupEvent::Revoked(lost, acknowledge) = member.next().await.unwrap() else {
        panic!("it hears first what it lost")
    };
    assert_eq!(lost, [0, 1]);
    drop(acknowledge);
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        while let Ok(event) = other.next().await {
            drop(event);
        }
    });
    assert_eq!(assigned(&mut member).await.len(), 1, "it has rejoined");
}

#[tokio::test(start_paused = true)]
async fn a_crashed_or_dropped_members_partitions_move_on_after_the_session_timeout() {
    let cluster = Cluster::new(1, 3, Options::default());
    let mut crashed = cluster.process("crashed").join();
    assert_eq!(assigned(&mut crashed).await.len(), 3);
    let begun = Instant::now();
    cluster.crash("crashed");
    let mut dropped = cluster.process("dropped").join();
    while cluster.owners().iter().flatten().any(|owner| owner == "crashed") {
        assigned(&mut dropped).await;
    }
    assert!(begun.elapsed() >= Duration::from_secs(6));
    let begun = Instant::now();
    drop(dropped);
    let mut last = cluster.process("last").join();
    let mut owned = 0;
    while owned < 3 {
        owned += assigned(&mut last).await.len();
    }
    assert!((6..8).contains(&begun.elapsed().as_secs()), "the dead are not asked twice");
}
