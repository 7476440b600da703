//! The steps of planted defects in a worker; tests only.

use ballot::planted::{count, skip};
use ballot::{Fold, Record, VoterMap, Voters};
use futures_util::future::{FusedFuture, FutureExt};
use journal::Journal;

use super::Worker;
use crate::planted::Planted;

impl<J: Journal> Worker<'_, J> {
    /// Does what a planted defect does before a record is folded.
    pub(super) fn plant(&mut self, record: &journal::Record) {
        let is_batch = matches!(Record::decode(&record.value), Ok(Record::Batch(_)));
        if record.offset != self.fold.frontier() || !is_batch {
            return;
        }
        assert!(!self.context.is_planted(Planted::WorkerPanics), "planted");
        if self.context.is_planted(Planted::BatchFoldedTwice) {
            count(&mut self.fold, &record.value, 2, &mut self.voters);
        }
        if self.context.is_planted(Planted::FrontierBeforeSnapshot) {
            let mut ahead = self.fold.clone();
            skip(&mut ahead, &record.value);
            self.publish_planted(&ahead);
        }
        if self.context.is_planted(Planted::SnapshotMidBatch) {
            let mut before = self.fold.clone();
            count(&mut before, &record.value, 1, &mut VoterMap::new(10_000));
            self.publish_planted(&before);
        }
    }

    pub(super) fn plant_drop_by_clock(&mut self, now_ms: i64) {
        if self.context.is_planted(Planted::DayDroppedByClock) {
            let over = self.fold.open_days().filter(|day| day.end_ms <= now_ms);
            let over: Vec<_> = over.map(|day| day.day).collect();
            over.into_iter().for_each(|day| self.voters.drop_day(day));
        }
    }

    fn publish_planted(&mut self, fold: &Fold) {
        if !self.publishing.is_terminated() {
            return;
        }
        let (frontier, value) = (fold.frontier(), fold.snapshot().encode());
        let (journal, partition) = (&self.context.journal, self.partition);
        let publish = async move { (frontier, journal.publish(partition, value).await) };
        self.publishing = publish.boxed().fuse();
    }
}
