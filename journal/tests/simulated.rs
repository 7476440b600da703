//! The conformance suite on the simulated journal, and what only a simulation has to show: a seed
//! tells the whole run, and each trouble that a schedule may order does what it says.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a failing test must say where"
)]

#[macro_use]
mod conformance;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use conformance::{BASE_MS, Harness, append_some, poll_once, read_some, value};
use journal::simulated::{Cluster, Faults, Options, Simulated, SimulatedGroup};
use journal::{AppendError, Clock, Error, Group, GroupEvent, Journal, Reader, SnapshotReader};
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

fn faults(change: impl FnOnce(&mut Faults)) -> Options {
    let mut options = Options::default();
    change(&mut options.faults);
    options
}

/// Waits until all that was written has landed and was answered.
async fn all_written(cluster: &Cluster) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while cluster.writes_under_way() > 0 {
        assert!(Instant::now() < deadline, "a write never ends");
        sleep(Duration::from_millis(1)).await;
    }
}

/// Waits until the group rests. Its members must be polled by somebody.
async fn settled(cluster: &Cluster) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !cluster.is_settled() {
        assert!(
            Instant::now() < deadline,
            "the group never rests: {:#?}",
            cluster.event_log()
        );
        sleep(Duration::from_millis(1)).await;
    }
}

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
    match timeout(Duration::from_secs(60), group.next())
        .await
        .unwrap()
        .unwrap()
    {
        GroupEvent::Assigned(partitions) => partitions,
        GroupEvent::Revoked(partitions, _) => panic!("revoked {partitions:?}"),
    }
}

