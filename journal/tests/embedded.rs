//! The conformance suite on the embedded journal, and what only a file of one process has to show:
//! it keeps others out and keeps what was queued. Kills are in `embedded_kill.rs`, failing disks in
//! `embedded_faults.rs`.

#![expect(clippy::unwrap_used, reason = "a failing test must say where")]

#[macro_use]
mod conformance;

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use conformance::{BASE_MS, Harness, append_some, read_some, value};
use journal::{
    Clock, Embedded, EmbeddedOptions, Error, Group, GroupEvent, Journal, Reader, SystemClock,
};
use tempfile::TempDir;

/// Makes journals in directories that live as long as the harness.
#[derive(Default)]
struct Directories(Mutex<Vec<TempDir>>);

impl Harness for Directories {
    type Journal = Embedded;

    async fn new_journal(&self, partitions: u32) -> Embedded {
        let dir = tempfile::tempdir().unwrap();
        let journal = open(dir.path(), partitions).unwrap();
        self.0.lock().unwrap().push(dir);
        journal
    }

    fn now_ms(&self) -> i64 {
        SystemClock.now_ms()
    }
}

fn open(dir: &Path, partitions: u32) -> Result<Embedded, Error> {
    Embedded::open(&EmbeddedOptions::new(dir, "campaign", partitions))
}

conformance_suite!(tokio::test, Directories::default());

#[tokio::test]
async fn a_closed_journal_is_free_for_the_next_and_holds_what_was_written() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), 2).unwrap();
    let identity = journal.identity();
    let records = append_some(&journal, 1, 5).await;
    journal.publish(1, value(7)).await.unwrap();
    let snapshots_end = journal.snapshots_end().await.unwrap();
    let mut waiting = journal.read(1, 5);
    let (read, ()) = tokio::join!(waiting.next(), journal.close());
    assert!(matches!(read, Err(Error::Refused(_))), "who waits at the end hears of the close");
    assert!(journal.append(1, BASE_MS, value(1)).await.is_err());
    assert!(!journal.is_healthy());
    journal.close().await;

    let journal = open(dir.path(), 2).unwrap();
    assert_eq!(journal.identity(), identity);
    assert_eq!(read_some(&mut journal.read(1, 0), 5).await, records);
    assert_eq!(journal.snapshots_end().await, Ok(snapshots_end));
    assert_eq!(append_some(&journal, 1, 1).await[0].offset, 5);
    assert_eq!(journal.position_at(1, BASE_MS + 3).await, Ok(3));
}

#[tokio::test]
async fn what_is_queued_is_written_when_the_journal_is_closed_or_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), 1).unwrap();
    let append = |journal: &Embedded, number| {
        let journal = journal.clone();
        async move { journal.append(0, BASE_MS, value(number)).await }
    };
    for number in 0..50 {
        assert!(conformance::poll_once(append(&journal, number)).await.is_none());
    }
    journal.close().await;
    let journal = open(dir.path(), 1).unwrap();
    assert_eq!(journal.bounds(0).await, Ok(0..50), "a dropped append is written all the same");
    for number in 50..60 {
        assert!(conformance::poll_once(append(&journal, number)).await.is_none());
    }
    let mut health = journal.health();
    drop(journal);
    drop(health.wait_for(|health| *health == journal::Health::Closed).await.unwrap());
    assert_eq!(open(dir.path(), 1).unwrap().bounds(0).await, Ok(0..60));
}

#[tokio::test]
async fn a_second_opener_is_refused_and_told_who_holds_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let journal = open(dir.path(), 1).unwrap();
    let sentence = open(dir.path(), 1).unwrap_err().to_string();
    assert!(sentence.contains(&format!("process {}", std::process::id())), "{sentence}");
    let other = Embedded::open(&EmbeddedOptions::new(dir.path(), "another", 1)).unwrap();
    assert_ne!(other.identity(), journal.identity());
}

#[tokio::test]
async fn another_partition_count_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    open(dir.path(), 4).unwrap().close().await;
    let sentence = open(dir.path(), 5).unwrap_err().to_string();
    assert!(sentence.contains("with 4 partitions, and 5 are configured"), "{sentence}");
    open(dir.path(), 4).unwrap().close().await;
    assert!(matches!(open(dir.path(), 0), Err(Error::Refused(_))));
    let outside = EmbeddedOptions::new(dir.path(), "../elsewhere", 1);
    assert!(matches!(Embedded::open(&outside), Err(Error::Refused(_))));
}

