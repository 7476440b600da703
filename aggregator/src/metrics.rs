//! The metrics of the counting: every name, type and label value, on this page.
//!
//! Values are read when somebody asks, from what the workers note anyway, and nothing is counted
//! twice; a partition that is no longer worked on has no series. The few things that happen and are
//! gone are counted by `Meters`. Never here: anything about a voter.

mod about;
mod collection;
mod meters;

pub use about::{About, Kind};
pub use collection::Metrics;
pub(crate) use collection::Sources;
pub(crate) use meters::Meters;

use about::{counter, gauge, histogram};

pub(crate) const CAMPAIGN: &str = "campaign";
const PARTITION: &str = "partition";
const PHASE_LABEL: &str = "phase";
const OUTCOME: &str = "outcome";
const CAUSE: &str = "cause";
const CHOICE: &str = "choice";

const REBUILDING: &str = "rebuilding";
const FOLDING: &str = "folding";
const FINAL: &str = "final";
const STOPPED: &str = "stopped";
const PHASES: [&str; 4] = [REBUILDING, FOLDING, FINAL, STOPPED];

/// In the order of the fields of [`ballot::Outcomes`].
const OUTCOMES: [&str; 8] =
    ["counted", "duplicate", "late", "outside", "invalid", "malformed", "misrouted", "ignored"];

/// Causes of a rebuild.
const ASSIGNED: &str = "assigned";
const ERROR: &str = "error";

const P: &[&str] = &[PARTITION];

const FRONTIER: About =
    gauge("weir_partition_frontier", P, "The offset of the next record to fold.");
const LAG_RECORDS: About = gauge("weir_partition_lag_records", P, "Records behind the frontier.");
const LAG_SECONDS: About = gauge(
    "weir_partition_lag_seconds",
    P,
    "How long the oldest record behind the frontier has been waiting, at most.",
);
const PHASE: About = gauge(
    "weir_partition_phase",
    &[PARTITION, PHASE_LABEL],
    "1 for what the partition's worker is doing.",
);
const STALLED: About = gauge(
    "weir_partition_stalled",
    P,
    "1 if the frontier stands still despite lag, or the lag is not known.",
);
const SNAPSHOT_AGE: About = gauge(
    "weir_partition_snapshot_age_seconds",
    P,
    "For how long something folded has not been published.",
);
const REBUILD_RATIO: About =
    gauge("weir_partition_rebuild_ratio", P, "How much of the rebuild is done.");
const AFTER_FINAL: About = counter(
    "weir_partition_records_after_final_total",
    P,
    "Records seen behind the campaign's close.",
);
const DRAIN_SECONDS: About = gauge(
    "weir_partition_drain_seconds",
    P,
    "When the lag will be gone at the speed of the last 10 s.",
);
const BALLOTS: About = counter(
    "weir_ballots_folded_total",
    &[PARTITION, OUTCOME],
    "Ballots folded since the log's start; malformed and ignored are records.",
);
const DEDUP_VOTERS: About =
    gauge("weir_dedup_voters", P, "Voters marked in the sets of open days.");
const DEDUP_VOTERS_MAX: About = gauge(
    "weir_dedup_voters_max",
    &[],
    "The most voters that one partition's set of one day takes.",
);
const DEDUP_BYTES: About = gauge("weir_dedup_bytes", P, "Bytes reserved by the sets of open days.");
const BALLOT_AGE: About = histogram(
    "weir_ballot_age_seconds",
    "From a record's latest cast to its being folded, while not rebuilding.",
);
const REBUILD_SECONDS: About =
    histogram("weir_rebuild_duration_seconds", "From an assignment, or an error, to folding.");
const REBUILDS: About = counter("weir_rebuilds_total", &[CAUSE], "Rebuilds begun, by cause.");
const FLUSH_SECONDS: About =
    histogram("weir_flush_duration_seconds", "A snapshot's way to being durable.");
const FLUSH_ERRORS: About =
    counter("weir_flush_errors_total", &[], "Snapshots that were not taken.");
const ASSIGNMENTS: About =
    counter("weir_assignments_total", &[], "Partitions assigned to this process.");
const REVOCATIONS: About =
    counter("weir_revocations_total", &[], "Partitions taken from this process.");
const TALLY_VOTES: About =
    counter("weir_tally_votes_total", &[CHOICE], "Votes in the published result, all partitions.");
const TALLY_BALLOTS: About =
    counter("weir_tally_ballots_total", &[], "Ballots counted in the published result.");
const TALLY_TODAY: About = gauge(
    "weir_tally_ballots_today",
    &[],
    "Ballots counted in the published result for the voting day it is now.",
);
const TALLY_FINAL: About = gauge("weir_tally_final", &[], "1 if the published result is final.");

/// All of them.
pub const ALL: [About; 24] = [
    FRONTIER,
    LAG_RECORDS,
    LAG_SECONDS,
    PHASE,
    STALLED,
    SNAPSHOT_AGE,
    REBUILD_RATIO,
    AFTER_FINAL,
    DRAIN_SECONDS,
    BALLOTS,
    DEDUP_VOTERS,
    DEDUP_VOTERS_MAX,
    DEDUP_BYTES,
    BALLOT_AGE,
    REBUILD_SECONDS,
    REBUILDS,
    FLUSH_SECONDS,
    FLUSH_ERRORS,
    ASSIGNMENTS,
    REVOCATIONS,
    TALLY_VOTES,
    TALLY_BALLOTS,
    TALLY_TODAY,
    TALLY_FINAL,
];

/// From a batch counted at once to ballots that waited for a takeover or an outage.
const AGES: [f64; 14] =
    [0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0];
/// From an empty log to a day of many millions of voters.
const REBUILD_TIMES: [f64; 11] = [0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];
/// From a commit on a fast disk to the deadline of an append.
const FLUSH_TIMES: [f64; 11] = [0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
