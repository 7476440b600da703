//! The batcher's bounds and answers on the simulated journal, in paused time.
//!
//! A ballot is answered by its deadline, a permit is held for as long as it is under way and given
//! back once, and what is told is what the log says in the end.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::sync::Arc;
use std::time::Duration;

use ballot::{
    Ballot, ChoiceSet, Day, FOLD_VERSION, Receipt, Record, Risk, Rules, VoterId, VotingDay,
    words_for,
};
use ingest::{BatchLimits, Batcher, Cast};
use journal::simulated::{Cluster, Faults, Options, Random, Simulated};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const LATENCY_MS: u64 = 5;
const LINGER_MS: u64 = 50;
const DEADLINE_MS: u64 = 200;
const DAY_MS: i64 = 10_000;
const LIMITS: BatchLimits = BatchLimits {
    in_flight_max: 12,
    ballots_max: 5,
    records_max: 2,
    linger: Duration::from_millis(LINGER_MS),
    deadline: Duration::from_millis(DEADLINE_MS),
    remembered_max: 100,
};

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// A batcher of one partition, running. Dropped, it has crashed.
struct Edge {
    cluster: Cluster,
    batcher: Arc<Batcher<Simulated>>,
    today: VotingDay,
    casts: JoinSet<(Ballot, Cast, Duration)>,
    _running: JoinSet<()>,
}

impl Edge {
    fn new(seed: u64, faults: Faults) -> Self {
        Self::of(1, seed, faults)
    }

    fn of(partitions: u32, seed: u64, faults: Faults) -> Self {
        let write_latency_ms = LATENCY_MS..=LATENCY_MS;
        let late_ms = 50..=500;
        let options = Options { write_latency_ms, late_ms, faults, ..Options::default() };
        let cluster = Cluster::new(seed, partitions, options);
        let today = VotingDay::new(2023, 12, 18).unwrap();
        let start_ms = cluster.now_ms();
        let rules = Rules {
            journal: cluster.identity(),
            campaign: "batcher".to_owned(),
            partitions,
            choices: 20,
            choices_per_ballot_min: 1,
            choices_per_ballot_max: 10,
            days: vec![Day { day: today, start_ms, end_ms: start_ms + DAY_MS }],
            grace_ms: 60_000,
            fold_version: FOLD_VERSION,
            pseudonym_key: [7; 16],
        };
        assert_eq!(words_for(rules.choices), 1);
        let (_, rules) = watch::channel(Arc::new(rules));
        let batcher = Arc::new(Batcher::new(cluster.process("edge"), rules, LIMITS));
        let mut running = JoinSet::new();
        running.spawn(Arc::clone(&batcher).run());
        Self { cluster, batcher, today, casts: JoinSet::new(), _running: running }
    }

    /// Casts a ballot of voter `low` in the background; answers false if none is admitted.
    fn cast(&mut self, low: u64) -> bool {
        self.cast_by(VoterId { high: 0, low })
    }

    fn cast_by(&mut self, voter: VoterId) -> bool {
        let Some(permit) = self.batcher.admit() else { return false };
        let choices: ChoiceSet = [1 + u32::try_from(voter.low % 20).unwrap()].into_iter().collect();
        let ballot = Ballot { voter, choices, cast_at_ms: self.cluster.now_ms() };
        let batcher = Arc::clone(&self.batcher);
        self.casts.spawn(async move {
            let asked = Instant::now();
            let cast = batcher.cast(permit, &ballot, Risk::NONE).await;
            (ballot, cast, asked.elapsed())
        });
        true
    }

    /// The answers that have not been taken, by voter, with how long each took.
    async fn answers(&mut self) -> Vec<(Ballot, Cast, Duration)> {
        let mut answers = Vec::new();
        while let Some(answer) = self.casts.join_next().await {
            answers.push(answer.unwrap());
        }
        answers.sort_by_key(|(ballot, ..)| ballot.voter);
        answers
    }

