//! Everything else gives way to ballots: while ballots come and the process is late with its work,
//! a view waits for its turn.
//!
//! How late it is tells a timer: the runtime looks at timers and sockets in the same round, so a
//! ballot is as late. Turns are given in the order of asking, fewer while the process is late and
//! more while it is not. Only ballots on their way to the journal count: a forged one slows nobody
//! down. Invariant: a view waits a second at most, and nobody waits where no ballot has come for a
//! second. Never here: a wait for a ballot.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use prometheus::{IntCounter, Registry};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until, timeout};

use crate::metrics::VIEWS_DELAYED;

/// How often turns are given while ballots come.
const TICK: Duration = Duration::from_millis(2);
/// How often it is asked whether they do.
const TICK_IDLE: Duration = Duration::from_millis(20);
/// Beyond this the process is late. A timer of the runtime is up to a millisecond late by itself.
const LATE: Duration = Duration::from_micros(2_000);
/// For so long after the last ballot others give way.
const BALLOTS_RECENT: Duration = Duration::from_secs(1);
/// Others go on without asking once none of them had to wait for so long.
const NONE_WAITED: Duration = Duration::from_secs(1);
/// A view that has waited this long is not made to wait any more: nobody looks at a blank page
/// for longer, and this bounds how many wait.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// Turns a tick at least, so that views are seen to go on however late the process is.
const TURNS_MIN: usize = 16;
/// Turns a tick at most, more than a process answers in one.
const TURNS_MAX: usize = 1_024;
/// One turn more after so many ticks in a row that were not late. Each attempt to give too many
/// makes ballots late once: this makes it seldom.
const TICKS_FOR_MORE: u32 = 10;

/// Who waits, and who may go on. Relaxed: each stands alone, and what a tick misses the next sees.
#[derive(Debug)]
pub(crate) struct Turns {
    /// Whether views wait for a turn.
    is_pressed: AtomicBool,
    /// Whether a ballot has come since somebody looked.
    has_ballots: AtomicBool,
    waiting: AtomicUsize,
    /// First come, first served.
    turns: Semaphore,
    delayed: IntCounter,
}

impl Turns {
    /// Nobody waits.
    pub(crate) fn new(registry: &Registry) -> prometheus::Result<Self> {
        let help = "Requests that waited because ballots went first.";
        let delayed = IntCounter::new(VIEWS_DELAYED, help)?;
        registry.register(Box::new(delayed.clone()))?;
        Ok(Self {
            is_pressed: AtomicBool::new(false),
            has_ballots: AtomicBool::new(false),
            waiting: AtomicUsize::new(0),
            turns: Semaphore::new(0),
            delayed,
        })
    }

    /// A ballot has come that is the journal's to take; it goes on at once.
    pub(crate) fn ballot(&self) {
        // Read first: threads that only read do not take the line from each other.
        if !self.has_ballots.load(Ordering::Relaxed) {
            self.has_ballots.store(true, Ordering::Relaxed);
        }
    }

    /// Waits for the turn of something that is no ballot.
    pub(crate) async fn wait(&self) {
        if !self.is_pressed.load(Ordering::Relaxed) {
            return;
        }
        // There is one to take only where nobody waits for it.
        if let Ok(turn) = self.turns.try_acquire() {
            turn.forget();
            return;
        }
        self.delayed.inc();
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        // Out of turn after the most it may wait. The semaphore is never closed.
        if let Ok(Ok(turn)) = timeout(WAIT_MAX, self.turns.acquire()).await {
            turn.forget();
        }
    }

    /// Gives turns; runs until it is dropped.
    pub(crate) async fn keep(&self) -> Infallible {
        let mut pace = Pace::new();
        loop {
            let due = Instant::now() + pace.tick;
            sleep_until(due).await;
            let now = Instant::now();
            let has_ballots = self.has_ballots.swap(false, Ordering::Relaxed);
            let waiting = self.waiting.load(Ordering::Relaxed);
            let turns = pace.turns(now, now - due, has_ballots, waiting);
            self.is_pressed.store(turns.is_some(), Ordering::Relaxed);
            // What was not used is gone. Who waits when the pressure ends goes on, too.
            self.turns.forget_permits(Semaphore::MAX_PERMITS);
            self.turns.add_permits(turns.unwrap_or(waiting));
        }
    }
}

/// One that waits.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many turns there are.
#[derive(Debug)]
struct Pace {
    tick: Duration,
    /// None where nobody has to wait.
    turns: Option<usize>,
    /// Ticks since it was late, or since one turn more was due.
    on_time: u32,
    last_ballot: Option<Instant>,
    last_wait: Option<Instant>,
}

impl Pace {
    const fn new() -> Self {
        Self { tick: TICK_IDLE, turns: None, on_time: 0, last_ballot: None, last_wait: None }
    }

