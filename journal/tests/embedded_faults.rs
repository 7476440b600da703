//! The embedded journal on a failing disk: what was acknowledged is in the log for good, what was
//! refused never is, what was in doubt is there once or not at all, and the journal takes appends
//! again without a restart once the disk does; but not after damage, which a restart finds too.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a failing test must say where")]

#[macro_use]
mod conformance;
mod faulty_disk;

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use conformance::{BASE_MS, append_some, read_some, value};
use faulty_disk::{Disk, Fault};
use journal::{AppendError, Embedded, EmbeddedOptions, Error, Health, Journal, Reader, Record};
use tempfile::TempDir;
use tokio::task::JoinSet;

const PARTITIONS: u32 = 2;

async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    let outcome = tokio::time::timeout(Duration::from_secs(30), future).await;
    outcome.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

fn open_on(disk: &Disk) -> (TempDir, Embedded) {
    let dir = tempfile::tempdir().unwrap();
    let disk = disk.clone();
    let options = EmbeddedOptions::new(dir.path(), "campaign", PARTITIONS);
    let journal = Embedded::open_with(&options, Box::new(move || disk.database())).unwrap();
    (dir, journal)
}

/// What became of the appends, by value.
#[derive(Debug, Default)]
struct Outcomes {
    acknowledged: BTreeMap<(u32, u64), Bytes>,
    in_doubt: BTreeSet<Bytes>,
    refused: BTreeSet<Bytes>,
    numbers: u64,
}

impl Outcomes {
    /// Appends a few records to each partition at once.
    async fn append(&mut self, journal: &Embedded) {
        let mut appends = JoinSet::new();
        for number in self.numbers..self.numbers + 6 {
            let journal = journal.clone();
            let partition = u32::try_from(number).unwrap() % PARTITIONS;
            let bytes = Bytes::from(format!("{number} ").repeat(500));
            appends.spawn(async move {
                let appended = journal.append(partition, BASE_MS, bytes.clone()).await;
                (partition, bytes, appended)
            });
        }
        self.numbers += 6;
        for (partition, bytes, appended) in within("appends", appends.join_all()).await {
            match appended {
                Ok(offset) => {
                    let before = self.acknowledged.insert((partition, offset), bytes);
                    assert!(before.is_none(), "offset {offset} was acknowledged twice");
                }
                Err(AppendError::InDoubt(_)) => assert!(self.in_doubt.insert(bytes)),
                Err(AppendError::Refused(_)) => assert!(self.refused.insert(bytes)),
            }
        }
    }

    /// Checks the log against what the appenders were told, and answers it.
    async fn check(&self, journal: &Embedded) -> Vec<Vec<Record>> {
        let mut logs = Vec::new();
        let mut seen = BTreeSet::new();
        for partition in 0..PARTITIONS {
            let end = journal.bounds(partition).await.unwrap().end;
            let reading =
                async { read_some(&mut journal.read(partition, 0), end.try_into().unwrap()).await };
            let records = within("reading", reading).await;
            for (record, offset) in records.iter().zip(0..) {
                assert_eq!(record.offset, offset, "no gap");
                assert!(seen.insert(record.value.clone()), "{record:?} is there twice");
                assert!(!self.refused.contains(&record.value), "{record:?} was refused");
                let acknowledged = self.acknowledged.get(&(partition, offset));
                let known = acknowledged.map_or_else(
                    || self.in_doubt.contains(&record.value),
                    |bytes| *bytes == record.value,
                );
                assert!(known, "{record:?} was never appended so");
            }
            logs.push(records);
        }
        for (place, bytes) in &self.acknowledged {
            assert!(seen.contains(bytes), "the record acknowledged at {place:?} is lost");
        }
        logs
    }
}

