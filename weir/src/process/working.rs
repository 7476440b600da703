//! What runs for one campaign besides the server: the heartbeat, and as the role wants the batcher
//! with the watch over its rules, and the counting, which has a thread and a runtime of its own.
//!
//! Invariant: whatever is spawned here is among the tasks handed in, or is ended through
//! [`Working`].

use std::sync::Arc;
use std::thread::JoinHandle;

use aggregator::{Aggregator, Config, Statuses, View};
use ballot::{Campaign, Rules, voters_per_partition};
use ingest::{BatchLimits, Batcher, EdgeCampaign, Voting, follow_rules};
use journal::{Clock, ClockCheck, Journal, beat};
use prometheus::Registry;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::running::no_metrics;
use super::sign_in::SignIns;
use super::{CLOCK_OFFSET_MAX_MS, Opened, Role};
use crate::exit::Failure;
use crate::identity::token_keys;

/// Tasks that run as long as the process; each ends with its name.
pub(super) type Tasks = JoinSet<&'static str>;

/// What runs for one campaign.
#[derive(Debug)]
pub(super) struct Working<J> {
    pub(super) campaign: String,
    pub(super) journal: J,
    pub(super) view: View,
    pub(super) batcher: Option<Arc<Batcher<J>>>,
    pub(super) counting: Option<Counting>,
}

/// The counting of one campaign.
#[derive(Debug)]
pub(super) struct Counting {
    statuses: Statuses,
    /// Has the thread flush and end.
    pub(super) drain: CancellationToken,
    /// Cancelled when the thread is about to end, also by a panic.
    ended: CancellationToken,
    /// Joined once `ended` has resolved. Says whether everything was flushed.
    thread: JoinHandle<bool>,
}

impl Counting {
    /// Waits for the thread to end, and answers whether it has flushed everything.
    pub(super) async fn join(self) -> Result<bool, &'static str> {
        self.ended.cancelled().await;
        self.thread.join().map_err(|_panic| "the counting broke")
    }
}

impl<J: Journal> Working<J> {
    /// Why the process should not be sent work because of this campaign. An edge is ready whether
    /// anybody counts or not: the journal takes the ballots.
    pub(super) fn complaint(&self) -> impl Fn() -> Option<String> + Send + Sync + use<J> {
        let (id, journal) = (self.campaign.clone(), self.journal.clone());
        let statuses = self.counting.as_ref().map(|counting| counting.statuses.clone());
        let view = self.view.clone();
        move || {
            let trouble = || journal.trouble().map(|why| format!("the journal: {why}"));
            let counting = || {
                let missing =
                    || view.served.borrow().is_none().then(|| "there is no tally yet".into());
                let of_the_view = || view.complaint();
                statuses.as_ref()?.complaint().or_else(of_the_view).or_else(missing)
            };
            trouble().or_else(counting).map(|complaint| format!("{id}: {complaint}"))
        }
    }
}

/// What starting a campaign needs of its process.
#[derive(Debug)]
pub(super) struct Means<'a> {
    pub(super) role: Role,
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) registry: &'a Registry,
    pub(super) tasks: &'a mut Tasks,
    /// None where no voter signs in.
    pub(super) sign_ins: Option<&'a SignIns>,
}

/// Starts what runs for one campaign, and gives the edge its part.
pub(super) fn start<J: Journal>(
    opened: Opened<J>,
    means: &mut Means<'_>,
) -> Result<(Working<J>, EdgeCampaign<J>), Failure> {
    let Opened { campaign, journal, keys, rules, view, following } = opened;
    means.tasks.spawn(async move {
        // Its end says as much as its panic: the view is no longer kept up to date.
        drop(following.await);
        "the results view"
    });
    let clock_check = Arc::new(ClockCheck::new(i64::from(CLOCK_OFFSET_MAX_MS)));
    let (beating, clock, check) =
        (journal.clone(), Arc::clone(means.clock), Arc::clone(&clock_check));
    means.tasks.spawn(async move {
        beat(beating, &*clock, &check).await;
        "the heartbeat"
    });
    let voting = match keys.filter(|_| means.role.takes_ballots()) {
        None => None,
        Some(keys) => {
            let batcher = batcher(&journal, rules, &view, means.tasks);
            let imitates = means.sign_ins.is_some_and(|of| of.imitated.is_some());
            let tokens = token_keys(&campaign, &keys, imitates)?;
            let sign_in = means.sign_ins.map(|of| of.of(&campaign, &keys, means.tasks));
            let sign_in = sign_in.transpose()?.unwrap_or_default();
            Some(Voting { batcher, tokens, sign_in })
        }
    };
    let counting = if means.role.counts() {
        Some(count(&campaign, &journal, (&view, &clock_check), means)?)
    } else {
        None
    };
    let working = Working {
        campaign: campaign.id.clone(),
        journal: journal.clone(),
        view: view.clone(),
        batcher: voting.as_ref().map(|voting| Arc::clone(&voting.batcher)),
        counting,
    };
    let edge = EdgeCampaign { campaign, journal, view, clock_check, voting };
    Ok((working, edge))
}

