//! When the load casts, and how long nobody was acknowledged.
//!
//! Invariant: casts are spread evenly at the rate, whatever the answers do; a schedule that cannot
//! be kept slips, and what it slipped is counted instead of caught up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

/// How late a cast may be without the schedule slipping: short stalls are caught up.
const SLACK: Duration = Duration::from_millis(200);

/// An open schedule.
#[derive(Debug)]
pub(crate) struct Pace {
    interval: Duration,
    state: Mutex<(Instant, Duration)>,
}

impl Pace {
    /// A schedule of so many casts a second from now on.
    pub(crate) fn new(rate_per_s: u32) -> Self {
        let interval = Duration::from_secs(1) / rate_per_s.max(1);
        Self { interval, state: Mutex::new((Instant::now(), Duration::ZERO)) }
    }

    /// When the next cast is due.
    pub(crate) fn slot(&self) -> Instant {
        let mut state = self.state.lock().unwrap();
        let (next, slipped) = &mut *state;
        let late = next.elapsed().saturating_sub(SLACK);
        *slipped += late;
        let due = *next + late;
        *next = due + self.interval;
        due
    }

    /// How far the schedule has slipped in all.
    pub(crate) fn slipped(&self) -> Duration {
        self.state.lock().unwrap().1
    }
}

/// The longest intervals without an acknowledgement.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// From any edge.
    pub(crate) anyone: Duration,
    /// From each edge.
    pub(crate) edges: Vec<Duration>,
}

/// Sees acknowledgements and keeps the gaps between them.
#[derive(Debug)]
pub(crate) struct Acks {
    since: Instant,
    count: AtomicU64,
    anyone: Gap,
    edges: Vec<Gap>,
}

/// Times are microseconds since the start.
#[derive(Debug, Default)]
struct Gap {
    last_us: AtomicU64,
    longest_us: AtomicU64,
    recent_us: AtomicU64,
}

impl Gap {
    fn end(&self, now_us: u64) {
        let gap_us = now_us.saturating_sub(self.last_us.fetch_max(now_us, Ordering::SeqCst));
        self.longest_us.fetch_max(gap_us, Ordering::SeqCst);
        self.recent_us.fetch_max(gap_us, Ordering::SeqCst);
    }

    fn open_us(&self, now_us: u64) -> u64 {
        now_us.saturating_sub(self.last_us.load(Ordering::SeqCst))
    }
}

impl Acks {
    pub(crate) fn new(edges: usize) -> Self {
        let edges = std::iter::repeat_with(Gap::default).take(edges).collect();
        Self { since: Instant::now(), count: AtomicU64::new(0), anyone: Gap::default(), edges }
    }

    /// An edge has acknowledged a ballot.
    pub(crate) fn acknowledged(&self, edge: usize) {
        let now_us = self.now_us();
        self.count.fetch_add(1, Ordering::SeqCst);
        self.anyone.end(now_us);
        self.edges[edge].end(now_us);
    }

    /// How many acknowledgements there were.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// The longest gaps of all.
    pub(crate) fn longest(&self) -> Gaps {
        let now_us = self.now_us();
        self.gaps(|gap| gap.longest_us.load(Ordering::SeqCst).max(gap.open_us(now_us)))
    }

    /// The longest gaps that ended since this was last asked, or are open.
    pub(crate) fn take(&self) -> Gaps {
        let now_us = self.now_us();
        self.gaps(|gap| gap.recent_us.swap(0, Ordering::SeqCst).max(gap.open_us(now_us)))
    }

    fn gaps(&self, of: impl Fn(&Gap) -> u64) -> Gaps {
        let of = |gap: &Gap| Duration::from_micros(of(gap));
        Gaps { anyone: of(&self.anyone), edges: self.edges.iter().map(of).collect() }
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_micros()).unwrap()
    }
}
