//! How the rules get into a journal, and how a process compares its own with them.
//!
//! Record 0 of every partition is a rules record; a change is appended to every partition. Nothing
//! here ever writes over a difference: it is refused by name.

use ballot::{Record, Rules};
use journal::{AppendError, Error, Journal, Reader};

use crate::view::View;

/// Why a process may not work on a journal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FoundingError {
    /// The journal cannot be read or written.
    #[error(transparent)]
    Journal(#[from] Error),
    /// The rules could not be written.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// This process is configured for something else than the log says.
    #[error("partition {partition}: {difference}; {fix}")]
    Differs {
        /// The first partition that differs.
        partition: u32,
        /// How.
        difference: ballot::Difference,
        /// What to do about it.
        fix: &'static str,
    },
    /// Its first record is not a rules record.
    #[error("partition {0} does not begin with a rules record: this is not a journal of Weir")]
    NotFounded(u32),
}

/// Writes the rules into every partition that is empty, at the time `now_ms`.
///
/// # Errors
/// If the journal cannot be read or written. Calling it again is safe.
pub async fn found<J: Journal>(
    journal: &J,
    rules: &Rules,
    now_ms: i64,
) -> Result<(), FoundingError> {
    for partition in 0..journal.partitions() {
        if journal.bounds(partition).await?.end == 0 {
            journal.append(partition, now_ms, Record::Rules(rules.clone()).encode()).await?;
        }
    }
    Ok(())
}

/// Compares a process's rules with those in force in every partition.
///
/// # Errors
/// [`FoundingError::Differs`], by the name of the first setting that differs.
pub async fn check<J: Journal>(
    journal: &J,
    view: &View,
    ours: &Rules,
) -> Result<(), FoundingError> {
    for partition in 0..journal.partitions() {
        let log = in_force(journal, view, partition).await?;
        if let Some(difference) = ours.difference(&log) {
            let fix = if log.may_become(ours, |_| false) {
                "put the campaign file back, or write the change into the log with `weir topics \
                 --extend`"
            } else {
                "put the setting back; this change cannot be made while the campaign runs"
            };
            return Err(FoundingError::Differs { partition, difference, fix });
        }
    }
    Ok(())
}

/// Writes changed rules into every partition that does not have them yet.
///
/// # Errors
/// [`FoundingError::Differs`] if the change is more than an extension or new limits.
pub async fn extend<J: Journal>(
    journal: &J,
    view: &View,
    ours: &Rules,
    now_ms: i64,
) -> Result<u32, FoundingError> {
    let mut missing = Vec::new();
    for partition in 0..journal.partitions() {
        let log = in_force(journal, view, partition).await?;
        let Some(difference) = ours.difference(&log) else { continue };
        let last = log.days.last().map_or(i64::MAX, |day| log.closable_at_ms(day));
        if !log.may_become(ours, |_| false) || now_ms >= last {
            let fix = "only the end, later days and the limits of a ballot can change, and only \
                       before the campaign's close is written";
            return Err(FoundingError::Differs { partition, difference, fix });
        }
        missing.push(partition);
    }
    for &partition in &missing {
        journal.append(partition, now_ms, Record::Rules(ours.clone()).encode()).await?;
    }
    Ok(u32::try_from(missing.len()).unwrap_or(u32::MAX))
}

/// The rules in force at a partition's end: those of its snapshot, or of record 0, and what has
/// been appended since.
async fn in_force<J: Journal>(
    journal: &J,
    view: &View,
    partition: u32,
) -> Result<Rules, FoundingError> {
    view.wait_for(|results| results.complete).await;
    let known = view.results.borrow().clone();
    if let Some(why) = &known.refused {
        return Err(Error::Refused(why.clone()).into());
    }
    let snapshot = known.partitions.get(partition as usize).and_then(|p| p.highest.clone());
    let mut next = snapshot.as_ref().map_or(0, |snapshot| snapshot.frontier());
    let mut rules =
        snapshot.and_then(|snapshot| snapshot.rules().last().map(|(_, rules)| rules.clone()));
    let end = journal.bounds(partition).await?.end;
    let mut reader = journal.read(partition, next);
    while next < end {
        for record in reader.next().await? {
            next = record.offset + 1;
            if !Record::is_rules(&record.value) {
                continue;
            }
            if let Ok(Record::Rules(found)) = Record::decode(&record.value)
                && rules.as_ref().is_none_or(|rules| rules.may_become(&found, |_| false))
            {
                rules = Some(found);
            }
        }
    }
    rules.ok_or(FoundingError::NotFounded(partition))
}
