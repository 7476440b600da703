//! What these tests share: an aggregator of two partitions on the simulated journal, the rules it
//! counts by, ballots, and waiting for a state.
#![allow(dead_code, reason = "each test binary uses its part")]

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Phase, Statuses, View, found, view};
use ballot::{Ballot, BatchBuilder, Day, FOLD_VERSION, Record, Rules, VoterId, VotingDay};
use bytes::Bytes;
use journal::ClockCheck;
use journal::simulated::{Cluster, Options};
use prometheus::{Registry, TextEncoder};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Far longer than anything takes on a cluster where nothing goes wrong.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// An aggregator of two partitions, alone on its cluster.
pub(crate) struct Running {
    pub(crate) cluster: Cluster,
    pub(crate) view: View,
    pub(crate) statuses: Statuses,
    pub(crate) drain: CancellationToken,
    pub(crate) run: JoinHandle<bool>,
    registry: Registry,
}

impl Running {
    /// One whose results view reads nothing unless it is `following`.
    pub(crate) async fn start(following: bool) -> Self {
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
        let aggregator = Aggregator::new(journal, view.clone(), clock, check, Config::new(1_000));
        let (statuses, drain) = (aggregator.statuses(), CancellationToken::new());
        let registry = Registry::new();
        registry.register(Box::new(aggregator.metrics("c").unwrap())).unwrap();
        let run = tokio::spawn(aggregator.run(drain.clone()));
        Self { cluster, view, statuses, drain, run, registry }
    }

    /// One that has folded the rules of both partitions.
    pub(crate) async fn folding() -> Self {
        let running = Self::start(true).await;
        running.when("both fold", |phase| *phase == Phase::Folding).await;
        running
    }

    /// Its metrics as `/metrics` shows them.
    pub(crate) fn metrics(&self) -> String {
        TextEncoder::new().encode_to_string(&self.registry.gather()).unwrap()
    }

    /// The value of the series of this name with these labels besides the campaign's, in any order;
    /// not a number if there is none.
    pub(crate) fn metric(&self, name: &str, labels: &str) -> f64 {
        let mut labels: Vec<_> = labels.split(',').filter(|label| !label.is_empty()).collect();
        labels.push("campaign=\"c\"");
        labels.sort_unstable();
        let series = format!("{name}{{{}}} ", labels.join(","));
        let shown = self.metrics();
        let value = shown.lines().find_map(|line| line.strip_prefix(&series));
        value.map_or(f64::NAN, |value| value.parse().unwrap())
    }

    /// Waits until both partitions are in such a phase.
    pub(crate) async fn when(&self, what: &str, phase: impl Fn(&Phase) -> bool) {
        until(what, || {
            let all = self.statuses.all();
            all.len() == 2 && all.values().all(|status| phase(&status.phase))
        })
        .await;
    }

    /// Drains, and answers what the drain does.
    pub(crate) async fn drained(self) -> bool {
        self.drain.cancel();
        timeout(PATIENCE, self.run).await.unwrap().unwrap()
    }
}

pub(crate) fn rules(cluster: &Cluster) -> Rules {
    let start_ms = Options::default().epoch_ms;
    let day = VotingDay::new(2023, 12, 18).unwrap();
    Rules {
        journal: cluster.identity(),
        campaign: "aggregator".to_owned(),
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
pub(crate) fn append(cluster: &Cluster, partition: u32, low: u64) {
    let value = batch(cluster, partition, low);
    cluster.append_raw(partition, cluster.now_ms(), value).unwrap();
}

/// A record with one ballot of a partition.
pub(crate) fn batch(cluster: &Cluster, partition: u32, low: u64) -> Bytes {
    let mut batch = BatchBuilder::new(1);
    // The lowest and the highest identities are of the first and the last partition.
    let voter = VoterId { high: if partition == 0 { 0 } else { u64::MAX }, low };
    let choices = [1].into_iter().collect();
    batch.push(&Ballot { voter, choices, cast_at_ms: cluster.now_ms() });
    Record::Batch(batch.finish()).encode()
}

pub(crate) async fn until(what: &str, state: impl Fn() -> bool) {
    let wait = async {
        while !state() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}
