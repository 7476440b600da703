//! Cases on published snapshots and heartbeats.

use std::collections::BTreeMap;

use bytes::Bytes;
use journal::{Journal, SnapshotReader};

use super::{Harness, poll_once, read_snapshots, value, within};

/// The last snapshots, as a reader finds them that starts now.
async fn kept(journal: &impl Journal) -> BTreeMap<u32, Bytes> {
    let end = journal.snapshots_end().await.unwrap();
    let mut last = BTreeMap::new();
    read_snapshots(&mut journal.snapshots(), end, &mut last).await;
    last
}

pub(crate) async fn the_last_snapshot_of_each_partition_can_be_read<H: Harness>(harness: &H) {
    let journal = harness.new_journal(3).await;
    let work = async {
        assert!(kept(&journal).await.is_empty());
        for number in 0..4 {
            journal.publish(0, value(number)).await.unwrap();
            journal.publish(2, value(100 + number)).await.unwrap();
        }
        assert_eq!(kept(&journal).await, BTreeMap::from([(0, value(3)), (2, value(103))]));
    };
    within(harness, "snapshots", work).await;
}

pub(crate) async fn a_snapshot_reader_follows_later_publications<H: Harness>(harness: &H) {
    let journal = harness.new_journal(2).await;
    let work = async {
        journal.publish(0, value(1)).await.unwrap();
        journal.publish(1, value(2)).await.unwrap();
        let mut reader = journal.snapshots();
        let mut last = BTreeMap::new();
        read_snapshots(&mut reader, journal.snapshots_end().await.unwrap(), &mut last).await;
        assert_eq!(last, BTreeMap::from([(0, value(1)), (1, value(2))]));
        for number in 10..13 {
            // Looked at and dropped while it waits: nothing may be lost by that.
            let early = poll_once(reader.next()).await.transpose().unwrap().unwrap_or_default();
            assert_eq!(early.entries, [], "nothing was published");
            let (published, follow) = tokio::join!(journal.publish(0, value(number)), async {
                let mut entries = Vec::new();
                while entries.is_empty() {
                    entries = reader.next().await.unwrap().entries;
                }
                entries
            });
            published.unwrap();
            let seen: Vec<_> = follow.iter().map(|entry| (entry.partition, &entry.value)).collect();
            assert_eq!(seen, [(0, &value(number))]);
        }
    };
    within(harness, "snapshots", work).await;
}

pub(crate) async fn a_lower_snapshot_published_later_is_what_is_kept<H: Harness>(harness: &H) {
    let journal = harness.new_journal(1).await;
    let work = async {
        let mut follower = journal.snapshots();
        // A stale owner's snapshot follows a newer one. The journal keeps the last, not the
        // highest.
        for number in [9, 4] {
            journal.publish(0, value(number)).await.unwrap();
        }
        assert_eq!(kept(&journal).await[&0], value(4));
        let mut last = BTreeMap::new();
        read_snapshots(&mut follower, journal.snapshots_end().await.unwrap(), &mut last).await;
        assert_eq!(last[&0], value(4));
    };
    within(harness, "snapshots", work).await;
}

pub(crate) async fn a_heartbeat_tells_the_time_and_disturbs_no_snapshot_reader<H: Harness>(
    harness: &H,
) {
    /// How far a journal's clock may be from the harness's.
    const NEAR_MS: i64 = 2_000;
    let journal = harness.new_journal(1).await;
    let work = async {
        journal.publish(0, value(1)).await.unwrap();
        for _ in 0..3 {
            let before_ms = harness.now_ms();
            let beat_ms = journal.heartbeat().await.unwrap();
            let near = before_ms - NEAR_MS..=harness.now_ms() + NEAR_MS;
            assert!(near.contains(&beat_ms), "{beat_ms} is not in {near:?}");
        }
        assert_eq!(kept(&journal).await, BTreeMap::from([(0, value(1))]));
        journal.publish(0, value(2)).await.unwrap();
        journal.heartbeat().await.unwrap();
        assert_eq!(kept(&journal).await, BTreeMap::from([(0, value(2))]));
    };
    within(harness, "heartbeats", work).await;
}
