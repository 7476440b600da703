//! What a simulated cluster keeps: the log of each partition, and the one of snapshots.
//!
//! Offsets are contiguous and a landed record never changes. A partition's log keeps what retention
//! has removed, out of the readers' sight, for the oracles. Never here: time, chance, waiting.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use bytes::Bytes;

use crate::{Error, Published, PublishedSnapshots, Record};

/// One partition's log.
#[derive(Debug, Default)]
pub(super) struct Log {
    records: Vec<Record>,
    start: u64,
}

impl Log {
    pub(super) fn append(&mut self, timestamp_ms: i64, value: Bytes) -> u64 {
        let offset = self.end();
        self.records.push(Record { offset, timestamp_ms, value });
        offset
    }

    fn end(&self) -> u64 {
        self.records.len() as u64
    }

    pub(super) fn bounds(&self) -> Range<u64> {
        self.start..self.end()
    }

    /// Everything that ever landed.
    pub(super) fn records(&self) -> &[Record] {
        &self.records
    }

    /// The records from `offset` to the end, as far as readers may see them.
    fn from(&self, offset: u64) -> &[Record] {
        let index = usize::try_from(offset).unwrap_or(usize::MAX);
        self.records.get(index..).unwrap_or_default()
    }

    pub(super) fn position_at(&self, timestamp_ms: i64) -> u64 {
        let mut kept = self.from(self.start).iter();
        kept.find(|r| r.timestamp_ms >= timestamp_ms).map_or(self.end(), |r| r.offset)
    }

    pub(super) fn delete_before(&mut self, offset: u64) {
        self.start = offset.clamp(self.start, self.end());
    }

    /// At most `count` records from `offset` on; none at the end.
    pub(super) fn batch(
        &self,
        partition: u32,
        offset: u64,
        count: usize,
    ) -> Result<Vec<Record>, Error> {
        let Range { start, end } = self.bounds();
        if !(start..=end).contains(&offset) {
            return Err(Error::OutOfRange { partition, offset, start, end });
        }
        Ok(self.from(offset).iter().take(count).cloned().collect())
    }
}

/// The compacted log: snapshots by partition, and heartbeats, which readers do not see.
#[derive(Debug, Default)]
pub(super) struct SnapshotLog {
    entries: BTreeMap<u64, Option<Published>>,
    end: u64,
}

impl SnapshotLog {
    /// Appends a snapshot, or a heartbeat.
    pub(super) fn append(&mut self, entry: Option<Published>) -> u64 {
        let place = self.end;
        self.entries.insert(place, entry);
        self.end += 1;
        place
    }

    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The snapshots that are kept, in order.
    pub(super) fn kept(&self) -> impl Iterator<Item = &Published> {
        self.entries.values().flatten()
    }

    /// Keeps of each partition the last snapshot in log order, whatever its frontier.
    pub(super) fn compact(&mut self) {
        let mut seen = BTreeSet::new();
        let mut gone = Vec::new();
        for (place, entry) in self.entries.iter().rev() {
            if !entry.as_ref().is_some_and(|published| seen.insert(published.partition)) {
                gone.push(*place);
            }
        }
        for place in gone {
            self.entries.remove(&place);
        }
    }

    /// The next at most `count` entries from `position` on.
    pub(super) fn batch(&self, position: u64, count: usize) -> PublishedSnapshots {
        let mut rest = self.entries.range(position..);
        let entries = rest.by_ref().take(count).filter_map(|(_, entry)| entry.clone()).collect();
        // Holes behind the last entry are passed with it, so that a reader reaches the end.
        let position = rest.next().map_or(self.end, |(place, _)| *place);
        PublishedSnapshots { entries, position }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn published(partition: u32, value: &'static str) -> Option<Published> {
        Some(Published { partition, value: Bytes::from_static(value.as_bytes()) })
    }

    #[test]
    fn compaction_keeps_the_last_of_each_partition_and_every_position() {
        let mut log = SnapshotLog::default();
        for entry in [published(0, "high"), published(1, "b"), published(0, "low"), None] {
            log.append(entry);
        }
        log.compact();
        let kept: Vec<_> = log.kept().map(|p| (p.partition, p.value.clone())).collect();
        assert_eq!(kept, [(1, Bytes::from("b")), (0, Bytes::from("low"))]);
        let batch = log.batch(0, 1);
        assert_eq!((batch.entries.len(), batch.position), (1, 2));
        assert_eq!(log.batch(2, 8).position, 4);
        assert_eq!(log.append(None), 4);
    }

    #[test]
    fn a_position_is_found_by_the_first_timestamp_that_reaches_it_among_those_kept() {
        let mut log = Log::default();
        for timestamp_ms in [30, 10, 20, 40] {
            log.append(timestamp_ms, Bytes::new());
        }
        assert_eq!(log.position_at(20), 0);
        log.delete_before(1);
        assert_eq!(log.position_at(20), 2);
        assert_eq!(log.position_at(41), 4);
        assert_eq!((log.bounds(), log.records().len()), (1..4, 4));
    }
}