    /// Once nothing is under way, exactly the bound is admitted.
    async fn check_permits(&self) {
        timeout(ms(60_000), self.batcher.settle()).await.expect("it settles");
        assert_eq!(self.batcher.in_flight(), 0);
        let permits: Vec<_> = std::iter::from_fn(|| self.batcher.admit()).collect();
        assert_eq!(permits.len(), LIMITS.in_flight_max);
    }

    fn remembers(&self, low: u64) -> Option<Receipt> {
        let known = self.batcher.acknowledged(VoterId { high: 0, low }, self.today);
        known.map(|known| known.receipt)
    }

    /// The log as batches of voters, each record at the time of its last ballot.
    fn log(&self) -> Vec<Vec<u64>> {
        let mut batches = Vec::new();
        for record in self.cluster.log(0) {
            let Ok(Record::Batch(batch)) = Record::decode(&record.value) else { continue };
            let newest_ms = batch.ballots().map(|ballot| ballot.cast_at_ms).max();
            assert_eq!(Some(record.timestamp_ms), newest_ms);
            batches.push(batch.ballots().map(|ballot| ballot.voter.low).collect());
        }
        batches
    }
}

#[tokio::test(start_paused = true)]
async fn a_lone_ballot_does_not_linger() {
    let mut edge = Edge::new(1, Faults::NONE);
    for low in 0..3 {
        assert!(edge.cast(low));
        let (ballot, cast, took) = edge.answers().await[0];
        assert!(matches!(cast, Cast::Durable(_)), "{ballot:?} {cast:?}");
        assert!(took <= ms(LATENCY_MS + 1), "it took {took:?}");
        sleep(ms(1)).await;
    }
    assert_eq!(edge.log(), [[0], [1], [2]]);
    edge.check_permits().await;
}

#[tokio::test(start_paused = true)]
async fn a_full_batch_is_sent_at_once_and_one_with_room_waits_for_company() {
    let mut edge = Edge::new(1, Faults::NONE);
    assert!(edge.cast(0));
    sleep(ms(1)).await;
    // Behind one in flight: five are a batch, two are not.
    (1..8).for_each(|low| assert!(edge.cast(low)));
    let answers = edge.answers().await;
    let took = |low: usize| answers[low].2;
    assert!((1..6).all(|low| took(low) <= ms(LATENCY_MS + 1)), "{answers:?}");
    let waited = ms(LINGER_MS)..=ms(LINGER_MS + LATENCY_MS + 2);
    assert!((6..8).all(|low| waited.contains(&took(low))), "{answers:?}");
    assert_eq!(edge.log(), [vec![0], vec![1, 2, 3, 4, 5], vec![6, 7]]);
    edge.check_permits().await;
}

#[tokio::test(start_paused = true)]
async fn what_waits_in_any_partition_is_sent_when_the_first_has_lingered() {
    let mut edge = Edge::of(4, 1, Faults::NONE);
    let voter = |partition: u64, low| {
        let voter = VoterId { high: partition << 62, low };
        assert_eq!(u64::from(voter.partition(4)), partition);
        voter
    };
    // In company, so that others are expected.
    assert!(edge.cast_by(voter(0, 0)) && edge.cast_by(voter(1, 0)));
    drop(edge.answers().await);
    for partition in 0..4 {
        assert!(edge.cast_by(voter(partition, 1)));
        sleep(ms(10)).await;
    }
    let answers = edge.answers().await;
    assert!(answers.iter().all(|(_, cast, _)| matches!(cast, Cast::Durable(_))), "{answers:?}");
    let took = |partition: usize| answers[partition].2;
    for (partition, after) in (0..4).zip([0, 10, 20, 30]) {
        let waited = ms(LINGER_MS - after)..=ms(LINGER_MS + LATENCY_MS + 2 - after);
        assert!(waited.contains(&took(partition)), "{partition}: {answers:?}");
    }
    edge.check_permits().await;
}

#[tokio::test(start_paused = true)]
async fn the_record_of_a_batch_is_as_new_as_its_newest_ballot() {
    let mut edge = Edge::new(1, Faults::NONE);
    edge.cluster.stall(ms(30));
    for low in 0..4 {
        assert!(edge.cast(low));
        sleep(ms(10)).await;
    }
    drop(edge.answers().await);
    assert_eq!(edge.log(), [vec![0], vec![1, 2, 3]]);
}

