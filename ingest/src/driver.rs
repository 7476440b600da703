//! The driver of a batcher: decides when ballots are sent, for all partitions together.
//!
//! A wake of the driver, of the journal's threads and of the brokers costs more than the ballots
//! that travel by it, so all partitions are flushed by the same wake: when the first ballot of any
//! has lingered. Invariant: a partition has no more records in flight than it may, and what cannot
//! be sent by its deadline is given up. Never here: what a ballot says.

use std::time::Duration;

use futures_util::future::{BoxFuture, FutureExt as _};
use futures_util::stream::{FuturesUnordered, StreamExt as _};
use journal::Journal;
use tokio::time::{Instant, sleep_until};

use crate::batcher::{Batcher, resolve};
use crate::lane::{Fate, Lane};

/// Drives one batcher.
pub(crate) struct Driver<'a, J> {
    batcher: &'a Batcher<J>,
    /// Each answers its partition, and how many ballots it had.
    sends: FuturesUnordered<BoxFuture<'a, (usize, u32)>>,
    /// Records in flight, by partition.
    records: Vec<usize>,
    /// How many ballots the last flush had: company to wait for, or none.
    last_flush: u32,
}

impl<'a, J: Journal> Driver<'a, J> {
    pub(crate) fn new(batcher: &'a Batcher<J>) -> Self {
        let records = vec![0; batcher.lanes.len()];
        Self { batcher, sends: FuturesUnordered::new(), records, last_flush: 0 }
    }

    /// Never ends.
    pub(crate) async fn run(&mut self) {
        loop {
            let due_at = self.due_at();
            // Biased for determinism. Completions are bounded by what was sent, arrivals only
            // make the loop look again, and what is due is sent before arrivals are waited for.
            tokio::select! {
                biased;
                Some((partition, ballots)) = self.sends.next() => {
                    self.records[partition] -= 1;
                    self.batcher.permits.add_permits(ballots as usize);
                }
                () = sleep_until(due_at.unwrap_or_else(Instant::now)), if due_at.is_some() => {
                    self.flush();
                }
                () = self.batcher.arrived.notified() => {}
            }
        }
    }

    /// Whether a partition may have one more record in flight.
    fn has_room(&self, partition: usize) -> bool {
        self.records[partition] < self.batcher.limits.records_max
    }

    fn lanes(&self) -> impl Iterator<Item = (usize, &'a Lane)> + use<'a, J> {
        self.batcher.lanes.iter().enumerate()
    }

    /// How long a ballot waits for company now.
    fn linger(&self) -> Duration {
        let is_alone = self.sends.is_empty() && self.last_flush <= 1;
        if is_alone { Duration::ZERO } else { self.batcher.limits.linger }
    }

    /// When something is to be sent, or given up.
    fn due_at(&self) -> Option<Instant> {
        let (linger, deadline) = (self.linger(), self.batcher.limits.deadline);
        let due = self.lanes().filter_map(|(partition, lane)| {
            if self.has_room(partition) { lane.due_at(linger) } else { lane.expires_at(deadline) }
        });
        due.min()
    }

    /// Sends full batches, and all others too if one of them has lingered; gives up what could not
    /// be sent in time.
    fn flush(&mut self) {
        let (linger, now) = (self.linger(), Instant::now());
        let has_lingered = |(partition, lane): (usize, &Lane)| {
            self.has_room(partition) && lane.has_lingered(linger, now)
        };
        let full_only = !self.lanes().any(has_lingered);
        let mut ballots = 0;
        for (partition, lane) in self.lanes() {
            while self.has_room(partition)
                && let Some(waiting) = lane.take(full_only)
            {
                ballots += waiting.builder.len();
                self.records[partition] += 1;
                let send = self.batcher.send(partition, lane, waiting);
                self.sends.push(send.map(move |ballots| (partition, ballots)).boxed());
            }
            if !self.has_room(partition) {
                self.expire(lane, now);
            }
        }
        if ballots > 0 {
            self.last_flush = ballots;
        }
    }

    /// Gives up on batches that were never sent before their deadline: they are in no journal.
    fn expire(&self, lane: &Lane, now: Instant) {
        let Some(before) = now.checked_sub(self.batcher.limits.deadline) else { return };
        while let Some(waiting) = lane.take_older(before) {
            resolve(&waiting.ticket, Fate::Refused);
            self.batcher.permits.add_permits(waiting.builder.len() as usize);
        }
    }
}
