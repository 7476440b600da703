//! Midnight and the close on the embedded journal, across restarts: ballots land on the day of
//! their cast time, days end in the log, idle partitions become final, and nothing moves after.
//!
//! The wall clock is set by the test; timers are real and short, and every wait has a deadline.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use aggregator::{Aggregator, Config, Served, View, found, view};
use ballot::{
    Ballot, BatchBuilder, Campaign, ChoiceSet, Fold, Record, Risk, Rules, TallyDocument, VoterId,
    VoterMap, VotingDay,
};
use ingest::{BatchLimits, Batcher, Cast};
use journal::{Clock, ClockCheck, Embedded, EmbeddedOptions, Journal, Reader};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

const PARTITIONS: u32 = 4;
const DEADLINE: Duration = Duration::from_secs(20);

const CAMPAIGN: &str = r#"
id = "midnight"
title = "Midnight"
zone = "Asia/Shanghai"
opens_at = 2023-12-18T10:00:00
closes_at = 2023-12-19T17:00:00
choices_per_ballot_max = 2
[[choices]]
number = 1
title = "one"
[[choices]]
number = 2
title = "two"
"#;

/// A clock that stands where the test puts it.
#[derive(Debug, Default)]
struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

/// The parts of one process, on a journal in `dir`.
struct Stack {
    journal: Embedded,
    batcher: Arc<Batcher<Embedded>>,
    view: View,
    drain: CancellationToken,
    tasks: JoinSet<()>,
}

impl Stack {
    async fn start(dir: &Path, clock: &Arc<TestClock>, campaign: &Campaign) -> Self {
        let mut options = EmbeddedOptions::new(dir, &campaign.id, PARTITIONS);
        options.clock = Arc::clone(clock) as Arc<dyn Clock>;
        let journal = Embedded::open(&options).unwrap();
        let rules = Rules::new(campaign, journal.identity(), PARTITIONS, [7; 16]);
        found(&journal, &rules, clock.now_ms()).await.unwrap();

        let mut tasks = JoinSet::new();
        let (view, follow) = view(journal.clone());
        tasks.spawn(follow);
        let (_, rules) = watch::channel(Arc::new(rules));
        let batcher = Arc::new(Batcher::new(journal.clone(), rules, BatchLimits::default()));
        tasks.spawn(Arc::clone(&batcher).run());
        // The clock stands still while the journal's time runs: ten minutes are enough for a test.
        let check = Arc::new(ClockCheck::new(600_000));
        let beat = (journal.clone(), Arc::clone(clock), Arc::clone(&check));
        tasks.spawn(async move { journal::beat(beat.0, &*beat.1, &beat.2).await });
        let config = Config {
            flush_interval: Duration::from_millis(20),
            tick: Duration::from_millis(20),
            ..Config::new(1_000)
        };
        let clock = Arc::clone(clock) as Arc<dyn Clock>;
        let aggregator = Aggregator::new(journal.clone(), view.clone(), clock, check, config);
        let drain = CancellationToken::new();
        let counting = aggregator.run(drain.clone());
        tasks.spawn(async move { _ = counting.await });
        Self { journal, batcher, view, drain, tasks }
    }

    async fn cast(&self, clock: &TestClock, low: u64, choice: u32) -> Cast {
        let permit = self.batcher.admit().unwrap();
        self.batcher.cast(permit, &ballot(low, choice, clock.now_ms()), Risk::NONE).await
    }

    /// The first result of which `enough` is true.
    async fn result(&self, what: &str, enough: impl Fn(&TallyDocument) -> bool) -> Arc<Served> {
        let mut served = self.view.served.clone();
        let wait = served.wait_for(|s| s.as_ref().is_some_and(|s| enough(&s.document)));
        let found = timeout(DEADLINE, wait).await;
        found.unwrap_or_else(|_| panic!("never: {what}")).unwrap().clone().unwrap()
    }

    /// Ends everything at once, as a crash would, but for the file.
    async fn crash(mut self) {
        self.tasks.shutdown().await;
        drop((self.batcher, self.view, self.drain));
        self.journal.close().await;
    }

    async fn recount(&self) -> Vec<u8> {
        let mut snapshots = Vec::new();
        for partition in 0..PARTITIONS {
            let mut fold = Fold::new(self.journal.identity(), partition);
            let mut voters = VoterMap::new(1_000);
            let end = self.journal.bounds(partition).await.unwrap().end;
            let mut reader = self.journal.read(partition, 0);
            let mut next = 0;
            while next < end {
                for record in reader.next().await.unwrap() {
                    fold.apply(record.offset, &record.value, &mut voters).unwrap();
                    next = record.offset + 1;
                }
            }
            snapshots.push(fold.snapshot());
        }
        TallyDocument::of(&snapshots.iter().collect::<Vec<_>>()).unwrap().to_json()
    }
}

