//! The outcome of a ballot, found by scanning its partition, and remembered once it is final.
//!
//! Invariant: what the fold has not reached is pending, and only what it has reached is remembered.
//! A scan is bounded in number and time; of two generations of outcomes the older is forgotten.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use ballot::{Ballot, Outcome, OutcomeScan, Receipt, Snapshot};
use journal::{Error, Journal, Reader};
use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::problem::Problem;
use crate::refusal::Refusal;

/// The most outcomes remembered: 80 bytes each.
const REMEMBERED_MAX: usize = 16_384;
/// What a scan may take: a day of 10M ballots in 6 partitions is read in some 3 s.
const SCAN_DEADLINE: Duration = Duration::from_secs(10);

type Generation = HashMap<Receipt, Outcome>;

/// Outcomes found before.
#[derive(Debug, Default)]
pub(crate) struct Outcomes(Mutex<[Generation; 2]>);

impl Outcomes {
    fn find(&self, place: Receipt) -> Option<Outcome> {
        let generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        generations.iter().find_map(|generation| generation.get(&place).copied())
    }

    fn remember(&self, place: Receipt, outcome: Outcome) {
        let mut generations = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let [young, old] = &mut *generations;
        if young.len() >= REMEMBERED_MAX / 2 {
            *old = std::mem::take(young);
        }
        young.insert(place, outcome);
    }

    /// The outcome of the ballot at `place`, which this snapshot's fold has reached.
    pub(crate) async fn of<J: Journal>(
        &self,
        journal: &J,
        scans: &Semaphore,
        snapshot: &Snapshot,
        (place, ballot): (Receipt, Ballot),
    ) -> Result<Outcome, Refusal> {
        if let Some(outcome) = self.find(place) {
            return Ok(outcome);
        }
        let scan = OutcomeScan::new(snapshot.rules(), place, ballot);
        let outcome = match scan.from_ms() {
            None => scan.outcome(),
            Some(from_ms) => {
                let _permit = scans.try_acquire().map_err(|_| Problem::RateLimited)?;
                let scanned = timeout(SCAN_DEADLINE, run(journal, scan, place, from_ms)).await;
                let scanned = scanned.map_err(|_| Problem::JournalUnavailable)?;
                scanned.map_err(|_| Problem::JournalUnavailable)?
            }
        };
        self.remember(place, outcome);
        Ok(outcome)
    }
}

async fn run<J: Journal>(
    journal: &J,
    mut scan: OutcomeScan<'_>,
    place: Receipt,
    from_ms: i64,
) -> Result<Outcome, Error> {
    let start = journal.position_at(place.partition, from_ms).await?;
    let mut reader = journal.read(place.partition, start);
    loop {
        for record in reader.next().await? {
            if !scan.feed(record.offset, &record.value) {
                return Ok(scan.outcome());
            }
        }
        // The embedded journal reads without a wait; voters come first.
        yield_now().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_more_outcomes_are_remembered_than_the_bound_and_the_newest_half_always_is() {
        let outcomes = Outcomes::default();
        let place = |offset| Receipt { partition: 0, offset, index: 0 };
        let many = REMEMBERED_MAX as u64 * 2;
        for offset in 0..many {
            outcomes.remember(place(offset), Outcome::Counted);
        }
        let kept: usize = outcomes.0.lock().unwrap().iter().map(HashMap::len).sum();
        assert!(kept <= REMEMBERED_MAX);
        assert_eq!(outcomes.find(place(many - REMEMBERED_MAX as u64 / 2)), Some(Outcome::Counted));
        assert_eq!(outcomes.find(place(0)), None);
    }
}
