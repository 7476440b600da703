//! Midnight and the close on real Kafka: three brokers, two edges and two aggregators whose clocks
//! differ by 1.5 s, and a leader that is killed around midnight.
//!
//! One process, because only a test may shift a clock; each edge and aggregator has connections of
//! its own. Every boundary is real time, near enough to be waited for.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "kafka_midnight/audit.rs"]
mod audit;
#[path = "kafka_midnight/kit.rs"]
mod kit;
#[path = "kafka_midnight/off_clock.rs"]
mod off_clock;
#[path = "kafka_midnight/process.rs"]
mod process;
#[path = "kafka_midnight/voters.rs"]
mod voters;

use std::sync::Arc;
use std::time::Duration;

use aggregator::{Phase, Statuses};
use ballot::{Ballot, Rules, TallyDocument};
use journal::{Clock as _, Kafka, KafkaCluster, KafkaOptions, SystemClock};
use tokio::task::spawn_blocking;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use audit::{Count, Fate, Ledger, read_log, recount};
use kit::{append_ballot, append_closes, founded, make_topics, two_days, until, until_clock};
use process::{Listening, Process};
use voters::{Answer, Attempt, IDLE, cast_steadily};

const CAMPAIGN: &str = "midnight";
const PARTITIONS: u32 = 4;
/// How far the clocks of the first edge and aggregator, and of the second, are ahead.
const AHEAD_MS: [i64; 2] = [-750, 750];
/// From the founding to midnight: four seconds to start, on a busy machine over twenty, and some
/// of ballots.
const TO_MIDNIGHT_MS: i64 = 34_000;
const SECOND_DAY_MS: i64 = 28_000;
/// How long before midnight the leader dies: its stall of three to five seconds lies across.
const KILLED_BEFORE_MS: i64 = 1_500;
/// How many acknowledged ballots an edge must have on a day for the day to be tested.
const STEADY: usize = 100;
const READY: Duration = Duration::from_secs(60);
/// Voters of nobody: the test puts their ballots into the log.
const STRANGER: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn days_end_in_the_log_by_clocks_that_differ_and_across_a_dead_leader() {
    let kafka = Arc::new(testkit::Kafka::start(3));
    let bootstrap = kafka.bootstrap();
    tokio::join!(
        midnight_and_the_close(&kafka),
        off_clock::a_process_five_seconds_off_takes_nothing_and_closes_nothing(&bootstrap),
    );
}

/// The processes of the campaign, and the test's own way to its log.
struct Running {
    journal: Kafka,
    rules: Rules,
    edges: [Process; 2],
    aggregators: [Process; 2],
    listening: Arc<[Listening; 2]>,
    statuses: [Statuses; 2],
}

impl Running {
    async fn start(bootstrap: &str) -> Self {
        let cluster = KafkaCluster::connect(KafkaOptions::new(bootstrap)).unwrap();
        make_topics(&cluster, CAMPAIGN, PARTITIONS).await;
        let now_ms = SystemClock.now_ms();
        let midnight_ms = now_ms + TO_MIDNIGHT_MS;
        let days = two_days(now_ms - 60_000, midnight_ms, midnight_ms + SECOND_DAY_MS);
        let (journal, rules) = founded(&cluster, CAMPAIGN, days).await;
        let start = |which: usize| Process::start(bootstrap, CAMPAIGN, AHEAD_MS[which]);
        let (a, b, c, d) = tokio::join!(start(0), start(1), start(0), start(1));
        let (mut edges, mut aggregators) = ([a, b], [c, d]);
        let [first, second] = &mut edges;
        let listening = Arc::new([first.listen(&rules).await, second.listen(&rules).await]);
        let statuses = aggregators.each_mut().map(Process::count);
        let running = Self { journal, rules, edges, aggregators, listening, statuses };
        until("ready edges", || running.listening.iter().all(|l| l.edge.complaints().is_empty()))
            .await;
        // Both own some, so that closes are written by both clocks.
        until("partitions shared out", || {
            let folding = running.statuses.each_ref().map(|of| of.all());
            folding.iter().all(|all| all.len() == 2)
                && folding.iter().flat_map(|all| all.values()).all(|s| s.phase == Phase::Folding)
        })
        .await;
        running
    }

    fn processes(&self) -> impl Iterator<Item = &Process> {
        self.edges.iter().chain(&self.aggregators)
    }

    /// Waits until every process serves a result like this, and answers one of them.
    async fn result(&self, what: &str, enough: impl Fn(&TallyDocument) -> bool) -> Vec<u8> {
        let mut found = Vec::new();
        for process in self.processes() {
            found.push(process.result(what, &enough).await.json.to_vec());
        }
        found.swap_remove(0)
    }

    /// A ballot of another stranger in each partition, cast at this time, straight into the log.
    async fn append_strangers(&self, low: u64, cast_at_ms: i64) {
        for partition in 0..u64::from(PARTITIONS) {
            let voter = kit::voter(partition, STRANGER + low);
            let ballot = Ballot { voter, choices: kit::choices(2), cast_at_ms };
            append_ballot(&self.journal, &self.rules, ballot).await;
        }
    }
}

