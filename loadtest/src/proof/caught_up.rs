//! Waiting until the tally has caught up with the log, or until it has stopped moving.
//!
//! Invariant: every wait has an end. Never here: what the tally must say.

use std::time::Duration;

use journal::Journal;
use tokio::time::{Instant, interval};

use crate::target::{Edge, Tally};

/// How often the tally is asked for: it changes a few times a second.
const POLL: Duration = Duration::from_millis(100);
/// A tally that has not moved for so long has caught up, if nothing better is known. Aggregators
/// that rebuild after a crash stand still for longer; whoever tests that gives the log.
const QUIET: Duration = Duration::from_secs(3);
/// The same while fewer ballots are counted than were acknowledged.
const QUIET_SHORT: Duration = Duration::from_secs(10);

/// How the wait for the tally ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CaughtUp {
    /// Milliseconds from the end of the load until then.
    pub ms: u64,
    /// Whether it had caught up.
    pub whole: bool,
}

fn since(began: Instant) -> u64 {
    u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Waits until the tally has reached what was in the log when this was called.
///
/// # Errors
/// A sentence: the log or the tally could not be had at all.
pub async fn reached<J: Journal>(
    edge: &Edge,
    journal: &J,
    (ended, patience): (Instant, Duration),
) -> Result<(Tally, CaughtUp), String> {
    let mut ends = Vec::new();
    for partition in 0..journal.partitions() {
        let bounds = journal.bounds(partition).await;
        ends.push(bounds.map_err(|error| format!("the log cannot be read: {error}"))?.end);
    }
    let (give_up, mut ticks) = (Instant::now() + patience, interval(POLL));
    loop {
        ticks.tick().await;
        let asked: Result<Tally, String> = edge.ask("tally", None).await;
        let whole = asked.as_ref().is_ok_and(|tally| {
            let behind = tally.partitions.iter().zip(&ends).any(|(p, end)| p.frontier < *end);
            tally.partitions.len() == ends.len() && !behind
        });
        if whole || Instant::now() >= give_up {
            return Ok((asked?, CaughtUp { ms: since(ended), whole }));
        }
    }
}

/// Waits until the tally moves no more. `least` ballots or more are expected; while there are
/// fewer, it waits longer.
///
/// # Errors
/// A sentence: there was no tally within the time.
pub async fn quiet(
    edge: &Edge,
    least: u64,
    (ended, patience): (Instant, Duration),
) -> Result<(Tally, CaughtUp), String> {
    let (give_up, mut ticks) = (Instant::now() + patience, interval(POLL));
    let mut last: Option<(Tally, Instant, u64)> = None;
    loop {
        ticks.tick().await;
        let asked: Result<Tally, String> = edge.ask("tally", None).await;
        let now = Instant::now();
        match (asked, &last) {
            (Ok(tally), Some((was, since, ms))) if tally == *was => {
                let needed = if tally.ballots < least { QUIET_SHORT } else { QUIET };
                if now - *since >= needed || now >= give_up {
                    let whole = now - *since >= needed;
                    return Ok((tally, CaughtUp { ms: *ms, whole }));
                }
            }
            (Ok(tally), _) if now < give_up => last = Some((tally, now, since(ended))),
            (Ok(tally), _) => {
                return Ok((tally, CaughtUp { ms: since(ended), whole: false }));
            }
            (Err(error), _) if now >= give_up => return Err(error),
            (Err(_), _) => {}
        }
    }
}

/// The tally before a load: once it is the same twice, so that nothing of before is under way.
///
/// # Errors
/// A sentence: there is no tally, or it moves all the time, because others are voting.
pub async fn idle(edge: &Edge, patience: Duration) -> Result<Tally, String> {
    let (give_up, mut ticks) = (Instant::now() + patience, interval(5 * POLL));
    let mut last: Option<Tally> = None;
    loop {
        ticks.tick().await;
        let asked: Result<Tally, String> = edge.ask("tally", None).await;
        match asked {
            Ok(tally) if last.as_ref() == Some(&tally) => return Ok(tally),
            Ok(_) if Instant::now() >= give_up => {
                return Err("the tally moves before the load began: others are voting".to_owned());
            }
            Err(error) if Instant::now() >= give_up => return Err(error),
            Ok(tally) => last = Some(tally),
            Err(_) => {}
        }
    }
}
