//! Voters: cast a ballot, and the same again while its fate is open, and note what they were told.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use ballot::{ChoiceSet, VoterId, VotingDay};
use ingest::Cast;
use tokio::time::sleep;

use crate::process::{Answer, CLOCK_OFFSET_MS_MAX, Process};

/// What voters know.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Told {
    pub(crate) voter: VoterId,
    pub(crate) choices: ChoiceSet,
    pub(crate) day: VotingDay,
    pub(crate) cast_at_ms: i64,
    pub(crate) cast: Cast,
    /// Whether the edge's clock was within its bound, which it may not know for a while.
    pub(crate) sound: bool,
}

/// A voter: casts, and casts the same again for the same day while it is in the open.
pub(crate) async fn vote(
    edges: &[Rc<Process>],
    first: usize,
    (voter, choices): (VoterId, ChoiceSet),
    retries: u32,
    told: &RefCell<Vec<Told>>,
) {
    let mut day = None;
    for attempt in 0..=retries as usize {
        let edge = &edges[(first + attempt) % edges.len()];
        let sound = edge.clock.skew_ms().abs() <= CLOCK_OFFSET_MS_MAX;
        match edge.vote(voter, choices, day).await {
            Answer::Cast(cast, today, cast_at_ms) => {
                day = Some(today);
                let sound = sound && edge.clock.skew_ms().abs() <= CLOCK_OFFSET_MS_MAX;
                let day = today;
                told.borrow_mut().push(Told { voter, choices, day, cast_at_ms, cast, sound });
                // Some retry although they have their receipt: a page reloaded.
                if matches!(cast, Cast::Durable(_)) && attempt % 2 == 1 {
                    return;
                }
            }
            Answer::AlreadyVoted(_) | Answer::Closed => return,
            Answer::Unavailable => {}
        }
        sleep(Duration::from_millis(30)).await;
    }
}
