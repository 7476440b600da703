//! The aggregator under the load of what the edge on Kafka appends, as `weir aggregate` runs it: on
//! a thread and a runtime of its own.
//!
//! It says `counting` once it has every partition, and answers `until N` with what it has counted
//! when that is N ballots.

use std::time::Duration;

use aggregator::{Phase, Statuses};
use benches::{Watched, orders, say};
use journal::{Journal as _, KafkaCluster, KafkaOptions};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};

use crate::Error;
use crate::plan::{TARGET, poll, told};

/// How often a state that cannot be waited for is looked at: cheap beside what is counted.
const POLL: Duration = Duration::from_millis(10);
/// Until all partitions are assigned, or a round's ballots are counted.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts until its input ends.
pub(crate) fn run() -> Result<(), Error> {
    let poll = poll();
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let cluster = KafkaCluster::connect(KafkaOptions::new(told::<String>(TARGET)?))?;
    let journal = runtime.block_on(cluster.journal(&poll.campaign.id))?;
    let partitions = journal.partitions();
    let entered = runtime.enter();
    let statuses = Watched::new(journal).count(&poll)?;
    drop(entered);
    let is_folding = || {
        let all = statuses.all();
        all.len() == partitions as usize && all.values().all(|one| one.phase == Phase::Folding)
    };
    runtime.block_on(until("all partitions are being folded", is_folding))?;
    say("counting")?;
    for order in orders() {
        let wanted: u64 = order.strip_prefix("until ").unwrap_or_default().parse()?;
        let enough = || counted(&statuses) >= wanted;
        runtime.block_on(until("all ballots are counted", enough))?;
        say(&format!("counted {}", counted(&statuses)))?;
    }
    Ok(())
}

fn counted(statuses: &Statuses) -> u64 {
    statuses.all().values().map(|status| status.outcomes.counted).sum()
}

async fn until(what: &str, state: impl Fn() -> bool) -> Result<(), Error> {
    let wait = async {
        while !state() {
            sleep(POLL).await;
        }
    };
    timeout(PATIENCE, wait).await.map_err(|_| format!("never: {what}").into())
}
