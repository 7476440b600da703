//! Finds the first record at or after a time, with a sparse index of seconds.
//!
//! Per partition the index holds, for each second that the running maximum of the timestamps was
//! ever in, the first offset at which it was. The maximum never falls, so seconds and offsets rise
//! together.
//!
//! Why the search below is right, for a time t in second s. Let (a, i) be the last entry with
//! a <= s and (b, j) the first with b > s.
//! * Before i nothing is at or after t: there the maximum is in a second below a, so every
//!   timestamp is below 1000 a <= 1000 s <= t. Without such an entry there is nothing before j to
//!   look at: the first record of all makes an entry, so j is then 0 (or the partition is empty).
//! * The record at j is after t: the maximum first reached second b > s with this very record.
//! * If a < s, nothing from i to j is at or after t either: there the maximum is in second a,
//!   before s. So the answer is j.
//! * If a = s, the answer is the first record from i on that is at or after t, at the latest j.
//!
//! Without an entry (b, j), j is the end. So at most one second's records are scanned.

use redb::{Database, Error, ReadableDatabase};

use super::store::{self, RECORDS, SECONDS};

/// The smallest offset below `end` with a timestamp at or after `timestamp_ms`, else `end`.
pub(super) fn position_at(
    database: &Database,
    (partition, end): (u32, u64),
    timestamp_ms: i64,
) -> Result<u64, Error> {
    let transaction = database.begin_read()?;
    let seconds = transaction.open_table(SECONDS)?;
    let second = store::second_of(timestamp_ms);
    // A second's number is its milliseconds' divided by 1000, so adding 1 cannot overflow.
    let later = seconds.range((partition, second + 1)..=(partition, i64::MAX))?.next();
    let later = later.transpose()?.map_or(end, |(_, offset)| offset.value().min(end));
    let Some(first) = seconds.get((partition, second))? else {
        return Ok(later);
    };
    let records = transaction.open_table(RECORDS)?;
    for stored in records.range((partition, first.value())..(partition, later))? {
        let (key, stored) = stored?;
        if store::decode(stored.value())?.0 >= timestamp_ms {
            return Ok(key.value().1);
        }
    }
    Ok(later)
}

#[cfg(test)]
mod tests {
    use ballot::JournalId;
    use bytes::Bytes;
    use proptest::prelude::*;
    use redb::backends::InMemoryBackend;
    use tokio::sync::oneshot;

    use super::super::command::{Entry, Kind};
    use super::*;

    fn record(timestamp_ms: i64) -> Entry {
        Entry {
            kind: Kind::Record { timestamp_ms },
            partition: 1,
            value: Bytes::new(),
            room: None,
            answer: oneshot::channel().0,
        }
    }

    /// Times around a rising line, so that seconds are visited again, and now and then far off it.
    fn timestamps() -> impl Strategy<Value = Vec<i64>> {
        let near = (0_i64..40, -2_500_i64..2_500);
        let far = -20_000_i64..60_000;
        let step = prop_oneof![8 => near.prop_map(|(n, d)| n * 700 + d), 1 => far];
        prop_oneof![
            proptest::collection::vec(step.clone(), 0..40),
            proptest::collection::vec(step, 0..40).prop_map(|mut times| {
                times.sort_unstable();
                times
            }),
        ]
    }

    proptest! {
        #[test]
        fn position_at_agrees_with_a_linear_scan(times in timestamps(), cut in 0_usize..6) {
            let database =
                Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
            store::create(&database, JournalId([1; 16]), 2).unwrap();
            let mut places = store::inspect(&database).unwrap().unwrap().places;
            for group in times.chunks(7) {
                let group: Vec<_> = group.iter().copied().map(record).collect();
                store::write(&database, &mut places, &group).unwrap();
            }
            // The index and the places must be those a reopened file gives.
            prop_assert_eq!(&store::inspect(&database).unwrap().unwrap().places, &places);
            // A reader may know of fewer records than there are.
            let seen = &times[..times.len().saturating_sub(cut)];
            let around = times.iter().flat_map(|time| [time - 1, *time, time + 1, time + 999]);
            for asked in around.chain([i64::MIN, 0, i64::MAX]) {
                let scanned = seen.iter().position(|time| *time >= asked).unwrap_or(seen.len());
                let end = u64::try_from(seen.len()).unwrap();
                let found = position_at(&database, (1, end), asked).unwrap();
                prop_assert_eq!(found, u64::try_from(scanned).unwrap(), "asked for {}", asked);
                prop_assert_eq!(position_at(&database, (0, 0), asked).unwrap(), 0);
            }
        }
    }
}
