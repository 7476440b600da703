//! The batcher: ballots in, receipts out, once the journal has made them durable.
//!
//! An answer [`Cast::Durable`] is given only on the journal's word. Ballots between admission and a
//! known fate are bounded by permits, taken before a body is read and given back by the lane. A
//! fate that is not known at the deadline is told as such and never turns into a receipt later.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ballot::{Ballot, Receipt, Record, Rules, VoterId, VotingDay, words_for};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use journal::{AppendError, Journal};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout_at};

use crate::appends::Appends;
use crate::lane::{Fate, Lane, Ticket, Waiting};
use crate::remembered::Acknowledged;

/// The batcher's bounds.
#[derive(Debug, Clone, Copy)]
pub struct BatchLimits {
    /// The most ballots between admission and a known fate. 8,192 ballots of at most 16 KiB are
    /// 128 MiB, and half a second of what one edge takes. It is half of the connections, so that
    /// clients of HTTP/1.1, with a ballot each, are told of it before connections are closed.
    pub in_flight_max: usize,
    /// The most ballots of a record. 2,000 of one word are 64 KB: a record ten times cheaper per
    /// ballot than one of 200 is not to be had.
    pub ballots_max: u32,
    /// The most records in flight per partition: enough to keep a broker 5 ms away busy.
    pub records_max: usize,
    /// How long a batch waits for company when the one before it had some.
    pub linger: Duration,
    /// When a ballot whose fate is not known is answered as being in doubt.
    pub deadline: Duration,
    /// The most acknowledged ballots remembered: 64 bytes each.
    pub remembered_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            in_flight_max: 8_192,
            ballots_max: 2_000,
            records_max: 4,
            linger: Duration::from_millis(2),
            deadline: Duration::from_secs(5),
            remembered_max: 262_144,
        }
    }
}

/// What became of a ballot that was cast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cast {
    /// It is in the journal for good.
    Durable(Receipt),
    /// It is not in the journal and will not be.
    Refused,
    /// It may be in the journal. Casting the same ballot again is safe.
    InDoubt,
}

/// The right to have one ballot in flight.
#[derive(Debug)]
pub struct Permit(OwnedSemaphorePermit);

/// Batches ballots by partition and appends them.
#[derive(Debug)]
pub struct Batcher<J> {
    journal: J,
    lanes: Vec<Lane>,
    permits: Arc<Semaphore>,
    limits: BatchLimits,
    rules: watch::Receiver<Arc<Rules>>,
    observer: OnceLock<Observer>,
    appends: Appends,
}

/// Hears of every append: its latency from the batch's first ballot, its ballots, its result.
struct Observer(Box<Observe>);

type Observe = dyn Fn(Duration, usize, &Result<u64, AppendError>) + Send + Sync;

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer(..)")
    }
}

impl<J: Journal> Batcher<J> {
    /// A batcher for a journal under the newest rules.
    #[must_use]
    pub fn new(journal: J, rules: watch::Receiver<Arc<Rules>>, limits: BatchLimits) -> Self {
        let partitions = rules.borrow().partitions as usize;
        let words = words_for(rules.borrow().choices);
        let remembered_max = limits.remembered_max / partitions.max(1);
        let lane = || Lane::new(words, limits.ballots_max, remembered_max);
        Self {
            journal,
            lanes: std::iter::repeat_with(lane).take(partitions).collect(),
            permits: Arc::new(Semaphore::new(limits.in_flight_max)),
            limits,
            rules,
            observer: OnceLock::new(),
            appends: Appends::default(),
        }
    }

    /// Has every append reported: latency from its first ballot, ballots, result. Only the first
    /// observer is heard.
    pub fn observe(
        &self,
        observer: impl Fn(Duration, usize, &Result<u64, AppendError>) + Send + Sync + 'static,
    ) {
        // A second one is dropped, as said above.
        drop(self.observer.set(Observer(Box::new(observer))));
    }

    /// The rules ballots are checked by.
    #[must_use]
    pub fn rules(&self) -> Arc<Rules> {
        Arc::clone(&self.rules.borrow())
    }

    /// The right to have one ballot in flight; `None` at once when the bound is reached.
    #[must_use]
    pub fn admit(&self) -> Option<Permit> {
        Arc::clone(&self.permits).try_acquire_owned().ok().map(Permit)
    }

    /// The most ballots between admission and a known fate.
    pub(crate) const fn in_flight_max(&self) -> usize {
        self.limits.in_flight_max
    }

