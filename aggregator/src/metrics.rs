//! The metrics of the counting: every name and every label value, on this page.
//!
//! Values are read when somebody asks, from what the workers note anyway: nothing is counted twice,
//! and a partition that is no longer worked on has no series. Never here: anything about a voter.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{IntGaugeVec, Opts, Result};

use crate::dedup::VoterSets;
use crate::status::{PartitionStatus, Phase, Statuses};

/// The offset of the next record to fold.
pub const FRONTIER: &str = "weir_partition_frontier";
/// Records behind the frontier.
pub const LAG_RECORDS: &str = "weir_partition_lag_records";
/// 1 for what the partition's worker is doing, 0 for what it is not.
pub const PHASE: &str = "weir_partition_phase";
/// 1 if there is lag and the frontier has stood still for too long.
pub const STALLED: &str = "weir_partition_stalled";
/// Ballots folded, by outcome; `malformed` and `ignored` are records.
pub const BALLOTS: &str = "weir_partition_ballots";
/// Records seen behind the campaign's close.
pub const AFTER_FINAL: &str = "weir_partition_records_after_final";
/// Voters marked in the sets of open days.
pub const DEDUP_VOTERS: &str = "weir_dedup_voters";
/// Bytes reserved by those sets.
pub const DEDUP_BYTES: &str = "weir_dedup_bytes";

const CAMPAIGN: &str = "campaign";
const PARTITION: &str = "partition";
const OUTCOME: &str = "outcome";
const PHASE_LABEL: &str = "phase";
const PHASES: [&str; 4] = ["rebuilding", "folding", "final", "stopped"];

/// The metrics of one campaign's aggregator, to be registered.
pub struct Metrics {
    statuses: Statuses,
    sets: VoterSets,
    /// Locked while they are filled and read, so that two who ask at once do not mix.
    families: Mutex<Families>,
    descriptions: Vec<Desc>,
}

struct Families {
    frontier: IntGaugeVec,
    lag: IntGaugeVec,
    phase: IntGaugeVec,
    stalled: IntGaugeVec,
    ballots: IntGaugeVec,
    after_final: IntGaugeVec,
    voters: IntGaugeVec,
    bytes: IntGaugeVec,
}

impl Metrics {
    /// The metrics of a campaign whose partitions are noted in `statuses` and `sets`.
    ///
    /// # Errors
    /// If a name or label is not one Prometheus knows, which is a defect.
    pub fn new(campaign: &str, statuses: Statuses, sets: VoterSets) -> Result<Self> {
        let gauge = |name: &str, help: &str, more: &[&str]| {
            let labels: Vec<_> = [PARTITION].iter().chain(more).copied().collect();
            IntGaugeVec::new(Opts::new(name, help).const_label(CAMPAIGN, campaign), &labels)
        };
        let families = Families {
            frontier: gauge(FRONTIER, "The offset of the next record to fold.", &[])?,
            lag: gauge(LAG_RECORDS, "Records behind the frontier.", &[])?,
            phase: gauge(PHASE, "1 for what the partition's worker is doing.", &[PHASE_LABEL])?,
            stalled: gauge(STALLED, "1 if the frontier stands still despite lag.", &[])?,
            ballots: gauge(BALLOTS, "Ballots folded, by outcome.", &[OUTCOME])?,
            after_final: gauge(AFTER_FINAL, "Records behind the campaign's close.", &[])?,
            voters: gauge(DEDUP_VOTERS, "Voters marked in the sets of open days.", &[])?,
            bytes: gauge(DEDUP_BYTES, "Bytes reserved by the sets of open days.", &[])?,
        };
        let descriptions = families.all().into_iter().flat_map(|family| family.desc()).cloned();
        let descriptions = descriptions.collect();
        Ok(Self { statuses, sets, families: Mutex::new(families), descriptions })
    }
}

impl Families {
    fn all(&self) -> [&IntGaugeVec; 8] {
        [
            &self.frontier,
            &self.lag,
            &self.phase,
            &self.stalled,
            &self.ballots,
            &self.after_final,
            &self.voters,
            &self.bytes,
        ]
    }

    fn fill(&self, partition: u32, status: &PartitionStatus, (voters, bytes): (usize, usize)) {
        let partition = partition.to_string();
        let set = |family: &IntGaugeVec, value: u64| {
            family.with_label_values(&[&partition]).set(whole(value));
        };
        set(&self.frontier, status.frontier);
        set(&self.lag, status.lag);
        set(&self.stalled, u64::from(status.stalled));
        set(&self.after_final, status.after_final);
        set(&self.voters, voters as u64);
        set(&self.bytes, bytes as u64);
        let now = phase(&status.phase);
        for phase in PHASES {
            let value = i64::from(phase == now);
            self.phase.with_label_values(&[partition.as_str(), phase]).set(value);
        }
        let outcomes = &status.outcomes;
        let ballots = [
            ("counted", outcomes.counted),
            ("duplicate", outcomes.duplicate),
            ("late", outcomes.late),
            ("outside", outcomes.outside),
            ("invalid", outcomes.invalid),
            ("malformed", outcomes.malformed),
            ("misrouted", outcomes.misrouted),
            ("ignored", outcomes.ignored),
        ];
        for (outcome, count) in ballots {
            self.ballots.with_label_values(&[partition.as_str(), outcome]).set(whole(count));
        }
    }
}

impl Collector for Metrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let families = self.families.lock().unwrap_or_else(PoisonError::into_inner);
        families.all().iter().for_each(|family| family.reset());
        for (partition, status) in self.statuses.all() {
            families.fill(partition, &status, self.sets.size(partition));
        }
        families.all().iter().flat_map(|family| family.collect()).collect()
    }
}

const fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Rebuilding => PHASES[0],
        Phase::Folding => PHASES[1],
        Phase::Final => PHASES[2],
        Phase::Stopped(_) => PHASES[3],
    }
}

fn whole(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("statuses", &self.statuses).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use prometheus::{Registry, TextEncoder};

    use super::*;
    use crate::status::StatusGuard;

    fn text(registry: &Registry) -> String {
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn a_partition_has_series_while_it_is_worked_on_and_none_after() {
        let (statuses, sets) = (Statuses::default(), VoterSets::new(10));
        let registry = Registry::new();
        for campaign in ["a", "b"] {
            let metrics = Metrics::new(campaign, statuses.clone(), sets.clone()).unwrap();
            registry.register(Box::new(metrics)).unwrap();
        }
        let guard = StatusGuard::new(&statuses, 3);
        statuses.update(3, |status| {
            status.phase = Phase::Folding;
            status.lag = 7;
            status.outcomes.duplicate = 2;
        });
        let shown = text(&registry);
        for line in [
            r#"weir_partition_lag_records{campaign="a",partition="3"} 7"#,
            r#"weir_partition_lag_records{campaign="b",partition="3"} 7"#,
            r#"weir_partition_phase{campaign="a",partition="3",phase="folding"} 1"#,
            r#"weir_partition_phase{campaign="a",partition="3",phase="final"} 0"#,
            r#"weir_partition_ballots{campaign="a",outcome="duplicate",partition="3"} 2"#,
        ] {
            let found = shown.lines().any(|shown| shown == line);
            assert!(found, "{line} is not in\n{shown}");
        }
        assert_eq!(text(&registry), shown);
        drop(guard);
        assert!(!text(&registry).contains("partition=\"3\""));
    }
}
