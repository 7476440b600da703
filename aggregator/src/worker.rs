//! The worker of one partition: rebuild, fold, flush, close.
//!
//! A record is folded whole or not at all, because folding never awaits. A snapshot is published
//! only from between two records. After any error everything is rebuilt, nothing resumed.

mod flush;
#[cfg(feature = "planted")]
mod planted_steps;

use std::time::Duration;

use ballot::{Applied, Fold, Outcomes};
use futures_util::future::{BoxFuture, Fuse, FusedFuture, FutureExt};
use journal::{AppendError, Journal, Reader, Record};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::context::{Context, Failure};
use crate::dedup::AssignedVoters;
use crate::rebuild::rebuild;
use crate::status::Phase;
use flush::Ahead;

/// Works on a partition until `drain`, then flushes and answers whether all that was in the log is
/// published. Dropping the future, as a revocation does, ends it at once; nothing is published
/// after.
pub(crate) async fn work<J: Journal>(
    context: Context<J>,
    partition: u32,
    drain: CancellationToken,
) -> bool {
    let mut has_counted = false;
    // Since when it has not been folding.
    let mut idle_since = Some(Instant::now());
    context.meters.rebuilds_assigned.inc();
    loop {
        let now_ms = context.clock.now_ms();
        context.statuses.update(partition, |status| status.begin_rebuild(now_ms));
        let again = match attempt(&context, partition, &drain, &mut idle_since).await {
            Ok(flushed) => return flushed.unwrap_or(!has_counted),
            Err(Failure::Again(why)) => why,
            Err(Failure::Stopped(why)) => {
                tracing::error!(partition, why, "the partition has stopped");
                context.statuses.update(partition, |status| status.phase = Phase::Stopped(why));
                drain.cancelled().await;
                return false;
            }
        };
        tracing::warn!(partition, why = again, "the partition starts over");
        has_counted = true;
        idle_since.get_or_insert_with(Instant::now);
        // Drain ends the wait; else the wait is bounded by its own length.
        if timeout(context.config.retry_interval, drain.cancelled()).await.is_ok() {
            return false;
        }
        context.meters.rebuilds_error.inc();
    }
}

/// One try, until the drain: then whether it has flushed; `None` if it had not begun to count.
async fn attempt<J: Journal>(
    context: &Context<J>,
    partition: u32,
    drain: &CancellationToken,
    idle_since: &mut Option<Instant>,
) -> Result<Option<bool>, Failure> {
    let mut voters = context.assign(partition);
    // Biased: drain is final, so nothing can starve.
    let fold = tokio::select! {
        biased;
        () = drain.cancelled() => return Ok(None),
        fold = rebuild(context, partition, &mut voters) => fold?,
    };
    if let Some(since) = idle_since.take() {
        context.meters.note_rebuilt(since.elapsed());
    }
    let reader = context.journal.read(partition, fold.frontier());
    let mut worker = Worker {
        context,
        partition,
        fold,
        voters,
        published: None,
        publish_failed: false,
        publishing: Fuse::terminated(),
        publish_began: Instant::now(),
        ahead: Ahead::default(),
        closing: Fuse::terminated(),
        close_offset: None,
        flush_at: Instant::now(),
        tick_at: Instant::now(),
    };
    let ended = worker.run(reader, drain).await;
    if let Err(Failure::Stopped(why)) = &ended {
        let why = why.clone();
        context.statuses.update(partition, |status| status.phase = Phase::Stopped(why));
        // What was folded before has to be seen; a journal that takes nothing must not keep us.
        drop(timeout(LAST_FLUSH_TIMEOUT, worker.finish()).await);
    }
    ended.map(|()| Some(true))
}

/// How long a stopped partition tries to publish what it had folded.
const LAST_FLUSH_TIMEOUT: Duration = Duration::from_secs(5);

/// At most one publish and one close are under way.
type UnderWay<'a, T> = Fuse<BoxFuture<'a, T>>;

struct Worker<'a, J> {
    context: &'a Context<J>,
    partition: u32,
    fold: Fold,
    voters: AssignedVoters,
    /// The frontier of our snapshot that was published last.
    published: Option<u64>,
    /// Whether the last publish failed, which is told once.
    publish_failed: bool,
    publishing: UnderWay<'a, (u64, Result<(), AppendError>)>,
    /// When the last publish was begun.
    publish_began: Instant,
    ahead: Ahead,
    closing: UnderWay<'a, Result<u64, AppendError>>,
    /// Where our close record is, until it has been folded.
    close_offset: Option<u64>,
    flush_at: Instant,
    tick_at: Instant,
}