/// Appends into a fault, heals the disk, appends again, and checks the log now and after a power
/// cut. Answers how many records were in doubt.
async fn suffer(fault: Fault) -> (usize, usize) {
    let disk = Disk::holding(Vec::new());
    let (_dir, journal) = open_on(&disk);
    let identity = journal.identity();
    let mut outcomes = Outcomes::default();
    outcomes.append(&journal).await;
    assert_eq!(outcomes.acknowledged.len(), 6);

    disk.set(fault);
    let mut health = journal.health();
    while outcomes.in_doubt.is_empty() {
        outcomes.append(&journal).await;
    }
    assert!(!journal.is_healthy(), "who is in doubt finds the journal down");
    assert!(matches!(journal.heartbeat().await, Err(AppendError::Refused(_))));
    outcomes.append(&journal).await;
    assert!(!outcomes.refused.is_empty(), "appends are refused, not kept waiting");
    // One attempt at least to open it again fails.
    health.mark_unchanged();
    within("another attempt", health.changed()).await.unwrap();
    assert!(matches!(*health.borrow(), Health::Failing(_)));
    // What a crash leaves meanwhile holds all that was acknowledged and all that was visible.
    let (_crashed_dir, crashed) = open_on(&disk.after_a_power_cut());
    outcomes.check(&crashed).await;

    disk.heal();
    within("recovery", health.wait_for(|health| *health == Health::Healthy)).await.unwrap();
    assert_eq!(journal.identity(), identity);
    // What came back is on the disk before anybody can see it.
    let logs = outcomes.check(&journal).await;
    let (_cut_dir, cut) = open_on(&disk.after_a_power_cut());
    assert_eq!(outcomes.check(&cut).await, logs);

    let acknowledged = outcomes.acknowledged.len();
    outcomes.append(&journal).await;
    assert_eq!(outcomes.acknowledged.len(), acknowledged + 6, "it takes appends again");
    let logs = outcomes.check(&journal).await;
    let (_cut_dir, cut) = open_on(&disk.after_a_power_cut());
    assert_eq!(outcomes.check(&cut).await, logs);
    assert_eq!(cut.identity(), identity);
    let landed = logs.concat().len() - outcomes.acknowledged.len();
    (outcomes.in_doubt.len(), landed)
}

#[tokio::test]
async fn a_full_disk_loses_nothing_acknowledged_and_recovers_without_a_restart() {
    for bytes in [0, 1, 4_000, 4_097, 9_000, 20_000, 33_333, 60_000, 200_000] {
        suffer(Fault::FullAfterBytes(bytes)).await;
    }
}

#[tokio::test]
async fn failing_fsyncs_lose_nothing_acknowledged_and_may_leave_what_was_in_doubt() {
    let mut landed_at_all = 0;
    for syncs in 0..6 {
        let (in_doubt, landed) = suffer(Fault::SyncsFailAfter(syncs)).await;
        assert!(landed <= in_doubt);
        landed_at_all += landed;
    }
    assert!(landed_at_all > 0, "some commits land although their last fsync failed");
}

#[tokio::test]
async fn a_disk_that_dies_at_any_step_of_a_commit_loses_nothing_acknowledged() {
    for operations in 0..24 {
        suffer(Fault::DeadAfter(operations)).await;
    }
}

#[tokio::test]
async fn a_reader_goes_on_after_the_disk_could_not_be_read_though_nobody_appends() {
    let disk = Disk::holding(Vec::new());
    let (_dir, journal) = open_on(&disk);
    let records = append_some(&journal, 0, 4).await;
    let mut reader = journal.read(0, 0);
    disk.set(Fault::Unreadable);
    let mut health = journal.health();
    assert!(matches!(reader.next().await, Err(Error::Unavailable(_))));
    let failing = health.wait_for(|health| matches!(health, Health::Failing(_)));
    drop(within("the failure to be noticed", failing).await.unwrap());
    disk.heal();
    drop(within("recovery", health.wait_for(|health| *health == Health::Healthy)).await.unwrap());
    assert_eq!(within("reading", read_some(&mut reader, 4)).await, records);
}

#[tokio::test]
async fn a_journal_that_cannot_be_written_can_be_closed() {
    let disk = Disk::holding(Vec::new());
    let (_dir, journal) = open_on(&disk);
    disk.set(Fault::FullAfterBytes(0));
    let appended = journal.append(0, BASE_MS, value(0)).await;
    assert!(matches!(appended, Err(AppendError::InDoubt(_))));
    within("closing", journal.close()).await;
    assert_eq!(*journal.health().borrow(), Health::Closed);
}

