//! The metrics of one campaign's aggregator, collected when somebody asks.
//!
//! A counter never falls: a fold that starts over from its snapshot is, for a moment, behind what
//! was told of it before, and Prometheus would take that for a restart and count everything again.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use journal::Clock;
use prometheus::Result;
use prometheus::core::{Collector, Desc};
use prometheus::proto::MetricFamily;
use tokio::time::Instant;

use super::about::Samples;
use super::{
    AFTER_FINAL, ALL, About, BALLOTS, DEDUP_BYTES, DEDUP_VOTERS, DEDUP_VOTERS_MAX, DRAIN_SECONDS,
    FINAL, FOLDING, FRONTIER, LAG_RECORDS, LAG_SECONDS, Meters, OUTCOMES, PHASE, PHASES,
    REBUILD_RATIO, REBUILDING, SNAPSHOT_AGE, STALLED, STOPPED, TALLY_BALLOTS, TALLY_FINAL,
    TALLY_TODAY, TALLY_VOTES,
};
use crate::dedup::VoterSets;
use crate::status::{PartitionStatus, Phase, Statuses};
use crate::view::{Served, View};

/// Where the values come from.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) statuses: Statuses,
    pub(crate) sets: VoterSets,
    pub(crate) meters: Meters,
    pub(crate) view: View,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) voters_max: usize,
}

/// The metrics of one campaign's aggregator, to be registered.
pub struct Metrics {
    campaign: String,
    sources: Sources,
    descriptions: Vec<Desc>,
    /// What was last told of each partition that was ever worked on.
    told: Mutex<BTreeMap<u32, Told>>,
}

/// The counters of one partition.
#[derive(Debug, Clone, Copy, Default)]
struct Told {
    outcomes: [u64; OUTCOMES.len()],
    after_final: u64,
}

impl Metrics {
    /// The metrics of a campaign, from these sources.
    pub(crate) fn new(campaign: &str, sources: Sources) -> Result<Self> {
        let descriptions = ALL.iter().map(|about| about.description(campaign));
        let descriptions = descriptions.collect::<Result<_>>()?;
        let (campaign, told) = (campaign.to_owned(), Mutex::default());
        Ok(Self { campaign, sources, descriptions, told })
    }

    fn collect_partition(
        &self,
        samples: &mut Samples<'_>,
        (number, status): (u32, &PartitionStatus),
        told: Told,
    ) {
        let partition = number.to_string();
        let (voters, bytes) = self.sources.sets.size(number);
        let mut push = |about: About, value: f64| samples.push(about, &[&partition], value);
        push(STALLED, f64::from(u8::from(status.stalled)));
        push(REBUILD_RATIO, status.rebuilt);
        push(AFTER_FINAL, told.after_final as f64);
        push(DEDUP_VOTERS, voters as f64);
        push(DEDUP_BYTES, bytes as f64);
        // Until its snapshot has been found, there is no frontier to speak of.
        if status.has_frontier {
            push(FRONTIER, status.frontier as f64);
            // The last one that was measured may be 0 while the log grows: none is better.
            if status.is_lag_known() {
                let waiting = status.behind.seconds(self.sources.clock.now_ms());
                push(LAG_RECORDS, status.lag as f64);
                push(LAG_SECONDS, if status.lag == 0 { 0.0 } else { waiting });
                push(DRAIN_SECONDS, status.drain_seconds());
            }
            push(SNAPSHOT_AGE, seconds_since(status.ahead_since));
            for (outcome, count) in OUTCOMES.iter().zip(told.outcomes) {
                samples.push(BALLOTS, &[&partition, outcome], count as f64);
            }
        }
        let now = phase(&status.phase);
        for phase in PHASES {
            let is_it = f64::from(u8::from(phase == now));
            samples.push(PHASE, &[&partition, phase], is_it);
        }
    }

    fn collect_tally(&self, samples: &mut Samples<'_>, served: &Served) {
        let Served { document, rules, .. } = served;
        for (votes, choice) in document.votes.iter().zip(1_u32..) {
            samples.push(TALLY_VOTES, &[&choice.to_string()], *votes as f64);
        }
        let today = rules.day_at(self.sources.clock.now_ms());
        let of_today = document.days.iter().find(|day| Some(day.day) == today.map(|day| day.day));
        samples.push(TALLY_BALLOTS, &[], document.ballots as f64);
        samples.push(TALLY_TODAY, &[], of_today.map_or(0, |day| day.ballots) as f64);
        samples.push(TALLY_FINAL, &[], f64::from(u8::from(document.is_final)));
    }
}