#[tokio::test(start_paused = true)]
async fn on_a_stalled_journal_what_was_sent_is_in_doubt_and_what_was_not_is_refused() {
    let mut edge = Edge::new(1, Faults::NONE);
    edge.cluster.stall(ms(1_000));
    // Two records are in flight: 0 alone, and 1 to 5. Of the others a full one and another wait.
    assert!(edge.cast(0));
    sleep(ms(10)).await;
    (1..6).for_each(|low| assert!(edge.cast(low)));
    sleep(ms(10)).await;
    (6..12).for_each(|low| assert!(edge.cast(low)));
    assert!(!edge.cast(12), "one more than the bound was admitted");
    let answers = edge.answers().await;
    for ((ballot, cast, took), low) in answers.iter().zip(0..) {
        let expected = if low < 6 { Cast::InDoubt } else { Cast::Refused };
        assert_eq!(*cast, expected, "{ballot:?}");
        assert!((ms(DEADLINE_MS)..=ms(DEADLINE_MS + 2)).contains(took), "{low} took {took:?}");
    }
    // What may be in the journal still counts; what cannot be does not.
    assert_eq!(edge.batcher.in_flight(), 6);
    edge.check_permits().await;
    let mut log = edge.log();
    log.sort();
    assert_eq!(log, [vec![0], vec![1, 2, 3, 4, 5]]);
    assert!((6..12).all(|low| edge.remembers(low).is_none()));
}

#[tokio::test(start_paused = true)]
async fn only_what_the_journal_acknowledged_is_remembered_and_only_for_its_day() {
    let all = |faults: fn(&mut Faults)| {
        let mut none = Faults::NONE;
        faults(&mut none);
        Edge::new(1, none)
    };
    let mut doubtful = all(|faults| faults.in_doubt_landed = 1_000);
    let mut refusing = all(|faults| faults.refused = 1_000);
    let mut sound = all(|_| {});
    for edge in [&mut doubtful, &mut refusing, &mut sound] {
        assert!(edge.cast(0));
    }
    assert_eq!(doubtful.answers().await[0].1, Cast::InDoubt);
    assert_eq!((doubtful.log(), doubtful.remembers(0)), (vec![vec![0]], None));
    assert_eq!(refusing.answers().await[0].1, Cast::Refused);
    assert_eq!((refusing.log(), refusing.remembers(0)), (vec![], None));
    let Cast::Durable(receipt) = sound.answers().await[0].1 else { unreachable!("no faults") };
    assert_eq!(sound.remembers(0), Some(receipt));
    sound.today = VotingDay::new(2023, 12, 19).unwrap();
    assert_eq!(sound.remembers(0), None);
}

/// Ballots come in bursts, stalls come and go, voters hang up, and everything fails now and then.
#[tokio::test(start_paused = true)]
async fn never_more_are_admitted_than_the_bound_and_every_permit_comes_back_once() {
    let mut full = 0;
    for seed in 0..300 {
        let mut random = Random::new(seed);
        let mut edge = Edge::new(seed, Faults::STORM);
        for low in 0..60 {
            if random.chance(50) {
                edge.cluster.stall(ms(random.below(400)));
            }
            let waiting = edge.casts.len();
            if edge.cast(low) {
                assert!(waiting < LIMITS.in_flight_max, "SEED={seed}: {waiting} wait already");
            } else {
                full += 1;
            }
            if random.chance(30) {
                // All who wait hang up; their permits are given back all the same.
                edge.casts = JoinSet::new();
            }
            if random.chance(500) {
                sleep(ms(random.below(20))).await;
            }
            while edge.casts.try_join_next().is_some() {}
        }
        let answers = edge.answers().await;
        let late = answers.iter().find(|(.., took)| *took > ms(DEADLINE_MS + 2));
        assert!(late.is_none(), "SEED={seed}: {late:?}");
        edge.check_permits().await;
    }
    assert!(full > 300, "the bound was reached {full} times");
}