    /// Ballots between admission and a known fate.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.limits.in_flight_max.saturating_sub(self.permits.available_permits())
    }

    /// Why ballots are not appended, if none has been for long though some were cast.
    #[must_use]
    pub fn complaint(&self) -> Option<String> {
        self.appends.failing()
    }

    /// The acknowledged ballot of a voter and day, if this edge remembers one.
    #[must_use]
    pub fn acknowledged(&self, voter: VoterId, day: VotingDay) -> Option<Acknowledged> {
        self.lane(voter).and_then(|(_, lane)| lane.remembered().find(voter, day))
    }

    /// Casts a ballot that has been checked, and waits for its fate, up to the deadline.
    pub async fn cast(&self, permit: Permit, ballot: &Ballot) -> Cast {
        let Some((partition, lane)) = self.lane(ballot.voter) else { return Cast::Refused };
        let (ticket, index) = lane.push(ballot);
        // From here on the lane gives the permit back, also if this future is dropped.
        permit.0.forget();
        match ticket.wait().await {
            Fate::Durable(offset) => Cast::Durable(Receipt { partition, offset: *offset, index }),
            Fate::Refused => Cast::Refused,
            Fate::InDoubt => Cast::InDoubt,
        }
    }

    /// Drives the lanes until it is dropped. Returns only if one of them panics.
    pub async fn run(self: Arc<Self>) {
        let mut lanes = JoinSet::new();
        for partition in 0..self.lanes.len() {
            let batcher = Arc::clone(&self);
            lanes.spawn(async move { batcher.drive(partition).await });
        }
        // None ever ends but by a panic, and then its voters would wait for ever: whoever runs this
        // must end the process.
        if let Some(Err(error)) = lanes.join_next().await {
            tracing::error!(%error, "a lane of the batcher has ended");
        }
    }

    /// Waits until no ballot is in flight.
    pub async fn settle(&self) {
        let all = u32::try_from(self.limits.in_flight_max).unwrap_or(u32::MAX);
        // An error would mean that the semaphore was closed, which nothing does.
        drop(self.permits.acquire_many(all).await);
    }

    fn lane(&self, voter: VoterId) -> Option<(u32, &Lane)> {
        let partitions = u32::try_from(self.lanes.len()).ok()?;
        let partition = voter.partition(partitions);
        self.lanes.get(partition as usize).map(|lane| (partition, lane))
    }

    async fn drive(&self, partition: usize) {
        let Some(lane) = self.lanes.get(partition) else { return };
        let mut in_flight: FuturesUnordered<BoxFuture<'_, u32>> = FuturesUnordered::new();
        // How many ballots the last batch had: company to wait for, or none.
        let mut last_size = 0;
        loop {
            let may_send = in_flight.len() < self.limits.records_max;
            let alone = in_flight.is_empty() && last_size <= 1;
            let linger = if alone { Duration::ZERO } else { self.limits.linger };
            let send_at = lane.due_at(linger).filter(|_| may_send);
            let expire_at = lane.expires_at(self.limits.deadline).filter(|_| !may_send);
            let due_at = send_at.or(expire_at);
            // Biased for determinism. Completions are bounded by what was sent, arrivals only
            // make the loop look again, and what is due is sent before arrivals are waited for.
            tokio::select! {
                biased;
                Some(ballots) = in_flight.next() => self.permits.add_permits(ballots as usize),
                () = sleep_until(due_at.unwrap_or_else(Instant::now)), if due_at.is_some() => {
                    if send_at.is_none() {
                        self.expire(lane);
                    } else if let Some(waiting) = lane.take() {
                        last_size = waiting.builder.len();
                        in_flight.push(Box::pin(self.send(partition, lane, waiting)));
                    }
                }
                () = lane.changed.notified() => {}
            }
        }
    }

    /// Appends a batch, tells its voters, and answers how many permits it held.
    async fn send(&self, partition: usize, lane: &Lane, waiting: Waiting) -> u32 {
        let Waiting { builder, ticket, since } = waiting;
        let (ballots, timestamp_ms) = (builder.len(), builder.latest_ms());
        let batch = builder.finish();
        let value = Record::Batch(batch.clone()).encode();
        let partition = u32::try_from(partition).unwrap_or(u32::MAX);
        let mut append = std::pin::pin!(self.journal.append(partition, timestamp_ms, value));
        let deadline = since + self.limits.deadline;
        let result = match timeout_at(deadline, &mut append).await {
            Ok(result) => result,
            Err(_) => {
                resolve(&ticket, Fate::InDoubt);
                append.await
            }
        };
        self.appends.note(&self.rules.borrow().campaign, &result);
        if let Some(Observer(observe)) = self.observer.get() {
            observe(since.elapsed(), batch.len(), &result);
        }
        if let Ok(offset) = result {
            let rules = self.rules();
            let mut remembered = lane.remembered();
            for (ballot, index) in batch.ballots().zip(0..) {
                let Some(day) = rules.day_at(ballot.cast_at_ms) else { continue };
                let receipt = Receipt { partition, offset, index };
                let (day, choices) = (day.day, ballot.choices);
                remembered.remember(ballot.voter, Acknowledged { day, choices, receipt });
            }
        }
        resolve(
            &ticket,
            match result {
                Ok(offset) => Fate::Durable(offset),
                Err(AppendError::Refused(_)) => Fate::Refused,
                Err(AppendError::InDoubt(_)) => Fate::InDoubt,
            },
        );
        ballots
    }

    /// Gives up on batches that were never sent before their deadline: they are in no journal.
    fn expire(&self, lane: &Lane) {
        let Some(before) = Instant::now().checked_sub(self.limits.deadline) else { return };
        while let Some(waiting) = lane.take_older(before) {
            resolve(&waiting.ticket, Fate::Refused);
            self.permits.add_permits(waiting.builder.len() as usize);
        }
    }
}

/// Tells a batch's voters; only the first telling counts.
fn resolve(ticket: &Ticket, fate: Fate) {
    // Already told: the deadline came first, and in doubt stays in doubt.
    drop(ticket.set(fate));
}