async fn midnight_and_the_close(kafka: &Arc<testkit::Kafka>) {
    let running = Running::start(&kafka.bootstrap()).await;
    let (first, second) = (running.rules.days[0], running.rules.days[1]);
    let stop = CancellationToken::new();
    let casting = cast_steadily(Arc::clone(&running.listening), first.day, stop.clone());
    // Joined below; ends with this future if that fails.
    let casting = AbortOnDropHandle::new(tokio::spawn(casting));

    // Asked before the moment: on a busy machine the answer takes a while.
    let dead = leader(kafka);
    until_clock("the moment before midnight", first.end_ms - KILLED_BEFORE_MS).await;
    let cluster = Arc::clone(kafka);
    spawn_blocking(move || cluster.broker(dead).kill()).await.unwrap();
    assert!(SystemClock.now_ms() < first.end_ms, "the leader died too late");

    running.result("the first day's close", |document| document.days[0].closed).await;
    assert_ne!(leader(kafka), dead, "nobody else leads");
    // Behind the close: late, although cast in time by voters who are new. A repeat of the close,
    // as of another owner, does nothing.
    append_closes(&running.journal, &running.rules, &first).await;
    running.append_strangers(1, first.end_ms - 1).await;
    let all = u64::from(PARTITIONS);
    running.result("the late ones", |document| document.outcomes.late >= all).await;
    let cluster = Arc::clone(kafka);
    spawn_blocking(move || {
        cluster.broker(dead).start();
        cluster.broker(dead).wait_ready(READY);
    })
    .await
    .unwrap();

    until_clock("the close of both edges", second.end_ms + 1_500).await;
    stop.cancel();
    let attempts = casting.await.unwrap();
    let last = running.result("the final result", |document| document.is_final).await;
    nothing_moves_after(&running, &last).await;
    check(&running, &attempts, &last).await;
}

/// Further ballots and closes are seen by the owners and change nothing.
async fn nothing_moves_after(running: &Running, last: &[u8]) {
    let second = running.rules.days[1];
    running.append_strangers(2, second.end_ms - 1).await;
    append_closes(&running.journal, &running.rules, &second).await;
    until("what lies behind the close", || {
        let all = running.statuses.each_ref().map(Statuses::all);
        let seen = all.iter().flat_map(|all| all.values()).filter(|s| s.after_final >= 2);
        seen.count() == PARTITIONS as usize
    })
    .await;
    for process in running.processes() {
        assert_eq!(process.served().unwrap().json, last, "a final result moved, or differs");
    }
}

/// The log, counted by the fold and plainly, the served document and the voters' ledger agree.
async fn check(running: &Running, attempts: &[Attempt], last: &[u8]) {
    let (rules, document) = (&running.rules, &running.edges[0].served().unwrap().document);
    let log = read_log(&running.journal).await;
    assert_eq!(recount(rules, &log), last, "the recount differs");
    let count = Count::of(rules, &log);
    count.check_document(document);
    let ledger = Ledger::new(attempts);
    count.check_acknowledged(&ledger);
    count.check_sent(&ledger, |voter| voter.low >= STRANGER);
    ledger.check_refusals(rules);

    assert!(document.partitions.iter().all(|partition| partition.is_final));
    assert!(document.outcomes.ignored >= u64::from(PARTITIONS), "{:?}", document.outcomes);
    let days = [rules.days[0].day, rules.days[1].day];
    for (partition, day) in (0..PARTITIONS).flat_map(|p| days.map(|day| (p, day))) {
        // The owner's and the repeat; a second owner's is one more.
        let closes = count.closes.get(&(partition, day)).copied().unwrap_or_default();
        assert!(closes >= 2, "{closes} closes of {day} in partition {partition}");
    }
    // Late are the strangers alone, and the idle partition was idle.
    assert_eq!(count.number(days[0], Fate::Late), u64::from(PARTITIONS));
    assert_eq!(count.number(days[1], Fate::Late), 0);
    let of_voters = count.ballots.iter().filter(|(_, (ballot, ..))| ballot.voter.low < STRANGER);
    let on_second = |partition| {
        let here = of_voters.clone().filter(|(place, _)| place.partition == partition);
        here.filter(|(_, (_, day, _))| *day == days[1]).count()
    };
    assert_eq!(on_second(IDLE), 0);
    assert!((0..IDLE).all(|partition| on_second(partition) > 0));
    assert!(count.counted_on_both(days) >= STEADY, "{} on both", count.counted_on_both(days));

    for (edge, day) in [0, 1].into_iter().flat_map(|edge| days.map(|day| (edge, day))) {
        let accepted = ledger.accepted(edge, day);
        assert!(accepted >= STEADY, "edge {edge} acknowledged {accepted} ballots of {day}");
    }
    let answers = |code| attempts.iter().filter(|a| a.answer.is_refused_as(code)).count();
    assert!(answers("closed") > 0, "nobody came after the end");
    let waited = attempts.iter().filter(|attempt| {
        let true_ms = attempt.answered_ms - AHEAD_MS[attempt.edge];
        true_ms >= rules.days[0].end_ms
            && matches!(attempt.answer, Answer::Accepted(_, day) if day == days[0])
            && attempt.sent_ms < rules.days[0].end_ms
    });
    let waited = waited.count();
    assert!(waited > 0, "no ballot of the first day waited for the new leader past midnight");
    eprintln!(
        "{} attempts: {} counted, {waited} acknowledged after midnight for the day before, {} \
         in doubt or refused and sent again",
        attempts.len(),
        document.ballots,
        answers("journal_unavailable")
    );
}

/// Which broker leads partition 0 of the ballots, by what the brokers say: who came last.
fn leader(kafka: &testkit::Kafka) -> usize {
    let says = format!("Leader ballots.{CAMPAIGN}-0 with topic id ");
    let epoch = |line: &str| -> Option<u64> {
        let (_, after) = line.split_once(&says)?.1.split_once("starts at leader epoch ")?;
        after.split(' ').next()?.parse().ok()
    };
    let running = kafka.brokers().iter();
    let led = running.filter_map(|broker| {
        broker.log().lines().filter_map(epoch).max().map(|epoch| (epoch, broker.number()))
    });
    led.max().expect("a broker that says it leads").1
}
