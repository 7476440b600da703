//! What planted defects need of a fold that nobody else may do; tests only.

use bytes::Bytes;

use crate::{BatchBuilder, Fold, Record, Voters};

/// Moves the frontier over a record without counting it.
pub fn skip(fold: &mut Fold, value: &Bytes) {
    fold.digest.push(value);
    fold.frontier += 1;
}

/// Counts a share of a batch without moving the frontier: `numerator / 2` of its ballots.
pub fn count<V: Voters>(fold: &mut Fold, value: &Bytes, numerator: usize, voters: &mut V) {
    let Ok(Record::Batch(batch)) = Record::decode(value) else { return };
    let mut part = BatchBuilder::new(4);
    batch.ballots().take(batch.len() * numerator / 2).for_each(|ballot| {
        part.push(&ballot);
    });
    if !part.is_empty() {
        drop(fold.apply_batch(&part.finish(), voters));
    }
}

/// Marks the voters of all ballots of a batch, whether they count or not.
pub fn mark_all<V: Voters>(fold: &Fold, value: &Bytes, voters: &mut V) {
    let Ok(Record::Batch(batch)) = Record::decode(value) else { return };
    let Some(rules) = fold.rules() else { return };
    for ballot in batch.ballots() {
        if let Some(day) = rules.day_at(ballot.cast_at_ms) {
            voters.with_day(day.day, |set| set.insert(ballot.voter));
        }
    }
}
