//! What stops a partition or refuses a journal, and that it says so: on the simulated journal, in
//! paused time.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "simulation/process.rs"]
#[expect(dead_code, reason = "the schedules use more of it")]
mod process;

use std::time::Duration;

use aggregator::{FoundingError, Phase, check, extend, found, view};
use ballot::{
    Ballot, BatchBuilder, ChoiceSet, Day, FOLD_VERSION, JournalId, Record, Rules, Snapshot,
    VoterId, VotingDay,
};
use bytes::Bytes;
use journal::Journal;
use journal::simulated::{Cluster, Faults, Options};
use process::Process;
use tokio::time::{sleep, timeout};

const HOUR_MS: i64 = 3_600_000;

fn rules(cluster: &Cluster) -> Rules {
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

async fn founded(partitions: u32) -> (Cluster, Rules) {
    let cluster = Cluster::new(1, partitions, Options::default());
    let rules = rules(&cluster);
    found(&cluster.process("founder"), &rules, cluster.now_ms()).await.unwrap();
    (cluster, rules)
}

fn batch(cluster: &Cluster, low: u64) -> Bytes {
    let mut batch = BatchBuilder::new(1);
    let choices: ChoiceSet = [1, 2].into_iter().collect();
    let voter = VoterId { high: 0, low };
    batch.push(&Ballot { voter, choices, cast_at_ms: cluster.now_ms() });
    Record::Batch(batch.finish()).encode()
}

/// Waits for a state; paused time makes the wait free.
async fn until(what: &str, state: impl Fn() -> bool) {
    let wait = async {
        while !state() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(Duration::from_secs(100), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

fn stopped(process: &Process, partition: u32) -> Option<String> {
    match process.statuses.as_ref()?.all().get(&partition)?.phase.clone() {
        Phase::Stopped(why) => Some(why),
        Phase::Rebuilding | Phase::Folding | Phase::Final => None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_record_of_unknown_kind_stops_its_partition_and_no_other() {
    let (cluster, rules) = founded(2).await;
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    cluster.append_raw(0, cluster.now_ms(), batch(&cluster, 1)).unwrap();
    cluster.append_raw(0, cluster.now_ms(), Bytes::from_static(&[8, 1, 16, 9, 0])).unwrap();
    cluster.append_raw(0, cluster.now_ms(), batch(&cluster, 2)).unwrap();
    until("partition 0 stops", || stopped(&process, 0).is_some()).await;

    assert!(stopped(&process, 0).unwrap().contains("offset 2 is of a kind or version"));
    assert_eq!(stopped(&process, 1), None);
    let complaint = process.statuses.as_ref().unwrap().complaint().unwrap();
    assert!(complaint.starts_with("partition 0 stopped"), "{complaint}");
    // What came before it is in the result, what came after is not.
    let frontier = |process: &Process| {
        let served = process.view.served.borrow();
        served.as_ref().map(|s| (s.document.partitions[0].frontier, s.document.ballots))
    };
    until("the result before it", || frontier(&process) == Some((2, 1))).await;
}

#[tokio::test(start_paused = true)]
async fn records_that_retention_removed_are_refused_not_recounted_around() {
    let (cluster, rules) = founded(1).await;
    let first = Process::start(&cluster, "first", &rules, true, None);
    for low in 0..20 {
        cluster.append_raw(0, cluster.now_ms(), batch(&cluster, low)).unwrap();
    }
    let ballots = |process: &Process| {
        process.view.served.borrow().as_ref().map_or(0, |served| served.document.ballots)
    };
    until("all are counted", || ballots(&first) == 20).await;
    cluster.crash("first");
    drop(first);
    cluster.delete_before(0, 10);

    let second = Process::start(&cluster, "second", &rules, true, None);
    until("it refuses", || stopped(&second, 0).is_some()).await;
    assert!(stopped(&second, 0).unwrap().contains("records are gone"));
}

#[tokio::test(start_paused = true)]
async fn kept_tallies_of_another_journal_are_refused() {
    let (cluster, rules) = founded(1).await;
    let other = Rules { journal: JournalId([9; 16]), ..rules.clone() };
    let mut fold = ballot::Fold::new(other.journal, 0);
    let founding = Record::Rules(other).encode();
    fold.apply(0, &founding, &mut ballot::VoterMap::new(1)).unwrap();
    cluster.publish_raw(0, fold.snapshot().encode());
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("made anew under kept tallies"));
    assert!(process.view.served.borrow().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_beyond_the_end_of_the_log_is_refused() {
    let (cluster, rules) = founded(1).await;
    let mut fold = ballot::Fold::new(rules.journal, 0);
    let mut voters = ballot::VoterMap::new(10);
    fold.apply(0, &Record::Rules(rules.clone()).encode(), &mut voters).unwrap();
    fold.apply(1, &batch(&cluster, 1), &mut voters).unwrap();
    cluster.publish_raw(0, fold.snapshot().encode());
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    let why = stopped(&process, 0).unwrap();
    assert!(why.contains("has the frontier 2, the log ends at 1"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_off_writes_no_close_and_takes_no_ballot() {
    let (cluster, rules) = founded(1).await;
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("its clock is known", || process.clock_check.is_sound()).await;
    process.clock.set_skew_ms(2 * HOUR_MS);
    until("it is noticed", || !process.clock_check.is_sound()).await;
    sleep(Duration::from_secs(20)).await;
    assert_eq!(cluster.log(0).len(), 1, "a close was written an hour early");
    let voter = VoterId { high: 0, low: 1 };
    let answer = process.vote(voter, [1].into_iter().collect(), None).await;
    assert_eq!(answer, process::Answer::Unavailable);

    process.clock.set_skew_ms(0);
    sleep(Duration::from_secs(3_700)).await;
    let is_final = || process.view.served.borrow().as_ref().is_some_and(|s| s.document.is_final);
    until("the day is closed in time", is_final).await;
}

#[tokio::test(start_paused = true)]
async fn a_frontier_that_stands_still_is_reported() {
    let (cluster, rules) = founded(1).await;
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    let statuses = process.statuses.clone().unwrap();
    until("it has begun", || statuses.all().get(&0).is_some_and(|s| s.frontier == 1)).await;
    assert_eq!(statuses.complaint(), None);
    cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    cluster.append_raw(0, cluster.now_ms(), batch(&cluster, 1)).unwrap();
    let complains = || statuses.complaint().is_some_and(|why| why.contains("stands at offset 1"));
    until("it is seen to stand still", complains).await;
    cluster.set_faults(Faults::NONE);
    until("it counts again", || statuses.complaint().is_none()).await;
    assert_eq!(statuses.all()[&0].frontier, 2);
}

#[tokio::test(start_paused = true)]
async fn other_rules_and_another_key_are_refused_by_name_and_an_extension_is_written() {
    let (cluster, rules) = founded(2).await;
    let journal = cluster.process("checker");
    let (view, follow) = view(journal.clone());
    let follow = tokio::spawn(follow);
    check(&journal, &view, &rules).await.unwrap();

    let refused = |ours: Rules| {
        let (journal, view) = (journal.clone(), view.clone());
        async move {
            match check(&journal, &view, &ours).await {
                Err(FoundingError::Differs { difference, .. }) => difference.field,
                other => panic!("{other:?}"),
            }
        }
    };
    let key = Rules { pseudonym_key: [8; 16], ..rules.clone() };
    assert_eq!(refused(key).await, "pseudonym key");
    let limits = Rules { choices_per_ballot_max: 5, ..rules.clone() };
    assert_eq!(refused(limits).await, "choices_per_ballot_max");
    assert_eq!(refused(Rules { partitions: 3, ..rules.clone() }).await, "partitions");

    let mut extended = rules.clone();
    extended.days[0].end_ms += HOUR_MS;
    assert_eq!(refused(extended.clone()).await, "opens_at, closes_at or zone");
    let now_ms = cluster.now_ms();
    assert_eq!(extend(&journal, &view, &extended, now_ms).await, Ok(2));
    assert_eq!(extend(&journal, &view, &extended, now_ms).await, Ok(0), "again is safe");
    check(&journal, &view, &extended).await.unwrap();
    let shorter = extend(&journal, &view, &Rules { days: vec![], ..rules }, now_ms).await;
    assert!(matches!(shorter, Err(FoundingError::Differs { .. })));
    assert_eq!(cluster.log(0).len(), 2);
    follow.abort();
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_that_does_not_decode_refuses_the_results() {
    let (cluster, rules) = founded(1).await;
    assert!(Snapshot::decode(&Bytes::from_static(b"nonsense")).is_err());
    cluster.publish_raw(0, Bytes::from_static(b"nonsense"));
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    until("it refuses", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("not a snapshot"));
    assert_eq!(journal_end(&cluster).await, 1, "nothing was published over it");
}

async fn journal_end(cluster: &Cluster) -> u64 {
    let entries = cluster.snapshot_log().len();
    drop(cluster.process("looker").snapshots_end().await);
    entries as u64
}
