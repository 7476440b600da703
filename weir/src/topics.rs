//! `weir topics`: compares a campaign with the rules in its journal, and writes changed rules into
//! it, such as those of an extension.
//!
//! Nothing is ever overwritten: changed rules are records of their own and hold from there on.

use std::sync::Arc;

use aggregator::{FoundingError, check, extend, view};
use ballot::Rules;
use journal::{Clock, Embedded, Journal as _, SystemClock};
use tokio::runtime::Builder;
use tokio_util::task::AbortOnDropHandle;

use crate::args::TopicsArgs;
use crate::config::{Directory, Keys, Setup, moved, read_campaign};
use crate::exit::Failure;
use crate::say;

pub(crate) fn run(args: &TopicsArgs) -> Result<(), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let campaign = read_campaign(args.campaign.as_deref())?;
    let directory = Directory::new(&args.data.dir, &campaign.id);
    let campaign = moved(campaign, Setup::read(&directory)?.as_ref())?;
    let keys_file = args.keys.clone().unwrap_or_else(|| directory.keys_file());
    let keys = Keys::read(&keys_file)?.ok_or_else(|| {
        Failure::configuration(format!(
            "--keys {}: there is no such file; the rules name the key, so give the keys that \
             `weir up` uses",
            keys_file.display()
        ))
    })?;
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Failure::internal(error.to_string()))?;
    let journal = directory.open(&clock)?;
    let fingerprint = keys.pseudonym_key().fingerprint();
    let rules = Rules::new(&campaign, journal.identity(), journal.partitions(), fingerprint);
    let done = runtime.block_on(async {
        let done = compare_or_extend(&journal, &rules, args.extend, clock.now_ms()).await;
        journal.close().await;
        done
    });
    done.map_err(Failure::from)
}

async fn compare_or_extend(
    journal: &Embedded,
    rules: &Rules,
    write: bool,
    now_ms: i64,
) -> Result<(), FoundingError> {
    let (view, follow) = view(journal.clone());
    // Ends with this function.
    let _following = AbortOnDropHandle::new(tokio::spawn(follow));
    let before = ends(journal).await?;
    let done = if write {
        extend(journal, &view, rules, now_ms).await.map(|_written| ())
    } else {
        check(journal, &view, rules).await
    };
    // Also after a failure: what has been written is written, and running it again does the rest.
    for (partition, (before, end)) in before.iter().zip(ends(journal).await?).enumerate() {
        if end > *before {
            say(&format!("partition {partition}: the new rules hold from offset {before}"));
        } else if done.is_ok() {
            say(&format!("partition {partition}: it has these rules already"));
        }
    }
    done
}

async fn ends(journal: &Embedded) -> Result<Vec<u64>, FoundingError> {
    let mut ends = Vec::new();
    for partition in 0..journal.partitions() {
        ends.push(journal.bounds(partition).await?.end);
    }
    Ok(ends)
}