#[cfg(unix)]
#[tokio::test]
async fn a_directory_that_is_missing_is_made_for_its_owner_only() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let inner = dir.path().join("a/b");
    open(&inner, 1).unwrap().close().await;
    assert_eq!(inner.metadata().unwrap().permissions().mode() & 0o777, 0o700);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_at_once() {
    let harness = Directories::default();
    let journal = harness.new_journal(1).await;
    // Nothing yields to the writer's answers here, and it cannot write this much meanwhile.
    let large = Bytes::from(vec![7; 16 << 20]);
    let mut appends = tokio::task::JoinSet::new();
    for _ in 0..12 {
        let (journal, large) = (journal.clone(), large.clone());
        appends.spawn(async move { journal.append(0, BASE_MS, large).await });
    }
    let outcomes = appends.join_all().await;
    let refused = |outcome: &&Result<_, _>| match outcome {
        Err(journal::AppendError::Refused(reason)) => reason.contains("bytes"),
        Err(journal::AppendError::InDoubt(_)) | Ok(_) => false,
    };
    let refusals = outcomes.iter().filter(refused).count();
    assert!(refusals > 0 && refusals <= 8, "four fit into the bound: {outcomes:?}");
    let taken = u64::try_from(outcomes.len() - refusals).unwrap();
    assert_eq!(journal.bounds(0).await, Ok(0..taken));
    append_some(&journal, 0, 1).await;
}

/// A clock that stands where the test puts it.
#[derive(Debug)]
struct Stepped(AtomicI64);

impl Clock for Stepped {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn a_member_that_is_dropped_makes_way_for_the_next() {
    let harness = Directories::default();
    let journal = harness.new_journal(2).await;
    let first = journal.join();
    let (mut second, mut third) = (journal.join(), journal.join());
    assert!(conformance::poll_once(second.next()).await.is_none());
    drop(first);
    assert!(conformance::poll_once(third.next()).await.is_none());
    let event = conformance::poll_once(second.next()).await;
    assert!(matches!(event, Some(Ok(GroupEvent::Assigned(all))) if all == [0, 1]));
    assert!(conformance::poll_once(second.next()).await.is_none());
}

#[tokio::test]
async fn the_journals_time_begins_with_the_clock_and_cannot_be_stepped() {
    let dir = tempfile::tempdir().unwrap();
    let mut options = EmbeddedOptions::new(dir.path(), "campaign", 1);
    let clock = Arc::new(Stepped(AtomicI64::new(BASE_MS)));
    options.clock = Arc::clone(&clock) as Arc<dyn Clock>;
    let journal = Embedded::open(&options).unwrap();
    clock.0.store(0, Ordering::SeqCst);
    let first = journal.heartbeat().await.unwrap();
    let second = journal.heartbeat().await.unwrap();
    assert!((BASE_MS..BASE_MS + 60_000).contains(&first) && second >= first, "{first} {second}");
    journal.append(0, BASE_MS + 3_600_500, Bytes::from_static(b"newer")).await.unwrap();
    journal.close().await;
    assert!(journal.heartbeat().await.is_err());

    // Opened by a clock that is behind what the journal holds: that is not its time.
    let journal = Embedded::open(&options).unwrap();
    assert!(journal.heartbeat().await.unwrap() >= BASE_MS + 3_600_000);
    journal.close().await;
}

#[tokio::test]
async fn a_file_that_was_not_finished_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("campaign.redb.new"), b"half a file").unwrap();
    let journal = Embedded::open(&EmbeddedOptions::new(dir.path(), "campaign", 1)).unwrap();
    journal.close().await;
    assert!(!dir.path().join("campaign.redb.new").exists());
    let there = EmbeddedOptions::existing(dir.path(), "campaign");
    Embedded::open(&there).unwrap().close().await;
    let none = Embedded::open(&EmbeddedOptions::existing(dir.path(), "other")).unwrap_err();
    assert!(none.to_string().contains("there is no journal"), "{none}");
    assert!(!dir.path().join("other.redb").exists());
}
