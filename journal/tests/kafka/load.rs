//! Appends at a steady rate to every partition, each of its own value and never repeated, and the
//! comparison of what was answered with what the log holds.

#![allow(dead_code, reason = "each test crate uses the load its own way")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use journal::{AppendError, Journal, Kafka};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, interval};

use crate::conformance::{BASE_MS, read_some, value};

/// An append to each partition so often.
const EVERY: Duration = Duration::from_millis(10);
/// How long a state may take to come: elections, restarts, full in-sync replicas.
pub(crate) const SOON: Duration = Duration::from_secs(90);

/// What became of one append.
#[derive(Debug)]
pub(crate) struct Outcome {
    partition: u32,
    number: u64,
    fate: Result<u64, AppendError>,
    asked: Instant,
    answered: Instant,
}

/// How many appends of each partition have had which fate.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    pub(crate) acknowledged: Vec<u64>,
    pub(crate) in_doubt: Vec<u64>,
}

/// A load that runs.
pub(crate) struct Load {
    stopped: Arc<AtomicBool>,
    counts: watch::Receiver<Counts>,
    task: JoinHandle<Vec<Outcome>>,
}

impl Load {
    pub(crate) fn start(journal: &Kafka) -> Self {
        let none = vec![0; usize::try_from(journal.partitions()).unwrap()];
        let none = Counts { acknowledged: none.clone(), in_doubt: none };
        let (sender, counts) = watch::channel(none);
        let stopped = Arc::new(AtomicBool::new(false));
        let running = run(journal.clone(), sender, Arc::clone(&stopped));
        Self { stopped, counts, task: tokio::spawn(running) }
    }

    pub(crate) fn counts(&self) -> Counts {
        self.counts.borrow().clone()
    }

    /// Waits until the counts are so.
    pub(crate) async fn until(&mut self, what: &str, is_so: impl FnMut(&Counts) -> bool) {
        let waiting = tokio::time::timeout(SOON, self.counts.wait_for(is_so)).await;
        let waited = waiting.map(|counts| counts.is_ok());
        assert_eq!(waited, Ok(true), "waited too long: {what}");
    }

    /// Waits until every partition has so many more acknowledgements than now.
    pub(crate) async fn until_more(&mut self, more: u64, what: &str) {
        let now = self.counts().acknowledged;
        let every = |counts: &Counts| {
            counts.acknowledged.iter().zip(&now).all(|(count, before)| *count >= before + more)
        };
        self.until(what, every).await;
    }

    /// Stops, and answers every append's fate.
    pub(crate) async fn finish(self) -> Vec<Outcome> {
        self.stopped.store(true, Ordering::SeqCst);
        self.task.await.unwrap()
    }
}

async fn run(
    journal: Kafka,
    counts: watch::Sender<Counts>,
    stopped: Arc<AtomicBool>,
) -> Vec<Outcome> {
    let (mut appends, mut outcomes) = (JoinSet::new(), Vec::new());
    let mut ticks = interval(EVERY);
    for number in 0.. {
        ticks.tick().await;
        if stopped.load(Ordering::SeqCst) {
            break;
        }
        for partition in 0..journal.partitions() {
            let journal = journal.clone();
            appends.spawn(async move {
                let asked = Instant::now();
                let fate = journal.append(partition, BASE_MS, value(number)).await;
                Outcome { partition, number, fate, asked, answered: Instant::now() }
            });
        }
        while let Some(outcome) = appends.try_join_next() {
            outcomes.push(counted(outcome.unwrap(), &counts));
        }
    }
    while let Some(outcome) = appends.join_next().await {
        outcomes.push(counted(outcome.unwrap(), &counts));
    }
    outcomes
}

fn counted(outcome: Outcome, counts: &watch::Sender<Counts>) -> Outcome {
    let partition = usize::try_from(outcome.partition).unwrap();
    counts.send_modify(|counts| match outcome.fate {
        Ok(_) => counts.acknowledged[partition] += 1,
        Err(AppendError::InDoubt(_)) => counts.in_doubt[partition] += 1,
        Err(AppendError::Refused(_)) => {}
    });
    outcome
}

/// Compares every fate with the log: acknowledged is there once and where it was told, refused is
/// not there, in doubt is there at most once (unless brokers were away for very long); and nothing
/// else is there. Prints what it was.
pub(crate) async fn compare(journal: &Kafka, outcomes: &[Outcome], append_timeout: Duration) {
    let mut found: BTreeMap<(u32, Bytes), Vec<u64>> = BTreeMap::new();
    for partition in 0..journal.partitions() {
        let end = journal.bounds(partition).await.unwrap().end;
        let mut reader = journal.read(partition, 0);
        for record in read_some(&mut reader, usize::try_from(end).unwrap()).await {
            found.entry((partition, record.value)).or_default().push(record.offset);
        }
    }
    let gap = longest_gap(outcomes);
    eprintln!("longest time between two acknowledgements of a partition: {gap:?}");
    // After that the producer gives records up, and may number anew what is on its way.
    let is_short = gap + Duration::from_secs(1) < append_timeout * 3;
    let (mut acknowledged, mut refused, mut gone, mut late) = (0, 0, 0, 0);
    for outcome in outcomes {
        let took = outcome.answered - outcome.asked;
        assert!(took < append_timeout + Duration::from_secs(1), "{outcome:?} took {took:?}");
        let places = found.remove(&(outcome.partition, value(outcome.number))).unwrap_or_default();
        match &outcome.fate {
            Ok(offset) => assert_eq!(places, [*offset], "{outcome:?}"),
            Err(AppendError::Refused(_)) => assert!(places.is_empty(), "{outcome:?}: {places:?}"),
            Err(AppendError::InDoubt(_)) => {
                assert!(places.len() <= 1 || !is_short, "{outcome:?}: {places:?}");
            }
        }
        match &outcome.fate {
            Ok(_) => acknowledged += 1,
            Err(AppendError::Refused(_)) => refused += 1,
            Err(AppendError::InDoubt(_)) if places.is_empty() => gone += 1,
            Err(AppendError::InDoubt(_)) => late += 1,
        }
    }
    assert!(found.is_empty(), "nobody appended {found:?}");
    eprintln!(
        "{acknowledged} acknowledged, {late} in doubt and in the log, {gone} in doubt and not, \
         {refused} refused"
    );
}

/// The longest time that a partition went without an acknowledgement.
fn longest_gap(outcomes: &[Outcome]) -> Duration {
    let mut times: BTreeMap<u32, Vec<Instant>> = BTreeMap::new();
    for outcome in outcomes.iter().filter(|outcome| outcome.fate.is_ok()) {
        times.entry(outcome.partition).or_default().push(outcome.answered);
    }
    let gaps = times.into_values().filter_map(|mut times| {
        times.sort_unstable();
        times.windows(2).map(|pair| pair[1] - pair[0]).max()
    });
    gaps.max().unwrap_or_default()
}
