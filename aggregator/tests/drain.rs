//! What a drain answers: whether all that was in the log is counted and published.
//!
//! It says so only when it is so, whatever goes wrong meanwhile; a caller who is told so may let
//! the process go. On the simulated journal, in paused time: no test waits for real.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Phase, Statuses, View, found, view};
use ballot::{Ballot, BatchBuilder, Day, FOLD_VERSION, Record, Rules, VoterId, VotingDay};
use bytes::Bytes;
use journal::ClockCheck;
use journal::simulated::{Cluster, Faults, Options};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Far longer than anything takes on a cluster where nothing goes wrong.
const PATIENCE: Duration = Duration::from_secs(60);

/// An aggregator of two partitions, alone on its cluster.
struct Running {
    cluster: Cluster,
    statuses: Statuses,
    drain: CancellationToken,
    run: JoinHandle<bool>,
}

impl Running {
    /// One whose results view reads nothing unless it is `following`.
    async fn start(following: bool) -> Self {
        let cluster = Cluster::new(1, 2, Options::default());
        let journal = cluster.process("aggregator");
        found(&journal, &rules(&cluster), cluster.now_ms()).await.unwrap();
        let (view, follow) = view(journal.clone());
        if following {
            // It ends with the test's runtime.
            drop(tokio::spawn(follow));
        }
        let clock = Arc::new(cluster.clock("aggregator"));
        let check = Arc::new(ClockCheck::new(2_000));
        let aggregator = Aggregator::new(journal, view, clock, check, Config::new(1_000));
        let (statuses, drain) = (aggregator.statuses(), CancellationToken::new());
        let run = tokio::spawn(aggregator.run(drain.clone()));
        Self { cluster, statuses, drain, run }
    }

    /// One that has folded the rules of both partitions.
    async fn folding() -> Self {
        let running = Self::start(true).await;
        running.when("both fold", |phase| *phase == Phase::Folding).await;
        running
    }

    /// Waits until both partitions are in such a phase.
    async fn when(&self, what: &str, phase: impl Fn(&Phase) -> bool) {
        until(what, || {
            let all = self.statuses.all();
            all.len() == 2 && all.values().all(|status| phase(&status.phase))
        })
        .await;
    }

    /// Drains, and answers what the drain does.
    async fn drained(self) -> bool {
        self.drain.cancel();
        timeout(PATIENCE, self.run).await.unwrap().unwrap()
    }
}

fn rules(cluster: &Cluster) -> Rules {
    let start_ms = Options::default().epoch_ms;
    let day = VotingDay::new(2023, 12, 18).unwrap();
    Rules {
        journal: cluster.identity(),
        campaign: "drain".to_owned(),
        partitions: cluster.partitions(),
        choices: 20,
        choices_per_ballot_min: 1,
        choices_per_ballot_max: 10,
        days: vec![Day { day, start_ms, end_ms: start_ms + 3_600_000 }],
        grace_ms: 60_000,
        fold_version: FOLD_VERSION,
        pseudonym_key: [7; 16],
    }
}

/// Puts a record with one ballot at a partition's end.
fn append(cluster: &Cluster, partition: u32, low: u64) {
    let mut batch = BatchBuilder::new(1);
    // The lowest and the highest identities are of the first and the last partition.
    let voter = VoterId { high: if partition == 0 { 0 } else { u64::MAX }, low };
    let choices = [1].into_iter().collect();
    batch.push(&Ballot { voter, choices, cast_at_ms: cluster.now_ms() });
    let value = Record::Batch(batch.finish()).encode();
    cluster.append_raw(partition, cluster.now_ms(), value).unwrap();
}

async fn until(what: &str, state: impl Fn() -> bool) {
    let wait = async {
        while !state() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

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
async fn while_snapshots_are_not_taken_a_drain_has_no_answer_and_then_the_right_one() {
    let mut running = Running::folding().await;
    let cluster = running.cluster.clone();
    sleep(Duration::from_secs(1)).await;
    cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
    append(&cluster, 0, 1);
    running.drain.cancel();
    // Who gives up here was not told that all is published, and it is not.
    let given_up = timeout(PATIENCE, &mut running.run).await;
    assert!(given_up.is_err(), "{given_up:?}");
    assert_eq!(published(&cluster).await, (false, 0));
    cluster.set_faults(Faults::NONE);
    assert!(running.drained().await);
    assert_eq!(published(&cluster).await, (true, 1));
}
