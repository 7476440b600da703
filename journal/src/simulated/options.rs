//! What a simulated cluster is like: its latencies and limits, and how often what goes wrong.
//!
//! All times are milliseconds of tokio's paused time. Nothing here changes after the cluster is
//! made but the faults, which a schedule may turn on and off.

use std::ops::RangeInclusive;

/// A cluster's latencies and limits.
#[derive(Debug, Clone)]
pub struct Options {
    /// The cluster's time when it is made, milliseconds since 1970-01-01 UTC.
    pub epoch_ms: i64,
    /// From an append, publish or heartbeat to its answer; it lands somewhere in between.
    pub write_latency_ms: RangeInclusive<u64>,
    /// From the answer to the landing of a write that lands late.
    pub late_ms: RangeInclusive<u64>,
    /// From a question, or from the arrival of what a reader waits for, to the answer; at least 1.
    pub read_latency_ms: RangeInclusive<u64>,
    /// Each step of the group: from a change to its effect, from an event to its hearing (then at
    /// least 1).
    pub group_latency_ms: RangeInclusive<u64>,
    /// After how long without a sign of life the group takes a member for dead.
    pub session_timeout_ms: u64,
    /// How long the group waits for a revocation to be acknowledged.
    pub revocation_timeout_ms: u64,
    /// A reader hands out 1 to this many records at a time.
    pub read_batch_max: usize,
    /// Lines of the event log that are kept for reading; `None` turns it and its hash off.
    pub event_lines_max: Option<usize>,
    /// How often what goes wrong, to begin with.
    pub faults: Faults,
}

impl Default for Options {
    /// A healthy cluster: latencies, and nothing goes wrong.
    fn default() -> Self {
        Self {
            // 2023-12-18 10:00 Asia/Shanghai, when the first campaign opened.
            epoch_ms: 1_702_864_800_000,
            write_latency_ms: 1..=8,
            late_ms: 50..=5_000,
            read_latency_ms: 1..=2,
            group_latency_ms: 1..=20,
            session_timeout_ms: 6_000,
            revocation_timeout_ms: 3_000,
            read_batch_max: 8,
            event_lines_max: Some(1_000),
            faults: Faults::NONE,
        }
    }
}

impl Options {
    /// A cluster on which everything that can go wrong does, now and then.
    #[must_use]
    pub fn stormy() -> Self {
        Self { faults: Faults::STORM, ..Self::default() }
    }
}

/// How often what goes wrong, each in 1,000 tries. The first five exclude each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Faults {
    /// A write is refused and does not land.
    pub refused: u32,
    /// A write is in doubt and landed.
    pub in_doubt_landed: u32,
    /// A write is in doubt and never lands.
    pub in_doubt_lost: u32,
    /// A write is in doubt and lands long after that answer.
    pub in_doubt_late: u32,
    /// A write lands twice and is acknowledged once, with the place of one or the other.
    pub duplicated: u32,
    /// A read, or the hearing of a group event, fails with `Unavailable`.
    pub unavailable: u32,
    /// The landing of a snapshot or heartbeat sets off compaction.
    pub compaction: u32,
}

impl Faults {
    /// Nothing goes wrong.
    pub const NONE: Self = Self {
        refused: 0,
        in_doubt_landed: 0,
        in_doubt_lost: 0,
        in_doubt_late: 0,
        duplicated: 0,
        unavailable: 0,
        compaction: 0,
    };

    /// Everything does, a write about one time in five.
    pub const STORM: Self = Self {
        refused: 40,
        in_doubt_landed: 50,
        in_doubt_lost: 50,
        in_doubt_late: 30,
        duplicated: 40,
        unavailable: 20,
        compaction: 100,
    };
}
