//! How the rules get into a journal, and how a process compares its own with them.
//!
//! Record 0 of every partition is a rules record; a change is appended to every partition. Nothing
//! here ever writes over a difference: it is refused by name.

use ballot::{Fold, Record, Rules, Stop};
use journal::{AppendError, Error, Journal, Reader};

use crate::view::View;

/// How long before the campaign's close may be written an extension must come: appends to all
/// partitions through an election, or a second attempt, and the clocks' distance.
const EXTEND_AHEAD_MS: i64 = 60_000;

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
    /// The campaign's close is in the log: nothing can change any more.
    #[error("partition {0}: the campaign's close has been written; it cannot be extended")]
    Final(u32),
    /// The campaign's close may be written before an extension has reached every partition.
    #[error("partition {0}: its close is due within a minute; it is too late for an extension")]
    Closing(u32),
    /// A close came before an extension that others have.
    #[error(
        "partition {0} was closed before the extension reached it: it stays closed, the others are \
         extended; go on with the new campaign file"
    )]
    Partly(u32),
    /// Its first record is not a rules record.
    #[error(
        "partition {0} does not begin with a rules record: if the campaign is new, its founding \
         was cut short, run `weir topics` again; else this is not a journal of Weir"
    )]
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
    let (mut empty, mut differs) = (Vec::new(), None);
    for partition in 0..journal.partitions() {
        if journal.bounds(partition).await?.end == 0 {
            empty.push(partition);
            continue;
        }
        let first = journal.read(partition, 0).next().await?;
        let first = first.first().map(|record| Record::decode(&record.value));
        let Some(Ok(Record::Rules(first))) = first else {
            return Err(FoundingError::NotFounded(partition));
        };
        differs = differs.or_else(|| Some((partition, rules.difference(&first)?)));
    }
    // A founding that was cut short must not be finished with other rules.
    if let (Some((partition, difference)), false) = (differs, empty.is_empty()) {
        let fix = "the founding was cut short; finish it with the same campaign file and keys";
        return Err(FoundingError::Differs { partition, difference, fix });
    }
    for partition in empty {
        journal.append(partition, now_ms, Record::Rules(rules.clone()).encode()).await?;
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
    let (mut agrees, mut closed) = (false, None);
    for partition in 0..journal.partitions() {
        let log = in_force(journal, view, partition).await?;
        let Some(difference) = ours.difference(&log.rules) else {
            agrees = true;
            continue;
        };
        let widens = log.rules.may_become(ours);
        let fix = if widens {
            "put the campaign file back, or write the change into the log with `weir topics \
             --extend`"
        } else if ours.may_become(&log.rules) {
            "the log is wider: if the campaign was extended, give its new file; else put the \
             setting back"
        } else {
            "put the setting back; this change cannot be made while the campaign runs"
        };
        let differs = FoundingError::Differs { partition, difference, fix };
        // Its close came before an extension that others have: it stays closed.
        if log.is_final && widens {
            closed = closed.or(Some(differs));
        } else {
            return Err(differs);
        }
    }
    closed.filter(|_| !agrees).map_or(Ok(()), Err)
}

/// Writes wider rules into every partition that does not have them yet, at the time `now_ms`;
/// answers which these were, and from which offset on the new rules hold.
///
/// # Errors
/// [`FoundingError::Differs`] if the change is not an extension; [`FoundingError::Final`] or
/// [`FoundingError::Closing`] if it comes too late, and then nothing is written;
/// [`FoundingError::Partly`] if a close was faster all the same.
pub async fn extend<J: Journal>(
    journal: &J,
    view: &View,
    ours: &Rules,
    now_ms: i64,
) -> Result<Vec<(u32, u64)>, FoundingError> {
    let mut missing = Vec::new();
    for partition in 0..journal.partitions() {
        let log = in_force(journal, view, partition).await?;
        let Some(difference) = ours.difference(&log.rules) else { continue };
        if !log.rules.may_become(ours) {
            let fix = "an extension can only move the end, add days, and widen the limits";
            return Err(FoundingError::Differs { partition, difference, fix });
        }
        let last = log.rules.days.last().map_or(i64::MAX, |day| log.rules.closable_at_ms(day));
        if log.is_final {
            return Err(FoundingError::Final(partition));
        }
        if now_ms.saturating_add(EXTEND_AHEAD_MS) >= last {
            return Err(FoundingError::Closing(partition));
        }
        missing.push(partition);
    }
    let mut written = Vec::new();
    for partition in missing {
        let record = Record::Rules(ours.clone()).encode();
        written.push((partition, journal.append(partition, now_ms, record).await?));
    }
    for partition in 0..journal.partitions() {
        let log = in_force(journal, view, partition).await?;
        if log.is_final && ours.difference(&log.rules).is_some() {
            return Err(FoundingError::Partly(partition));
        }
    }
    Ok(written)
}

/// What is in force at a partition's end.
#[derive(Debug, Clone)]
pub struct InForce {
    /// The rules.
    pub rules: Rules,
    /// Whether the campaign's close is in the log.
    pub is_final: bool,
}

/// The rules in force at a partition's end: those of its snapshot, or of record 0, and what has
/// been appended since.
///
/// # Errors
/// If the journal cannot be read, or its published snapshots are of another one.
pub async fn in_force<J: Journal>(
    journal: &J,
    view: &View,
    partition: u32,
) -> Result<InForce, FoundingError> {
    view.wait_for(|results| results.complete).await;
    let known = view.results.borrow().clone();
    // A snapshot that cannot be read is the counting's trouble: the log has the rules all the same.
    if let Some(why) = &known.lost {
        return Err(Error::Refused(why.clone()).into());
    }
    let snapshot = known.partitions.get(partition as usize).and_then(|p| p.highest.clone());
    let fold = || Fold::new(journal.identity(), partition);
    let mut fold = snapshot.map_or_else(fold, |snapshot| snapshot.resume());
    let end = journal.bounds(partition).await?.end;
    let mut reader = journal.read(partition, fold.frontier());
    while fold.frontier() < end && !fold.is_final() {
        for record in reader.next().await? {
            fold.skim(record.offset, &record.value).map_err(|stop| match stop {
                Stop::NoRules => FoundingError::NotFounded(partition),
                Stop::Gap { .. } | Stop::Unknown(_) | Stop::VotersFull { .. } => {
                    Error::Refused(format!("partition {partition}: {stop}")).into()
                }
            })?;
        }
    }
    let is_final = fold.is_final();
    let rules = fold.rules().cloned().ok_or(FoundingError::NotFounded(partition))?;
    Ok(InForce { rules, is_final })
}
