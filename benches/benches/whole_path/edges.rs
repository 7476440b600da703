//! The servers under load: the edge as `weir ingest` puts it together, on a journal of each kind.
//!
//! All have the same runtime and listen in the same way. A server says `listening` with its
//! address, and answers `records` with how many records its edge has appended and their ballots.

use std::net::SocketAddr;

use benches::{Watched, orders, say, serve_bare};
use journal::{Embedded, EmbeddedOptions, Journal, KafkaCluster, KafkaOptions};
use prometheus::Registry;

use crate::null::NullJournal;
use crate::plan::{TARGET, Variant, partitions, poll, told};
use crate::{Error, bare};

/// Serves until its input ends.
pub(crate) fn run(role: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let variant = Variant::ALL.into_iter().find(|variant| variant.name() == role);
    let registry = Registry::new();
    let address = runtime.block_on(async {
        match variant.ok_or_else(|| format!("there is no role {role:?}"))? {
            Variant::Bare => serve_bare(bare::fixed).await,
            Variant::Waiting => serve_bare(bare::waiting()).await,
            Variant::Null => edge(NullJournal::new(), &registry).await,
            Variant::Embedded => {
                let options = EmbeddedOptions::new(told::<String>(TARGET)?, "bench", partitions());
                edge(Embedded::open(&options)?, &registry).await
            }
            Variant::Kafka => {
                let cluster = KafkaCluster::connect(KafkaOptions::new(told::<String>(TARGET)?))?;
                edge(cluster.journal(&poll().campaign.id).await?, &registry).await
            }
        }
    })?;
    say(&format!("listening {address}"))?;
    for order in orders().filter(|order| order == "records") {
        say(&format!("{order} {}", records(&registry)))?;
    }
    Ok(())
}

/// The edge on a journal, once it takes ballots.
async fn edge<J: Journal>(journal: J, registry: &Registry) -> Result<SocketAddr, Error> {
    Watched::new(journal).serve(poll(), registry).await
}

/// Records appended and the ballots in them, as the edge's metrics have them.
fn records(registry: &Registry) -> String {
    let families = registry.gather();
    let batches = families.iter().find(|family| family.name() == ingest::metrics::BATCH_BALLOTS);
    let batches = batches.and_then(|family| family.get_metric().first());
    let of = batches.map(|metric| metric.get_histogram());
    let of = of.map(|histogram| (histogram.get_sample_count(), histogram.get_sample_sum()));
    let (records, ballots) = of.unwrap_or_default();
    format!("{records} {ballots:.0}")
}
