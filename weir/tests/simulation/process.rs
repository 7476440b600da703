//! Simulated processes: the real batcher, aggregator and results view on a simulated journal, and a
//! client of each that must never see a result go back.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aggregator::{Aggregator, Config, Planted, Served, Statuses, View, view};
use ballot::{Ballot, ChoiceSet, Risk, Rules, TallyDocument, VoterId, VotingDay};
use ingest::{Acknowledged, BatchLimits, Batcher, Cast, Permit, follow_rules};
use journal::simulated::{Cluster, Simulated, SimulatedClock};
use journal::{Clock, ClockCheck};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// How far a clock may be off, and the deadline of a ballot: as the design's, but in a world where
/// a voting day has two seconds.
pub(crate) const CLOCK_OFFSET_MS_MAX: i64 = 100;
pub(crate) const DEADLINE: Duration = Duration::from_millis(200);
/// Few enough that a burst on a stalled journal reaches both bounds.
pub(crate) const IN_FLIGHT_MAX: usize = 16;
const RECORDS_MAX: usize = 2;

/// The document that a client shows.
type Seen = Arc<Mutex<Option<Arc<Served>>>>;

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
    seen: Seen,
}

/// What the edge answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    Cast(Cast, VotingDay, i64),
    /// Certain that the voter has a ballot that day, this one.
    AlreadyVoted(VotingDay, Acknowledged),
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
        let seen = Seen::default();
        tasks.spawn(watch_results(view.served.clone()));
        tasks.spawn(follow_on(view.served.clone(), Arc::clone(&seen)));
        let drain = CancellationToken::new();
        let (rules_sender, rules) = watch::channel(Arc::new(rules.clone()));
        tasks.spawn(follow_rules(view.served.clone(), rules_sender));
        let limits = BatchLimits {
            in_flight_max: IN_FLIGHT_MAX,
            ballots_max: 5,
            records_max: RECORDS_MAX,
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
            let counting = aggregator.run(drain.clone());
            tasks.spawn(async move { _ = counting.await });
        }
        let name = name.to_owned();
        Self { name, clock, clock_check, view, batcher, drain, statuses, tasks, seen }
    }

    /// This process in the place of `before`: the client that followed that one follows this one.
    pub(crate) fn after(mut self, before: &Self) -> Self {
        let seen = before.seen.lock().unwrap().clone();
        self.seen = Arc::new(Mutex::new(seen));
        self.tasks.spawn(follow_on(self.view.served.clone(), Arc::clone(&self.seen)));
        self
    }

    /// What the client of this process, and of those before it, shows.
    pub(crate) fn seen(&self) -> Option<Arc<Served>> {
        self.seen.lock().unwrap().clone()
    }

    /// What the ballot route does, without HTTP. With `day`, only on that day.
    #[allow(dead_code, reason = "only refusals ask for it whole")]
    pub(crate) async fn vote(
        &self,
        voter: VoterId,
        choices: ChoiceSet,
        day: Option<VotingDay>,
    ) -> Answer {
        match self.ask(voter, choices, day) {
            Ok((permit, ballot, today)) => Answer::Cast(
                self.batcher.cast(permit, &ballot, Risk::NONE).await,
                today,
                ballot.cast_at_ms,
            ),
            Err(answer) => answer,
        }
    }

    /// What the ballot route does before it casts: the ballot with its permit and day, or the
    /// answer.
    pub(crate) fn ask(
        &self,
        voter: VoterId,
        choices: ChoiceSet,
        day: Option<VotingDay>,
    ) -> Result<(Permit, Ballot, VotingDay), Answer> {
        if self.drain.is_cancelled() {
            return Err(Answer::Unavailable);
        }
        let permit = self.batcher.admit().ok_or(Answer::Unavailable)?;
        if !self.clock_check.is_sound() {
            return Err(Answer::Unavailable);
        }
        let cast_at_ms = self.clock.now_ms();
        let today = self.batcher.rules().day_at(cast_at_ms).map(|day| day.day);
        let today = today.filter(|today| day.is_none_or(|day| day == *today));
        let today = today.ok_or(Answer::Closed)?;
        if let Some(known) = self.batcher.acknowledged(voter, today) {
            return Err(Answer::AlreadyVoted(today, known));
        }
        Ok((permit, Ballot { voter, choices, cast_at_ms }, today))
    }

    /// Checks that every permit is there once, now that nothing is under way.
    pub(crate) fn check_permits(&self) {
        assert_eq!(self.batcher.in_flight(), 0, "a permit was lost by {}", self.name);
        let permits: Vec<_> = std::iter::from_fn(|| self.batcher.admit()).collect();
        assert_eq!(permits.len(), IN_FLIGHT_MAX, "permits of {}", self.name);
    }
}

fn config(planted: Option<Planted>) -> Config {
    Config {
        flush_interval: Duration::from_millis(60),
        retry_interval: Duration::from_millis(40),
        tick: Duration::from_millis(80),
        stall_after: Duration::from_secs(10),
        drain_max: Duration::from_secs(10),
        voters_max: 1_000,
        planted,
    }
}

/// Watches one process: no frontier falls in it.
async fn watch_results(mut served: watch::Receiver<Option<Arc<Served>>>) {
    let mut before: Option<Arc<Served>> = None;
    while served.changed().await.is_ok() {
        let now = served.borrow_and_update().clone();
        let Some(now) = now else { continue };
        if let Some(before) = before.replace(Arc::clone(&now)) {
            let document = &before.document;
            assert!(!falls(document, &now.document), "a frontier fell: {:?}", now.document);
            check_next(document, &now.document);
            assert!(!document.is_final, "a final document was replaced");
        }
    }
}

/// A client over restarts: it replaces what it shows only by a document in which no frontier falls.
async fn follow_on(mut served: watch::Receiver<Option<Arc<Served>>>, seen: Seen) {
    served.mark_changed();
    while served.changed().await.is_ok() {
        let now = served.borrow_and_update().clone();
        let Some(now) = now else { continue };
        let mut seen = seen.lock().unwrap();
        if let Some(before) = &*seen {
            if falls(&before.document, &now.document) {
                continue;
            }
            check_next(&before.document, &now.document);
        }
        *seen = Some(now);
    }
}

fn falls(was: &TallyDocument, is: &TallyDocument) -> bool {
    was.partitions.iter().zip(&is.partitions).any(|(was, is)| was.frontier > is.frontier)
}

/// A prefix of a log has one result, a longer one has no fewer ballots, and a final one stays.
fn check_next(was: &TallyDocument, is: &TallyDocument) {
    for (was, is) in was.partitions.iter().zip(&is.partitions) {
        let moved = was.frontier < is.frontier;
        assert!(if moved { !was.is_final } else { was == is }, "{was:?} became {is:?}");
    }
    assert!(was.ballots <= is.ballots, "the result went back");
    assert!(!was.is_final || was == is, "a final document was replaced");
}
