//! A topic of snapshots that a real broker has compacted.

use std::collections::BTreeMap;

use bytes::Bytes;
use journal::{Journal, SnapshotReader};
use rdkafka::admin::{AdminOptions, NewTopic, TopicReplication};

use crate::conformance::{read_snapshots, within};
use crate::kit::Campaigns;

const PARTITIONS: u32 = 4;
const ROUNDS: u32 = 120;
/// So that all make several segments of the least size that Kafka takes (1 MiB).
const SNAPSHOT_BYTES: usize = 16 << 10;
/// The kit's setting of how often the cleaner looks for work, for whoever starts the broker.
pub(crate) const OFTEN: (&str, &str) = ("log.cleaner.backoff.ms", "200");

pub(crate) async fn the_last_snapshot_of_each_partition_outlives_compaction(campaigns: &Campaigns) {
    let name = campaigns.name();
    let topic = format!("tallies.{name}");
    let eager = NewTopic::new(&topic, 1, TopicReplication::Fixed(1))
        .set("cleanup.policy", "compact")
        .set("message.timestamp.type", "LogAppendTime")
        .set("segment.bytes", "1048576")
        .set("min.cleanable.dirty.ratio", "0.01")
        .set("delete.retention.ms", "0");
    let made = campaigns.admin().create_topics(&[eager], &AdminOptions::new()).await.unwrap();
    assert!(made[0].is_ok(), "{made:?}");
    campaigns.cluster.create_topics(&name, Some(PARTITIONS), 1).await.unwrap();
    let journal = campaigns.cluster.founding(&name, ballot::JournalId([8; 16])).await.unwrap();

    let mut published: BTreeMap<u32, Bytes> = BTreeMap::new();
    let mut early = journal.snapshots();
    for round in 0..ROUNDS {
        for partition in 0..PARTITIONS {
            // Not to be compressed, else there would be one segment.
            let mut snapshot = vec![0; SNAPSHOT_BYTES];
            getrandom::fill(&mut snapshot).unwrap();
            let snapshot = Bytes::from(snapshot);
            published.insert(partition, snapshot.clone());
            journal.publish(partition, snapshot).await.unwrap();
        }
        journal.heartbeat().await.unwrap();
        if round == 0 {
            early.next().await.unwrap();
        }
    }
    let end = journal.snapshots_end().await.unwrap();
    let compacted = async { while count(&journal, end).await > ROUNDS {} };
    within(campaigns, "compaction", compacted).await;

    for reader in [&mut journal.snapshots(), &mut early] {
        let mut last = BTreeMap::new();
        within(campaigns, "the end", read_snapshots(reader, end, &mut last)).await;
        assert!(last == published, "the last of each is not what was published last");
    }
    assert_eq!(campaigns.cluster.is_empty(&name).await, Ok(false));
}

/// How many snapshots a new reader finds below the end.
async fn count(journal: &journal::Kafka, end: u64) -> u32 {
    let (mut reader, mut count, mut position) = (journal.snapshots(), 0, 0);
    while position < end {
        let more = reader.next().await.unwrap();
        position = more.position;
        count += u32::try_from(more.entries.len()).unwrap();
    }
    count
}
