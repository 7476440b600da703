//! What an aggregator says of itself when something is wrong, and what it leaves behind.

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Planted, view};
use ballot::VoterId;
use bytes::Bytes;
use journal::simulated::Faults;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::kit::{HOUR_MS, batch, founded, stopped, until};
use crate::process::{Answer, Process};

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
async fn a_worker_that_panics_is_seen_and_its_partition_stays_stopped() {
    let (cluster, rules) = founded(2).await;
    let planted = Some(Planted::WorkerPanics);
    let process = Process::start(&cluster, "aggregator", &rules, true, planted);
    cluster.append_raw(0, cluster.now_ms(), batch(&cluster, 1)).unwrap();
    until("it is seen", || stopped(&process, 0).is_some()).await;
    assert!(stopped(&process, 0).unwrap().contains("panicked"));
    sleep(Duration::from_secs(60)).await;
    assert!(process.statuses.as_ref().unwrap().complaint().is_some());
    assert_eq!(stopped(&process, 1), None);
}

#[tokio::test(start_paused = true)]
async fn a_drain_counts_and_publishes_all_that_is_in_the_log() {
    let (cluster, rules) = founded(2).await;
    let process = Process::start(&cluster, "edge", &rules, false, None);
    let (clock, check) = (Arc::new(process.clock.clone()), Arc::clone(&process.clock_check));
    let journal = cluster.process("aggregator");
    let (own, follow_own) = view(journal.clone());
    let follow_own = tokio::spawn(follow_own);
    let aggregator = Aggregator::new(journal, own.clone(), clock, check, Config::new(1_000));
    let drain = CancellationToken::new();
    let run = tokio::spawn(aggregator.run(drain.clone()));
    until("it has begun", || own.served.borrow().is_some()).await;
    for low in 0..30 {
        cluster.append_raw(0, cluster.now_ms(), batch(&cluster, low)).unwrap();
    }
    // Nothing of it can have been read yet.
    drain.cancel();
    let looker = cluster.process("looker");
    let (view, follow) = view(looker.clone());
    let follow = tokio::spawn(follow);
    assert_eq!(view.is_flushed(&looker).await, Ok(false), "it was flushed before the drain");
    timeout(Duration::from_secs(10), run).await.unwrap().unwrap();
    assert_eq!(view.is_flushed(&looker).await, Ok(true));
    let ballots = || view.served.borrow().as_ref().map(|s| s.document.ballots);
    until("the result", || ballots() == Some(30)).await;
    follow.abort();
    follow_own.abort();
}

#[tokio::test(start_paused = true)]
async fn the_first_ballot_after_a_quiet_time_is_no_stall() {
    let (cluster, rules) = founded(1).await;
    let process = Process::start(&cluster, "aggregator", &rules, true, None);
    let statuses = process.statuses.clone().unwrap();
    for low in 0..50 {
        sleep(Duration::from_secs(15)).await;
        cluster.append_raw(0, cluster.now_ms(), batch(&cluster, low)).unwrap();
        for _ in 0..100 {
            sleep(Duration::from_millis(1)).await;
            assert_eq!(statuses.complaint(), None);
        }
    }
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
    assert_eq!(answer, Answer::Unavailable);

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
    let complains = || statuses.complaint().is_some_and(|why| why.contains("0 is at offset 1"));
    until("it is seen to stand still", complains).await;
    cluster.set_faults(Faults::NONE);
    until("it counts again", || statuses.all()[&0].frontier == 2).await;
    until("it says so", || statuses.complaint().is_none()).await;
}
