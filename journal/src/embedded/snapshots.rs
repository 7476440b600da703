//! Reads published snapshots in order of publication: the last of each partition, then what
//! follows.
//!
//! A publication overwrites its partition's last one, so the table is compacted at all times; an
//! entry that was overwritten while the reader was behind is met at its new, higher place.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use redb::{Database, ReadableDatabase, ReadableTable};
use tokio::sync::watch;

use super::shared::Shared;
use super::store::SNAPSHOTS;
use crate::{Error, Published, PublishedSnapshots, SnapshotReader};

/// How many bytes one `next` hands out at most, unless a single snapshot is larger.
const BYTES_MAX: usize = 1 << 20;

/// Reads the published snapshots of an [`Embedded`](super::Embedded) journal. It does not keep the
/// journal open.
#[derive(Debug)]
pub struct EmbeddedSnapshots {
    shared: Arc<Shared>,
    end: watch::Receiver<u64>,
    position: u64,
}

impl EmbeddedSnapshots {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        let end = shared.snapshots_end();
        Self { shared, end, position: 0 }
    }
}

impl SnapshotReader for EmbeddedSnapshots {
    async fn next(&mut self) -> Result<PublishedSnapshots, Error> {
        loop {
            let end = *self.end.borrow_and_update();
            if self.position < end {
                let places = self.position..end;
                // Inline, for the reasons given in `read.rs`.
                let published = self.shared.read(|file| published(file, places))?;
                self.position = published.position;
                return Ok(published);
            }
            self.shared.check_not_closed()?;
            // The sender lives in `shared`, so waiting cannot fail.
            self.end.changed().await.map_err(|error| Error::Unavailable(error.to_string()))?;
        }
    }
}

fn published(database: &Database, places: Range<u64>) -> Result<PublishedSnapshots, redb::Error> {
    let table = database.begin_read()?.open_table(SNAPSHOTS)?;
    let mut order = Vec::new();
    for stored in table.iter()? {
        let (partition, snapshot) = stored?;
        let sequence = snapshot.value().0;
        if places.contains(&sequence) {
            order.push((sequence, partition.value()));
        }
    }
    order.sort_unstable();
    let mut entries = Vec::new();
    let mut bytes = 0;
    for (sequence, partition) in order {
        let Some(snapshot) = table.get(partition)? else {
            continue;
        };
        let value = snapshot.value().1;
        bytes += value.len();
        if bytes > BYTES_MAX && !entries.is_empty() {
            return Ok(PublishedSnapshots { entries, position: sequence });
        }
        entries.push(Published { partition, value: Bytes::copy_from_slice(value) });
    }
    Ok(PublishedSnapshots { entries, position: places.end })
}
