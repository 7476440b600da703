//! The embedded journal: what durability costs by the size of a record, and a recount of a file.
//!
//! An append is one record, one transaction and one fsync, each awaited before the next: the way of
//! a single partition's lane. The recount does what `weir recount` does with one thread, on a file
//! that the operating system has in its cache. Files are made under `target/`, on whatever disk
//! that is. `BENCH_BATCHES` (1,20,200,2000), `BENCH_RECOUNT` (2000000 ballots), `BENCH_RECORD`
//! (200 ballots a record of the recount).

use ballot::{Fold, VoterMap, voters_per_partition};
use benches::{PerBallot, Poll, criterion, list, number};
use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use futures_util::future::try_join_all;
use journal::{
    Clock as _, Embedded, EmbeddedOptions, Error, Journal as _, Reader as _, SystemClock,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};

const PARTITIONS: u32 = 16;
/// Appends in flight while a file is filled: they share transactions.
const FILLED_AT_ONCE: usize = 256;

fn main() {
    let mut criterion = criterion();
    append(&mut criterion);
    recount(&mut criterion);
    criterion.final_summary();
}

fn opened() -> (TempDir, Embedded, Runtime) {
    let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("target/ can be written");
    let options = EmbeddedOptions::new(dir.path(), "bench", PARTITIONS);
    let journal = Embedded::open(&options).expect("a new journal in an empty directory");
    let runtime = Builder::new_current_thread().enable_time().build();
    (dir, journal, runtime.expect("a runtime of this thread"))
}

fn poll() -> Poll {
    Poll::started(benches::yesterday(SystemClock.now_ms()))
}

fn append(criterion: &mut Criterion<PerBallot>) {
    let (_dir, journal, runtime) = opened();
    let (poll, identity) = (poll(), journal.identity());
    let mut group = criterion.benchmark_group("embedded append");
    group.sample_size(20);
    for size in list::<u32>("BENCH_BATCHES", &[1, 20, 200, 2_000], &[1, 20]) {
        let log = poll.log(&poll.rules(identity, 1), size as usize, size);
        let value = log.last().expect("rules and a batch").value.clone();
        group.throughput(Throughput::Elements(u64::from(size)));
        group.bench_function(BenchmarkId::from_parameter(size), |b| {
            b.iter(|| runtime.block_on(journal.append(0, 0, value.clone())).expect("room on disk"));
        });
    }
    group.finish();
    runtime.block_on(journal.close());
}

fn recount(criterion: &mut Criterion<PerBallot>) {
    let ballots = number::<usize>("BENCH_RECOUNT", 2_000_000, 10_000);
    let (_dir, journal, runtime) = opened();
    let poll = poll();
    let rules = poll.rules(journal.identity(), PARTITIONS);
    let log = poll.log(&rules, ballots, number("BENCH_RECORD", 200, 20));
    // Of a partition only a record at a time is in a chunk's way, so that offsets are the log's.
    for some in log.chunks(FILLED_AT_ONCE) {
        let appends = some.iter().map(|one| journal.append(one.partition, 0, one.value.clone()));
        runtime.block_on(try_join_all(appends)).expect("room on disk");
    }
    drop(log);
    let ballots = ballots as u64;
    let mut group = criterion.benchmark_group("recount");
    group
        .sample_size(10)
        .sampling_mode(SamplingMode::Flat)
        .throughput(Throughput::Elements(ballots));
    group.bench_function(BenchmarkId::from_parameter(ballots), |b| {
        b.iter(|| {
            let counted = runtime.block_on(recounted(&journal, ballots));
            assert_eq!(counted, Ok(ballots));
        });
    });
    group.finish();
    runtime.block_on(journal.close());
}

/// How many ballots count, partition after partition.
async fn recounted(journal: &Embedded, ballots: u64) -> Result<u64, Error> {
    let mut counted = 0;
    for partition in 0..PARTITIONS {
        let end = journal.bounds(partition).await?.end;
        let mut fold = Fold::new(journal.identity(), partition);
        let mut voters = VoterMap::new(voters_per_partition(ballots, PARTITIONS));
        let mut reader = journal.read(partition, 0);
        while fold.frontier() < end {
            for record in reader.next().await? {
                fold.apply(record.offset, &record.value, &mut voters)
                    .map_err(|stop| Error::Refused(stop.to_string()))?;
            }
        }
        counted += fold.outcomes().counted;
    }
    Ok(counted)
}
