//! A lane: the ballots of one partition on their way into the journal.
//!
//! Ballots that arrive while earlier batches are in flight travel together in the next record. A
//! batch has one ticket, resolved once, on which every one of its voters waits. Its permits are
//! held until its fate is known, whatever its voters were told meanwhile.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ballot::{Ballot, BatchBuilder, Risk};
use tokio::sync::SetOnce;
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
}

/// Where a ballot is on its way.
#[derive(Debug)]
pub(crate) struct Pushed {
    pub(crate) ticket: Ticket,
    pub(crate) index: u32,
    /// Whether its batch has begun or become full with it: the driver has to look.
    pub(crate) is_news: bool,
}

impl Lane {
    pub(crate) fn new(words: usize, ballots_max: u32, remembered_max: usize) -> Self {
        Self {
            words,
            ballots_max,
            queue: Mutex::default(),
            remembered: Mutex::new(Remembered::new(remembered_max)),
        }
    }

    /// Puts a ballot into the newest batch that has room.
    pub(crate) fn push(&self, ballot: &Ballot, risk: Risk) -> Pushed {
        let mut queue = self.queue();
        let room = queue.back_mut().filter(|batch| batch.builder.len() < self.ballots_max);
        if let Some(batch) = room {
            let index = batch.builder.push_noted(ballot, risk);
            let is_news = index + 1 == self.ballots_max;
            return Pushed { ticket: Arc::clone(&batch.ticket), index, is_news };
        }
        let mut builder = BatchBuilder::new(self.words);
        let index = builder.push_noted(ballot, risk);
        let ticket = Ticket::default();
        queue.push_back(Waiting { builder, ticket: Arc::clone(&ticket), since: Instant::now() });
        Pushed { ticket, index, is_news: true }
    }

    /// When the next batch is to be sent if it may linger that long; `None` if there is none.
    pub(crate) fn due_at(&self, linger: Duration) -> Option<Instant> {
        let queue = self.queue();
        let first = queue.front()?;
        Some(if self.is_full(first) { first.since } else { first.since + linger })
    }

    /// Whether the next batch has room and has lingered so long.
    pub(crate) fn has_lingered(&self, linger: Duration, now: Instant) -> bool {
        let queue = self.queue();
        queue.front().is_some_and(|first| !self.is_full(first) && first.since + linger <= now)
    }

    /// When the next batch is to be given up, full or not.
    pub(crate) fn expires_at(&self, deadline: Duration) -> Option<Instant> {
        self.queue().front().map(|first| first.since + deadline)
    }

    /// Takes the next batch, if it is full or that does not matter.
    pub(crate) fn take(&self, full_only: bool) -> Option<Waiting> {
        let mut queue = self.queue();
        let first = queue.front()?;
        if full_only && !self.is_full(first) { None } else { queue.pop_front() }
    }

    /// Takes the next batch if its first ballot came at or before `since`.
    pub(crate) fn take_older(&self, since: Instant) -> Option<Waiting> {
        let mut queue = self.queue();
        if queue.front()?.since <= since { queue.pop_front() } else { None }
    }

    pub(crate) fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_full(&self, batch: &Waiting) -> bool {
        batch.builder.len() >= self.ballots_max
    }

    fn queue(&self) -> MutexGuard<'_, VecDeque<Waiting>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