fn batcher<J: Journal>(
    journal: &J,
    rules: Rules,
    view: &View,
    tasks: &mut Tasks,
) -> Arc<Batcher<J>> {
    let (sender, newest) = watch::channel(Arc::new(rules));
    let served = view.served.clone();
    tasks.spawn(async move {
        follow_rules(served, sender).await;
        "the watch over the rules"
    });
    let batcher = Arc::new(Batcher::new(journal.clone(), newest, BatchLimits::default()));
    let driving = Arc::clone(&batcher);
    tasks.spawn(async move {
        driving.run().await;
        "the batcher"
    });
    batcher
}

/// Starts an aggregator on a thread of its own.
fn count<J: Journal>(
    campaign: &Campaign,
    journal: &J,
    (view, clock_check): (&View, &Arc<ClockCheck>),
    means: &mut Means<'_>,
) -> Result<Counting, Failure> {
    let voters_max = voters_per_partition(campaign.voters_per_day_max, journal.partitions());
    let aggregator = Aggregator::new(
        journal.clone(),
        view.clone(),
        Arc::clone(means.clock),
        Arc::clone(clock_check),
        Config::new(voters_max),
    );
    let statuses = aggregator.statuses();
    let metrics = aggregator.metrics(&campaign.id).map_err(no_metrics)?;
    means.registry.register(Box::new(metrics)).map_err(no_metrics)?;
    let failed = |error| Failure::internal(format!("cannot start a thread to count: {error}"));
    let runtime = Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let (drain, ended) = (CancellationToken::new(), CancellationToken::new());
    let (ending, until) = (ended.clone().drop_guard(), drain.clone());
    // Linux shows the first 15 bytes of a thread's name.
    let thread = std::thread::Builder::new().name(format!("count {}", campaign.id));
    let thread = thread.spawn(move || {
        // Dropped last, whatever happens: that cancels `ended`.
        let _ending = ending;
        runtime.block_on(aggregator.run(until))
    });
    let until_ended = ended.clone();
    means.tasks.spawn(async move {
        until_ended.cancelled().await;
        "the counting"
    });
    Ok(Counting { statuses, drain, ended, thread: thread.map_err(failed)? })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use aggregator::view;
    use journal::simulated::{Cluster, Options, Simulated};
    use tokio::time::sleep;

    use super::*;

    fn working(journal: &Simulated, view: &View, counts: bool) -> Working<Simulated> {
        let counting = counts.then(|| Counting {
            statuses: Statuses::default(),
            drain: CancellationToken::new(),
            ended: CancellationToken::new(),
            thread: std::thread::spawn(|| true),
        });
        let (journal, view) = (journal.clone(), view.clone());
        Working { campaign: "c".to_owned(), journal, view, batcher: None, counting }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_counts_complains_of_results_and_whoever_does_not_count_does_not() {
        let cluster = Cluster::new(1, 1, Options::default());
        let journal = cluster.process("weir");
        let (view, follow) = view(journal.clone());
        // Ends with the test's runtime.
        drop(tokio::spawn(follow));
        let counting = working(&journal, &view, true).complaint();
        let edge = working(&journal, &view, false).complaint();
        sleep(Duration::from_secs(1)).await;
        assert_eq!(counting().unwrap(), "c: there is no tally yet");
        cluster.publish_raw(0, bytes::Bytes::from_static(b"nonsense"));
        sleep(Duration::from_secs(1)).await;
        let complaint = counting().unwrap();
        assert!(complaint.starts_with("c: the published results are refused: "), "{complaint}");
        assert_eq!(edge(), None);
    }
}
