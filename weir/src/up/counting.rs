//! What runs for one campaign besides the edge: heartbeat, batcher, the watch over its rules, and
//! the counting, which has a thread and a runtime of its own.
//!
//! Invariant: whatever is spawned here is among the tasks handed in, or is ended through
//! [`Counting`].

use std::sync::Arc;
use std::thread::JoinHandle;

use aggregator::metrics::Metrics;
use aggregator::{Aggregator, Config, Served, Statuses, View};
use ballot::{Rules, voters_per_partition};
use ingest::{BatchLimits, Batcher, EdgeCampaign};
use journal::{Clock, ClockCheck, Embedded, Journal as _, beat};
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::founded::{CLOCK_OFFSET_MAX_MS, Founded};
use crate::exit::Failure;

/// Tasks that run as long as the process; each ends with its name.
pub(super) type Tasks = JoinSet<&'static str>;

/// The counting of one campaign.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) campaign: String,
    pub(super) journal: Embedded,
    pub(super) batcher: Arc<Batcher<Embedded>>,
    pub(super) statuses: Statuses,
    pub(super) view: View,
    /// Has the thread flush and end.
    pub(super) drain: CancellationToken,
    /// Cancelled when the thread is about to end, also by a panic.
    pub(super) ended: CancellationToken,
    /// Joined once `ended` has resolved.
    pub(super) thread: JoinHandle<()>,
}

impl Counting {
    /// Why the process should not be sent work because of this campaign.
    pub(super) fn complaint(&self) -> impl Fn() -> Option<String> + Send + Sync + use<> {
        let (id, journal) = (self.campaign.clone(), self.journal.clone());
        let (statuses, view) = (self.statuses.clone(), self.view.clone());
        move || {
            let missing = || view.served.borrow().is_none().then(|| "there is no tally yet".into());
            let trouble = || journal.trouble().map(|why| format!("the journal: {why}"));
            let complaint = trouble().or_else(|| statuses.complaint()).or_else(missing);
            complaint.map(|complaint| format!("{id}: {complaint}"))
        }
    }
}

/// Starts what runs for one campaign, and gives the edge its part.
pub(super) fn start(
    founded: Founded,
    clock: &Arc<dyn Clock>,
    tasks: &mut Tasks,
) -> Result<(Counting, Metrics, EdgeCampaign<Embedded>), Failure> {
    let Founded { campaign, journal, keys, rules, view, following } = founded;
    tasks.spawn(async move {
        // Its end says as much as its panic: the view is no longer kept up to date.
        drop(following.await);
        "the results view"
    });
    let clock_check = Arc::new(ClockCheck::new(i64::from(CLOCK_OFFSET_MAX_MS)));
    let (beating, clock_of_beat, check) =
        (journal.clone(), Arc::clone(clock), Arc::clone(&clock_check));
    tasks.spawn(async move {
        beat(beating, &*clock_of_beat, &check).await;
        "the heartbeat"
    });
    let (sender, newest) = watch::channel(Arc::new(rules));
    let served = view.served.clone();
    tasks.spawn(async move {
        follow_rules(served, &sender).await;
        "the watch over the rules"
    });
    let batcher = Arc::new(Batcher::new(journal.clone(), newest, BatchLimits::default()));
    let driving = Arc::clone(&batcher);
    tasks.spawn(async move {
        driving.run().await;
        "the batcher"
    });
    let voters_max = voters_per_partition(campaign.voters_per_day_max, journal.partitions());
    let aggregator = Aggregator::new(
        journal.clone(),
        view.clone(),
        Arc::clone(clock),
        Arc::clone(&clock_check),
        Config::new(voters_max),
    );
    let statuses = aggregator.statuses();
    let metrics = Metrics::new(&campaign.id, statuses.clone(), aggregator.voter_sets());
    let metrics = metrics.map_err(|error| Failure::internal(format!("metrics: {error}")))?;
    let drain = CancellationToken::new();
    let (thread, ended) = count(aggregator, &campaign.id, drain.clone())?;
    let until_ended = ended.clone();
    tasks.spawn(async move {
        until_ended.cancelled().await;
        "the counting"
    });
    let tokens = keys.token_keys(&campaign.id)?;
    let counting = Counting {
        campaign: campaign.id.clone(),
        journal: journal.clone(),
        batcher: Arc::clone(&batcher),
        statuses,
        view: view.clone(),
        drain,
        ended,
        thread,
    };
    let edge = EdgeCampaign { campaign, journal, batcher, tokens, view, clock_check };
    Ok((counting, metrics, edge))
}

/// Runs an aggregator on a thread of its own until `drain`.
fn count(
    aggregator: Aggregator<Embedded>,
    campaign: &str,
    drain: CancellationToken,
) -> Result<(JoinHandle<()>, CancellationToken), Failure> {
    let failed = |error| Failure::internal(format!("cannot start a thread to count: {error}"));
    let runtime = Builder::new_current_thread().enable_time().build().map_err(failed)?;
    let ended = CancellationToken::new();
    let ending = ended.clone().drop_guard();
    // Linux shows the first 15 bytes of a thread's name.
    let thread = std::thread::Builder::new().name(format!("count {campaign}")).spawn(move || {
        // Dropped last, whatever happens: that cancels `ended`.
        let _ending = ending;
        runtime.block_on(aggregator.run(drain));
    });
    Ok((thread.map_err(failed)?, ended))
}

/// Sends on the rules that all partitions have folded, whenever they change. The first are our own,
/// which the log has but the tally may not have reached: what it shows before is older.
async fn follow_rules(
    mut served: watch::Receiver<Option<Arc<Served>>>,
    newest: &watch::Sender<Arc<Rules>>,
) {
    let own = Arc::clone(&newest.borrow());
    let is_own =
        |served: &Option<Arc<Served>>| served.as_ref().is_some_and(|served| served.rules == *own);
    if served.wait_for(is_own).await.is_err() {
        return;
    }
    while served.changed().await.is_ok() {
        let served = served.borrow_and_update().clone();
        let Some(served) = served else { continue };
        newest.send_if_modified(|newest| {
            let changed = **newest != served.rules;
            if changed {
                *newest = Arc::new(served.rules.clone());
            }
            changed
        });
    }
}
