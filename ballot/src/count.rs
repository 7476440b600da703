//! How the ballots of a batch are counted, or only marked.
//!
//! Nearly every batch is valid as a whole on one open day. It is folded by columns, any other one
//! ballot by ballot; a test holds the two together. Never here: half a batch, if a set is full.

use crate::columns::{Columns, words};
use crate::places::{Place, check_room, place_all, runs};
use crate::{Batch, ChoiceSet, Fold, Rules, Stop, Verdict, Voters, VotingDay};

impl Fold {
    pub(crate) fn apply_batch<V: Voters>(
        &mut self,
        batch: &Batch,
        voters: &mut V,
    ) -> Result<(), Stop> {
        if self.apply_whole(batch, voters) { Ok(()) } else { self.apply_each(batch, voters) }
    }

    /// Marks the voters whose ballots count under rules that were in force.
    pub(crate) fn mark_batch<V: Voters>(
        &self,
        rules: &Rules,
        batch: &Batch,
        voters: &mut V,
    ) -> Result<(), Stop> {
        if self.mark_whole(rules, batch, voters) {
            Ok(())
        } else {
            self.mark_each(rules, batch, voters)
        }
    }

    /// False if nothing was done, because the batch is not that simple.
    fn apply_whole<V: Voters>(&mut self, batch: &Batch, voters: &mut V) -> bool {
        let day = self.rules().and_then(|rules| self.whole_day(rules, batch));
        let Some(day) = day else { return false };
        let tally = self.days.entry(day).or_default();
        let before = (tally.ballots, tally.duplicates);
        let whole = insert_whole(day, batch, voters, |block, new| block.count(new, tally));
        self.outcomes.counted += tally.ballots - before.0;
        self.outcomes.duplicate += tally.duplicates - before.1;
        whole
    }

    fn mark_whole<V: Voters>(&self, rules: &Rules, batch: &Batch, voters: &mut V) -> bool {
        let day = self.whole_day(rules, batch);
        day.is_some_and(|day| insert_whole(day, batch, voters, |_, _| ()))
    }

    fn whole_day(&self, rules: &Rules, batch: &Batch) -> Option<VotingDay> {
        let day = valid_day(rules, self.partition, batch)?;
        (!self.closed.contains(&day)).then_some(day)
    }

    fn apply_each<V: Voters>(&mut self, batch: &Batch, voters: &mut V) -> Result<(), Stop> {
        let Some(rules) = self.rules() else { return Err(Stop::NoRules) };
        let judged = place_all(rules, self.partition, &self.closed, batch);
        check_room(&judged, voters)?;
        for (place, run) in runs(&judged) {
            let count = run.len() as u64;
            match place {
                Place::Nowhere(Verdict::Misrouted) => self.outcomes.misrouted += count,
                Place::Nowhere(Verdict::Invalid) => self.outcomes.invalid += count,
                Place::Nowhere(Verdict::Outside | Verdict::Valid(_)) => {
                    self.outcomes.outside += count;
                }
                Place::Closed(day) => {
                    self.outcomes.late += count;
                    self.days.entry(day).or_default().late += count;
                }
                Place::Open(day) => {
                    let tally = self.days.entry(day).or_default();
                    let before = (tally.ballots, tally.duplicates);
                    voters.with_day(day, |set| {
                        for (_, ballot) in run {
                            if set.insert(ballot.voter) {
                                tally.count(&ballot.choices);
                            } else {
                                tally.duplicates += 1;
                            }
                        }
                    });
                    self.outcomes.counted += tally.ballots - before.0;
                    self.outcomes.duplicate += tally.duplicates - before.1;
                }
            }
        }
        Ok(())
    }

    fn mark_each<V: Voters>(
        &self,
        rules: &Rules,
        batch: &Batch,
        voters: &mut V,
    ) -> Result<(), Stop> {
        let judged = place_all(rules, self.partition, &self.closed, batch);
        check_room(&judged, voters)?;
        for (day, run) in runs(&judged) {
            let Place::Open(day) = day else { continue };
            voters.with_day(day, |set| {
                for (_, ballot) in run {
                    set.insert(ballot.voter);
                }
            });
        }
        Ok(())
    }
}

/// Marks all voters of a batch on a day and says of each block who is new; false, and nothing done,
/// if the set may not have room for it.
fn insert_whole<V: Voters>(
    day: VotingDay,
    batch: &Batch,
    voters: &mut V,
    mut then: impl FnMut(&Columns<'_>, u64),
) -> bool {
    voters.with_day(day, |set| {
        let fits = batch.len() <= set.room();
        if fits {
            for block in batch.columns().blocks() {
                then(&block, set.insert_all(block.voters()));
            }
        }
        fits
    })
}

/// The day on which every ballot of a batch is valid: what [`Rules::judge`] says of each.
fn valid_day(rules: &Rules, partition: u32, batch: &Batch) -> Option<VotingDay> {
    let columns = batch.columns();
    let earliest_ms = columns.cast_at_ms().min()?;
    let day =
        rules.day_at(earliest_ms).filter(|day| columns.cast_at_ms().all(|at| at < day.end_ms));
    let here = columns.voters().all(|voter| voter.partition(rules.partitions) == partition);
    let allowed_counts = rules.choices_per_ballot_min..=rules.choices_per_ballot_max;
    let mut union = ChoiceSet::new();
    let allowed = columns.choices().all(|set| allowed_counts.contains(&union.add(words(set))))
        && union.is_within(rules.choices);
    day.filter(|_| here && allowed).map(|day| day.day)
}

#[cfg(test)]
mod tests;
