//! The metrics of a process as a whole: every name and label value, on this page; `docs/metrics.md`
//! says what each means. Edge and counting have pages of their own.
//!
//! Invariant: a value is read where it is kept, when somebody asks. Never here: a broker's address,
//! or a path.

mod campaigns;
mod disk;
mod statistics;

use std::path::Path;

use ingest::metrics::{Pulled, Reading};
use ingest::{EdgeCampaign, Readiness};
use journal::Journal;
use prometheus::{IntGauge, Opts, Registry, Result};

use super::Role;

const BUILD_INFO: &str = "weir_build_info";
const READY: &str = "weir_ready";
const OPENS: &str = "weir_campaign_opens_timestamp_seconds";
const CLOSES: &str = "weir_campaign_closes_timestamp_seconds";
const PARTITIONS: &str = "weir_campaign_partitions";
const CLOCK_OFFSET: &str = "weir_clock_offset_seconds";
const CLOCK_OFFSET_AGE: &str = "weir_clock_offset_age_seconds";
const KAFKA_QUEUE_RECORDS: &str = "weir_kafka_queue_records";
const KAFKA_QUEUE_BYTES: &str = "weir_kafka_queue_bytes";
const KAFKA_BROKER_UP: &str = "weir_kafka_broker_up";
const KAFKA_BROKER_RTT: &str = "weir_kafka_broker_rtt_seconds";
const KAFKA_BROKER_REQUESTS: &str = "weir_kafka_broker_requests_in_flight";
const KAFKA_BROKER_RETRIES: &str = "weir_kafka_broker_retries_total";
const DISK_FREE: &str = "weir_disk_free_bytes";
const DISK_SIZE: &str = "weir_disk_size_bytes";

const CAMPAIGN: &str = "campaign";
const BROKER: &str = "broker";
const STATISTIC: &str = "statistic";
const AVG: &str = "avg";
const P99: &str = "p99";

/// Of which commit this was built; whoever builds an image says so.
pub(crate) const REVISION: &str = match option_env!("WEIR_REVISION") {
    Some(revision) => revision,
    None => "unknown",
};

impl Role {
    const fn label(self) -> &'static str {
        match self {
            Self::Edge => "edge",
            Self::Counting => "counting",
            Self::Everything => "everything",
        }
    }
}

/// Has the process shown, and its campaigns. `data` is the directory its data is in, if it has one.
pub(super) fn watch<J: Journal>(
    registry: &Registry,
    role: Role,
    campaigns: &[EdgeCampaign<J>],
    data: Option<&Path>,
) -> Result<()> {
    let info = Opts::new(BUILD_INFO, "1; which build this is, and what it does.")
        .const_label("version", env!("CARGO_PKG_VERSION"))
        .const_label("revision", REVISION)
        .const_label("role", role.label());
    let info = IntGauge::with_opts(info)?;
    info.set(1);
    registry.register(Box::new(info))?;
    // Only Linux tells what it reads.
    #[cfg(target_os = "linux")]
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    campaigns::watch(registry, campaigns)?;
    // Journals that share a client say the same of it: once a process is enough.
    if let Some(first) = campaigns.first() {
        statistics::watch(registry, first.journal.clone())?;
    }
    data.map_or(Ok(()), |data| disk::watch(registry, data))
}

/// Has shown whether the process is ready, as `/readyz` says.
pub(super) fn watch_readiness(registry: &Registry, readiness: &Readiness) -> Result<()> {
    let ready = IntGauge::new(READY, "1 if /readyz says 200.")?;
    let (shown, readiness) = (ready.clone(), Readiness::clone(readiness));
    let reading: Reading = Box::new(move || shown.set(i64::from(readiness().is_ok())));
    registry.register(Box::new(Pulled::new(vec![Box::new(ready)], vec![reading])))
}