#[tokio::test]
async fn another_journal_in_its_place_is_not_written_to() {
    let disk = Disk::holding(Vec::new());
    let (_dir, journal) = open_on(&disk);
    append_some(&journal, 0, 2).await;
    let emptied = Disk::holding(Vec::new());
    let (_other_dir, other) = open_on(&emptied);
    other.close().await;
    disk.become_a_copy_of(&emptied);
    disk.set(Fault::FullAfterBytes(0));
    assert!(journal.append(0, BASE_MS, value(9)).await.is_err());
    disk.heal();
    let mut health = journal.health();
    let refused = |health: &Health| match health {
        Health::Failing(reason) => reason.contains("another journal"),
        Health::Healthy | Health::Closed => false,
    };
    drop(within("the refusal", health.wait_for(refused)).await.unwrap());
    assert!(matches!(journal.read(0, 0).next().await, Err(Error::Unavailable(_))));
}

/// A journal with a record in each partition that has pages of its own; those of partition 1, where
/// its next record would be, are damaged.
async fn spoiled() -> (Disk, TempDir, Embedded) {
    let disk = Disk::holding(Vec::new());
    let (dir, journal) = open_on(&disk);
    for partition in 0..PARTITIONS {
        let mark = format!("the mark of {partition} ");
        let bytes = Bytes::from(mark.clone() + &"-".repeat(20_000));
        journal.append(partition, BASE_MS, bytes).await.unwrap();
    }
    disk.spoil(b"the mark of 1 ");
    (disk, dir, journal)
}

/// Nothing more is taken or written, and the journal can be closed.
async fn is_condemned(disk: &Disk, journal: &Embedded) {
    let why = journal.trouble().unwrap();
    assert!(why.contains("campaign.redb is damaged or was cut off ("), "{why}");
    assert_eq!(*journal.health().borrow(), Health::Failing(why.clone()));
    let evidence = disk.bytes();
    for partition in 0..PARTITIONS {
        let refused = journal.append(partition, BASE_MS, value(9)).await;
        assert_eq!(refused, Err(AppendError::Refused(why.clone())));
    }
    let heartbeat = journal.heartbeat().await;
    assert_eq!(heartbeat, Err(AppendError::Refused(why)));
    within("closing", journal.close()).await;
    assert_eq!(*journal.health().borrow(), Health::Closed);
    assert!(disk.bytes() == evidence, "it was written to");
}

#[tokio::test]
async fn damage_that_a_reader_meets_ends_the_appends() {
    let (disk, _dir, journal) = spoiled().await;
    let met = within("reading", journal.read(1, 0).next()).await.unwrap_err();
    assert_eq!(Error::Refused(journal.trouble().unwrap()), met);
    is_condemned(&disk, &journal).await;
}

#[tokio::test]
async fn damage_that_a_commit_meets_leaves_it_in_doubt_and_ends_the_appends() {
    let (disk, _dir, journal) = spoiled().await;
    let appended = within("appending", journal.append(1, BASE_MS, value(1))).await;
    assert!(matches!(appended, Err(AppendError::InDoubt(_))), "{appended:?}");
    is_condemned(&disk, &journal).await;
}

#[tokio::test]
async fn damage_that_is_found_when_the_file_is_opened_again_ends_the_appends() {
    let disk = Disk::holding(Vec::new());
    let (_dir, journal) = open_on(&disk);
    append_some(&journal, 0, 2).await;
    disk.set(Fault::FullAfterBytes(0));
    let appended = journal.append(0, BASE_MS, value(9)).await;
    assert!(matches!(appended, Err(AppendError::InDoubt(_))), "{appended:?}");
    disk.cut(5_000);
    disk.heal();
    let mut health = journal.health();
    let told = |health: &Health| match health {
        Health::Failing(why) => why.contains("is damaged or was cut off ("),
        Health::Healthy | Health::Closed => false,
    };
    drop(within("it to be found", health.wait_for(told)).await.unwrap());
    is_condemned(&disk, &journal).await;
}
