//! What can be seen of the counting from outside: the tally's frontiers, how long each stands
//! still, and what an aggregator is doing with each of its partitions.
//!
//! Everything is as somebody sees it who asks every few milliseconds, so also the time that a
//! snapshot takes to be published and read is in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use benches::Error;
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::http::{Client, until};
use crate::server::Server;

/// Between two looks at the result.
const POLL: Duration = Duration::from_millis(10);

/// A tally: ballots counted, and every partition's frontier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) ballots: u64,
    pub(crate) frontiers: Vec<u64>,
}

impl Tally {
    pub(crate) async fn of(client: &mut Client, path: &str) -> Option<Self> {
        let tally: Value = client.json(path).await?;
        let partitions = tally["partitions"].as_array()?.iter();
        let frontiers = partitions.map(|one| one["frontier"].as_u64()).collect::<Option<_>>()?;
        Some(Self { ballots: tally["ballots"].as_u64()?, frontiers })
    }

    /// Waits until so many ballots are in a server's tally, and no others.
    pub(crate) async fn reached(
        server: &Server,
        path: &str,
        ballots: u64,
        within: Duration,
    ) -> Result<(), Error> {
        let mut client = Client::new(&server.api);
        let what = format!("{ballots} ballots in the tally");
        let reached = until(&what, within, async || {
            Self::of(&mut client, path).await.filter(|tally| tally.ballots >= ballots)
        });
        let found = reached.await.map_err(|error| server.explained(&*error))?.ballots;
        if found == ballots {
            return Ok(());
        }
        Err(format!("{ballots} ballots were cast, {found} were counted").into())
    }
}

/// What a process works on, by what its metrics say.
#[derive(Debug, Clone, Default)]
pub(crate) struct Share {
    pub(crate) all: BTreeSet<u32>,
    pub(crate) folding: BTreeSet<u32>,
}

impl Share {
    /// `None` if the process does not answer.
    pub(crate) async fn of(client: &mut Client) -> Option<Self> {
        let metrics = client.ask("/metrics").await.filter(|answer| answer.status == 200)?;
        let mut share = Self::default();
        for line in String::from_utf8_lossy(&metrics.body).lines() {
            let Some(series) = line.strip_prefix("weir_partition_phase{") else { continue };
            let label = |name: &str| series.split(name).nth(1)?.split('"').nth(1);
            let Some(partition) = label("partition=").and_then(|text| text.parse().ok()) else {
                continue;
            };
            share.all.insert(partition);
            if label("phase=") == Some("folding") && line.ends_with(" 1") {
                share.folding.insert(partition);
            }
        }
        Some(share)
    }
}

/// Watches a tally until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    seen: Arc<Mutex<Seen>>,
    /// Ended by being aborted, with this.
    task: JoinHandle<()>,
}

#[derive(Debug, Default)]
struct Seen {
    frontiers: BTreeMap<u32, u64>,
    moved: BTreeMap<u32, Instant>,
    longest: BTreeMap<u32, Duration>,
}

impl Watch {
    pub(crate) fn start(api: &str, path: &str) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (shared, mut client, path) = (Arc::clone(&seen), Client::new(api), path.to_owned());
        let task = tokio::spawn(async move {
            loop {
                if let Some(tally) = Tally::of(&mut client, &path).await {
                    lock(&shared).look(&tally.frontiers);
                }
                sleep(POLL).await;
            }
        });
        Self { seen, task }
    }

    /// From now on standstills are measured anew.
    pub(crate) fn reset(&self) {
        let mut seen = lock(&self.seen);
        let now = Instant::now();
        seen.longest.clear();
        seen.moved.values_mut().for_each(|moved| *moved = now);
    }

    pub(crate) fn frontiers(&self) -> BTreeMap<u32, u64> {
        lock(&self.seen).frontiers.clone()
    }

    /// How long that one of these partitions stood still that stood longest, up to its last move.
    pub(crate) fn longest(&self, partitions: &BTreeSet<u32>) -> Duration {
        let seen = lock(&self.seen);
        let longest = seen.longest.iter().filter(|(partition, _)| partitions.contains(partition));
        longest.map(|(_, stood)| *stood).max().unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Seen {
    fn look(&mut self, frontiers: &[u64]) {
        let now = Instant::now();
        for (partition, &frontier) in (0..).zip(frontiers) {
            if self.frontiers.insert(partition, frontier) == Some(frontier) {
                continue;
            }
            let stood = self.moved.insert(partition, now).map_or(Duration::ZERO, |at| now - at);
            let longest = self.longest.entry(partition).or_default();
            *longest = stood.max(*longest);
        }
    }
}
