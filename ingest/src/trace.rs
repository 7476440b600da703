//! Which requests are traced, and what is told of them.
//!
//! A caller that sends a sampled `traceparent` (W3C Trace Context) is followed, but only so many
//! times a second: strangers send it too. Of requests without one, a share is taken. Invariant:
//! finished spans go into a bounded channel or are counted as lost; a ballot never waits for them.
//! Never here: a voter, a token, a receipt, choices or an address. A caller's trace may know who
//! the voter is, and a receipt says where in the journal the ballot lies.

mod parent;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use hyper::header::HeaderMap;
use journal::Clock;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::Cast;
use parent::Parent;

/// How many requests a second are traced because their callers ask for it: enough to see what a
/// minute is like, and 1 in 500 of what an edge can take.
const FOLLOWED_PER_SECOND: u64 = 100;

/// A traced request that has been answered.
#[derive(Debug, Clone)]
pub struct Span {
    /// The trace that it is a part of.
    pub trace: u128,
    /// Its own id.
    pub id: u64,
    /// The caller's span, if it was followed.
    pub parent: Option<u64>,
    /// When it began, milliseconds since 1970-01-01 UTC.
    pub began_ms: i64,
    /// How long it took.
    pub took: Duration,
    /// The campaign of its address; none if there is no such campaign.
    pub campaign: Option<String>,
    /// The status of the answer.
    pub status: u16,
    /// `accepted`, or the code of a problem.
    pub outcome: &'static str,
    /// Its wait for the journal, if it came so far.
    pub append: Option<Append>,
}

/// The wait of a traced ballot for the journal: from the batcher until its fate is known.
#[derive(Debug, Clone, Copy)]
pub struct Append {
    /// Its span's id.
    pub id: u64,
    /// How long after its request's it began.
    pub after: Duration,
    /// How long it took.
    pub took: Duration,
    /// `durable`, `refused` or `in_doubt`.
    pub outcome: &'static str,
}

/// Decides which requests are traced, and takes what is told of them.
#[derive(Debug)]
pub struct Tracer {
    clock: Arc<dyn Clock>,
    /// A request is taken if a random number is below this.
    share: u64,
    random: AtomicU64,
    made_at: Instant,
    /// The second in which callers were last followed, and how many, in the low 16 bits.
    followed: AtomicU64,
    finished: mpsc::Sender<Span>,
    lost: AtomicU64,
}

/// A request that is traced.
#[derive(Debug)]
pub(crate) struct Traced {
    span: Span,
    began: Instant,
    tracer: Arc<Tracer>,
}

impl Tracer {
    /// A tracer that takes this share of the requests without a `traceparent`, 0 to 1. Finished
    /// spans go into the channel; where that is full they are lost, and counted.
    #[must_use]
    pub fn new(share: f64, seed: u64, clock: Arc<dyn Clock>, finished: mpsc::Sender<Span>) -> Self {
        Self {
            clock,
            share: share_of_u64(share),
            random: AtomicU64::new(seed),
            made_at: Instant::now(),
            followed: AtomicU64::new(0),
            finished,
            lost: AtomicU64::new(0),
        }
    }

    /// How many spans were lost because the channel was full.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Begins to trace a request with these headers, if it is to be traced.
    pub(crate) fn begin(self: &Arc<Self>, headers: &HeaderMap, began: Instant) -> Option<Traced> {
        let (trace, parent) = match Parent::of(headers) {
            Some(parent) if parent.sampled && self.may_follow(began) => {
                (parent.trace, Some(parent.span))
            }
            // Whoever it comes from has decided.
            Some(_) => return None,
            None if self.draw() < self.share => (self.id128(), None),
            None => return None,
        };
        let span = Span {
            trace,
            id: self.id(),
            parent,
            began_ms: self.clock.now_ms(),
            took: Duration::ZERO,
            campaign: None,
            status: 0,
            outcome: "",
            append: None,
        };
        Some(Traced { span, began, tracer: Arc::clone(self) })
    }

    /// Whether another caller may be followed in this second.
    fn may_follow(&self, now: Instant) -> bool {
        // One more than the seconds, so that the first one is not the beginning's 0.
        let second = now.saturating_duration_since(self.made_at).as_secs() + 1;
        let more = |seen: u64| match (seen >> 16, seen & 0xffff) {
            (then, count) if then == second => {
                (count < FOLLOWED_PER_SECOND).then_some(second << 16 | (count + 1))
            }
            _ => Some(second << 16 | 1),
        };
        // Relaxed: the number stands for itself.
        self.followed.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
    }

