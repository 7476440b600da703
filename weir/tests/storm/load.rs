//! The load: threads that cast at a total rate, retry what is in doubt, and try to vote twice.
//!
//! Invariant: a cast in doubt is sent again with the same choices until it is settled or the load
//! ends. What is cast follows from the seed; when and in which order does not.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ballot::ChoiceSet;
use journal::simulated::Random;
use serde_json::Value;
use tokio::time::Instant;

use super::client::{Address, Client, Reply};
use super::notes::{Fate, Notes};
use super::pace::{Acks, Gaps, Pace};
use super::population::Population;

/// How long a client waits for an answer: longer than the edge's deadline of 5 s, so that most
/// ballots in doubt are told so.
const TIMEOUT: Duration = Duration::from_secs(8);

/// How long a cast in doubt waits before it is sent again.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// How long a thread looks away when there is nothing to do.
const IDLE: Duration = Duration::from_millis(5);

const CASTING: u8 = 0;
const SETTLING: u8 = 1;
const ENDED: u8 = 2;

/// How a load is to be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plan {
    /// Requests a second over all edges, retries among them.
    pub(crate) rate_per_s: u32,
    /// How many requests are under way at once at most. Each thread has one edge, so that an edge
    /// that does not answer holds up its own share only.
    pub(crate) threads: usize,
    /// Decides who chooses what.
    pub(crate) seed: u64,
}

/// A load under way; it ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Load {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<Notes>>,
    since: Instant,
}

#[derive(Debug)]
struct Shared {
    population: Arc<Population>,
    seed: u64,
    edges: RwLock<Vec<Address>>,
    phase: AtomicU8,
    next_voter: AtomicU32,
    next_slot: AtomicU64,
    pace: Pace,
    queue: Mutex<Queue>,
    acks: Acks,
}

/// Casts that wait to be sent again. A new cast is begun only when none is due, so there are never
/// more than the rate makes within [`RETRY_AFTER`], and those under way.
#[derive(Debug, Default)]
struct Queue {
    retries: VecDeque<(Instant, Cast)>,
    under_way: usize,
}

/// A ballot on its way to an edge.
#[derive(Debug, Clone, Copy)]
struct Cast {
    voter: u32,
    choices: ChoiceSet,
    /// The edge it was last sent to.
    tried: Option<usize>,
}

impl Load {
    /// Begins to cast to the edges at these campaign URLs.
    pub(crate) fn start(population: &Arc<Population>, edges: &[String], plan: Plan) -> Self {
        let shared = Arc::new(Shared {
            population: Arc::clone(population),
            seed: plan.seed,
            edges: RwLock::new(edges.iter().map(|url| Address::of(url)).collect()),
            phase: AtomicU8::new(CASTING),
            next_voter: AtomicU32::new(0),
            next_slot: AtomicU64::new(0),
            pace: Pace::new(plan.rate_per_s),
            queue: Mutex::default(),
            acks: Acks::new(edges.len()),
        });
        // Joined by `finish`; if the test fails before, they end with the phase.
        let threads = (0..plan.threads.max(edges.len())).map(|number| {
            let (shared, edge) = (Arc::clone(&shared), number % edges.len());
            thread::spawn(move || shared.work(edge))
        });
        Self { threads: threads.collect(), shared, since: Instant::now() }
    }

    /// An edge is somewhere else now.
    pub(crate) fn move_edge(&self, edge: usize, url: &str) {
        self.shared.edges.write().unwrap()[edge] = Address::of(url);
    }

    /// How many 202s there were.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.shared.acks.count()
    }

    /// How many voters have begun to vote.
    pub(crate) fn voters(&self) -> u32 {
        self.shared.next_voter.load(Ordering::SeqCst).min(self.shared.population.voters())
    }

    /// The longest intervals without a 202 since this was last asked.
    pub(crate) fn take_gaps(&self) -> Gaps {
        self.shared.acks.take()
    }

    /// Begins no further cast, settles those in doubt for so long at most, and ends.
    pub(crate) fn finish(mut self, patience: Duration) -> Notes {
        self.shared.phase.store(SETTLING, Ordering::SeqCst);
        let (gaps, lasted) = (self.shared.acks.longest(), self.since.elapsed());
        let settling = Instant::now();
        while settling.elapsed() < patience && !self.shared.is_settled() {
            thread::park_timeout(IDLE);
        }
        self.shared.phase.store(ENDED, Ordering::SeqCst);
        let mut notes = Notes::default();
        for thread in self.threads.drain(..) {
            notes.add(thread.join().unwrap());
        }
        notes.unsettled = self.shared.queue.lock().unwrap().retries.len() as u64;
        Notes { gaps, lasted, slipped: self.shared.pace.slipped(), ..notes }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.phase.store(ENDED, Ordering::SeqCst);
    }
}

impl Shared {
    /// What one thread does, with its edge.
    fn work(&self, edge: usize) -> Notes {
        let (mut notes, mut client) = (Notes::default(), Client::new(TIMEOUT));
        while self.is_due() {
            let Some(cast) = self.next(edge) else {
                thread::park_timeout(IDLE);
                continue;
            };
            let again = self.send(cast, edge, &mut client, &mut notes);
            let mut queue = self.queue.lock().unwrap();
            queue.under_way -= 1;
            if again {
                notes.retries += 1;
                let cast = Cast { tried: Some(edge), ..cast };
                queue.retries.push_back((Instant::now() + RETRY_AFTER, cast));
            }
        }
        notes
    }

