//! Cases on the reader of a partition.

use journal::{Error, Journal, Reader};

use super::{BASE_MS, Harness, append_some, poll_once, read_some, value, within};

pub(crate) async fn a_reader_at_the_end_waits_and_is_woken<H: Harness>(harness: &H) {
    let journal = harness.new_journal(2).await;
    let work = async {
        append_some(&journal, 0, 2).await;
        let mut reader = journal.read(0, 0);
        assert_eq!(read_some(&mut reader, 2).await.len(), 2);
        for round in 0..3 {
            assert!(poll_once(reader.next()).await.is_none(), "there is nothing to read");
            // Another partition's record is none of this reader's.
            append_some(&journal, 1, 1).await;
            let append = journal.append(0, BASE_MS, value(round));
            let (read, offset) = tokio::join!(reader.next(), append);
            let read = read.unwrap();
            assert_eq!(read[0].offset, offset.unwrap());
            assert_eq!((read.len(), &read[0].value), (1, &value(round)));
        }
    };
    within(harness, "being woken", work).await;
}

pub(crate) async fn a_dropped_next_loses_nothing<H: Harness>(harness: &H) {
    const COUNT: u64 = 40;
    let journal = harness.new_journal(1).await;
    let work = async {
        let mut reader = journal.read(0, 0);
        let mut read = Vec::new();
        let mut expected = Vec::new();
        for number in 0..COUNT {
            // Once before and once after each append, so also while the reader waits at the end.
            read.extend(poll_once(reader.next()).await.transpose().unwrap().unwrap_or_default());
            let offset = journal.append(0, BASE_MS, value(number)).await.unwrap();
            expected.push((offset, value(number)));
            read.extend(poll_once(reader.next()).await.transpose().unwrap().unwrap_or_default());
        }
        let left = expected.len() - read.len();
        read.extend(read_some(&mut reader, left).await);
        let read: Vec<_> = read.into_iter().map(|record| (record.offset, record.value)).collect();
        assert_eq!(read, expected);
    };
    within(harness, "reading", work).await;
}

pub(crate) async fn a_reader_may_start_anywhere_up_to_the_end_and_not_beyond<H: Harness>(
    harness: &H,
) {
    let journal = harness.new_journal(1).await;
    let work = async {
        let records = append_some(&journal, 0, 3).await;
        assert_eq!(read_some(&mut journal.read(0, 1), 2).await, records[1..]);
        let out_of_range = Error::OutOfRange { partition: 0, offset: 4, start: 0, end: 3 };
        assert_eq!(journal.read(0, 4).next().await, Err(out_of_range));
        let mut at_end = journal.read(0, 3);
        assert!(poll_once(at_end.next()).await.is_none());
        let (read, appended) = tokio::join!(at_end.next(), journal.append(0, BASE_MS, value(9)));
        assert_eq!(appended, Ok(3));
        assert_eq!(read.unwrap()[0].offset, 3);
    };
    within(harness, "reading", work).await;
}
