//! A sending thread: its runtime, its connections, and the ballots that wait to be sent again.
//!
//! Invariant: everything here stays on one thread, so nothing of it is locked but the inbox and
//! the meter. Never here: what a request says; see `sending`.

use std::cell::RefCell;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::select;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, interval};

use super::inbox::{Inbox, Job};
use super::pool::Pool;
use super::{Meter, Sample, Shared};
use crate::random::Random;

/// The stream of the seed that waits and samples draw from.
pub(super) const STREAM: u64 = 6;
/// How often it looks for ballots to be sent again when nothing else wakes it.
const TICK: Duration = Duration::from_millis(5);
/// Ballots that wait to be sent again: 100 bytes each. Beyond, one is given up and stays in doubt.
const AGAIN_MAX: usize = 1 << 18;
/// Acknowledgements that a thread keeps as a sample.
const SAMPLES_MAX: usize = 500;

/// A sending thread before it runs.
pub(super) struct Worker {
    shared: Arc<Shared>,
    meter: Arc<Meter>,
    inbox: Arc<Inbox>,
    random: Random,
}

/// What the tasks of the thread share.
pub(super) struct Local {
    pub(super) shared: Arc<Shared>,
    pub(super) meter: Arc<Meter>,
    pub(super) pools: Vec<Pool>,
    again: RefCell<Again>,
    random: RefCell<Random>,
    samples: RefCell<Samples>,
}

/// Ballots by when they are sent again; the number keeps those of one instant in order.
#[derive(Default)]
struct Again {
    jobs: BinaryHeap<Reverse<Due>>,
    number: u64,
}

struct Due {
    at: (Instant, u64),
    job: Job,
}

#[derive(Default)]
struct Samples {
    kept: Vec<Sample>,
    seen: u64,
}

impl Worker {
    pub(super) fn new(
        shared: &Arc<Shared>,
        meter: &Arc<Meter>,
        inbox: &Arc<Inbox>,
        random: Random,
    ) -> Self {
        let (meter, inbox) = (Arc::clone(meter), Arc::clone(inbox));
        Self { shared: Arc::clone(shared), meter, inbox, random }
    }

    /// Sends with so many connections to each edge until the load ends.
    pub(super) fn run(self, runtime: &tokio::runtime::Runtime, connections: usize) -> Vec<Sample> {
        let pools = self.shared.edges.iter().map(|_| Pool::default()).collect();
        let local = Rc::new(Local {
            shared: self.shared,
            meter: self.meter,
            pools,
            again: RefCell::default(),
            random: RefCell::new(self.random),
            samples: RefCell::default(),
        });
        LocalSet::new().block_on(runtime, async {
            // Joined below.
            let mut tasks = JoinSet::new();
            for edge in 0..local.pools.len() {
                for _ in 0..connections {
                    tasks.spawn_local(Rc::clone(&local).serve(edge));
                }
            }
            local.dispatch(&self.inbox).await;
            while tasks.join_next().await.is_some() {}
        });
        local.samples.take().kept
    }
}

impl Local {
    /// Brings requests to their edges' pools until the load ends.
    async fn dispatch(&self, inbox: &Inbox) {
        let mut jobs = Vec::new();
        let mut ticks = interval(TICK);
        loop {
            // Biased, and nothing starves: whichever it is, everything is looked at.
            select! {
                biased;
                () = inbox.filled() => {}
                _ = ticks.tick() => {}
            }
            inbox.take(&mut jobs);
            for job in jobs.drain(..) {
                self.pool(&job).put(job);
            }
            let now = Instant::now();
            self.bring_again(now);
            for pool in &self.pools {
                while let Some(job) = pool.overdue(now) {
                    self.overdue(&job);
                }
            }
            if self.shared.ended.load(Ordering::Relaxed) {
                break;
            }
        }
        for pool in &self.pools {
            let left = pool.end() as u64;
            self.shared.pending.fetch_sub(left, Ordering::SeqCst);
        }
    }

    fn pool(&self, job: &Job) -> &Pool {
        let edge = job.cast.edge % self.pools.len() as u64;
        &self.pools[usize::try_from(edge).unwrap_or(0)]
    }

    /// A request that no connection was free for in time: it is not sent at all.
    pub(super) fn overdue(&self, job: &Job) {
        self.meter.overdue(job.second);
        self.settled();
    }

    /// A request has its last outcome.
    pub(super) fn settled(&self) {
        self.shared.pending.fetch_sub(1, Ordering::SeqCst);
    }

    /// Has a ballot sent again after a wait, or gives it up.
    pub(super) fn again(&self, job: Job, retry_after_s: Option<u32>) {
        let retry = self.shared.retry;
        let mut again = self.again.borrow_mut();
        let ended = self.shared.ended.load(Ordering::Relaxed);
        if job.attempts >= retry.attempts || again.jobs.len() >= AGAIN_MAX || ended {
            return self.settled();
        }
        let doublings = job.attempts.saturating_sub(1).min(20);
        let longest_ms = retry.first_ms.saturating_mul(1 << doublings).min(retry.max_ms);
        // Half of the wait is jitter: those who were refused together must not come back together.
        let jitter_ms = self.random.borrow_mut().below(longest_ms / 2 + 1);
        let asked_ms = u64::from(retry_after_s.unwrap_or(0)) * 1_000;
        let wait_ms = asked_ms.max(longest_ms / 2) + jitter_ms;
        let intended = Instant::now() + Duration::from_millis(wait_ms);
        again.number += 1;
        let at = (intended, again.number);
        again.jobs.push(Reverse(Due { at, job: Job { intended, ..job } }));
    }

    fn bring_again(&self, now: Instant) {
        let mut again = self.again.borrow_mut();
        while again.jobs.peek().is_some_and(|Reverse(due)| due.at.0 <= now)
            && let Some(Reverse(due)) = again.jobs.pop()
        {
            self.pool(&due.job).put(due.job);
        }
    }

    /// Keeps an acknowledgement, if the lot falls on it: all have the same chance.
    pub(super) fn sample(&self, of: impl FnOnce() -> Option<Sample>) {
        let mut samples = self.samples.borrow_mut();
        samples.seen += 1;
        if samples.kept.len() < SAMPLES_MAX {
            samples.kept.extend(of());
            return;
        }
        let lot = self.random.borrow_mut().below(samples.seen);
        let place = usize::try_from(lot).unwrap_or(usize::MAX);
        if let Some(kept) = samples.kept.get_mut(place)
            && let Some(sample) = of()
        {
            *kept = sample;
        }
    }
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.at.cmp(&other.at)
    }
}
