//! What an aggregator and its results view complain of, and what they do not believe at once. On
//! the simulated journal, in paused time: no test waits for real.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

mod kit;

use std::time::Duration;

use aggregator::{Phase, Results, found, view};
use ballot::{Close, Fold, JournalId, Record, Rules, Snapshot, VoterMap};
use bytes::Bytes;
use journal::simulated::{Cluster, Faults, Options};
use kit::{Running, append, rules, until};
use tokio::time::sleep;

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn snapshots_that_are_not_published_for_long_are_complained_of() {
    let running = Running::folding().await;
    let Running { cluster, statuses, .. } = &running;
    sleep(SECOND).await;
    cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
    append(cluster, 0, 1);
    sleep(9 * SECOND).await;
    assert_eq!(statuses.complaint(), None, "a journal may be away for a moment");
    assert_eq!(statuses.all()[&0].frontier, 2, "counting goes on");
    sleep(3 * SECOND).await;
    let complaint = statuses.complaint().unwrap();
    assert!(complaint.starts_with("the snapshots of partition 0 are not published: "));
    assert!(complaint.contains("took nothing"), "{complaint}");
    cluster.set_faults(Faults::NONE);
    until("it is published", || statuses.complaint().is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_that_is_not_told_for_long_is_complained_of_as_that() {
    let running = Running::folding().await;
    running.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    until("it complains", || running.statuses.complaint().is_some()).await;
    let complaint = running.statuses.complaint().unwrap();
    let expected = "partition 0 is at offset 1; how many records are behind it has not been known";
    assert!(complaint.starts_with(expected), "{complaint}");
}

#[tokio::test(start_paused = true)]
async fn results_that_cannot_be_read_for_long_are_complained_of() {
    let running = Running::folding().await;
    let Running { cluster, view, .. } = &running;
    until("a result", || view.served.borrow().is_some()).await;
    cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    // There is something to read.
    cluster.publish_raw(0, snapshot(cluster, 0, 1));
    sleep(9 * SECOND).await;
    assert_eq!(view.complaint(), None);
    sleep(2 * SECOND).await;
    let complaint = view.complaint().unwrap();
    assert!(complaint.starts_with("the published snapshots cannot be read: "), "{complaint}");
    cluster.set_faults(Faults::NONE);
    until("they are read", || view.complaint().is_none()).await;
}

#[tokio::test(start_paused = true)]
async fn an_end_of_the_log_that_is_old_for_a_moment_refuses_nothing() {
    let cluster = Cluster::new(1, 2, Options::default());
    let journal = cluster.process("aggregator");
    found(&journal, &rules(&cluster), cluster.now_ms()).await.unwrap();
    // As an old leader tells it, the record that was counted is not there.
    cluster.publish_raw(0, snapshot(&cluster, 0, 2));
    cluster.publish_raw(1, snapshot(&cluster, 1, 1));
    let (view, follow) = view(journal);
    drop(tokio::spawn(follow));
    sleep(10 * SECOND).await;
    assert!(!view.results.borrow().complete);
    append(&cluster, 0, 1);
    until("it is believed", || view.results.borrow().complete).await;
    assert_eq!(view.results.borrow().refused, None);
}

#[tokio::test(start_paused = true)]
async fn a_partition_begins_once_the_end_of_the_log_is_told_right() {
    let running = Running::folding().await;
    let Running { cluster, view, statuses, .. } = &running;
    // Another owner counts a record whose partition this one's leader does not have yet.
    cluster.publish_raw(0, snapshot(cluster, 0, 2));
    let read = |results: &Results| {
        results.partitions[0].highest.as_ref().is_some_and(|highest| highest.frontier() == 2)
    };
    until("it is read", || read(&view.results.borrow())).await;
    cluster.revoke("aggregator", 0);
    let rebuilds = || statuses.all().get(&0).is_some_and(|s| s.phase == Phase::Rebuilding);
    until("it is assigned anew", rebuilds).await;
    sleep(10 * SECOND).await;
    assert!(rebuilds());
    append(cluster, 0, 1);
    until("it folds", || statuses.all()[&0].phase == Phase::Folding).await;
    assert_eq!(statuses.all()[&0].frontier, 2);
}

#[tokio::test(start_paused = true)]
async fn only_another_journal_or_missing_records_mean_that_ballots_may_be_lost() {
    let cluster = Cluster::new(1, 1, Options::default());
    let mut results = Results::new(cluster.identity(), 1);
    results.take(0, &Bytes::from_static(b"nonsense"));
    assert!(results.refused.as_ref().unwrap().contains("not a snapshot"));
    assert_eq!(results.lost, None);
    let other = Rules { journal: JournalId([9; 16]), ..rules(&cluster) };
    results.take(0, &encode(&fold(0, &[&other])));
    assert!(results.refused.as_ref().unwrap().contains("not a snapshot"), "the first stays");
    assert!(results.lost.as_ref().unwrap().contains("made anew under kept tallies"));
}

#[tokio::test(start_paused = true)]
async fn results_refused_while_they_are_served_are_complained_of() {
    let running = Running::folding().await;
    let Running { cluster, view, .. } = &running;
    until("a result", || view.served.borrow().is_some()).await;
    assert_eq!(view.complaint(), None);
    cluster.publish_raw(0, Bytes::from_static(b"nonsense"));
    until("it complains", || view.complaint().is_some()).await;
    let complaint = view.complaint().unwrap();
    assert!(complaint.starts_with("the published results are refused: "), "{complaint}");
}

#[tokio::test(start_paused = true)]
async fn edges_judge_by_no_rules_that_a_partition_does_not_have() {
    let cluster = Cluster::new(1, 2, Options::default());
    let first = rules(&cluster);
    let wider = |max| Rules { choices_per_ballot_max: max, ..first.clone() };
    let (second, third) = (wider(12), wider(14));
    let judged = |of: [&[&Rules]; 2]| {
        let mut results = Results::new(cluster.identity(), 2);
        for (partition, rules) in (0..).zip(of) {
            results.take(partition, &encode(&fold(partition, rules)));
        }
        results.rules().cloned()
    };
    assert_eq!(judged([&[&first], &[&first]]), Some(first.clone()));
    assert_eq!(judged([&[&first, &second], &[&first]]), Some(first.clone()));
    assert_eq!(judged([&[&first, &second], &[&first, &second]]), Some(second.clone()));
    // Two extensions at once, of which one was cut short.
    let cut = judged([&[&first, &third], &[&first, &second]]);
    assert_eq!(cut, Some(second.clone()));
    let cut = judged([&[&first, &second, &third], &[&first, &third]]);
    assert_eq!(cut, Some(third.clone()));
    // Neither of the two is wider than the other: both have the first.
    let mut longer = first.clone();
    longer.days[0].end_ms += 1;
    assert_eq!(judged([&[&first, &longer], &[&first, &second]]), Some(first.clone()));
    // And what both took before they parted is known of both.
    let mut both = second.clone();
    both.days[0].end_ms += 1;
    let parted = judged([&[&first, &second, &third], &[&first, &second, &both]]);
    assert_eq!(parted, Some(second));
}

/// An extension met the campaign's close in one partition: that one takes no ballots any more, and
/// the others go on by the new rules.
#[test]
fn a_closed_partition_keeps_no_edge_from_wider_rules() {
    let cluster = Cluster::new(1, 2, Options::default());
    let first = rules(&cluster);
    let mut longer = first.clone();
    let day = first.days[0];
    longer.days[0].end_ms += 1;
    let mut closed = fold(0, &[&first]);
    let clock_ms = first.closable_at_ms(&day);
    let close = Close { day: day.day, instant_ms: day.end_ms, clock_ms };
    let value = Record::Close(close).encode();
    closed.apply(1, &value, &mut VoterMap::new(1)).unwrap();
    assert!(closed.is_final());
    let mut results = Results::new(cluster.identity(), 2);
    results.take(0, &encode(&closed));
    results.take(1, &encode(&fold(1, &[&first, &longer])));
    assert_eq!(results.rules(), Some(&longer));
    // Once all are closed, the result is by what all had.
    let mut other = fold(1, &[&first]);
    other.apply(1, &value, &mut VoterMap::new(1)).unwrap();
    let mut results = Results::new(cluster.identity(), 2);
    results.take(0, &encode(&closed));
    results.take(1, &encode(&other));
    assert_eq!(results.rules(), Some(&first));
}

/// A partition's fold of these rules, one record each.
fn fold(partition: u32, rules: &[&Rules]) -> Fold {
    let mut fold = Fold::new(rules[0].journal, partition);
    for (rules, offset) in rules.iter().zip(0..) {
        let value = Record::Rules((*rules).clone()).encode();
        fold.apply(offset, &value, &mut VoterMap::new(1)).unwrap();
    }
    fold
}

/// A snapshot with this frontier, of the rules and of ballots as [`append`] puts them.
fn snapshot(cluster: &Cluster, partition: u32, frontier: u64) -> Bytes {
    let mut fold = fold(partition, &[&rules(cluster)]);
    for offset in 1..frontier {
        let value = kit::batch(cluster, partition, offset);
        fold.apply(offset, &value, &mut VoterMap::new(10)).unwrap();
    }
    encode(&fold)
}

fn encode(fold: &Fold) -> Bytes {
    let snapshot: Snapshot = fold.snapshot();
    snapshot.encode()
}
