//! What the metrics of the counting say, as `/metrics` would show it. On the simulated journal, in
//! paused time: no test waits for real.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

mod kit;

use std::time::Duration;

use aggregator::Phase;
use ballot::{Ballot, BatchBuilder, Close, Record, VoterId};
use journal::simulated::{Cluster, Faults};
use journal::{Group, Journal};
use kit::{Running, append, batch, rules, until};
use tokio::time::sleep;
use tokio_util::task::AbortOnDropHandle;

const SECOND: Duration = Duration::from_secs(1);
const NOTHING_TAKEN: Faults = Faults { refused: 1_000, ..Faults::NONE };
const NOTHING_READ: Faults = Faults { unavailable: 1_000, ..Faults::NONE };

/// A refused publish is tried again after half a second; and a look at the lag is a second old.
fn is_about(value: f64, expected: f64) -> bool {
    (expected - 1.1..=expected + 1.1).contains(&value)
}

#[tokio::test(start_paused = true)]
async fn a_partition_has_series_while_it_is_worked_on_and_none_after() {
    let running = Running::folding().await;
    append(&running.cluster, 0, 1);
    let counted = "partition=\"0\",outcome=\"counted\"";
    until("it is counted", || running.metric("weir_ballots_folded_total", counted) == 1.0).await;
    let shown = running.metrics();
    for family in [
        "weir_partition_frontier",
        "weir_partition_lag_records",
        "weir_partition_lag_seconds",
        "weir_partition_phase",
        "weir_partition_stalled",
        "weir_partition_snapshot_age_seconds",
        "weir_partition_rebuild_ratio",
        "weir_partition_records_after_final_total",
        "weir_partition_drain_seconds",
        "weir_ballots_folded_total",
        "weir_dedup_voters",
        "weir_dedup_bytes",
    ] {
        let of_it = |line: &&str| line.starts_with(&format!("{family}{{"));
        let both = ["0", "1"].map(|n| format!("partition=\"{n}\""));
        let has = |p: &String| shown.lines().filter(of_it).any(|line| line.contains(p));
        assert!(both.iter().all(has), "{family} is not of both partitions in\n{shown}");
    }
    let counters = shown.lines().filter_map(|line| line.strip_suffix(" counter"));
    assert!(counters.clone().all(|line| line.ends_with("_total")), "{shown}");
    assert_eq!(counters.count(), 6, "{shown}");

    // Another member takes one of the two.
    let mut other = running.cluster.process("other").join();
    let _other =
        AbortOnDropHandle::new(tokio::spawn(async move { while other.next().await.is_ok() {} }));
    running.cluster.revoke("aggregator", 0);
    until("it is revoked", || running.statuses.all().keys().eq(&[1])).await;
    assert!(!running.metrics().contains("partition=\"0\""), "{}", running.metrics());
    assert!(running.metrics().contains("partition=\"1\""));
    assert_eq!(running.metric("weir_assignments_total", ""), 2.0);
    assert_eq!(running.metric("weir_revocations_total", ""), 1.0);
}

#[tokio::test(start_paused = true)]
async fn the_phase_and_what_was_counted_are_told_by_label() {
    let running = Running::folding().await;
    append(&running.cluster, 1, 5);
    append(&running.cluster, 1, 5);
    let outcome = |name: &str| {
        let labels = format!("partition=\"1\",outcome=\"{name}\"");
        running.metric("weir_ballots_folded_total", &labels)
    };
    until("both are folded", || outcome("duplicate") == 1.0).await;
    assert_eq!(outcome("counted"), 1.0);
    assert_eq!(outcome("malformed"), 0.0);
    let phase = |phase: &str| {
        let labels = format!("partition=\"1\",phase=\"{phase}\"");
        running.metric("weir_partition_phase", &labels)
    };
    assert_eq!(["rebuilding", "folding", "final", "stopped"].map(phase), [0.0, 1.0, 0.0, 0.0]);
    assert_eq!(running.metric("weir_partition_rebuild_ratio", "partition=\"1\""), 1.0);
    assert_eq!(running.metric("weir_dedup_voters", "partition=\"1\""), 1.0);
    assert!(running.metric("weir_dedup_bytes", "partition=\"1\"") > 0.0);
    assert_eq!(running.metric("weir_dedup_voters_max", ""), 1_000.0);
}