    /// Waits for the next place in the schedule; false once the load has ended.
    fn is_due(&self) -> bool {
        let due = self.pace.slot();
        while self.phase.load(Ordering::SeqCst) != ENDED {
            let wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return true;
            }
            thread::park_timeout(wait.min(Duration::from_millis(50)));
        }
        false
    }

    fn is_settled(&self) -> bool {
        let queue = self.queue.lock().unwrap();
        queue.retries.is_empty() && queue.under_way == 0
    }

    /// What is to be cast now: a retry that is due, rather one of another edge, else something new.
    fn next(&self, edge: usize) -> Option<Cast> {
        let now = Instant::now();
        let mut queue = self.queue.lock().unwrap();
        let due = queue.retries.iter().take_while(|(due, _)| *due <= now);
        let elsewhere = due.clone().position(|(_, cast)| cast.tried != Some(edge));
        let retry = elsewhere.or(due.clone().next().map(|_| 0));
        let cast = match retry {
            Some(place) => queue.retries.remove(place).map(|(_, cast)| cast),
            None if self.phase.load(Ordering::SeqCst) == CASTING => self.fresh(),
            None => None,
        };
        queue.under_way += usize::from(cast.is_some());
        cast
    }

    /// Four new voters in five; else one of before, with the same or with other choices. `None`
    /// when there are no more voters.
    fn fresh(&self) -> Option<Cast> {
        let slot = self.next_slot.fetch_add(1, Ordering::SeqCst);
        let mut random = self.random(u64::MAX ^ slot);
        let begun = self.next_voter.load(Ordering::SeqCst).min(self.population.voters());
        let kind = if begun == 0 { 0 } else { random.below(100) };
        let earlier = |among: u32, random: &mut Random| {
            let back = random.below(u64::from(begun.min(among)));
            begun - 1 - u32::try_from(back).unwrap()
        };
        let (voter, variation) = match kind {
            0..80 => {
                let voter = self.next_voter.fetch_add(1, Ordering::SeqCst);
                if voter >= self.population.voters() {
                    return None;
                }
                (voter, 0)
            }
            // Right away: likely while the first is still under way at another edge.
            80..87 => (earlier(50, &mut random), 0),
            87..93 => (earlier(u32::MAX, &mut random), 0),
            // A second vote.
            _ => (earlier(u32::MAX, &mut random), 1 + random.below(3)),
        };
        let choices = self.population.choices(&mut self.random(u64::from(voter) << 2 | variation));
        Some(Cast { voter, choices, tried: None })
    }

    fn random(&self, what: u64) -> Random {
        // Drawn from once more: generators of neighbouring seeds would share their numbers.
        Random::new(Random::new(self.seed ^ what).bits())
    }

    /// Sends a cast and notes what came of it; whether it is to be sent again.
    fn send(&self, cast: Cast, edge: usize, client: &mut Client, notes: &mut Notes) -> bool {
        let Cast { voter, choices, .. } = cast;
        let address = self.edges.read().unwrap()[edge].clone();
        let body = format!("{{\"choices\":{:?}}}", choices.iter().collect::<Vec<_>>());
        let request = address.ballot(&self.population.token(voter), &body);
        let asked = Instant::now();
        let (status, body) = match client.send(&address.host, &request) {
            Reply::Answer { status, body } => (status, body),
            Reply::NoAnswer => {
                notes.unanswered += 1;
                notes.attempt(voter, choices, Fate::InDoubt);
                return true;
            }
            Reply::Unreachable => {
                notes.unreachable += 1;
                return true;
            }
        };
        *notes.statuses.entry(status).or_default() += 1;
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let (fate, again) = match (status, told["code"].as_str()) {
            (202, _) => (acknowledged(&told), false),
            // Refused before a ballot was made of it; the same at another time may be taken.
            (503, Some("overloaded")) | (408 | 429, _) => (Some(Fate::Refused(status)), true),
            (503, _) => (Some(Fate::InDoubt), true),
            (409, _) | (403, Some("closed" | "not_open")) => (Some(Fate::Refused(status)), false),
            _ => (None, false),
        };
        if let Some(Fate::Acknowledged { .. }) = fate {
            self.acks.acknowledged(edge);
            notes.latencies_us.push(u32::try_from(asked.elapsed().as_micros()).unwrap());
        }
        if fate.is_none() {
            notes.surprise(voter, &format!("{status} {}", String::from_utf8_lossy(&body)));
        }
        notes.attempt(voter, choices, fate.unwrap_or(Fate::InDoubt));
        again
    }
}

/// What a 202 says; `None` if it does not say it.
fn acknowledged(told: &Value) -> Option<Fate> {
    let receipt = told["receipt"].as_str()?.parse().ok()?;
    Some(Fate::Acknowledged { receipt, day: told["day"].as_str()?.parse().ok()? })
}