impl<'a, J: Journal> Worker<'a, J> {
    async fn run(
        &mut self,
        mut reader: J::Reader,
        drain: &CancellationToken,
    ) -> Result<(), Failure> {
        // Until now it stood still to rebuild.
        self.context.statuses.update(self.partition, |status| status.behind_since = None);
        self.report(None, 0);
        loop {
            // Biased for determinism, and nothing starves: a drain is final, a publish and a close
            // end and begin again only after an interval, and reading is always ready last.
            tokio::select! {
                biased;
                () = drain.cancelled() => return self.drain(reader).await,
                (frontier, result) = &mut self.publishing => self.note_published(frontier, result),
                result = &mut self.closing => self.note_closed(result),
                () = sleep_until(self.flush_at), if self.publishing.is_terminated() => {
                    self.flush_if_changed();
                }
                () = sleep_until(self.tick_at) => self.close_if_due(),
                records = reader.next() => {
                    self.fold_all(&records?)?;
                    // A reader that never has to wait must not keep the thread from the others.
                    tokio::task::yield_now().await;
                }
            }
        }
    }

    fn fold_all(&mut self, records: &[Record]) -> Result<(), Failure> {
        let now_ms = self.context.clock.now_ms();
        let (mut last_ms, mut after_final) = (None, 0);
        for record in records {
            #[cfg(feature = "planted")]
            self.plant(record);
            let before = ballots(self.fold.outcomes());
            match self.fold.apply(record.offset, &record.value, &mut self.voters)? {
                Applied::Folded => {
                    last_ms = Some(record.timestamp_ms);
                    if ballots(self.fold.outcomes()) > before {
                        self.context
                            .meters
                            .note_ballot_age(now_ms.saturating_sub(record.timestamp_ms));
                    }
                }
                Applied::Skipped => {}
                Applied::AfterFinal => after_final = record.offset + 1 - self.fold.frontier(),
            }
        }
        if self.close_offset.is_some_and(|offset| offset < self.fold.frontier()) {
            // The next day may be over as well.
            self.close_offset = None;
            self.tick_at = Instant::now();
        }
        if last_ms.is_some() {
            self.ahead.note_folded(Instant::now());
        }
        self.report(last_ms, after_final);
        Ok(())
    }

    /// Notes where the fold is: the timestamp of the record before its frontier, if that is new,
    /// and how many were seen behind its close.
    fn report(&self, last_ms: Option<i64>, after_final: u64) {
        let phase = if self.fold.is_final() { Phase::Final } else { Phase::Folding };
        self.context.statuses.update(self.partition, |status| {
            status.phase = phase;
            status.rebuilt = 1.0;
            status.note_fold(&self.fold, last_ms);
            status.ahead_since = self.ahead.since();
            status.after_final = status.after_final.max(after_final);
        });
    }

    /// Appends the close record of the earliest day that is over, once its grace has passed by a
    /// sound clock. It takes effect when it is folded like any record.
    fn close_if_due(&mut self) {
        let now_ms = self.context.clock.now_ms();
        self.tick_at = Instant::now() + self.context.config.tick;
        #[cfg(feature = "planted")]
        self.plant_drop_by_clock(now_ms);
        let under_way = !self.closing.is_terminated() || self.close_offset.is_some();
        if under_way || self.fold.is_final() || !self.context.clock_check.is_sound() {
            return;
        }
        let Some(rules) = self.fold.rules() else { return };
        let Some(day) = self.fold.open_days().next() else { return };
        if now_ms < rules.closable_at_ms(day) {
            return;
        }
        let (day, closable_at_ms) = (*day, rules.closable_at_ms(day));
        let (context, partition) = (self.context, self.partition);
        let close = async move { context.close(partition, day, closable_at_ms).await };
        self.closing = close.boxed().fuse();
    }

    fn note_closed(&mut self, result: Result<u64, AppendError>) {
        let partition = self.partition;
        match result {
            Ok(offset) if offset >= self.fold.frontier() => self.close_offset = Some(offset),
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(partition, %error, "a close record was not appended, trying again");
            }
        }
    }

    /// Folds what is in the log by now, acknowledged before the drain or not, and flushes.
    async fn drain(&mut self, mut reader: J::Reader) -> Result<(), Failure> {
        if !self.closing.is_terminated() {
            // A close under way is part of the log as well, or will be in a moment.
            let result = (&mut self.closing).await;
            self.note_closed(result);
        }
        let end = self.context.journal.bounds(self.partition).await?.end;
        while self.fold.frontier() < end && !self.fold.is_final() {
            let records = reader.next().await?;
            self.fold_all(&records)?;
        }
        self.finish().await
    }
}

/// All ballots that were in the log so far, whatever became of them.
const fn ballots(outcomes: &Outcomes) -> u64 {
    let valid = outcomes.counted + outcomes.duplicate + outcomes.late;
    valid + outcomes.outside + outcomes.invalid + outcomes.misrouted
}
