//! The load: a thread that keeps the schedule, and threads that send.
//!
//! Invariant: the schedule waits for nobody. Each sending thread has a runtime of its own with many
//! connections, each with one request at a time; what no connection is free for in time is counted
//! as overdue and never sent. Never here: what the answers prove.

mod inbox;
mod meter;
mod pacer;
mod pool;
mod sending;
mod worker;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use ballot::Receipt;
use tokio::runtime::Builder;
use tokio::time::Instant;

use crate::days::Days;
use crate::notes::Notes;
use crate::plan::{Plan, Retry};
use crate::population::Population;
use crate::random::Random;
use crate::schedule::Schedule;
use crate::target::Edge;
use crate::traffic::Traffic;
use inbox::Inbox;

pub use meter::{LATENCY_DIGITS, Meter, Metered, histogram};

/// How a load is sent.
#[derive(Debug, Clone, Copy)]
pub struct Means {
    /// Threads that send; each takes up to a core.
    pub threads: usize,
    /// Connections over all threads and edges.
    pub connections: usize,
    /// How long an answer is waited for: longer than the edge's own deadline of 5 s, so that a
    /// ballot in doubt is mostly told so.
    pub timeout: Duration,
}

/// What all threads of a load share.
#[derive(Debug)]
pub struct Shared {
    /// Who votes.
    pub population: Population,
    /// On which days.
    pub days: Days,
    /// Where.
    pub edges: Vec<Edge>,
    /// What was sent and told.
    pub notes: Notes,
    /// The seed of everything.
    pub seed: u64,
    retry: Retry,
    timeout: Duration,
    /// No more arrivals.
    stopped: AtomicBool,
    /// No more retries either.
    ended: AtomicBool,
    wanted: AtomicU64,
    /// Requests that have no last outcome yet.
    pending: AtomicU64,
    /// Voter-days with a first 202.
    acknowledged: AtomicU64,
    /// Acknowledgements for a day that the ballot was not sent for.
    unsound: AtomicU64,
}

impl Shared {
    /// What the threads of a load will share.
    #[must_use]
    pub fn new(population: Population, days: Days, edges: Vec<Edge>, plan: (&Plan, u64)) -> Self {
        let notes = Notes::new(population.voters(), days.len());
        Self {
            population,
            days,
            edges,
            notes,
            seed: plan.1,
            retry: plan.0.retry,
            timeout: Duration::MAX,
            stopped: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            wanted: AtomicU64::new(0),
            pending: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            unsound: AtomicU64::new(0),
        }
    }

    /// How many voter-days have been acknowledged.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// How many ballots have been acknowledged for a day that they were not sent for, or while the
    /// window was not open.
    #[must_use]
    pub fn unsound(&self) -> u64 {
        self.unsound.load(Ordering::Relaxed)
    }
}

/// An acknowledgement that was kept as a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sample {
    /// Whose.
    pub voter: u64,
    /// Which of the voter's ballots.
    pub variation: u8,
    /// The number of the day it was told.
    pub day: usize,
    /// The place it was told.
    pub receipt: Receipt,
}

/// A load under way.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    meters: Vec<Arc<Meter>>,
    inboxes: Vec<Arc<Inbox>>,
    pacer: JoinHandle<()>,
    workers: Vec<JoinHandle<Vec<Sample>>>,
    /// When the schedule begins.
    pub began: Instant,
}

impl Load {
    /// Begins to send.
    ///
    /// # Errors
    /// A thread or a runtime could not be made.
    pub fn start(mut shared: Shared, plan: &Plan, means: Means) -> io::Result<Self> {
        shared.timeout = means.timeout;
        let shared = Arc::new(shared);
        let threads = means.threads.max(1);
        let pools = threads * shared.edges.len().max(1);
        let each = means.connections.div_ceil(pools).max(1);
        let meters: Vec<_> = (0..threads).map(|_| Arc::new(Meter::default())).collect();
        let inboxes: Vec<_> = (0..threads).map(|_| Arc::new(Inbox::default())).collect();
        let began = Instant::now();
        let mut workers = Vec::new();
        for (number, (meter, inbox)) in (0..).zip(meters.iter().zip(&inboxes)) {
            let random = Random::of(shared.seed, worker::STREAM, number);
            let worker = worker::Worker::new(&shared, meter, inbox, random);
            let runtime = Builder::new_current_thread().enable_all().build()?;
            // Joined by `finish`.
            let thread = std::thread::Builder::new().name(format!("send {number}"));
            workers.push(thread.spawn(move || worker.run(&runtime, each))?);
        }
        let schedule = Schedule::new(&plan.phases, plan.arrivals, shared.seed);
        let voters = shared.population.voters();
        let traffic = Traffic::new(shared.seed, voters, plan.shares, plan.random_voters);
        let pacer = pacer::Pacer::new(&shared, &inboxes, &meters, began);
        let thread = std::thread::Builder::new().name("pace".to_owned());
        let pacer = thread.spawn(move || pacer.run(schedule, traffic))?;
        Ok(Self { shared, meters, inboxes, pacer, workers, began })
    }

    /// What the threads share.
    #[must_use]
    pub const fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// What was measured since this was last asked, over all threads, and how many requests the
    /// schedule has wanted since.
    #[must_use]
    pub fn take(&self) -> (u64, Metered) {
        let mut sum = Metered::default();
        for meter in &self.meters {
            sum.add(&meter.take());
        }
        (self.shared.wanted.swap(0, Ordering::Relaxed), sum)
    }

    /// Ends the schedule early.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
    }

    /// Whether the schedule is through and every request has its last outcome.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.is_paced() && self.shared.pending.load(Ordering::SeqCst) == 0
    }

    /// Whether the schedule is through.
    #[must_use]
    pub fn is_paced(&self) -> bool {
        self.pacer.is_finished()
    }

    /// Ends everything: what waits to be sent again stays as it is, what is under way is waited
    /// for. Answers a sample of acknowledgements, and what was measured until the end.
    #[must_use]
    pub fn finish(self) -> (Vec<Sample>, Metered) {
        self.stop();
        self.shared.ended.store(true, Ordering::SeqCst);
        self.inboxes.iter().for_each(|inbox| inbox.wake());
        // A thread that panicked has said so; what it knew is missing from the sample only.
        drop(self.pacer.join());
        let samples = self.workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default());
        let samples = samples.collect();
        let mut rest = Metered::default();
        for meter in &self.meters {
            rest.add(&meter.take());
        }
        (samples, rest)
    }
}
