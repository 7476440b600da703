//! The servers under load: the edge as `weir ingest` puts it together, on a journal of each kind.
//!
//! All have the same runtime and listen in the same way. A server says `listening` with its
//! address, and answers `records` with how many records its edge has appended and their ballots.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{
    BatchLimits, Batcher, Edge, EdgeCampaign, EdgeOptions, SignIn, Site, Voting, follow_rules,
};
use journal::{
    ClockCheck, Embedded, EmbeddedOptions, Journal, KafkaCluster, KafkaOptions, SystemClock,
};
use prometheus::Registry;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::null::NullJournal;
use crate::plan::{TARGET, Variant, partitions, poll, told};
use crate::{Error, bare};
use benches::{orders, say};

/// As `weir`'s: 2 s.
pub(crate) const CLOCK_OFFSET_MS_MAX: i64 = 2_000;
/// How often a state that cannot be waited for is looked at.
const POLL: Duration = Duration::from_millis(10);

/// Serves until its input ends.
pub(crate) fn run(role: &str) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let variant = Variant::ALL.into_iter().find(|variant| variant.name() == role);
    let registry = Registry::new();
    let address = runtime.block_on(async {
        match variant.ok_or_else(|| format!("there is no role {role:?}"))? {
            Variant::Bare => bare::serve(bare::fixed).await,
            Variant::Waiting => bare::serve(bare::waiting()).await,
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

/// The edge on a journal, once it takes ballots. What it spawns ends with the process.
async fn edge<J: Journal>(journal: J, registry: &Registry) -> Result<SocketAddr, Error> {
    let poll = poll();
    let rules = poll.rules(journal.identity(), journal.partitions());
    let (view, follow) = aggregator::view(journal.clone());
    tokio::spawn(follow);
    let clock_check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
    let (beating, check) = (journal.clone(), Arc::clone(&clock_check));
    tokio::spawn(async move { journal::beat(beating, &SystemClock, &check).await });
    let (sender, newest) = watch::channel(Arc::new(rules));
    tokio::spawn(follow_rules(view.served.clone(), sender));
    let batcher = Arc::new(Batcher::new(journal.clone(), newest, BatchLimits::default()));
    tokio::spawn(Arc::clone(&batcher).run());
    let check = Arc::clone(&clock_check);
    let voting = Some(Voting { batcher, tokens: poll.tokens, sign_in: SignIn::default() });
    let given = EdgeCampaign { campaign: poll.campaign, journal, view, clock_check, voting };
    let (limits, shutdown) = (Limits::default(), Shutdown::new());
    let clock = Arc::new(SystemClock);
    let registry = registry.clone();
    let options =
        EdgeOptions { limits, clock, shutdown: shutdown.clone(), registry, site: Site::default() };
    let edge = Edge::new(vec![given], options)?;
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, edge, limits, shutdown, Arc::<Counters>::default()));
    while !check.is_sound() {
        tokio::time::sleep(POLL).await;
    }
    Ok(address)
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
