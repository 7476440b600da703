//! The tables of a journal's file, and the one transaction that writes a group of entries.
//!
//! Invariant: a partition's offsets run from 0 without gaps, and what one transaction wrote is
//! there whole or not at all. All multi-byte numbers inside values are little-endian.
//!
//! Never here: a thread, a lock, or a second attempt after an error. After an error the database
//! must be closed and opened again, and [`Places`] read again from the file.

use ballot::JournalId;
use bytes::Bytes;
use redb::{
    Database, Durability, Error, ReadableDatabase, ReadableTable, Table, TableDefinition,
    TableError, WriteTransaction,
};

use super::command::{Entry, Kind};

/// The layout of the tables below. Another version is refused.
pub(super) const FORMAT_VERSION: u32 = 1;

const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// (partition, offset) -> timestamp, 8 bytes, then the value.
pub(super) const RECORDS: TableDefinition<(u32, u64), &[u8]> = TableDefinition::new("records");
/// (partition, second) -> the first offset at which the running maximum of the timestamps was in
/// that second. See `times.rs`.
pub(super) const SECONDS: TableDefinition<(u32, i64), u64> = TableDefinition::new("seconds");
/// Partition -> the sequence number of its last snapshot, and the snapshot.
pub(super) const SNAPSHOTS: TableDefinition<u32, (u64, &[u8])> = TableDefinition::new("snapshots");

/// What a file says about itself.
#[derive(Debug)]
pub(super) struct Contents {
    pub(super) format: u32,
    pub(super) identity: JournalId,
    pub(super) partitions: u32,
    pub(super) places: Places,
}

/// Where the next entries go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    /// Per partition: the offset the next record gets.
    pub(super) ends: Vec<u64>,
    /// Per partition: the second of the running maximum of its timestamps.
    seconds: Vec<Option<i64>>,
    /// The sequence number the next snapshot gets.
    pub(super) sequence: u64,
}

impl Places {
    /// The second of the newest timestamp there is, as milliseconds since 1970-01-01 UTC.
    pub(super) fn newest_ms(&self) -> Option<i64> {
        self.seconds.iter().flatten().max().map(|second| second.saturating_mul(1_000))
    }
}

/// The second a timestamp is in; right for times before 1970 too.
pub(super) const fn second_of(timestamp_ms: i64) -> i64 {
    timestamp_ms.div_euclid(1_000)
}

/// What the file holds; `None` if no journal has been made in it.
pub(super) fn inspect(database: &Database) -> Result<Option<Contents>, Error> {
    let transaction = database.begin_read()?;
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let format = u32::from_le_bytes(field(&meta, "format")?);
    let identity = JournalId(field(&meta, "identity")?);
    let partitions = u32::from_le_bytes(field(&meta, "partitions")?);
    let mut places = Places { ends: Vec::new(), seconds: Vec::new(), sequence: 0 };
    if format == FORMAT_VERSION {
        let records = transaction.open_table(RECORDS)?;
        let seconds = transaction.open_table(SECONDS)?;
        for partition in 0..partitions {
            let last = records.range((partition, 0)..=(partition, u64::MAX))?.next_back();
            places.ends.push(last.transpose()?.map_or(0, |(key, _)| key.value().1 + 1));
            let last = seconds.range((partition, i64::MIN)..=(partition, i64::MAX))?.next_back();
            places.seconds.push(last.transpose()?.map(|(key, _)| key.value().1));
        }
        for snapshot in transaction.open_table(SNAPSHOTS)?.iter()? {
            places.sequence = places.sequence.max(snapshot?.1.value().0 + 1);
        }
    }
    Ok(Some(Contents { format, identity, partitions, places }))
}

fn field<const N: usize>(
    meta: &impl ReadableTable<&'static str, &'static [u8]>,
    name: &str,
) -> Result<[u8; N], Error> {
    let value = meta.get(name)?;
    let bytes = value.as_ref().and_then(|value| value.value().try_into().ok());
    bytes.ok_or_else(|| Error::Corrupted(format!("the journal's field {name} is missing")))
}

/// Makes an empty journal in an empty file.
pub(super) fn create(
    database: &Database,
    identity: JournalId,
    partitions: u32,
) -> Result<(), Error> {
    let transaction = begin(database)?;
    {
        let mut meta = transaction.open_table(META)?;
        meta.insert("format", FORMAT_VERSION.to_le_bytes().as_slice())?;
        meta.insert("identity", identity.0.as_slice())?;
        meta.insert("partitions", partitions.to_le_bytes().as_slice())?;
        drop(transaction.open_table(RECORDS)?);
        drop(transaction.open_table(SECONDS)?);
        drop(transaction.open_table(SNAPSHOTS)?);
    }
    Ok(transaction.commit()?)
}

