//! Voters: cast a ballot, and the same again while its fate is open, and note every answer.
//!
//! Each attempt is on record before it is cast, so that a ballot in a log has somebody who knows
//! of it. Never here: what an answer has to be, but for when it has to come.

use std::cell::RefCell;
use std::rc::{Rc, Weak};
use std::time::Duration;

use ballot::{Ballot, ChoiceSet, Risk, VoterId, VotingDay};
use ingest::{Acknowledged, Cast};
use tokio::time::{Instant, sleep, timeout};

use crate::process::{Answer, CLOCK_OFFSET_MS_MAX, DEADLINE, Process};

/// Timers have whole milliseconds.
const EPSILON: Duration = Duration::from_millis(2);

/// What a voter knows of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Open,
    /// The voter did not wait for the answer.
    HungUp,
    Told(Cast),
}

/// One attempt.
#[derive(Debug, Clone)]
pub(crate) struct Attempt {
    pub(crate) ballot: Ballot,
    pub(crate) day: VotingDay,
    pub(crate) edge: Weak<Process>,
    pub(crate) fate: Fate,
    /// Whether the edge's clock was within its bound, which it may not know for a while.
    pub(crate) sound: bool,
}

impl Attempt {
    pub(crate) fn is_of(&self, edge: &Rc<Process>) -> bool {
        std::ptr::eq(self.edge.as_ptr(), Rc::as_ptr(edge))
    }
}

/// An edge's word that it has acknowledged a ballot of this voter and day already.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    pub(crate) voter: VoterId,
    pub(crate) day: VotingDay,
    pub(crate) edge: Weak<Process>,
    pub(crate) ballot: Acknowledged,
}

/// All that voters know.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) known: Vec<Known>,
}

/// A voter and how stubborn.
#[derive(Debug, Clone)]
pub(crate) struct Voter {
    pub(crate) voter: VoterId,
    pub(crate) choices: ChoiceSet,
    pub(crate) edge: usize,
    pub(crate) retries: u32,
    /// Hangs up after so long, if at all.
    pub(crate) patience_ms: Option<u64>,
}

impl Voter {
    /// Casts, and casts the same again for the same day while it is in the open.
    pub(crate) async fn vote(&self, edges: &[Rc<Process>], heard: &RefCell<Heard>) {
        let mut day = None;
        for attempt in 0..=self.retries as usize {
            let edge = &edges[(self.edge + attempt) % edges.len()];
            match edge.ask(self.voter, self.choices, day) {
                Ok((permit, ballot, today)) => {
                    day = Some(today);
                    let number = note(heard, edge, ballot, today);
                    let cast = self.wait(edge.batcher.cast(permit, &ballot, Risk::NONE)).await;
                    let noted = &mut heard.borrow_mut().attempts[number];
                    noted.fate = cast.map_or(Fate::HungUp, Fate::Told);
                    noted.sound &= is_sound(edge);
                    // Some retry although they have their receipt: a page reloaded.
                    if matches!(cast, Some(Cast::Durable(_))) && attempt % 2 == 1 {
                        return;
                    }
                }
                Err(Answer::AlreadyVoted(day, ballot)) => {
                    let (voter, edge) = (self.voter, Rc::downgrade(edge));
                    heard.borrow_mut().known.push(Known { voter, day, edge, ballot });
                    return;
                }
                Err(Answer::Closed | Answer::Cast(..)) => return,
                Err(Answer::Unavailable) => {}
            }
            sleep(Duration::from_millis(30)).await;
        }
    }

    /// The answer, unless patience ends before. It has to come by the deadline.
    async fn wait(&self, cast: impl Future<Output = Cast>) -> Option<Cast> {
        let asked = Instant::now();
        let cast = match self.patience_ms {
            Some(ms) => timeout(Duration::from_millis(ms), cast).await.ok(),
            None => Some(cast.await),
        };
        let took = asked.elapsed();
        assert!(took <= DEADLINE + EPSILON, "{cast:?} took {took:?}");
        cast
    }
}

fn note(heard: &RefCell<Heard>, edge: &Rc<Process>, ballot: Ballot, day: VotingDay) -> usize {
    let (fate, sound) = (Fate::Open, is_sound(edge));
    let attempts = &mut heard.borrow_mut().attempts;
    attempts.push(Attempt { ballot, day, edge: Rc::downgrade(edge), fate, sound });
    attempts.len() - 1
}

fn is_sound(edge: &Process) -> bool {
    edge.clock.skew_ms().abs() <= CLOCK_OFFSET_MS_MAX
}
