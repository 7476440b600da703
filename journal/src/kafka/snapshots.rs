//! Reads what was published on a campaign's compacted topic: snapshots, and heartbeats to skip.
//!
//! Compaction leaves holes, so the position moves to behind whatever came last. It always reaches
//! the end: the last record of a log is in its active segment, which is never compacted.
//!
//! Never here: a look into a snapshot.

use std::sync::Arc;

use bytes::Bytes;
use rdkafka::Message as _;
use rdkafka::message::BorrowedMessage;

use super::pool::{Attachment, Pool};
use super::read::{BYTES_MAX, Failed, RECORDS_MAX};
use crate::{Error, Published, PublishedSnapshots, SnapshotReader};

/// The key of heartbeats. Partitions are keyed by their number.
pub(super) const HEARTBEAT: &str = "heartbeat";

/// Reads the published snapshots of a [`Kafka`](super::Kafka) journal.
#[derive(Debug)]
pub struct KafkaSnapshots {
    pool: Arc<Pool>,
    topic: Arc<str>,
    position: u64,
    attachment: Option<Attachment>,
    failed: Option<Failed>,
}

impl KafkaSnapshots {
    pub(super) const fn new(pool: Arc<Pool>, topic: Arc<str>) -> Self {
        Self { pool, topic, position: 0, attachment: None, failed: None }
    }

    fn error(&self, failed: Failed) -> Error {
        match failed {
            Failed::Unavailable(why) => Error::Unavailable(why),
            Failed::OutOfRange => Error::Refused(format!(
                "{} does not go on from {}: it was deleted or cut, and the results with it",
                self.topic, self.position
            )),
        }
    }
}

impl SnapshotReader for KafkaSnapshots {
    async fn next(&mut self) -> Result<PublishedSnapshots, Error> {
        loop {
            let attachment = match &mut self.attachment {
                Some(attachment) => attachment,
                none => {
                    let offset = i64::try_from(self.position).unwrap_or(i64::MAX);
                    none.insert(self.pool.attach(&self.topic, 0, offset)?)
                }
            };
            if self.failed.is_none() {
                let (published, failed) = drain(attachment, self.position);
                self.failed = failed;
                if published.position > self.position {
                    self.position = published.position;
                    return Ok(published);
                }
            }
            match self.failed.take() {
                None => attachment.arrival().await,
                Some(failed) => {
                    // The next attempt starts over.
                    self.attachment = None;
                    return Err(self.error(failed));
                }
            }
        }
    }
}

/// What is there from `position` on, as much as one `next` hands out, and what ended it.
fn drain(attachment: &Attachment, position: u64) -> (PublishedSnapshots, Option<Failed>) {
    let mut published = PublishedSnapshots { entries: Vec::new(), position };
    let (mut count, mut bytes) = (0, 0);
    while count < RECORDS_MAX && bytes < BYTES_MAX {
        let message = match attachment.poll() {
            None => break,
            Some(Ok(message)) => message,
            Some(Err(error)) => return (published, Some(error.into())),
        };
        let offset = u64::try_from(message.offset()).unwrap_or_default();
        if offset < published.position {
            continue;
        }
        published.position = offset + 1;
        count += 1;
        if let Some(entry) = entry(&message) {
            bytes += entry.value.len();
            published.entries.push(entry);
        }
    }
    (published, None)
}

/// The snapshot in a message, if there is one.
fn entry(message: &BorrowedMessage<'_>) -> Option<Published> {
    let key = message.key().and_then(|key| std::str::from_utf8(key).ok())?;
    if key == HEARTBEAT {
        return None;
    }
    let partition = key.parse().ok();
    if partition.is_none() {
        tracing::warn!(key, offset = message.offset(), "neither a snapshot nor a heartbeat");
    }
    let value = Bytes::copy_from_slice(message.payload()?);
    Some(Published { partition: partition?, value })
}