/// Writes something small durably. Two things are known once it has succeeded: the file takes
/// writes, and all that can be read from it is on the disk. (A commit whose last fsync failed may
/// be read back from the page cache without being on the disk. Linux then marks those pages clean,
/// so this holds against a crash of the process, and against a power cut only as far as the disk
/// itself still has them.)
pub(super) fn prove(database: &Database) -> Result<(), Error> {
    let transaction = begin(database)?;
    {
        let mut meta = transaction.open_table(META)?;
        let openings = match meta.get("openings")? {
            Some(value) => value.value().try_into().map_or(0, u64::from_le_bytes),
            None => 0,
        };
        meta.insert("openings", openings.wrapping_add(1).to_le_bytes().as_slice())?;
    }
    Ok(transaction.commit()?)
}

/// As [`prove`], and that there is room for `bytes` more: a small write may well find its place on
/// a disk on which the next group would fail.
pub(super) fn prove_room(database: &Database, bytes: usize) -> Result<(), Error> {
    let transaction = begin(database)?;
    transaction.open_table(META)?.insert("room", vec![0; bytes].as_slice())?;
    transaction.commit()?;
    let transaction = begin(database)?;
    drop(transaction.open_table(META)?.remove("room")?);
    transaction.commit()?;
    prove(database)
}

/// Writes a group in one durable transaction and answers the place each entry got. After an error
/// `places` means nothing any more.
pub(super) fn write(
    database: &Database,
    places: &mut Places,
    group: &[Entry],
) -> Result<Vec<u64>, Error> {
    let transaction = begin(database)?;
    let mut answers = Vec::with_capacity(group.len());
    {
        let mut records = transaction.open_table(RECORDS)?;
        let mut seconds = transaction.open_table(SECONDS)?;
        let mut snapshots = transaction.open_table(SNAPSHOTS)?;
        for entry in group {
            let index = usize::try_from(entry.partition).unwrap_or(usize::MAX);
            let partition_known = index < places.ends.len();
            assert!(partition_known, "an entry for a partition that was checked when it was taken");
            match entry.kind {
                Kind::Record { timestamp_ms } => {
                    let offset = places.ends[index];
                    let key = (entry.partition, offset);
                    insert(&mut records, key, timestamp_ms, &entry.value)?;
                    let second = second_of(timestamp_ms);
                    if places.seconds[index].is_none_or(|highest| highest < second) {
                        seconds.insert((entry.partition, second), offset)?;
                        places.seconds[index] = Some(second);
                    }
                    places.ends[index] = offset + 1;
                    answers.push(offset);
                }
                Kind::Snapshot => {
                    snapshots.insert(entry.partition, (places.sequence, entry.value.as_ref()))?;
                    answers.push(places.sequence);
                    places.sequence += 1;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(answers)
}

fn insert(
    records: &mut Table<'_, (u32, u64), &'static [u8]>,
    key: (u32, u64),
    timestamp_ms: i64,
    value: &Bytes,
) -> Result<(), Error> {
    // Reserved and filled in place: the value is copied once, into its page.
    let mut room = records.insert_reserve(key, STAMP_LEN + value.len())?;
    let (stamp, bytes) = room.as_mut().split_at_mut(STAMP_LEN);
    stamp.copy_from_slice(&timestamp_ms.to_le_bytes());
    bytes.copy_from_slice(value);
    Ok(())
}

const STAMP_LEN: usize = size_of::<i64>();

/// A record's timestamp and bytes.
pub(super) fn decode(stored: &[u8]) -> Result<(i64, &[u8]), Error> {
    let (stamp, bytes) = stored
        .split_first_chunk::<STAMP_LEN>()
        .ok_or_else(|| Error::Corrupted("a record without its timestamp".to_owned()))?;
    Ok((i64::from_le_bytes(*stamp), bytes))
}

/// Quick repair saves the allocator's state with each commit, so that opening after a crash does
/// not walk the whole file; it brings two-phase commit with it.
fn begin(database: &Database) -> Result<WriteTransaction, Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate)?;
    transaction.set_quick_repair(true);
    Ok(transaction)
}