impl Told {
    /// Counts on to what is known now.
    fn rise_to(&mut self, status: &PartitionStatus) {
        let now = &status.outcomes;
        let outcomes = [
            now.counted,
            now.duplicate,
            now.late,
            now.outside,
            now.invalid,
            now.malformed,
            now.misrouted,
            now.ignored,
        ];
        for (told, now) in self.outcomes.iter_mut().zip(outcomes) {
            *told = now.max(*told);
        }
        self.after_final = self.after_final.max(status.after_final);
    }
}

impl Collector for Metrics {
    fn desc(&self) -> Vec<&Desc> {
        self.descriptions.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut samples = Samples::new(&self.campaign);
        // What a panicking holder left behind is usable: counts that rise once more.
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        for (number, status) in self.sources.statuses.all() {
            let told = told.entry(number).or_default();
            told.rise_to(&status);
            self.collect_partition(&mut samples, (number, &status), *told);
        }
        drop(told);
        samples.push(DEDUP_VOTERS_MAX, &[], self.sources.voters_max as f64);
        self.sources.meters.collect(&mut samples);
        let served = self.sources.view.served.borrow().clone();
        if let Some(served) = served {
            self.collect_tally(&mut samples, &served);
        }
        samples.into_families()
    }
}

const fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Rebuilding => REBUILDING,
        Phase::Folding => FOLDING,
        Phase::Final => FINAL,
        Phase::Stopped(_) => STOPPED,
    }
}

fn seconds_since(moment: Option<Instant>) -> f64 {
    moment.map_or(0.0, |moment| moment.elapsed().as_secs_f64())
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").field("campaign", &self.campaign).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use journal::simulated::{Cluster, Options};
    use prometheus::{Registry, TextEncoder};

    use super::*;
    use crate::status::StatusGuard;

    /// A registry with the metrics of two campaigns whose partitions are noted there.
    fn registered(statuses: &Statuses) -> Registry {
        let cluster = Cluster::new(1, 4, Options::default());
        let registry = Registry::new();
        for campaign in ["a", "b"] {
            let (view, _follow) = crate::view(cluster.process(campaign));
            let sources = Sources {
                statuses: statuses.clone(),
                sets: VoterSets::new(10),
                meters: Meters::new(),
                view,
                clock: Arc::new(cluster.clock(campaign)),
                voters_max: 10,
            };
            let metrics = Metrics::new(campaign, sources).unwrap();
            registry.register(Box::new(metrics)).unwrap();
        }
        registry
    }

    fn text(registry: &Registry) -> String {
        TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_counter_falls_neither_when_a_fold_starts_over_nor_when_a_partition_comes_back() {
        let statuses = Statuses::default();
        let registry = registered(&statuses);
        let counted = |count: u64| {
            statuses.update(3, |status| {
                status.has_frontier = true;
                status.outcomes.counted = count;
            });
            let shown = text(&registry);
            let series =
                r#"weir_ballots_folded_total{campaign="b",outcome="counted",partition="3"} "#;
            let count = shown.lines().find_map(|line| line.strip_prefix(series));
            count.map(|count| count.parse::<u64>().unwrap())
        };
        assert_eq!(counted(5), None);
        let guard = StatusGuard::new(&statuses, 3);
        assert_eq!([5, 3, 6].map(&counted), [5, 5, 6].map(Some));
        drop(guard);
        assert_eq!(counted(0), None);
        let _guard = StatusGuard::new(&statuses, 3);
        assert!(!text(&registry).contains("weir_ballots_folded_total"), "nothing is known yet");
        assert_eq!([4, 7].map(&counted), [6, 7].map(Some));
    }

    #[tokio::test(start_paused = true)]
    async fn campaigns_are_told_apart_and_asking_changes_nothing() {
        let statuses = Statuses::default();
        let registry = registered(&statuses);
        let _guard = StatusGuard::new(&statuses, 3);
        statuses.update(3, |status| {
            (status.phase, status.has_frontier) = (Phase::Final, true);
            status.lag = 7;
        });
        let shown = text(&registry);
        for line in [
            r#"weir_partition_lag_records{campaign="a",partition="3"} 7"#,
            r#"weir_partition_lag_records{campaign="b",partition="3"} 7"#,
            r#"weir_partition_phase{campaign="a",partition="3",phase="folding"} 0"#,
            r#"weir_partition_phase{campaign="a",partition="3",phase="final"} 1"#,
            "# TYPE weir_ballots_folded_total counter",
            "# TYPE weir_flush_duration_seconds histogram",
        ] {
            let found = shown.lines().any(|shown| shown == line);
            assert!(found, "{line} is not in\n{shown}");
        }
        assert_eq!(text(&registry), shown);
    }
}