/// A process's tasks: it appends, publishes, reads and takes part in the group.
fn start(tasks: &mut JoinSet<()>, cluster: &Cluster, name: &'static str) {
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
            let _ = timeout(Duration::from_millis(6), appending).await;
            let _ = journal.publish(partition, value(number)).await;
            let _ = journal.heartbeat().await;
        }
    });
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
        let mut tasks = JoinSet::new();
        for name in ["a", "b", "c"] {
            start(&mut tasks, &cluster, name);
        }
        sleep(Duration::from_millis(60)).await;
        cluster.isolate("a");
        cluster.stall(Duration::from_millis(100));
        sleep(Duration::from_millis(40)).await;
        cluster.crash("b");
        cluster.rebalance();
        start(&mut tasks, &cluster, "b");
        sleep(Duration::from_secs(8)).await;
        cluster.revoke("c", 0);
        cluster.heal("a");
        cluster.set_faults(Faults::NONE);
        settled(&cluster).await;
        all_written(&cluster).await;
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
async fn a_dropped_append_lands_all_the_same() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    assert!(
        poll_once(journal.append(0, BASE_MS, value(1)))
            .await
            .is_none()
    );
    all_written(&cluster).await;
    assert_eq!(cluster.log(0).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn appends_of_one_caller_land_and_complete_in_other_orders() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    let mut appends = JoinSet::new();
    for number in 0..50 {
        let journal = journal.clone();
        appends.spawn(async move { journal.append(0, number, Bytes::new()).await.unwrap() });
    }
    let mut completed = Vec::new();
    while let Some(offset) = appends.join_next().await {
        completed.push(offset.unwrap());
    }
    assert!(!completed.is_sorted());
    assert!(
        !cluster
            .log(0)
            .is_sorted_by_key(|record| record.timestamp_ms)
    );
    completed.sort_unstable();
    assert_eq!(completed, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn each_fault_lands_what_it_says() {
    let cluster = Cluster::new(3, 1, Options::default());
    let journal = cluster.process("edge");
    let mut expected = 0;
    // Which fault, whether it is in doubt, how often it lands.
    let cases: [(fn(&mut Faults) -> &mut u32, bool, usize); 4] = [
        (|faults| &mut faults.refused, false, 0),
        (|faults| &mut faults.in_doubt_landed, true, 1),
        (|faults| &mut faults.in_doubt_lost, true, 0),
        (|faults| &mut faults.in_doubt_late, true, 1),
    ];
    for (fault, in_doubt, landings) in cases {
        let mut faults = Faults::NONE;
        *fault(&mut faults) = 1_000;
        cluster.set_faults(faults);
        let error = journal.append(0, BASE_MS, value(1)).await.unwrap_err();
        assert_eq!(
            matches!(error, AppendError::InDoubt(_)),
            in_doubt,
            "{error}"
        );
        all_written(&cluster).await;
        expected += landings;
        assert_eq!(cluster.log(0).len(), expected, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_append_is_acknowledged_with_the_place_of_one_of_its_two_landings() {
    let cluster = Cluster::new(5, 1, faults(|faults| faults.duplicated = 1_000));
    let journal = cluster.process("edge");
    let mut which = BTreeSet::new();
    for number in 0..20 {
        let offset = journal.append(0, BASE_MS, value(number)).await.unwrap();
        let log = cluster.log(0);
        assert_eq!(log[usize::try_from(offset).unwrap()].value, value(number));
        all_written(&cluster).await;
        let landed = cluster
            .log(0)
            .into_iter()
            .filter(|record| record.value == value(number));
        let places: Vec<_> = landed.map(|record| record.offset).collect();
        assert_eq!(places.len(), 2);
        which.insert(places.iter().position(|place| *place == offset).unwrap());
    }
    assert_eq!(which, BTreeSet::from([0, 1]), "the first and the last");
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_at_a_crash_lands_or_does_not_and_old_handles_fail() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    let mut waiting = journal.read(0, 0);
    let mut group = journal.join();
    for number in 0..100 {
        assert!(
            poll_once(journal.append(0, BASE_MS, value(number)))
                .await
                .is_none()
        );
    }
    assert!(poll_once(waiting.next()).await.is_none());
    cluster.crash("edge");
    let reborn = cluster.process("edge");
    all_written(&cluster).await;
    let landed = cluster.log(0).len();
    assert!((1..100).contains(&landed), "{landed} of 100");

    assert!(matches!(
        journal.append(0, 0, Bytes::new()).await,
        Err(AppendError::Refused(_))
    ));
    assert!(matches!(
        journal.heartbeat().await,
        Err(AppendError::Refused(_))
    ));
    assert!(matches!(
        journal.bounds(0).await,
        Err(Error::Unavailable(_))
    ));
    assert!(matches!(waiting.next().await, Err(Error::Unavailable(_))));
    assert!(matches!(group.next().await, Err(Error::Unavailable(_))));
    assert!(matches!(
        journal.snapshots().next().await,
        Err(Error::Unavailable(_))
    ));
    assert!(reborn.append(0, BASE_MS, value(1)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_crashes_with_an_append_open_is_told_nothing_certain() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    let crash = async { cluster.crash("edge") };
    let (answer, ()) = tokio::join!(journal.append(0, BASE_MS, value(1)), crash);
    assert!(matches!(answer, Err(AppendError::InDoubt(_))));
}

#[tokio::test(start_paused = true)]
async fn in_a_stall_nothing_lands_or_is_answered_and_reads_go_on() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    append_some(&journal, 0, 3).await;
    cluster.stall(Duration::from_secs(10));
    assert!(
        timeout(SOON, journal.append(0, BASE_MS, value(9)))
            .await
            .is_err()
    );
    assert!(timeout(SOON, journal.publish(0, value(9))).await.is_err());
    assert!(timeout(SOON, journal.heartbeat()).await.is_err());
    assert_eq!(journal.bounds(0).await, Ok(0..3));
    assert_eq!(read_some(&mut journal.read(0, 0), 3).await.len(), 3);
    assert!(cluster.snapshot_log().is_empty());
    all_written(&cluster).await;
    assert_eq!(
        cluster.log(0)[3].value,
        value(9),
        "landed after its caller had gone"
    );
    assert_eq!(cluster.snapshot_log(), [(0, value(9))]);
}

#[tokio::test(start_paused = true)]
async fn compaction_keeps_the_last_per_partition_and_hides_no_position() {
    let cluster = Cluster::new(1, 2, Options::default());
    let journal = cluster.process("aggregator");
    for (partition, number) in [(0, 9), (1, 5), (0, 4)] {
        journal.publish(partition, value(number)).await.unwrap();
    }
    journal.heartbeat().await.unwrap();
    cluster.compact();
    assert_eq!(cluster.snapshot_log(), [(1, value(5)), (0, value(4))]);
    assert_eq!(journal.snapshots_end().await, Ok(4));
    let mut reader = journal.snapshots();
    let mut position = 0;
    while position < 4 {
        position = reader.next().await.unwrap().position;
    }
    assert!(timeout(SOON, reader.next()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn below_the_start_and_beyond_the_end_records_are_out_of_range() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("aggregator");
    append_some(&journal, 0, 5).await;
    cluster.delete_before(0, 3);
    assert_eq!(journal.bounds(0).await, Ok(3..5));
    for offset in [2, 6] {
        let gone = Error::OutOfRange {
            partition: 0,
            offset,
            start: 3,
            end: 5,
        };
        assert_eq!(journal.read(0, offset).next().await, Err(gone));
    }
    assert_eq!(journal.read(0, 3).next().await.unwrap()[0].offset, 3);
    assert_eq!(journal.position_at(0, BASE_MS).await, Ok(3));
    assert_eq!(cluster.append_raw(0, BASE_MS - 1, value(7)), Some(5));
    assert_eq!(
        cluster.log(0).len(),
        6,
        "the oracle sees what retention removed"
    );
    assert_eq!(cluster.append_raw(1, BASE_MS, value(7)), None);
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
    assert!(
        timeout(SOON, second.next()).await.is_err(),
        "not acknowledged yet"
    );
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
    assert!(
        timeout(SOON, other.next()).await.is_err(),
        "before the session timeout"
    );
    let mut taken = assigned(&mut other).await;
    while taken.len() < 2 {
        taken.extend(assigned(&mut other).await);
    }
    assert!(
        timeout(Duration::from_secs(20), member.next())
            .await
            .is_err(),
        "it hears nothing"
    );
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
    while cluster
        .owners()
        .iter()
        .flatten()
        .any(|owner| owner == "crashed")
    {
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
    assert!(
        (6..8).contains(&begun.elapsed().as_secs()),
        "the dead are not asked twice"
    );
}

#[tokio::test(start_paused = true)]
async fn a_stepped_clock_differs_from_the_clusters_and_a_heartbeat_tells() {
    let cluster = Cluster::new(1, 1, Options::default());
    let clock = cluster.clock("edge");
    assert_eq!(clock.now_ms(), cluster.now_ms());
    clock.set_skew_ms(-3_000);
    assert_eq!(cluster.clock("edge").now_ms(), cluster.now_ms() - 3_000);
    assert_eq!(cluster.clock("other").now_ms(), cluster.now_ms());
    let before_ms = cluster.now_ms();
    let beat_ms = cluster.process("edge").heartbeat().await.unwrap();
    assert!((before_ms..=cluster.now_ms()).contains(&beat_ms));
}
