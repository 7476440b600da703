//! What goes wrong with writes, reads and clocks on a simulated cluster: each trouble that a seed
//! may bring or a schedule order does what it says. The group's are in `simulated.rs`.

mod conformance;

use std::collections::BTreeSet;
use std::time::Duration;

use bytes::Bytes;
use conformance::{BASE_MS, append_some, poll_once, read_some, value};
use journal::simulated::{Cluster, Faults, Options};
use journal::{AppendError, Clock, Error, Group, Journal, Reader, SnapshotReader};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// Long enough for everything but timeouts and late landings.
const SOON: Duration = Duration::from_secs(1);
/// Longer than any timeout or late landing.
const LATE: Duration = Duration::from_secs(60);

/// Waits until all that was written has landed and was answered.
async fn all_written(cluster: &Cluster) {
    timeout(LATE, cluster.written()).await.expect("a write never ends");
}

#[tokio::test(start_paused = true)]
async fn a_dropped_append_lands_all_the_same() {
    let cluster = Cluster::new(1, 1, Options::default());
    let journal = cluster.process("edge");
    assert!(poll_once(journal.append(0, BASE_MS, value(1))).await.is_none());
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
    assert!(!cluster.log(0).is_sorted_by_key(|record| record.timestamp_ms));
    completed.sort_unstable();
    assert_eq!(completed, (0..50).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn each_fault_lands_what_it_says() {
    let cluster = Cluster::new(3, 1, Options::default());
    let journal = cluster.process("edge");
    let mut expected = 0;
    // The fault, whether it is in doubt, how often it lands.
    let cases = [
        (Faults { refused: 1_000, ..Faults::NONE }, false, 0),
        (Faults { in_doubt_landed: 1_000, ..Faults::NONE }, true, 1),
        (Faults { in_doubt_lost: 1_000, ..Faults::NONE }, true, 0),
        (Faults { in_doubt_late: 1_000, ..Faults::NONE }, true, 1),
    ];
    for (faults, in_doubt, landings) in cases {
        cluster.set_faults(faults);
        let error = journal.append(0, BASE_MS, value(1)).await.unwrap_err();
        assert_eq!(matches!(error, AppendError::InDoubt(_)), in_doubt, "{error}");
        all_written(&cluster).await;
        expected += landings;
        assert_eq!(cluster.log(0).len(), expected, "{faults:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_append_is_acknowledged_with_the_place_of_one_of_its_two_landings() {
    let faults = Faults { duplicated: 1_000, ..Faults::NONE };
    let cluster = Cluster::new(5, 1, Options { faults, ..Options::default() });
    let journal = cluster.process("edge");
    let mut which = BTreeSet::new();
    for number in 0..20 {
        let offset = journal.append(0, BASE_MS, value(number)).await.unwrap();
        let log = cluster.log(0);
        assert_eq!(log[usize::try_from(offset).unwrap()].value, value(number));
        all_written(&cluster).await;
        let landed = cluster.log(0).into_iter().filter(|record| record.value == value(number));
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
        assert!(poll_once(journal.append(0, BASE_MS, value(number))).await.is_none());
    }
    assert!(poll_once(waiting.next()).await.is_none());
    cluster.crash("edge");
    let reborn = cluster.process("edge");
    all_written(&cluster).await;
    let landed = cluster.log(0).len();
    assert!((1..100).contains(&landed), "{landed} of 100");

    assert!(matches!(journal.append(0, 0, Bytes::new()).await, Err(AppendError::Refused(_))));
    assert!(matches!(journal.heartbeat().await, Err(AppendError::Refused(_))));
    assert!(matches!(journal.bounds(0).await, Err(Error::Unavailable(_))));
    assert!(matches!(waiting.next().await, Err(Error::Unavailable(_))));
    assert!(matches!(group.next().await, Err(Error::Unavailable(_))));
    assert!(matches!(journal.snapshots().next().await, Err(Error::Unavailable(_))));
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
    assert!(timeout(SOON, journal.append(0, BASE_MS, value(9))).await.is_err());
    assert!(timeout(SOON, journal.publish(0, value(9))).await.is_err());
    assert!(timeout(SOON, journal.heartbeat()).await.is_err());
    assert_eq!(journal.bounds(0).await, Ok(0..3));
    assert_eq!(read_some(&mut journal.read(0, 0), 3).await.len(), 3);
    assert!(cluster.snapshot_log().is_empty());
    all_written(&cluster).await;
    assert_eq!(cluster.log(0)[3].value, value(9), "landed after its caller had gone");
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
        let gone = Error::OutOfRange { partition: 0, offset, start: 3, end: 5 };
        assert_eq!(journal.read(0, offset).next().await, Err(gone));
    }
    assert_eq!(journal.read(0, 3).next().await.unwrap()[0].offset, 3);
    assert_eq!(journal.position_at(0, BASE_MS).await, Ok(3));
    assert_eq!(cluster.append_raw(0, BASE_MS - 1, value(7)), Some(5));
    assert_eq!(cluster.log(0).len(), 6, "the oracle sees what retention removed");
    assert_eq!(cluster.append_raw(1, BASE_MS, value(7)), None);
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