#[tokio::test(start_paused = true)]
async fn a_lag_is_as_old_as_the_oldest_record_that_waits() {
    let running = Running::folding().await;
    let zero = "partition=\"0\"";
    let lag = || running.metric("weir_partition_lag_seconds", zero);
    append(&running.cluster, 0, 1);
    sleep(30 * SECOND).await;
    assert_eq!(lag(), 0.0, "without lag, however long ago the last record was");
    // It stops at a record of a kind that nobody knows, and everything behind it waits.
    let unknown = bytes::Bytes::from_static(&[8, 1, 16, 9, 0]);
    running.cluster.append_raw(0, running.cluster.now_ms(), unknown).unwrap();
    sleep(20 * SECOND).await;
    append(&running.cluster, 0, 2);
    sleep(20 * SECOND).await;
    assert_eq!(running.metric("weir_partition_lag_records", zero), 2.0);
    assert!(is_about(lag(), 40.0), "{}", lag());
    assert_eq!(running.metric("weir_partition_drain_seconds", zero), f64::INFINITY);
    assert_eq!(running.metric("weir_partition_stalled", zero), 1.0);
    assert_eq!(running.metric("weir_partition_lag_seconds", "partition=\"1\""), 0.0);
    assert_eq!(running.metric("weir_partition_drain_seconds", "partition=\"1\""), 0.0);
}

