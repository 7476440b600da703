//! What every journal must keep, as one suite: embedded, simulated and real Kafka run the same.
//!
//! Each case is an async function over a [`Harness`]. `conformance_suite!` makes one test of each;
//! [`every_case`] runs them in turn, for a journal that is slow to set up. A case assumes what the
//! trait's documentation says and no more: a group may take seconds to assign, compaction may or
//! may not have happened, appends complete in any order, time may be paused.
//!
//! Never here: a case for one journal only, a timestamp in the future (brokers refuse it), a sleep.

#![allow(dead_code, unused_macros, reason = "each test crate uses the suite its own way")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a failing case must say where")]

mod group;
mod log;
mod reading;
mod snapshots;

pub(crate) use self::group::*;
pub(crate) use self::log::*;
pub(crate) use self::reading::*;
pub(crate) use self::snapshots::*;

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use journal::{Journal, Reader, Record, SnapshotReader};

/// What a kind of journal brings to the suite.
pub(crate) trait Harness {
    /// The journal.
    type Journal: Journal;

    /// A new, empty journal.
    async fn new_journal(&self, partitions: u32) -> Self::Journal;

    /// The time by which the journal's heartbeats are judged, in milliseconds.
    fn now_ms(&self) -> i64;

    /// How long a case may wait for one thing. Far more than is needed; under paused time it costs
    /// nothing.
    fn deadline(&self) -> Duration {
        Duration::from_secs(30)
    }
}

/// Passes the list of cases on to a macro; the one place where they are listed.
macro_rules! conformance_cases {
    ($then:ident $($arguments:tt)*) => {
        $then! { [
            offsets_are_contiguous_from_zero_in_each_partition,
            what_was_acknowledged_is_read_back_equal_and_in_order,
            concurrent_appends_get_offsets_of_their_own,
            bounds_follow_the_appends_and_know_no_other_partition,
            an_identity_is_its_journals_own,
            position_at_is_the_first_record_at_or_after_the_time,
            a_reader_at_the_end_waits_and_is_woken,
            a_dropped_next_loses_nothing,
            a_reader_may_start_anywhere_up_to_the_end_and_not_beyond,
            the_last_snapshot_of_each_partition_can_be_read,
            a_snapshot_reader_follows_later_publications,
            a_lower_snapshot_published_later_is_what_is_kept,
            a_heartbeat_tells_the_time_and_disturbs_no_snapshot_reader,
            a_lone_member_is_assigned_every_partition,
            when_members_come_and_go_every_partition_has_an_owner_in_the_end,
        ] $($arguments)* }
    };
}

/// Makes a test of each case: `conformance_suite!(tokio::test, MyHarness::new());`.
macro_rules! conformance_suite {
    ($attribute:meta, $harness:expr) => {
        conformance_cases! { conformance_suite @ $attribute, $harness }
    };
    ([$($case:ident,)*] @ $attribute:meta, $harness:expr) => {
        $(
            #[$attribute]
            async fn $case() {
                conformance::$case(&$harness).await;
            }
        )*
    };
}

macro_rules! run_in_turn {
    ([$($case:ident,)*] $harness:ident) => {
        $(
            eprintln!("conformance: {}", stringify!($case));
            $case($harness).await;
        )*
    };
}

/// Runs all cases, one after the other.
pub(crate) async fn every_case<H: Harness>(harness: &H) {
    conformance_cases! { run_in_turn harness }
}

/// A time well in the past, from which the cases count.
pub(crate) const BASE_MS: i64 = 1_702_864_800_000;

/// A value of its own for each number.
pub(crate) fn value(number: u64) -> Bytes {
    Bytes::from(format!("value {number}"))
}

/// Waits for something with the harness's deadline.
pub(crate) async fn within<H: Harness, T>(
    harness: &H,
    what: &str,
    future: impl Future<Output = T>,
) -> T {
    let outcome = tokio::time::timeout(harness.deadline(), future).await;
    outcome.unwrap_or_else(|_| panic!("waited too long: {what}"))
}

/// Polls a future once and drops it.
pub(crate) async fn poll_once<T>(future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    poll_fn(|context| {
        Poll::Ready(match future.as_mut().poll(context) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        })
    })
    .await
}

/// Appends `count` records one after the other and answers them as they must be read back.
pub(crate) async fn append_some(journal: &impl Journal, partition: u32, count: u64) -> Vec<Record> {
    let mut records = Vec::new();
    for number in 0..count {
        let timestamp_ms = BASE_MS + i64::try_from(number).unwrap();
        let value = value(number);
        let offset = journal.append(partition, timestamp_ms, value.clone()).await.unwrap();
        records.push(Record { offset, timestamp_ms, value });
    }
    records
}

/// Reads until there are at least `count` records.
pub(crate) async fn read_some(reader: &mut impl Reader, count: usize) -> Vec<Record> {
    let mut records = Vec::new();
    while records.len() < count {
        let more = reader.next().await.unwrap();
        assert!(!more.is_empty(), "a reader hands out at least one record");
        records.extend(more);
    }
    records
}

/// Reads snapshots up to `end` into `last`, by partition.
pub(crate) async fn read_snapshots(
    reader: &mut impl SnapshotReader,
    end: u64,
    last: &mut BTreeMap<u32, Bytes>,
) {
    if end == 0 {
        return;
    }
    let mut position = 0;
    while position < end {
        let more = reader.next().await.unwrap();
        assert!(more.position > position, "a position never falls or stays");
        position = more.position;
        last.extend(more.entries.into_iter().map(|entry| (entry.partition, entry.value)));
    }
}