/// Voters 0 to 9 belong to partition 0, the other three stay idle.
fn ballot(low: u64, choice: u32, cast_at_ms: i64) -> Ballot {
    let choices: ChoiceSet = [choice].into_iter().collect();
    Ballot { voter: VoterId { high: 0, low }, choices, cast_at_ms }
}

fn day(document: &TallyDocument, index: usize) -> (u64, u64, u64, bool) {
    let day = &document.days[index];
    (day.ballots, day.duplicates, day.late, day.closed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ballots_land_on_their_day_across_midnight_the_close_and_restarts() {
    let dir = tempfile::tempdir().unwrap();
    let campaign = Campaign::parse(CAMPAIGN).unwrap();
    let days = campaign.days();
    let (midnight_ms, close_ms) = (days[0].end_ms, days[1].end_ms);
    let clock = Arc::new(TestClock(AtomicI64::new(midnight_ms - 2)));

    let stack = Stack::start(dir.path(), &clock, &campaign).await;
    assert!(matches!(stack.cast(&clock, 1, 1).await, Cast::Durable(_)));
    assert!(matches!(stack.cast(&clock, 2, 1).await, Cast::Durable(_)));
    // A retry before midnight, with other choices: the first counts.
    assert!(matches!(stack.cast(&clock, 2, 2).await, Cast::Durable(_)));
    stack.crash().await;

    // The first instant of the next day, after a restart: the voters of yesterday vote again.
    clock.0.store(midnight_ms, Ordering::SeqCst);
    let stack = Stack::start(dir.path(), &clock, &campaign).await;
    assert!(matches!(stack.cast(&clock, 1, 2).await, Cast::Durable(_)));
    // An edge that had been slow: stamped before midnight, landing after, within the grace.
    append(&stack, &[ballot(3, 1, midnight_ms - 1), ballot(2, 1, midnight_ms - 1)]).await;
    let result = stack.result("both days", |d| d.outcomes.counted == 4).await;
    assert_eq!(day(&result.document, 0), (3, 2, 0, false));
    assert_eq!(day(&result.document, 1), (1, 0, 0, false));
    stack.crash().await;

    // The grace has passed while nothing ran: the next owner closes the day in every partition.
    clock.0.store(midnight_ms + 60_000, Ordering::SeqCst);
    let stack = Stack::start(dir.path(), &clock, &campaign).await;
    stack.result("the first day is closed", |d| d.days[0].closed).await;
    // Behind the close: late, although stamped in time, and although the voter is new.
    append(&stack, &[ballot(4, 1, midnight_ms - 1), ballot(5, 2, midnight_ms)]).await;
    let result = stack.result("the late one", |d| d.outcomes.late == 1).await;
    assert_eq!(day(&result.document, 0), (3, 2, 1, true));
    assert_eq!(day(&result.document, 1), (2, 0, 0, false));
    assert!(!result.document.is_final);

    // The last instant of the window, and the first after it.
    append(&stack, &[ballot(6, 1, close_ms - 1), ballot(7, 1, close_ms)]).await;
    let result = stack.result("the last in time", |d| d.outcomes.outside == 1).await;
    assert_eq!(day(&result.document, 1), (3, 0, 0, false));

    // The close: every partition becomes final, the idle ones too, and nothing moves after.
    stack.crash().await;
    clock.0.store(close_ms + 60_000, Ordering::SeqCst);
    let stack = Stack::start(dir.path(), &clock, &campaign).await;
    let result = stack.result("the final result", |d| d.is_final).await;
    assert_eq!(result.document.partitions.iter().filter(|p| p.is_final).count(), 4);
    append(&stack, &[ballot(8, 1, close_ms - 1)]).await;
    assert_eq!(stack.recount().await, result.json, "the recount differs");
    stack.crash().await;
    let stack = Stack::start(dir.path(), &clock, &campaign).await;
    let again = stack.result("the final result again", |d| d.is_final).await;
    assert_eq!(again.json, result.json);
    assert_eq!(again.document.days[1].day, VotingDay::new(2023, 12, 19).unwrap());
    stack.crash().await;
}

async fn append(stack: &Stack, ballots: &[Ballot]) {
    let mut batch = BatchBuilder::new(1);
    for ballot in ballots {
        batch.push(ballot);
    }
    let (latest_ms, value) = (batch.latest_ms(), Record::Batch(batch.finish()).encode());
    stack.journal.append(0, latest_ms, value).await.unwrap();
}
