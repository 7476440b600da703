//! The batcher: ballots in, receipts out, once the journal has made them durable.
//!
//! An answer [`Cast::Durable`] is given only on the journal's word. Ballots between admission and a
//! known fate are bounded by permits, taken before a body is read and given back by the lane. A
//! fate that is not known at the deadline is told as such and never turns into a receipt later.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ballot::{Ballot, Receipt, Record, Risk, Rules, VoterId, VotingDay, words_for};
use journal::{AppendError, Journal};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, timeout_at};

use crate::appends::Appends;
use crate::driver::Driver;
use crate::lane::{Fate, Lane, Pushed, Ticket, Waiting};
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
    /// How long ballots wait for company where others have come lately. What a record costs, at the
    /// brokers above all, is then paid a few hundred times a second at most, whatever the load.
    pub linger: Duration,
    /// When a ballot whose fate is not known is answered as being in doubt.
    pub deadline: Duration,
    /// The most acknowledged ballots remembered: some 110 bytes each.
    pub remembered_max: usize,
}

impl Default for BatchLimits {
    fn default() -> Self {
        Self {
            in_flight_max: 8_192,
            ballots_max: 2_000,
            records_max: 4,
            linger: Duration::from_millis(5),
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
    pub(crate) lanes: Vec<Lane>,
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) limits: BatchLimits,
    /// Wakes the driver when a batch begins or is full.
    pub(crate) arrived: Notify,
    rules: watch::Receiver<Arc<Rules>>,
    observer: OnceLock<Observer>,
    appends: Appends,
}

/// An append that has ended.
#[derive(Debug)]
pub(crate) struct Appended<'a> {
    pub(crate) ballots: u32,
    /// From the batch's first ballot until it was handed to the journal.
    pub(crate) waited: Duration,
    /// From then until the journal's word.
    pub(crate) took: Duration,
    pub(crate) result: &'a Result<u64, AppendError>,
}

/// Hears of every append.
struct Observer(Box<Observe>);

type Observe = dyn Fn(&Appended<'_>) + Send + Sync;

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
            arrived: Notify::new(),
            rules,
            observer: OnceLock::new(),
            appends: Appends::default(),
        }
    }

    /// Has every append reported. Only the first observer is heard.
    pub(crate) fn observe(&self, observer: impl Fn(&Appended<'_>) + Send + Sync + 'static) {
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
    /// What was noticed about it travels with it.
    pub async fn cast(&self, permit: Permit, ballot: &Ballot, risk: Risk) -> Cast {
        let Some((partition, lane)) = self.lane(ballot.voter) else { return Cast::Refused };
        let Pushed { ticket, index, is_news } = lane.push(ballot, risk);
        // From here on the driver gives the permit back, also if this future is dropped.
        permit.0.forget();
        if is_news {
            self.arrived.notify_one();
        }
        match ticket.wait().await {
            Fate::Durable(offset) => Cast::Durable(Receipt { partition, offset: *offset, index }),
            Fate::Refused => Cast::Refused,
            Fate::InDoubt => Cast::InDoubt,
        }
    }

    /// Sends what is cast until it is dropped.
    pub async fn run(self: Arc<Self>) {
        Driver::new(&self).run().await;
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

    /// Appends a batch, tells its voters, and answers how many permits it held.
    pub(crate) async fn send(&self, partition: usize, lane: &Lane, waiting: Waiting) -> u32 {
        let Waiting { builder, ticket, since } = waiting;
        let (ballots, timestamp_ms) = (builder.len(), builder.latest_ms());
        let batch = builder.finish();
        let value = Record::Batch(batch.clone()).encode();
        let partition = u32::try_from(partition).unwrap_or(u32::MAX);
        let handed_over = Instant::now();
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
            let (waited, took) = (handed_over - since, handed_over.elapsed());
            observe(&Appended { ballots, waited, took, result: &result });
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
}

/// Tells a batch's voters; only the first telling counts.
pub(crate) fn resolve(ticket: &Ticket, fate: Fate) {
    // Already told: the deadline came first, and in doubt stays in doubt.
    drop(ticket.set(fate));
}
