//! A group that cannot be heard: nothing is assigned, so no partition can complain. The process
//! does, and no longer than it lasts. On the simulated journal, in paused time.

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Phase, view};
use journal::ClockCheck;
use journal::simulated::{Cluster, Faults, Options};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// Far longer than anything takes on a cluster where nothing goes wrong.
const PATIENCE: Duration = Duration::from_secs(60);

async fn until(what: &str, state: impl Fn() -> bool) {
    let wait = async {
        while !state() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(PATIENCE, wait).await.is_ok(), "never: {what}");
}

#[tokio::test(start_paused = true)]
async fn a_process_whose_group_cannot_be_heard_complains_until_it_can() {
    let cluster = Cluster::new(1, 2, Options::default());
    let journal = cluster.process("aggregator");
    let (view, _follow) = view(journal.clone());
    let clock = Arc::new(cluster.clock("aggregator"));
    let check = Arc::new(ClockCheck::new(2_000));
    let aggregator = Aggregator::new(journal, view, clock, check, Config::new(1_000));
    let statuses = aggregator.statuses();
    cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
    // Ends with the test's runtime.
    drop(tokio::spawn(aggregator.run(CancellationToken::new())));
    let complains =
        || statuses.complaint().is_some_and(|why| why.starts_with("the group cannot be heard: "));
    until("it says so", complains).await;
    assert!(statuses.all().is_empty());

    cluster.set_faults(Faults::NONE);
    until("it is assigned", || statuses.all().len() == 2).await;
    assert!(!complains());
    let rebuilding = |phase: &Phase| *phase == Phase::Rebuilding;
    assert!(statuses.all().values().all(|status| rebuilding(&status.phase)));
}