#[tokio::test(start_paused = true)]
async fn a_lag_that_has_not_been_measured_for_seconds_has_no_series_until_it_is_again() {
    let running = Running::folding().await;
    let known = || {
        let has = |name| !running.metric(name, "partition=\"0\"").is_nan();
        assert!(has("weir_partition_frontier"), "it does not depend on the log's end");
        [
            has("weir_partition_lag_records"),
            has("weir_partition_lag_seconds"),
            has("weir_partition_drain_seconds"),
        ]
    };
    sleep(2 * SECOND).await;
    running.cluster.set_faults(NOTHING_READ);
    sleep(3 * SECOND).await;
    assert_eq!(known(), [true; 3], "it is a few seconds old");
    append(&running.cluster, 0, 1);
    sleep(4 * SECOND).await;
    assert_eq!(known(), [false; 3], "not a 0 that was true before a ballot was cast");
    assert_eq!(running.metric("weir_partition_stalled", "partition=\"0\""), 0.0, "not yet");
    running.cluster.set_faults(Faults::NONE);
    until("it is known again", || known() == [true; 3]).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_not_published_gets_older_until_it_is() {
    let running = Running::folding().await;
    let age = || running.metric("weir_partition_snapshot_age_seconds", "partition=\"0\"");
    let errors = || running.metric("weir_flush_errors_total", "");
    sleep(5 * SECOND).await;
    assert_eq!((age(), errors()), (0.0, 0.0), "nothing was folded since");
    let flushed = running.metric("weir_flush_duration_seconds_count", "");
    assert!(flushed >= 2.0, "{flushed}");
    running.cluster.set_faults(NOTHING_TAKEN);
    append(&running.cluster, 0, 1);
    sleep(20 * SECOND).await;
    assert!(is_about(age(), 20.0), "{}", age());
    assert!(errors() >= 10.0, "{}", errors());
    assert_eq!(running.metric("weir_partition_lag_seconds", "partition=\"0\""), 0.0);
    assert_eq!(running.metric("weir_flush_duration_seconds_count", ""), flushed);
    running.cluster.set_faults(Faults::NONE);
    until("it is published", || age() == 0.0).await;
    assert_eq!(running.metric("weir_flush_duration_seconds_count", ""), flushed + 1.0);
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_starts_over_is_counted_and_timed() {
    let running = Running::folding().await;
    let Running { cluster, .. } = &running;
    let rebuilds =
        |cause: &str| running.metric("weir_rebuilds_total", &format!("cause=\"{cause}\""));
    assert_eq!((rebuilds("assigned"), rebuilds("error")), (2.0, 0.0));
    assert_eq!(running.metric("weir_rebuild_duration_seconds_count", ""), 2.0);
    let counted =
        || running.metric("weir_ballots_folded_total", "partition=\"0\",outcome=\"counted\"");
    append(cluster, 0, 1);
    until("it is counted", || counted() == 1.0).await;
    sleep(SECOND).await;
    // What is folded now is thrown away unpublished.
    cluster.set_faults(NOTHING_TAKEN);
    append(cluster, 0, 2);
    until("it is counted", || counted() == 2.0).await;
    cluster.set_faults(Faults { refused: 1_000, ..NOTHING_READ });
    (0..2).for_each(|partition| append(cluster, partition, 3));
    running.when("both start over", |phase| *phase == Phase::Rebuilding).await;
    sleep(20 * SECOND).await;
    cluster.set_faults(NOTHING_TAKEN);
    running.when("both fold again", |phase| *phase == Phase::Folding).await;
    assert!(rebuilds("error") >= 4.0, "each try is one: {}", rebuilds("error"));
    assert_eq!(rebuilds("assigned"), 2.0);
    assert_eq!(running.metric("weir_rebuild_duration_seconds_count", ""), 4.0);
    let took = running.metric("weir_rebuild_duration_seconds_sum", "");
    assert!((40.0..45.0).contains(&took), "from the error to folding: {took}");
    until("all is counted", || counted() == 3.0).await;
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_ballot_is_seen_once_for_each_record_that_holds_any() {
    let running = Running::folding().await;
    let Running { cluster, .. } = &running;
    let observed = || running.metric("weir_ballot_age_seconds_count", "");
    assert_eq!(observed(), 0.0, "the rules are no ballots");
    let timestamp_ms = cluster.now_ms() - 7_000;
    cluster.append_raw(0, timestamp_ms, batch(cluster, 0, 1)).unwrap();
    until("it is folded", || observed() == 1.0).await;
    let seconds = running.metric("weir_ballot_age_seconds_sum", "");
    assert!((7.0..8.0).contains(&seconds), "{seconds}");
    cluster.append_raw(0, timestamp_ms, bytes::Bytes::from_static(&[8, 1, 16, 2, 9])).unwrap();
    let malformed = "partition=\"0\",outcome=\"malformed\"";
    until("it is passed", || running.metric("weir_ballots_folded_total", malformed) == 1.0).await;
    assert_eq!(observed(), 1.0);
    // From an edge whose clock is ahead of ours.
    cluster.append_raw(0, cluster.now_ms() + 60_000, batch(cluster, 0, 2)).unwrap();
    until("it is folded", || observed() == 2.0).await;
    assert_eq!(running.metric("weir_ballot_age_seconds_sum", ""), seconds);
}

#[tokio::test(start_paused = true)]
async fn the_published_result_is_told_as_the_document_has_it() {
    let running = Running::folding().await;
    let Running { cluster, view, .. } = &running;
    for (partition, choices) in [(0, &[1, 2][..]), (0, &[2]), (1, &[2, 20])] {
        cluster.append_raw(partition, cluster.now_ms(), of(cluster, partition, choices)).unwrap();
        sleep(SECOND).await;
    }
    let ballots = || view.served.borrow().as_ref().map(|served| served.document.ballots);
    until("all three are in the result", || ballots() == Some(3)).await;
    let served = view.served.borrow().clone().unwrap();
    for (votes, choice) in served.document.votes.iter().zip(1..) {
        let told = running.metric("weir_tally_votes_total", &format!("choice=\"{choice}\""));
        assert_eq!(told, *votes as f64, "choice {choice}");
    }
    assert_eq!(running.metric("weir_tally_votes_total", "choice=\"2\""), 3.0);
    assert_eq!(running.metric("weir_tally_ballots_total", ""), 3.0);
    assert_eq!(running.metric("weir_tally_ballots_today", ""), 3.0);
    assert_eq!(running.metric("weir_tally_final", ""), 0.0);
    // The only day is over, its grace is not.
    sleep(3_600 * SECOND).await;
    assert_eq!(running.metric("weir_tally_ballots_today", ""), 0.0);
    let day = rules(cluster).days[0];
    let (instant_ms, clock_ms) = (day.end_ms, rules(cluster).closable_at_ms(&day));
    let close = Record::Close(Close { day: day.day, instant_ms, clock_ms }).encode();
    for partition in 0..2 {
        cluster.append_raw(partition, clock_ms, close.clone()).unwrap();
    }
    until("it is final", || running.metric("weir_tally_final", "") == 1.0).await;
    append(cluster, 0, 1);
    let late = || running.metric("weir_partition_records_after_final_total", "partition=\"0\"");
    until("it is seen", || late() == 1.0).await;
    // Whatever cannot be measured: nothing is behind the close.
    running.cluster.set_faults(NOTHING_READ);
    sleep(20 * SECOND).await;
    assert_eq!(running.metric("weir_partition_lag_records", "partition=\"0\""), 0.0);
    assert_eq!(running.metric("weir_tally_ballots_total", ""), 3.0);
}

#[tokio::test(start_paused = true)]
async fn without_a_result_there_is_none_to_tell() {
    let running = Running::start(false).await;
    running.when("both rebuild", |phase| *phase == Phase::Rebuilding).await;
    let shown = running.metrics();
    assert!(!shown.contains("weir_tally_"), "{shown}");
    assert!(!shown.contains("weir_partition_frontier"), "it is not known yet:\n{shown}");
    assert_eq!(running.metric("weir_partition_rebuild_ratio", "partition=\"0\""), 0.0);
}

/// A record with one ballot of these choices, by a voter of its own.
fn of(cluster: &Cluster, partition: u32, choices: &[u32]) -> bytes::Bytes {
    let mut batch = BatchBuilder::new(1);
    let low = choices.iter().map(|choice| u64::from(*choice)).sum();
    let voter = VoterId { high: if partition == 0 { 0 } else { u64::MAX }, low };
    let choices = choices.iter().copied().collect();
    batch.push(&Ballot { voter, choices, cast_at_ms: cluster.now_ms() });
    Record::Batch(batch.finish()).encode()
}
