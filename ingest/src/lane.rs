//! A lane: the ballots of one partition on their way into the journal.
//!
//! Ballots that arrive while earlier batches are in flight travel together in the next record. A
//! batch has one ticket, resolved once, on which every one of its voters waits. Its permits are
//! held until its fate is known, whatever its voters were told meanwhile.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::{Ballot, BatchBuilder};
use tokio::sync::{Notify, SetOnce};
use tokio::time::Instant;

use crate::remembered::Remembered;

/// What became of a batch, as far as its voters may be told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Durable, at this offset.
    Durable(u64),
    /// Certainly not in the journal.
    Refused,
    /// Perhaps in the journal.
    InDoubt,
}

/// What the voters of a batch wait on.
pub(crate) type Ticket = Arc<SetOnce<Fate>>;

/// Ballots that travel together, not sent yet.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) builder: BatchBuilder,
    pub(crate) ticket: Ticket,
    /// When its first ballot came.
    pub(crate) since: Instant,
}

/// One partition's queue. Bounded by the permits that its ballots hold.
#[derive(Debug)]
pub(crate) struct Lane {
    words: usize,
    ballots_max: u32,
    queue: Mutex<VecDeque<Waiting>>,
    remembered: Mutex<Remembered>,
    /// Wakes the driver when a batch begins or is full.
    pub(crate) changed: Notify,
}

impl Lane {
    pub(crate) fn new(words: usize, ballots_max: u32, remembered_max: usize) -> Self {
        Self {
            words,
            ballots_max,
            queue: Mutex::default(),
            remembered: Mutex::new(Remembered::new(remembered_max)),
            changed: Notify::new(),
        }
    }

    /// Puts a ballot into the newest batch that has room.
    pub(crate) fn push(&self, ballot: &Ballot) -> (Ticket, u32) {
        let mut queue = self.queue();
        let room = queue.back_mut().filter(|batch| batch.builder.len() < self.ballots_max);
        if let Some(batch) = room {
            let index = batch.builder.push(ballot);
            let (ticket, full) = (Arc::clone(&batch.ticket), index + 1 == self.ballots_max);
            drop(queue);
            if full {
                self.changed.notify_one();
            }
            return (ticket, index);
        }
        let mut builder = BatchBuilder::new(self.words);
        let index = builder.push(ballot);
        let ticket = Ticket::default();
        queue.push_back(Waiting { builder, ticket: Arc::clone(&ticket), since: Instant::now() });
        drop(queue);
        self.changed.notify_one();
        (ticket, index)
    }

    /// When the next batch is to be sent if it may linger that long; `None` if there is none.
    pub(crate) fn due_at(&self, linger: Duration) -> Option<Instant> {
        let queue = self.queue();
        let first = queue.front()?;
        let full = first.builder.len() >= self.ballots_max;
        Some(if full { first.since } else { first.since + linger })
    }

    /// When the next batch is to be given up, full or not.
    pub(crate) fn expires_at(&self, deadline: Duration) -> Option<Instant> {
        self.queue().front().map(|first| first.since + deadline)
    }

    /// Takes the next batch.
    pub(crate) fn take(&self) -> Option<Waiting> {
        self.queue().pop_front()
    }

    /// Takes the next batch if its first ballot came at or before `since`.
    pub(crate) fn take_older(&self, since: Instant) -> Option<Waiting> {
        let mut queue = self.queue();
        if queue.front()?.since <= since { queue.pop_front() } else { None }
    }

    pub(crate) fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
