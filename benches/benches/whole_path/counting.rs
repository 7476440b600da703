//! The aggregator under the load of what the edge on Kafka appends, as `weir aggregate` runs it: on
//! a thread and a runtime of its own.
//!
//! It says `counting` once it has every partition, and answers `until N` with what it has counted
//! when that is N ballots.

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Phase, Statuses, view};
use ballot::voters_per_partition;
use journal::{ClockCheck, Journal as _, KafkaCluster, KafkaOptions, SystemClock};
use tokio::runtime::Builder;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::Error;
use crate::edges::CLOCK_OFFSET_MS_MAX;
use crate::plan::{TARGET, poll, told};
use benches::{orders, say};

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
    let (view, follow) = view(journal.clone());
    let check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
    let (beating, clock_check) = (journal.clone(), Arc::clone(&check));
    // Both end with the process.
    runtime.spawn(follow);
    runtime.spawn(async move { journal::beat(beating, &SystemClock, &check).await });
    let partitions = journal.partitions();
    let voters_max = voters_per_partition(poll.campaign.voters_per_day_max, partitions);
    let config = Config::new(voters_max);
    let aggregator = Aggregator::new(journal, view, Arc::new(SystemClock), clock_check, config);
    let statuses = aggregator.statuses();
    let own = Builder::new_current_thread().enable_time().build()?;
    // Never drained and never joined: it ends with the process.
    let count = move || own.block_on(aggregator.run(CancellationToken::new()));
    std::thread::Builder::new().name("count".to_owned()).spawn(count)?;
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
