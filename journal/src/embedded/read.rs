//! Reads one partition in order, at most to its durable end, and waits there.
//!
//! Reads run inline on the async thread, on purpose: one is short, bounded in records and bytes,
//! and nearly always served by the page cache, and each aggregator worker has its thread to itself.
//! `spawn_blocking` would cost a hop per read.
//!
//! Invariant: the reader's offset moves only with the records it hands out.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, ReadableDatabase};
use tokio::sync::watch;

use super::shared::Shared;
use super::store::{self, RECORDS};
use crate::{Error, Reader, Record};

/// How many records one `next` hands out at most.
const RECORDS_MAX: usize = 512;
/// How many bytes one `next` hands out at most, unless a single record is larger.
const BYTES_MAX: usize = 1 << 20;

/// Reads one partition of an [`Embedded`](super::Embedded) journal. It does not keep the journal
/// open.
#[derive(Debug)]
pub struct EmbeddedReader {
    shared: Arc<Shared>,
    partition: u32,
    offset: u64,
    /// `None` until the first `next`, which finds out whether there is such a partition.
    end: Option<watch::Receiver<u64>>,
}

impl EmbeddedReader {
    pub(super) const fn new(shared: Arc<Shared>, partition: u32, offset: u64) -> Self {
        Self { shared, partition, offset, end: None }
    }
}

impl Reader for EmbeddedReader {
    async fn next(&mut self) -> Result<Vec<Record>, Error> {
        if self.end.is_none() {
            self.end = Some(self.shared.end(self.partition)?);
        }
        let end_seen = self.end.as_mut().expect("it was set just above");
        loop {
            let end = *end_seen.borrow_and_update();
            let (partition, offset) = (self.partition, self.offset);
            if offset > end {
                return Err(Error::OutOfRange { partition, offset, start: 0, end });
            }
            if offset < end {
                let records = self.shared.read(|file| records(file, partition, offset..end))?;
                self.offset = records.last().map_or(offset, |record| record.offset + 1);
                return Ok(records);
            }
            self.shared.check_not_closed()?;
            // The sender lives in `shared`, so waiting cannot fail.
            end_seen.changed().await.map_err(|error| Error::Unavailable(error.to_string()))?;
        }
    }
}

/// The first records of a range that is in the log, as many as one `next` hands out.
fn records(
    database: &Database,
    partition: u32,
    offsets: Range<u64>,
) -> Result<Vec<Record>, redb::Error> {
    let table = database.begin_read()?.open_table(RECORDS)?;
    let mut records = Vec::new();
    let mut bytes = 0;
    for stored in table.range((partition, offsets.start)..(partition, offsets.end))? {
        let (key, stored) = stored?;
        let expected = records.last().map_or(offsets.start, |last: &Record| last.offset + 1);
        let offset = key.value().1;
        if offset != expected {
            return Err(missing(partition, expected));
        }
        let (timestamp_ms, value) = store::decode(stored.value())?;
        bytes += value.len();
        if bytes > BYTES_MAX && !records.is_empty() {
            break;
        }
        records.push(Record { offset, timestamp_ms, value: Bytes::copy_from_slice(value) });
        if records.len() == RECORDS_MAX {
            break;
        }
    }
    if records.is_empty() { Err(missing(partition, offsets.start)) } else { Ok(records) }
}

fn missing(partition: u32, offset: u64) -> redb::Error {
    redb::Error::Corrupted(format!("partition {partition} lacks the record at offset {offset}"))
}
