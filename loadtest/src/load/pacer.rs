//! The thread that keeps the schedule: at each instant it hands out what is wanted then.
//!
//! A thread of its own, because a runtime's timers are a millisecond coarse and wait for whatever
//! else runs there; parking is some tens of microseconds coarse. Never here: a wait for an answer.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::Instant;

use super::inbox::{Inbox, Job};
use super::{Meter, Shared};
use crate::schedule::Schedule;
use crate::traffic::Traffic;

/// Arrivals this close together are handed out together: at 40,000 a second ten at a time, which
/// makes a wake-up (5 to 10 µs in all, at both threads) cheap beside the requests.
const TOGETHER: Duration = Duration::from_micros(250);
/// How soon it sees that it is to stop.
const LOOK: Duration = Duration::from_millis(50);

pub(super) struct Pacer {
    shared: Arc<Shared>,
    inboxes: Vec<Arc<Inbox>>,
    meters: Vec<Arc<Meter>>,
    began: Instant,
    batches: Vec<Vec<Job>>,
}

impl Pacer {
    pub(super) fn new(
        shared: &Arc<Shared>,
        inboxes: &[Arc<Inbox>],
        meters: &[Arc<Meter>],
        began: Instant,
    ) -> Self {
        let batches = inboxes.iter().map(|_| Vec::new()).collect();
        let (inboxes, meters) = (inboxes.to_vec(), meters.to_vec());
        Self { shared: Arc::clone(shared), inboxes, meters, began, batches }
    }

    /// Keeps the schedule to its end, or until it is stopped.
    pub(super) fn run(mut self, schedule: Schedule, mut traffic: Traffic) {
        let mut worker = 0;
        for at in schedule {
            let intended = self.began + at;
            if !self.reach(intended) {
                return;
            }
            let second = u32::try_from(at.as_secs()).unwrap_or(u32::MAX);
            let cast = traffic.draw();
            self.batches[worker].push(Job { cast, intended, second, attempts: 0, day: None });
            worker = (worker + 1) % self.batches.len();
        }
        self.hand_out();
    }

    /// Waits until an instant of the schedule; false if the load was stopped.
    fn reach(&mut self, intended: Instant) -> bool {
        if intended <= Instant::now() {
            // Late or together: the batch grows until the schedule is ahead again.
            return !self.is_full() || self.go_on();
        }
        if !self.go_on() {
            return false;
        }
        let mut parked = Instant::now();
        while parked < intended {
            let wait = (intended - parked).max(TOGETHER).min(LOOK);
            std::thread::park_timeout(wait);
            if self.shared.stopped.load(Ordering::Relaxed) {
                return false;
            }
            parked = Instant::now();
        }
        true
    }

    fn is_full(&self) -> bool {
        self.batches.iter().any(|batch| batch.len() >= 1_000)
    }

    fn go_on(&mut self) -> bool {
        self.hand_out();
        !self.shared.stopped.load(Ordering::Relaxed)
    }

    fn hand_out(&mut self) {
        let each = self.batches.iter_mut().zip(&self.inboxes).zip(&self.meters);
        for ((batch, inbox), meter) in each.filter(|((batch, _), _)| !batch.is_empty()) {
            let count = batch.len() as u64;
            // Relaxed: a figure for reports.
            self.shared.wanted.fetch_add(count, Ordering::Relaxed);
            self.shared.pending.fetch_add(count, Ordering::SeqCst);
            let beyond = inbox.put(batch);
            self.shared.pending.fetch_sub(beyond.len() as u64, Ordering::SeqCst);
            beyond.iter().for_each(|job| meter.overdue(job.second));
        }
    }
}
