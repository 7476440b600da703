//! What these tests share: a journal of one voting day, its ballots, and waiting for a state.

use std::time::Duration;

use aggregator::{Phase, found};
use ballot::{
    Ballot, BatchBuilder, ChoiceSet, Day, FOLD_VERSION, Record, Rules, VoterId, VotingDay,
};
use bytes::Bytes;
use journal::simulated::{Cluster, Options};
use tokio::time::{sleep, timeout};

use crate::process::Process;

pub(crate) const HOUR_MS: i64 = 3_600_000;

pub(crate) fn rules(cluster: &Cluster) -> Rules {
    let start_ms = Options::default().epoch_ms;
    let day = VotingDay::new(2023, 12, 18).unwrap();
    Rules {
        journal: cluster.identity(),
        campaign: "refusals".to_owned(),
        partitions: cluster.partitions(),
        choices: 20,
        choices_per_ballot_min: 1,
        choices_per_ballot_max: 10,
        days: vec![Day { day, start_ms, end_ms: start_ms + HOUR_MS }],
        grace_ms: 60_000,
        fold_version: FOLD_VERSION,
        pseudonym_key: [7; 16],
    }
}

pub(crate) async fn founded(partitions: u32) -> (Cluster, Rules) {
    let cluster = Cluster::new(1, partitions, Options::default());
    let rules = rules(&cluster);
    found(&cluster.process("founder"), &rules, cluster.now_ms()).await.unwrap();
    (cluster, rules)
}

pub(crate) fn batch(cluster: &Cluster, low: u64) -> Bytes {
    batch_at(cluster.now_ms(), low)
}

pub(crate) fn batch_at(cast_at_ms: i64, low: u64) -> Bytes {
    let mut batch = BatchBuilder::new(1);
    let choices: ChoiceSet = [1, 2].into_iter().collect();
    let voter = VoterId { high: 0, low };
    batch.push(&Ballot { voter, choices, cast_at_ms });
    Record::Batch(batch.finish()).encode()
}

/// Waits for a state; paused time makes the wait free.
pub(crate) async fn until(what: &str, state: impl Fn() -> bool) {
    let wait = async {
        while !state() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(100), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) fn stopped(process: &Process, partition: u32) -> Option<String> {
    match process.statuses.as_ref()?.all().get(&partition)?.phase.clone() {
        Phase::Stopped(why) => Some(why),
        Phase::Rebuilding | Phase::Folding | Phase::Final => None,
    }
}
