//! One day, folded from its first ballot into empty sets; then its last tenth once more, as voters
//! that come again.
//!
//! Only folding is timed: wall-clock time of one thread, which nothing else should disturb. Never
//! here: more of the log than a chunk.

use std::fs;
use std::hint::black_box;
use std::time::Duration;

use aggregator::VoterSets;
use ballot::{Ballot, Fold, JournalId, Record, Rules, Voters, voters_per_partition};
use benches::{Ballots, Error, LogWriter, Logged, Poll, resident_kib, say, told, yesterday};
use journal::{Clock as _, SystemClock};
use tokio::time::Instant;

use crate::{LIMIT, PARTITIONS, RECORD, VOTERS};

const JOURNAL: JournalId = JournalId([1; 16]);

/// How many records are made before they are folded: 640 kB of 200 ballots each, which take about a
/// millisecond. Of no weight beside the sets, and far more than the clock's steps.
const CHUNK_RECORDS: usize = 100;

/// Folds the day it is told and says the figures that [`crate::report::line`] shows.
pub(crate) fn run() -> Result<(), Error> {
    let voters: u64 = told(VOTERS)?;
    let poll = Poll::started(yesterday(SystemClock.now_ms()));
    let rules = poll.rules(JOURNAL, PARTITIONS);
    let mut writer = LogWriter::new(&rules, told(RECORD)?);
    let mut ballots = Ballots::new(1, poll.campaign.opens_at_ms);
    // What a chunk takes is there before memory is measured.
    let mut others = LogWriter::new(&rules, told(RECORD)?);
    drop(black_box(others.records(ballots.clone()).take(CHUNK_RECORDS).collect::<Vec<_>>()));

    let pid = std::process::id();
    let [before_kib, _] = resident_kib(pid)?;
    let sets = VoterSets::new(voters_per_partition(told(LIMIT)?, PARTITIONS));
    let folds = (0..PARTITIONS).map(|at| (Fold::new(JOURNAL, at), sets.assign(at))).collect();
    let mut day = Day { folds, chunk: Vec::with_capacity(CHUNK_RECORDS) };
    day.begin(&rules);
    let last_tenth = usize::try_from(voters / 10)?;
    let first = usize::try_from(voters)? - last_tenth;
    let first_took = day.fold_all(&mut writer, ballots.by_ref().take(first));
    let again = ballots.clone();
    let last_took = day.fold_all(&mut writer, ballots.take(last_tenth));
    let [resident_kib, peak_kib] = resident_kib(pid)?;
    let again_took = day.fold_all(&mut writer, again.take(last_tenth));

    let outcomes = day.folds.iter().map(|(fold, _)| fold.outcomes());
    let became = outcomes.fold((0, 0), |sum, one| (sum.0 + one.counted, sum.1 + one.duplicate));
    if became != (voters, voters / 10) {
        return Err(format!("of {voters} voters {became:?} counted and came again").into());
    }
    let reserved: usize = (0..PARTITIONS).map(|at| sets.size(at).1).sum();
    let [whole, last, again] =
        [first_took + last_took, last_took, again_took].map(|took| took.as_nanos());
    let [now, peak] = [resident_kib, peak_kib].map(|kib| kib.saturating_sub(before_kib));
    let waited = waited_percent()?;
    say(&format!("folded {whole} {last} {again} {reserved} {now} {peak} {waited}"))
}

/// How much of its time this thread was ready and had no core, which a clock on the wall counts:
/// time on one and time in wait of one are the first two of `/proc/PID/schedstat`.
fn waited_percent() -> Result<u64, Error> {
    let text = fs::read_to_string("/proc/thread-self/schedstat")?;
    let numbers: Vec<u64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    match numbers[..] {
        [ran, waited, _] => Ok(waited * 100 / (ran + waited).max(1)),
        [..] => Err("the times of this thread cannot be read".into()),
    }
}

/// A fold for each partition with its part of the sets, as the aggregator's workers have them.
struct Day<V> {
    folds: Vec<(Fold, V)>,
    chunk: Vec<Logged>,
}

impl<V: Voters> Day<V> {
    /// Every partition begins with the rules.
    fn begin(&mut self, rules: &Rules) {
        let value = Record::Rules(rules.clone()).encode();
        let first = |partition| Logged { partition, offset: 0, value: value.clone() };
        self.chunk.extend((0..rules.partitions).map(first));
        self.fold_chunk();
    }

    /// Folds ballots, to the last one; how long the folding alone took.
    fn fold_all(
        &mut self,
        writer: &mut LogWriter,
        ballots: impl Iterator<Item = Ballot>,
    ) -> Duration {
        let mut took = Duration::ZERO;
        let mut records = writer.records(ballots);
        loop {
            self.chunk.extend(records.by_ref().take(CHUNK_RECORDS));
            if self.chunk.is_empty() {
                break;
            }
            took += self.fold_chunk();
        }
        drop(records);
        self.chunk.extend(writer.rest());
        took + self.fold_chunk()
    }

    fn fold_chunk(&mut self) -> Duration {
        let began = Instant::now();
        for Logged { partition, offset, value } in &self.chunk {
            let (fold, voters) = &mut self.folds[*partition as usize];
            fold.apply(*offset, value, voters).expect("a sound log into sets with room");
        }
        let took = began.elapsed();
        self.chunk.clear();
        took
    }
}
