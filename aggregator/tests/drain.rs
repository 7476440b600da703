//! What a drain answers: whether all that was in the log is counted and published.
//!
//! It says so only when it is so, whatever goes wrong meanwhile; a caller who is told so may let
//! the process go. On the simulated journal, in paused time: no test waits for real.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

mod kit;

use std::time::Duration;

use aggregator::{Phase, View, view};
use bytes::Bytes;
use journal::simulated::{Cluster, Faults};
use kit::{Running, append, until};
use tokio::time::sleep;

/// What somebody else reads of the published results: whether they are all, and the ballots.
async fn published(cluster: &Cluster) -> (bool, u64) {
    let looker = cluster.process("looker");
    let (view, follow) = view(looker.clone());
    let follow = tokio::spawn(follow);
    let flushed = view.is_flushed(&looker).await.unwrap();
    let ballots = |view: &View| view.served.borrow().as_ref().map(|s| s.document.ballots);
    until("a result", || ballots(&view).is_some()).await;
    follow.abort();
    (flushed, ballots(&view).unwrap())
}

#[tokio::test(start_paused = true)]
async fn a_drain_that_publishes_all_that_is_in_the_log_says_so() {
    let running = Running::folding().await;
    let cluster = running.cluster.clone();
    for low in 0..20 {
        append(&cluster, 0, low);
        append(&cluster, 1, low);
    }
    // Nothing of it can have been read yet.
    assert!(running.drained().await);
    assert_eq!(published(&cluster).await, (true, 40));
}

#[tokio::test(start_paused = true)]
async fn a_drain_with_nothing_new_says_that_all_is_published() {
    let running = Running::folding().await;
    let cluster = running.cluster.clone();
    sleep(Duration::from_secs(10)).await;
    assert!(running.drained().await);
    assert_eq!(published(&cluster).await, (true, 0));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_has_stopped_is_not_flushed_though_the_other_is() {
    let running = Running::folding().await;
    let cluster = running.cluster.clone();
    append(&cluster, 0, 1);
    // Of a kind that nobody knows.
    cluster.append_raw(1, cluster.now_ms(), Bytes::from_static(&[8, 1, 16, 9, 0])).unwrap();
    let stopped = || matches!(running.statuses.all()[&1].phase, Phase::Stopped(_));
    until("partition 1 stops", stopped).await;
    assert!(!running.drained().await);
    assert_eq!(published(&cluster).await, (false, 1));
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_stops_in_the_drain_is_not_flushed() {
    let running = Running::folding().await;
    let cluster = running.cluster.clone();
    cluster.append_raw(1, cluster.now_ms(), Bytes::from_static(&[8, 1, 16, 9, 0])).unwrap();
    assert!(!running.drained().await);
}

#[tokio::test(start_paused = true)]
async fn what_is_still_being_rebuilt_has_nothing_to_flush() {
    let running = Running::start(false).await;
    running.when("both rebuild", |phase| *phase == Phase::Rebuilding).await;
    assert!(running.drained().await);
}

#[tokio::test(start_paused = true)]
async fn a_drain_whose_reading_fails_says_that_not_all_is_published() {
    let running = Running::folding().await;
    append(&running.cluster, 0, 1);
    running.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    assert!(!running.drained().await);
}

#[tokio::test(start_paused = true)]
async fn while_snapshots_are_not_taken_a_drain_waits_and_says_in_the_end_that_not_all_is_published()
{
    for (healed, seconds) in [(true, 5), (false, 20)] {
        let running = Running::folding().await;
        let cluster = running.cluster.clone();
        sleep(Duration::from_secs(1)).await;
        cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
        append(&cluster, 0, 1);
        running.drain.cancel();
        sleep(Duration::from_secs(seconds)).await;
        assert_eq!(published(&cluster).await, (false, 0));
        cluster.set_faults(Faults::NONE);
        assert_eq!(running.drained().await, healed);
        assert_eq!(published(&cluster).await, (healed, u64::from(healed)));
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_counted_and_thrown_away_is_not_flushed() {
    let running = Running::folding().await;
    sleep(Duration::from_secs(1)).await;
    running.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    (0..2).for_each(|partition| append(&running.cluster, partition, u64::from(partition)));
    running.when("both start over", |phase| *phase == Phase::Rebuilding).await;
    assert!(!running.drained().await);
}
