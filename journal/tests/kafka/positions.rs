//! Places in a real log: times over many segments, records that are gone, readers side by side.

use bytes::Bytes;
use journal::{Error, Journal, Reader};
use rdkafka::admin::{AdminOptions, AlterConfig, ResourceSpecifier};
use rdkafka::{Offset, TopicPartitionList};
use tokio::task::JoinSet;

use crate::conformance::{BASE_MS, Harness, append_some, read_some, within};
use crate::kit::Campaigns;

/// The index of a segment has an entry per 4 KiB: many entries, and with the least segment size
/// that Kafka takes (1 MiB), several segments.
const RECORDS: u64 = 12_000;
const RECORD_BYTES: usize = 400;

pub(crate) async fn position_at_agrees_with_a_scan_over_many_segments(campaigns: &Campaigns) {
    let name = campaigns.name();
    campaigns.cluster.create_topics(&name, Some(1), 1).await.unwrap();
    let topic = format!("ballots.{name}");
    let small = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("segment.bytes", "1048576");
    let altered = campaigns.admin().alter_configs(&[small], &AdminOptions::new()).await.unwrap();
    assert!(altered[0].is_ok());
    let journal = campaigns.cluster.founding(&name, ballot::JournalId([1; 16])).await.unwrap();
    fill(&journal).await;
    let count = usize::try_from(RECORDS).unwrap();
    let mut reader = journal.read(0, 0);
    let records = within(campaigns, "reading", read_some(&mut reader, count)).await;
    let times: Vec<i64> = records.iter().map(|record| record.timestamp_ms).collect();
    assert!(!times.is_sorted(), "the times are not monotone");
    let around = times.iter().step_by(151).flat_map(|time| [time - 1, *time, time + 1]);
    for asked in around.chain([0, i64::MIN, i64::MAX]) {
        let scanned = times.iter().position(|time| *time >= asked).unwrap_or(times.len());
        let found = journal.position_at(0, asked).await.unwrap();
        assert_eq!(found, u64::try_from(scanned).unwrap(), "asked for {asked}");
    }
}

/// Appends records whose times rise on the whole, wander by seconds, and are now and then far off.
async fn fill(journal: &journal::Kafka) {
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut appends = JoinSet::new();
    for number in 0..RECORDS {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        let wander = i64::try_from(random % 4_000).unwrap() - 2_000;
        let far = if random.is_multiple_of(997) { -30_000 } else { 0 };
        let time_ms = BASE_MS + i64::try_from(number).unwrap() * 5 + wander + far;
        // Not to be compressed, else the log would be small again.
        let mut value = vec![0; RECORD_BYTES];
        getrandom::fill(&mut value).unwrap();
        let journal = journal.clone();
        appends.spawn(async move { journal.append(0, time_ms, Bytes::from(value)).await });
        if appends.len() == 200 {
            appends.join_next().await.unwrap().unwrap().unwrap();
        }
    }
    while let Some(appended) = appends.join_next().await {
        appended.unwrap().unwrap();
    }
}

pub(crate) async fn records_that_were_deleted_are_out_of_range(campaigns: &Campaigns) {
    let journal = campaigns.new_journal(1).await;
    append_some(&journal, 0, 10).await;
    let mut early = journal.read(0, 2);
    assert_eq!(read_some(&mut early, 8).await[0].offset, 2);
    let mut list = TopicPartitionList::new();
    let topic = format!("ballots.{}", campaigns.last_name());
    list.add_partition_offset(&topic, 0, Offset::Offset(6)).unwrap();
    campaigns.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
    let out_of_range = |offset| Err(Error::OutOfRange { partition: 0, offset, start: 6, end: 10 });
    assert_eq!(journal.bounds(0).await, Ok(6..10));
    for offset in [0, 5, 11] {
        let mut reader = journal.read(0, offset);
        let read = within(campaigns, "an error", reader.next()).await;
        assert_eq!(read, out_of_range(offset));
        // It stays so.
        assert_eq!(within(campaigns, "an error", reader.next()).await, out_of_range(offset));
    }
    assert_eq!(read_some(&mut journal.read(0, 6), 4).await[0].offset, 6);
}

pub(crate) async fn readers_share_a_partition_up_to_a_bound(campaigns: &Campaigns) {
    const READERS: usize = 8;
    let journal = campaigns.new_journal(1).await;
    let records = append_some(&journal, 0, 5).await;
    let mut readers: Vec<_> = (0..READERS).map(|_| journal.read(0, 0)).collect();
    for reader in &mut readers {
        assert_eq!(within(campaigns, "a reader", read_some(reader, 5)).await, records);
    }
    let mut one_more = journal.read(0, 0);
    assert!(matches!(one_more.next().await, Err(Error::Unavailable(_))));
    readers.pop();
    assert_eq!(within(campaigns, "its turn", read_some(&mut one_more, 5)).await, records);
    // Again and again in the same place, from another offset: nothing of the last reader is left.
    drop(one_more);
    for round in 0..20 {
        let mut reader = journal.read(0, round % 5);
        let read = within(campaigns, "a reader", reader.next()).await.unwrap();
        assert_eq!(read[0].offset, round % 5);
    }
}