    /// How many of those who wait may go on now; none where nobody has to wait.
    fn turns(
        &mut self,
        now: Instant,
        late: Duration,
        has_ballots: bool,
        waiting: usize,
    ) -> Option<usize> {
        if has_ballots {
            self.last_ballot = Some(now);
        }
        let is_late = late > LATE;
        if waiting > 0 || is_late {
            self.last_wait = Some(now);
        }
        let within = |last: Option<Instant>, time| last.is_some_and(|last| now - last < time);
        let is_voting = within(self.last_ballot, BALLOTS_RECENT);
        self.tick = if is_voting { TICK } else { TICK_IDLE };
        self.on_time = if is_late { 0 } else { self.on_time % TICKS_FOR_MORE + 1 };
        let is_more_due = self.on_time == TICKS_FOR_MORE;
        self.turns = match self.turns {
            _ if !is_voting => None,
            None if is_late => Some(TURNS_MIN),
            None => None,
            Some(turns) if is_late => Some((turns / 2).max(TURNS_MIN)),
            Some(_) if !within(self.last_wait, NONE_WAITED) => None,
            Some(turns) => Some((turns + usize::from(is_more_due)).min(TURNS_MAX)),
        };
        self.turns
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    const ON_TIME: Duration = Duration::from_millis(1);
    const TOO_LATE: Duration = Duration::from_millis(5);

    fn turns() -> Turns {
        Turns::new(&Registry::new()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_where_there_is_no_pressure() {
        let turns = turns();
        turns.ballot();
        assert!(poll!(pin!(turns.wait())).is_ready());
        assert_eq!(turns.delayed.get(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_goes_on_in_the_order_of_asking() {
        let turns = turns();
        turns.is_pressed.store(true, Ordering::Relaxed);
        let (mut first, mut second) = (pin!(turns.wait()), pin!(turns.wait()));
        assert!(poll!(first.as_mut()).is_pending());
        assert!(poll!(second.as_mut()).is_pending());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 2);
        turns.turns.add_permits(1);
        assert!(poll!(second.as_mut()).is_pending());
        assert!(poll!(first.as_mut()).is_ready());
        turns.turns.add_permits(1);
        assert!(poll!(second.as_mut()).is_ready());
        assert_eq!(turns.turns.available_permits(), 0);
        assert_eq!((turns.waiting.load(Ordering::Relaxed), turns.delayed.get()), (0, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_view_waits_a_second_at_most() {
        let turns = turns();
        turns.is_pressed.store(true, Ordering::Relaxed);
        let began = Instant::now();
        turns.wait().await;
        // The timer's own grain is a millisecond.
        assert!(began.elapsed() - WAIT_MAX <= Duration::from_millis(1), "{:?}", began.elapsed());
        assert_eq!(turns.waiting.load(Ordering::Relaxed), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn all_who_wait_go_on_when_the_pressure_ends() {
        let turns = turns();
        turns.is_pressed.store(true, Ordering::Relaxed);
        let keeping = turns.keep();
        let waiting = futures_util::future::join_all((0..100).map(|_| turns.wait()));
        let began = Instant::now();
        tokio::select! {
            biased;
            _waited = waiting => {}
            never = keeping => match never {},
        }
        // The first tick, as no ballot has come.
        assert!(began.elapsed() < 2 * TICK_IDLE, "{:?}", began.elapsed());
        assert!(!turns.is_pressed.load(Ordering::Relaxed));
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_halved_when_late_and_grow_when_not_and_only_while_ballots_come() {
        let now = Instant::now();
        let mut pace = Pace::new();
        assert_eq!(pace.turns(now, TOO_LATE, false, 9), None, "no ballots");
        assert_eq!(pace.turns(now, ON_TIME, true, 9), None, "not late");
        assert_eq!(pace.tick, TICK);
        assert_eq!(pace.turns(now, TOO_LATE, false, 9), Some(TURNS_MIN));
        for more in 1..=96 {
            for _ in 1..TICKS_FOR_MORE {
                assert_eq!(pace.turns(now, ON_TIME, false, 9), Some(TURNS_MIN + more - 1));
            }
            assert_eq!(pace.turns(now, ON_TIME, false, 9), Some(TURNS_MIN + more));
        }
        assert_eq!(pace.turns(now, TOO_LATE, false, 9), Some((TURNS_MIN + 96) / 2));
        for _ in 0..9 {
            pace.turns(now, TOO_LATE, false, 9);
        }
        assert_eq!(pace.turns(now, TOO_LATE, false, 9), Some(TURNS_MIN));
        let last = now + BALLOTS_RECENT;
        assert_eq!(pace.turns(last, TOO_LATE, false, 9), None, "no ballot for a second");
        assert_eq!(pace.tick, TICK_IDLE);
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_asks_any_more_once_none_had_to_wait_for_a_second() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.turns(now, TOO_LATE, true, 0);
        let just_before = now + NONE_WAITED - Duration::from_millis(1);
        assert!(pace.turns(just_before, ON_TIME, true, 1).is_some(), "one waits");
        assert!(pace.turns(now + NONE_WAITED, ON_TIME, true, 0).is_some());
        assert_eq!(pace.turns(just_before + NONE_WAITED, ON_TIME, true, 0), None);
    }

    #[tokio::test(start_paused = true)]
    async fn turns_have_a_most() {
        let now = Instant::now();
        let mut pace = Pace::new();
        pace.turns(now, TOO_LATE, true, 9);
        for _ in 0..TURNS_MAX {
            for _ in 0..TICKS_FOR_MORE {
                pace.turns(now, ON_TIME, true, 9);
            }
        }
        assert_eq!(pace.turns(now, ON_TIME, true, 9), Some(TURNS_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_turn_that_is_there_is_taken_without_waiting() {
        let turns = turns();
        turns.is_pressed.store(true, Ordering::Relaxed);
        turns.turns.add_permits(1);
        assert!(poll!(pin!(turns.wait())).is_ready());
        assert_eq!(turns.delayed.get(), 0);
        assert!(poll!(pin!(turns.wait())).is_pending());
    }
}
