//! The aggregator in its own process, as `weir aggregate` runs it: on a thread and a runtime of its
//! own, with the heartbeat and the results view beside it.
//!
//! It says `ready`, and once told to count, `counted` with what it has counted when all of that is
//! published, the microseconds from the order to that, and those of them between the first ballot
//! counted and the last.

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Statuses, View, view};
use ballot::voters_per_partition;
use benches::{Error, orders, say, told};
use journal::{
    ClockCheck, Embedded, EmbeddedOptions, Journal, KafkaCluster, KafkaOptions, SystemClock,
};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::store::Kind;
use crate::{CAMPAIGN, EXPECTED, KIND, PLACE};

/// How often a state that cannot be waited for is looked at: cheap beside what is counted.
const POLL: Duration = Duration::from_millis(5);
/// Until everything is counted and published.
const PATIENCE: Duration = Duration::from_mins(5);
/// As `weir`'s.
const CLOCK_OFFSET_MS_MAX: i64 = 2_000;

/// Counts once, and waits for its input to end.
pub(crate) fn run() -> Result<(), Error> {
    let (place, campaign) = (told::<String>(PLACE)?, told::<String>(CAMPAIGN)?);
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    say("ready")?;
    let mut orders = orders();
    if orders.next().as_deref() != Some("count") {
        return Ok(());
    }
    let began = Instant::now();
    match told(KIND)? {
        Kind::Kafka => {
            let cluster = KafkaCluster::connect(KafkaOptions::new(place))?;
            let journal = runtime.block_on(cluster.journal(&campaign))?;
            count(journal, &runtime, began)?;
        }
        Kind::Embedded => {
            let journal = Embedded::open(&EmbeddedOptions::existing(place, campaign))?;
            count(journal, &runtime, began)?;
        }
    }
    orders.for_each(drop);
    Ok(())
}

fn count<J: Journal>(journal: J, runtime: &Runtime, began: Instant) -> Result<(), Error> {
    let expected: u64 = told(EXPECTED)?;
    let (view, follow) = view(journal.clone());
    let check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
    let (beating, clock_check) = (journal.clone(), Arc::clone(&check));
    // Both end with the process.
    runtime.spawn(follow);
    runtime.spawn(async move { journal::beat(beating, &SystemClock, &check).await });
    let config = Config::new(voters_per_partition(expected, journal.partitions()));
    let (clock, seen) = (Arc::new(SystemClock), view.clone());
    let aggregator = Aggregator::new(journal, view, clock, clock_check, config);
    let statuses = aggregator.statuses();
    let own = Builder::new_current_thread().enable_time().build()?;
    // Never drained and never joined: it ends with the process.
    let count = move || own.block_on(aggregator.run(CancellationToken::new()));
    std::thread::Builder::new().name("count".to_owned()).spawn(count)?;
    let first = runtime.block_on(until("a ballot is counted", || counted(&statuses) > 0))?;
    let enough = || counted(&statuses) >= expected;
    let last = runtime.block_on(until("all ballots are counted", enough))?;
    let shown = || published(&seen) >= expected;
    let ended = runtime.block_on(until("all that is counted is published", shown))?;
    let [whole, counting] = [ended - began, last - first].map(|took| took.as_micros());
    say(&format!("counted {} {whole} {counting}", published(&seen)))
}

fn counted(statuses: &Statuses) -> u64 {
    statuses.all().values().map(|status| status.outcomes.counted).sum()
}

fn published(view: &View) -> u64 {
    view.served.borrow().as_ref().map_or(0, |served| served.document.ballots)
}

/// When it was so.
async fn until(what: &str, state: impl Fn() -> bool) -> Result<Instant, Error> {
    let wait = async {
        while !state() {
            sleep(POLL).await;
        }
        Instant::now()
    };
    timeout(PATIENCE, wait).await.map_err(|_| format!("never: {what}").into())
}
