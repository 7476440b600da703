//! Cases on appending, bounds, identity and `position_at`.

use std::collections::BTreeSet;

use bytes::Bytes;
use journal::{AppendError, Error, Journal};
use tokio::task::JoinSet;

use super::{BASE_MS, Harness, append_some, read_some, value, within};

pub(crate) async fn offsets_are_contiguous_from_zero_in_each_partition<H: Harness>(harness: &H) {
    let journal = harness.new_journal(3).await;
    assert_eq!(journal.partitions(), 3);
    let work = async {
        for partition in [2, 0] {
            let records = append_some(&journal, partition, 5).await;
            let offsets: Vec<_> = records.iter().map(|record| record.offset).collect();
            assert_eq!(offsets, [0, 1, 2, 3, 4], "partition {partition}");
        }
        assert_eq!(append_some(&journal, 1, 1).await[0].offset, 0);
        assert_eq!(append_some(&journal.clone(), 2, 1).await[0].offset, 5);
    };
    within(harness, "appends", work).await;
}

pub(crate) async fn what_was_acknowledged_is_read_back_equal_and_in_order<H: Harness>(harness: &H) {
    let journal = harness.new_journal(2).await;
    let work = async {
        let mut expected = append_some(&journal, 1, 20).await;
        // Values may be empty, large, or any bytes; a timestamp may fall.
        for bytes in [Bytes::new(), Bytes::from(vec![0xff; 300_000]), Bytes::from_static(b"\0")] {
            let offset = journal.append(1, BASE_MS - 5_000, bytes.clone()).await.unwrap();
            let timestamp_ms = BASE_MS - 5_000;
            expected.push(journal::Record { offset, timestamp_ms, value: bytes });
        }
        append_some(&journal, 0, 3).await;
        let read = read_some(&mut journal.read(1, 0), expected.len()).await;
        assert_eq!(read, expected);
    };
    within(harness, "reading back", work).await;
}

pub(crate) async fn concurrent_appends_get_offsets_of_their_own<H: Harness>(harness: &H) {
    const TASKS: u64 = 8;
    const APPENDS: u64 = 25;
    let journal = harness.new_journal(3).await;
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let journal = journal.clone();
        tasks.spawn(async move {
            let mut acknowledged = Vec::new();
            for number in 0..APPENDS {
                for partition in 0..3 {
                    let value = value(task * 1_000 + number);
                    let offset = journal.append(partition, BASE_MS, value.clone()).await.unwrap();
                    acknowledged.push((partition, offset, value));
                }
            }
            acknowledged
        });
    }
    let acknowledged = within(harness, "appends", tasks.join_all()).await.concat();
    let total = usize::try_from(TASKS * APPENDS).unwrap();
    for partition in 0..3 {
        let reading = async { read_some(&mut journal.read(partition, 0), total).await };
        let read = within(harness, "reading back", reading).await;
        assert_eq!(read.len(), total, "nothing but what was appended");
        let mut offsets = BTreeSet::new();
        for (_, offset, value) in acknowledged.iter().filter(|entry| entry.0 == partition) {
            assert!(offsets.insert(offset), "offset {offset} was acknowledged twice");
            assert_eq!(read[usize::try_from(*offset).unwrap()].value, *value);
        }
        assert_eq!(offsets.len(), total);
    }
}

pub(crate) async fn bounds_follow_the_appends_and_know_no_other_partition<H: Harness>(harness: &H) {
    let journal = harness.new_journal(2).await;
    let work = async {
        assert_eq!(journal.bounds(0).await.unwrap(), 0..0);
        append_some(&journal, 0, 4).await;
        assert_eq!(journal.bounds(0).await.unwrap(), 0..4);
        assert_eq!(journal.bounds(1).await.unwrap(), 0..0);
        assert!(matches!(journal.bounds(2).await, Err(Error::Refused(_))));
        assert!(matches!(journal.position_at(2, 0).await, Err(Error::Refused(_))));
        let appended = journal.append(2, BASE_MS, value(0)).await;
        assert!(matches!(appended, Err(AppendError::Refused(_))));
    };
    within(harness, "bounds", work).await;
}

pub(crate) async fn an_identity_is_its_journals_own<H: Harness>(harness: &H) {
    let journal = harness.new_journal(1).await;
    let other = harness.new_journal(1).await;
    assert_eq!(journal.identity(), journal.clone().identity());
    assert_ne!(journal.identity(), other.identity());
}

pub(crate) async fn position_at_is_the_first_record_at_or_after_the_time<H: Harness>(harness: &H) {
    // Later records are older here and there, within a second and across seconds; some are equal.
    let deltas_ms = [0, 500, 400, 2_000, 1_500, 2_000, 2_001, 900, 900, 60_000, 59_999, 3_000, 7];
    let journal = harness.new_journal(2).await;
    let work = async {
        assert_eq!(journal.position_at(1, BASE_MS).await.unwrap(), 0, "in an empty log");
        for (number, delta_ms) in (0..).zip(deltas_ms) {
            journal.append(1, BASE_MS + delta_ms, value(number)).await.unwrap();
        }
        let around = deltas_ms.iter().flat_map(|delta| [delta - 1, *delta, delta + 1]);
        for delta_ms in around.chain([-86_400_000, 30_000, 86_400_000]) {
            let scanned = deltas_ms.iter().position(|delta| *delta >= delta_ms);
            let scanned = u64::try_from(scanned.unwrap_or(deltas_ms.len())).unwrap();
            let found = journal.position_at(1, BASE_MS + delta_ms).await.unwrap();
            assert_eq!(found, scanned, "at {delta_ms} ms");
        }
        assert_eq!(journal.position_at(0, BASE_MS).await.unwrap(), 0);
    };
    within(harness, "positions", work).await;
}
