//! What both stories share: clocks that are off, campaigns founded on real Kafka, their ballots,
//! and waiting for a state with a deadline.
//!
//! The window of a campaign lies around now, because the brokers' clock is the machine's.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use aggregator::found;
use ballot::{
    Ballot, BatchBuilder, ChoiceSet, Close, Day, FOLD_VERSION, JournalId, Record, Rules, VoterId,
    VotingDay,
};
use journal::{Clock, Error, Journal as _, Kafka, KafkaCluster, SystemClock};
use tokio::time::{sleep, timeout};

/// More than a ballot's deadline of 5 s and twice the allowed distance of a clock.
pub(crate) const GRACE_MS: u64 = 10_000;
pub(crate) const CLOCK_OFFSET_MS_MAX: i64 = 2_000;
/// When a state is given up. The longest wait is that for a close, more than the grace.
const PATIENCE: Duration = Duration::from_secs(45);
/// How often a state that cannot be waited for is looked at.
const POLL: Duration = Duration::from_millis(20);

/// The machine's clock, put forward. It counts how often it is read.
#[derive(Debug)]
pub(crate) struct ShiftedClock {
    ahead_ms: Arc<AtomicI64>,
    reads: AtomicU64,
}

impl ShiftedClock {
    pub(crate) fn new(ahead_ms: i64) -> Self {
        Self { ahead_ms: Arc::new(AtomicI64::new(ahead_ms)), reads: AtomicU64::new(0) }
    }

    /// The same clock, read by somebody else.
    pub(crate) fn shared(&self) -> Self {
        Self { ahead_ms: Arc::clone(&self.ahead_ms), reads: AtomicU64::new(0) }
    }

    /// Puts it right.
    pub(crate) fn correct(&self) {
        self.ahead_ms.store(0, Ordering::SeqCst);
    }

    pub(crate) fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

impl Clock for ShiftedClock {
    fn now_ms(&self) -> i64 {
        self.reads.fetch_add(1, Ordering::SeqCst);
        SystemClock.now_ms() + self.ahead_ms.load(Ordering::SeqCst)
    }
}

/// Two voting days: when the first begins, and when each ends.
pub(crate) fn two_days(start_ms: i64, midnight_ms: i64, end_ms: i64) -> [Day; 2] {
    let day = |day, start_ms, end_ms| {
        let day = VotingDay::new(2023, 12, day).unwrap();
        Day { day, start_ms, end_ms }
    };
    [day(18, start_ms, midnight_ms), day(19, midnight_ms, end_ms)]
}

/// Makes a campaign's topics with three replicas each.
pub(crate) async fn make_topics(cluster: &KafkaCluster, campaign: &str, partitions: u32) {
    assert_eq!(cluster.create_topics(campaign, Some(partitions), 3).await, Ok(true));
    known("topics as they must be", || cluster.check_topics(campaign, 3)).await;
}

/// What is true of topics that were made a moment ago: a broker may not have heard of them yet.
pub(crate) async fn known<T, F: Future<Output = Result<T, Error>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> T {
    let asking = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => eprintln!("{what}: not yet: {error}"),
            }
            sleep(POLL).await;
        }
    };
    timeout(PATIENCE, asking).await.unwrap_or_else(|_| panic!("never: {what}"))
}

/// Writes the rules into topics that are there.
pub(crate) async fn founded(
    cluster: &KafkaCluster,
    campaign: &str,
    days: [Day; 2],
) -> (Kafka, Rules) {
    let identity = JournalId([9; 16]);
    let journal = known("empty topics", || cluster.founding(campaign, identity)).await;
    let rules = Rules {
        journal: journal.identity(),
        campaign: campaign.to_owned(),
        partitions: journal.partitions(),
        choices: 2,
        choices_per_ballot_min: 1,
        choices_per_ballot_max: 1,
        days: days.to_vec(),
        grace_ms: GRACE_MS,
        fold_version: FOLD_VERSION,
        pseudonym_key: [7; 16],
    };
    assert!(rules.is_consistent());
    found(&journal, &rules, SystemClock.now_ms()).await.unwrap();
    (journal, rules)
}

/// A voter of a partition out of four.
pub(crate) fn voter(partition: u64, low: u64) -> VoterId {
    VoterId { high: partition << 62, low }
}

pub(crate) fn choices(choice: u32) -> ChoiceSet {
    [choice].into_iter().collect()
}

/// Puts a ballot into the log past every edge.
pub(crate) async fn append_ballot(journal: &Kafka, rules: &Rules, ballot: Ballot) {
    let mut batch = BatchBuilder::new(1);
    batch.push(&ballot);
    let value = Record::Batch(batch.finish()).encode();
    let partition = ballot.voter.partition(rules.partitions);
    journal.append(partition, ballot.cast_at_ms, value).await.unwrap();
}

/// Puts a close record into every partition, as an owner does whose clock is a little later.
pub(crate) async fn append_closes(journal: &Kafka, rules: &Rules, day: &Day) {
    let clock_ms = rules.closable_at_ms(day) + 1_234;
    let close = Close { day: day.day, instant_ms: day.end_ms, clock_ms };
    for partition in 0..rules.partitions {
        journal.append(partition, clock_ms, Record::Close(close).encode()).await.unwrap();
    }
}

/// Waits for a state.
pub(crate) async fn until(what: &str, mut state: impl FnMut() -> bool) {
    let wait = async {
        while !state() {
            sleep(POLL).await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// Waits until the machine's clock has passed an instant.
pub(crate) async fn until_clock(what: &str, at_ms: i64) {
    until(what, || SystemClock.now_ms() >= at_ms).await;
}
