//! Fills a journal: the rules in every partition, then ballots in records of one size, many records
//! in flight, none of them awaited by anybody but this.

use aggregator::found;
use benches::{Ballots, Error, LogWriter, Logged, Poll};
use futures_util::TryStreamExt as _;
use futures_util::stream::{self, StreamExt as _};
use journal::{Clock as _, Journal, SystemClock};

use crate::{PARTITIONS, Plan};

/// Puts so many ballots into a journal that is empty.
pub(crate) async fn preload<J: Journal>(
    journal: &J,
    poll: &Poll,
    plan: &Plan,
) -> Result<(), Error> {
    let now_ms = SystemClock.now_ms();
    let rules = poll.rules(journal.identity(), PARTITIONS);
    found(journal, &rules, now_ms).await?;
    let mut writer = LogWriter::new(&rules, plan.per_record);
    // Cast now: a day that is over would be closed while it is counted.
    let ballots = Ballots::new(1, now_ms).take(usize::try_from(plan.ballots)?);
    // A record is made when there is room for it in flight.
    append_all(journal, writer.records(ballots), plan.in_flight).await?;
    append_all(journal, writer.rest().into_iter(), plan.in_flight).await
}

async fn append_all<J: Journal>(
    journal: &J,
    records: impl Iterator<Item = Logged>,
    in_flight: usize,
) -> Result<(), Error> {
    let now_ms = SystemClock.now_ms();
    let appends = records.map(|one| journal.append(one.partition, now_ms, one.value));
    let mut appends = stream::iter(appends).buffer_unordered(in_flight);
    while appends.try_next().await?.is_some() {}
    Ok(())
}
