//! Simulated processes: the real batcher, aggregator and results view on a simulated journal, and a
//! client of each that must never see a result go back.

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Aggregator, Config, Planted, Served, Statuses, View, view};
use ballot::{Ballot, ChoiceSet, Rules, VoterId, VotingDay};
use ingest::{BatchLimits, Batcher, Cast};
use journal::simulated::{Cluster, Simulated, SimulatedClock};
use journal::{Clock, ClockCheck};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How far a clock may be off, and the deadline of a ballot: as the design's, but in a world where
/// a voting day has two seconds.
pub(crate) const CLOCK_OFFSET_MS_MAX: i64 = 100;
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);

/// One process: everything of it ends when it is dropped, as by a crash.
pub(crate) struct Process {
    pub(crate) name: String,
    pub(crate) clock: SimulatedClock,
    pub(crate) clock_check: Arc<ClockCheck>,
    pub(crate) view: View,
    pub(crate) batcher: Arc<Batcher<Simulated>>,
    pub(crate) drain: CancellationToken,
    /// Of its aggregator, if it has one.
    #[allow(dead_code, reason = "only refusals look at it")]
    pub(crate) statuses: Option<Statuses>,
    pub(crate) tasks: JoinSet<()>,
}

/// What the edge answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Cast(Cast, VotingDay, i64),
    /// Certain that the voter has a ballot that day, with these choices.
    AlreadyVoted(ChoiceSet),
    Closed,
    Unavailable,
}

impl Process {
    /// Starts a process; with an aggregator if `counts`.
    pub(crate) fn start(
        cluster: &Cluster,
        name: &str,
        rules: &Rules,
        counts: bool,
        planted: Option<Planted>,
    ) -> Self {
        let journal = cluster.process(name);
        let clock = cluster.clock(name);
        let clock_check = Arc::new(ClockCheck::new(CLOCK_OFFSET_MS_MAX));
        let (view, follow) = view(journal.clone());
        let mut tasks = JoinSet::new();
        tasks.spawn(follow);
        tasks.spawn(watch_results(view.served.clone()));
        let drain = CancellationToken::new();
        let (rules_sender, rules) = watch::channel(Arc::new(rules.clone()));
        tasks.spawn(follow_rules(view.served.clone(), rules_sender));
        let limits = BatchLimits {
            in_flight_max: 64,
            ballots_max: 5,
            deadline: DEADLINE,
            remembered_max: 16,
            ..BatchLimits::default()
        };
        let batcher = Arc::new(Batcher::new(journal.clone(), rules, limits));
        tasks.spawn(Arc::clone(&batcher).run());
        let beat = (journal.clone(), clock.clone(), Arc::clone(&clock_check));
        tasks.spawn(async move { journal::beat(beat.0, &beat.1, &beat.2).await });
        let mut statuses = None;
        if counts {
            let clock = Arc::new(clock.clone());
            let check = Arc::clone(&clock_check);
            let config = config(planted);
            let aggregator = Aggregator::new(journal.clone(), view.clone(), clock, check, config);
            statuses = Some(aggregator.statuses());
            tasks.spawn(aggregator.run(drain.clone()));
        }
        let name = name.to_owned();
        Self { name, clock, clock_check, view, batcher, drain, statuses, tasks }
    }

    /// What the ballot route does, without HTTP. With `day`, only on that day.
    pub(crate) async fn vote(
        &self,
        voter: VoterId,
        choices: ChoiceSet,
        day: Option<VotingDay>,
    ) -> Answer {
        let Some(permit) = self.batcher.admit() else { return Answer::Unavailable };
        if !self.clock_check.is_sound() {
            return Answer::Unavailable;
        }
        let cast_at_ms = self.clock.now_ms();
        let today = self.batcher.rules().day_at(cast_at_ms).map(|day| day.day);
        let Some(today) = today.filter(|today| day.is_none_or(|day| day == *today)) else {
            return Answer::Closed;
        };
        if let Some(known) = self.batcher.acknowledged(voter, today) {
            return Answer::AlreadyVoted(known.choices);
        }
        let ballot = Ballot { voter, choices, cast_at_ms };
        Answer::Cast(self.batcher.cast(permit, &ballot).await, today, cast_at_ms)
    }
}

fn config(planted: Option<Planted>) -> Config {
    Config {
        flush_interval: Duration::from_millis(60),
        retry_interval: Duration::from_millis(40),
        tick: Duration::from_millis(80),
        stall_after: Duration::from_secs(10),
        voters_max: 1_000,
        planted,
    }
}

async fn follow_rules(
    mut served: watch::Receiver<Option<Arc<Served>>>,
    rules: watch::Sender<Arc<Rules>>,
) {
    while served.changed().await.is_ok() {
        let newest = served.borrow_and_update().as_ref().map(|served| served.rules.clone());
        if let Some(newest) = newest {
            rules.send_replace(Arc::new(newest));
        }
    }
}

/// A client of one process: no frontier falls, no count of it falls, and what is final stays.
async fn watch_results(mut served: watch::Receiver<Option<Arc<Served>>>) {
    let mut before: Option<Arc<Served>> = None;
    while served.changed().await.is_ok() {
        let now = served.borrow_and_update().clone();
        let Some(now) = now else { continue };
        if let Some(before) = &before {
            for (was, is) in before.document.partitions.iter().zip(&now.document.partitions) {
                assert!(was.frontier <= is.frontier, "a frontier fell: {was:?} {is:?}");
                assert!(!was.is_final || was == is, "a final partition moved: {was:?} {is:?}");
            }
            assert!(before.document.ballots <= now.document.ballots, "the result went back");
            assert!(!before.document.is_final, "a final document was replaced");
        }
        before = Some(now);
    }
}
