//! Reads one partition in order, and waits at its end.
//!
//! Where it starts is checked by the brokers: a fetch below the log's start or beyond its end
//! fails, and only then are the bounds asked for.
//!
//! Invariant: the reader's offset moves only with the records it hands out, one by one: a message
//! below it is skipped, one above it is a gap, and the reader starts over at its own offset.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaErrorCode;

use super::pool::{Attachment, Pool};
use super::queries::Queries;
use crate::{Error, Reader, Record};

/// How many records one `next` hands out at most.
pub(super) const RECORDS_MAX: usize = 512;
/// How many bytes one `next` hands out at most, unless the last record makes it more.
pub(super) const BYTES_MAX: usize = 1 << 20;

/// Reads one partition of a [`Kafka`](super::Kafka) journal.
#[derive(Debug)]
pub struct KafkaReader {
    pool: Arc<Pool>,
    queries: Queries,
    topic: Arc<str>,
    /// The error if there is no such partition.
    partition: Result<i32, Error>,
    offset: u64,
    attachment: Option<Attachment>,
    failed: Option<Failed>,
}

/// Why reading cannot go on from here.
#[derive(Debug)]
pub(super) enum Failed {
    /// The brokers do not have the offset.
    OutOfRange,
    /// Something else; asking again starts over.
    Unavailable(String),
}

impl From<KafkaError> for Failed {
    fn from(error: KafkaError) -> Self {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AutoOffsetReset) {
            Self::OutOfRange
        } else {
            Self::Unavailable(error.to_string())
        }
    }
}

impl KafkaReader {
    pub(super) const fn new(
        pool: Arc<Pool>,
        queries: Queries,
        topic: Arc<str>,
        partition: Result<i32, Error>,
        offset: u64,
    ) -> Self {
        Self { pool, queries, topic, partition, offset, attachment: None, failed: None }
    }

    /// What is there instead of the offset asked for.
    async fn out_of_range(&self, partition: i32) -> Error {
        match self.queries.bounds(&self.topic, partition).await {
            Err(error) => error,
            // It is there by now: the log has moved in between.
            Ok(bounds) if (bounds.start..=bounds.end).contains(&self.offset) => {
                Error::Unavailable(format!("offset {} was not there yet", self.offset))
            }
            Ok(bounds) => Error::OutOfRange {
                partition: partition.unsigned_abs(),
                offset: self.offset,
                start: bounds.start,
                end: bounds.end,
            },
        }
    }
}

impl Reader for KafkaReader {
    async fn next(&mut self) -> Result<Vec<Record>, Error> {
        let partition = self.partition.clone()?;
        loop {
            let attachment = match &mut self.attachment {
                Some(attachment) => attachment,
                none => {
                    let offset = i64::try_from(self.offset).unwrap_or(i64::MAX);
                    none.insert(self.pool.attach(&self.topic, partition, offset)?)
                }
            };
            if self.failed.is_none() {
                let (records, failed) = drain(attachment, &mut self.offset);
                self.failed = failed;
                if !records.is_empty() {
                    return Ok(records);
                }
            }
            // Kept until it is told, so that dropping this future forgets nothing.
            let error = match &self.failed {
                None => {
                    attachment.arrival().await;
                    continue;
                }
                Some(Failed::OutOfRange) => self.out_of_range(partition).await,
                Some(Failed::Unavailable(why)) => Error::Unavailable(why.clone()),
            };
            // The next attempt starts over.
            (self.failed, self.attachment) = (None, None);
            return Err(error);
        }
    }
}

/// The records that are there, as many as one `next` hands out, and what ended them.
fn drain(attachment: &Attachment, offset: &mut u64) -> (Vec<Record>, Option<Failed>) {
    let mut records = Vec::new();
    let mut bytes = 0;
    while records.len() < RECORDS_MAX && bytes < BYTES_MAX {
        let message = match attachment.poll() {
            None => break,
            Some(Ok(message)) => message,
            Some(Err(error)) => return (records, Some(error.into())),
        };
        let found = u64::try_from(message.offset()).unwrap_or_default();
        if found < *offset {
            continue;
        }
        if found > *offset {
            let why = format!("{} came where offset {offset} was expected", message.offset());
            return (records, Some(Failed::Unavailable(why)));
        }
        let value = message.payload().map_or_else(Bytes::new, Bytes::copy_from_slice);
        let timestamp_ms = message.timestamp().to_millis().unwrap_or_default();
        bytes += value.len();
        records.push(Record { offset: found, timestamp_ms, value });
        *offset += 1;
    }
    (records, None)
}