    /// A random number: SplitMix64, whose state is a sum, so that any number may draw at once. Ids
    /// are names, no secrets.
    fn draw(&self) -> u64 {
        const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
        // Relaxed: each draw gets a sum of its own.
        let mut z = self.random.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// An id; none is 0.
    fn id(&self) -> u64 {
        self.draw().max(1)
    }

    fn id128(&self) -> u128 {
        u128::from(self.id()) << 64 | u128::from(self.draw())
    }
}

impl Traced {
    /// Its ballot goes to the batcher now.
    pub(crate) fn append_begins(&mut self) {
        let (id, after) = (self.tracer.id(), self.began.elapsed());
        self.span.append = Some(Append { id, after, took: Duration::ZERO, outcome: "" });
    }

    /// The fate of its ballot is known.
    pub(crate) fn append_ended(&mut self, fate: &Cast) {
        let Some(append) = &mut self.span.append else { return };
        append.took = self.began.elapsed().saturating_sub(append.after);
        append.outcome = match fate {
            Cast::Durable(_) => "durable",
            Cast::Refused => "refused",
            Cast::InDoubt => "in_doubt",
        };
    }

    /// It has been answered.
    pub(crate) fn end(mut self, campaign: Option<&str>, status: u16, outcome: &'static str) {
        self.span.took = self.began.elapsed();
        self.span.campaign = campaign.map(ToOwned::to_owned);
        (self.span.status, self.span.outcome) = (status, outcome);
        if self.tracer.finished.try_send(self.span).is_err() {
            self.tracer.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// A share of all numbers of 64 bits.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float becomes the nearest u64 there is"
)]
const fn share_of_u64(share: f64) -> u64 {
    (share * 18_446_744_073_709_551_616.0) as u64
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;
    use journal::SystemClock;

    use super::*;

    const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn tracer(share: f64, room: usize) -> (Arc<Tracer>, mpsc::Receiver<Span>) {
        let (sender, receiver) = mpsc::channel(room);
        (Arc::new(Tracer::new(share, 7, Arc::new(SystemClock), sender)), receiver)
    }

    fn headers(parent: &'static str) -> HeaderMap {
        [("traceparent".parse().unwrap(), HeaderValue::from_static(parent))].into_iter().collect()
    }

    #[tokio::test(start_paused = true)]
    async fn callers_are_followed_so_many_times_a_second_and_no_more() {
        let (tracer, _finished) = tracer(0.0, 1);
        let followed = |count: u64| {
            let begun = (0..count).filter_map(|_| tracer.begin(&headers(CALLER), Instant::now()));
            begun.count() as u64
        };
        assert_eq!(followed(1_000), FOLLOWED_PER_SECOND);
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((followed(60), followed(60)), (60, FOLLOWED_PER_SECOND - 60));
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(followed(1_000), FOLLOWED_PER_SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_caller_a_share_is_taken_and_a_caller_that_says_no_is_heard() {
        let count = |share: f64, headers: HeaderMap| {
            let (tracer, _finished) = tracer(share, 1);
            let begun = (0..10_000).filter_map(|_| tracer.begin(&headers, Instant::now()));
            begun.count()
        };
        assert_eq!(count(0.0, HeaderMap::new()), 0);
        assert_eq!(count(1.0, HeaderMap::new()), 10_000);
        let some = count(0.01, HeaderMap::new());
        assert!((50..200).contains(&some), "{some}");
        let unsampled = headers("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
        assert_eq!(count(1.0, unsampled), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_fit_is_lost_and_counted_and_what_fits_is_whole() {
        let (tracer, mut finished) = tracer(1.0, 1);
        let mut traced = tracer.begin(&headers(CALLER), Instant::now()).unwrap();
        tokio::time::advance(Duration::from_millis(3)).await;
        traced.append_begins();
        tokio::time::advance(Duration::from_millis(4)).await;
        traced.append_ended(&Cast::InDoubt);
        traced.end(Some("c"), 503, "journal_unavailable");
        tracer.begin(&HeaderMap::new(), Instant::now()).unwrap().end(None, 404, "unknown_campaign");
        assert_eq!(tracer.lost(), 1);
        let span = finished.try_recv().unwrap();
        assert_eq!(span.trace, 0x4bf9_2f35_77b3_4da6_a3ce_929d_0e0e_4736);
        assert_eq!((span.parent, span.took.as_millis()), (Some(0x00f0_67aa_0ba9_02b7), 7));
        let append = span.append.unwrap();
        assert_eq!((append.after.as_millis(), append.took.as_millis()), (3, 4));
        assert_eq!((append.outcome, span.status), ("in_doubt", 503));
    }
}
