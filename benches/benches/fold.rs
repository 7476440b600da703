//! The fold of a day, per ballot: with the aggregator's own dedup, and with one dashmap entry per
//! voter in its place.
//!
//! Each iteration folds a whole day from its first ballot into empty sets, digest included, so a
//! figure is the mean over a day that grows to so many voters, and memory that becomes resident on
//! the way is paid for in it. 16 partitions on one thread, records taken in turn. `BENCH_VOTERS`
//! (1000000,10000000) says how many voters, `BENCH_RECORD` (200) how many ballots a record has.

use std::hash::BuildHasherDefault;
use std::hint::black_box;

use aggregator::VoterSets;
use ballot::{
    DayTally, Digest, Fold, JournalId, Record, Rules, Verdict, VoterHasher, VoterId, Voters,
    voters_per_partition,
};
use benches::{Logged, PerBallot, Poll, criterion, list, number};
use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode, Throughput};
use dashmap::DashMap;
use journal::{Clock as _, SystemClock};

const PARTITIONS: u32 = 16;
const JOURNAL: JournalId = JournalId([1; 16]);

fn main() {
    let mut criterion = criterion();
    fold(&mut criterion);
    criterion.final_summary();
}

fn fold(criterion: &mut Criterion<PerBallot>) {
    let poll = Poll::started(benches::yesterday(SystemClock.now_ms()));
    let rules = poll.rules(JOURNAL, PARTITIONS);
    let per_record = number("BENCH_RECORD", 200, 20);
    let mut group = criterion.benchmark_group("fold");
    // A sample is one day, which takes up to seconds; ten are the fewest that criterion takes.
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    for voters in list::<usize>("BENCH_VOTERS", &[1_000_000, 10_000_000], &[10_000]) {
        let log = poll.log(&rules, voters, per_record);
        let voters = voters as u64;
        group.throughput(Throughput::Elements(voters));
        group.bench_function(BenchmarkId::new("a dashmap of voter sets", voters), |b| {
            let routine = |day: &mut Vec<_>| assert_eq!(fold_day(day, &log), voters);
            b.iter_batched_ref(|| day_of_sets(voters), routine, BatchSize::PerIteration);
        });
        group.bench_function(BenchmarkId::new("a dashmap entry per voter", voters), |b| {
            let routine = |day: &mut Entries| assert_eq!(day.fold(&rules, &log), voters);
            b.iter_batched_ref(|| Entries::new(voters), routine, BatchSize::PerIteration);
        });
    }
    group.finish();
}

/// A fold for each partition with its part of the sets, as the aggregator's workers have them.
fn day_of_sets(voters: u64) -> Vec<(Fold, impl Voters)> {
    let sets = VoterSets::new(voters_per_partition(voters, PARTITIONS));
    (0..PARTITIONS).map(|at| (Fold::new(JOURNAL, at), sets.assign(at))).collect()
}

/// How many ballots counted.
fn fold_day(day: &mut [(Fold, impl Voters)], log: &[Logged]) -> u64 {
    for Logged { partition, offset, value } in black_box(log) {
        let (fold, voters) = &mut day[*partition as usize];
        fold.apply(*offset, value, voters).expect("a sound log into sets with room");
    }
    day.iter().map(|(fold, _)| fold.outcomes().counted).sum()
}

/// The same work around another dedup: decode, judge, mark, tally, digest.
struct Entries {
    voters: DashMap<VoterId, (), BuildHasherDefault<VoterHasher>>,
    partitions: Vec<(DayTally, Digest)>,
}

impl Entries {
    fn new(voters: u64) -> Self {
        let voters = usize::try_from(voters).unwrap_or(usize::MAX);
        let partitions = (0..PARTITIONS).map(|_| (DayTally::new(20), Digest::default()));
        Self {
            voters: DashMap::with_capacity_and_hasher(voters, BuildHasherDefault::default()),
            partitions: partitions.collect(),
        }
    }

    fn fold(&mut self, rules: &Rules, log: &[Logged]) -> u64 {
        for Logged { partition, value, .. } in black_box(log) {
            let (tally, digest) = &mut self.partitions[*partition as usize];
            if let Ok(Record::Batch(batch)) = Record::decode(value) {
                for ballot in batch.ballots() {
                    match rules.judge(*partition, &ballot) {
                        Verdict::Valid(_) if self.voters.insert(ballot.voter, ()).is_none() => {
                            tally.count(&ballot.choices);
                        }
                        Verdict::Valid(_) => tally.duplicates += 1,
                        Verdict::Misrouted | Verdict::Outside | Verdict::Invalid => {}
                    }
                }
            }
            digest.push(value);
        }
        self.partitions.iter().map(|(tally, _)| tally.ballots).sum()
    }
}
