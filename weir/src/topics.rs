//! `weir topics`: makes a campaign's topics in Kafka with the rules in them, compares a campaign
//! with the rules in its journal, and writes changed rules into it, such as those of an extension.
//!
//! Nothing is ever overwritten: changed rules are records of their own and hold from there on.

mod founding;

use std::sync::Arc;

use aggregator::{check, extend, view};
use ballot::{Campaign, Rules};
use journal::{Clock, Journal, SystemClock};
use tokio::runtime::Builder;
use tokio_util::task::AbortOnDropHandle;

use crate::args::TopicsArgs;
use crate::config::{Directory, Keys, Setup, connect, keys_file, moved, read_campaign};
use crate::exit::Failure;
use crate::process::check_grace;
use crate::say;

pub(crate) fn run(args: &TopicsArgs) -> Result<(), Failure> {
    let campaign = read_campaign(args.campaign.as_deref())?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let runtime = Builder::new_current_thread().enable_time().build();
    let runtime = runtime.map_err(|error| Failure::internal(error.to_string()))?;
    let ended = match args.journal.kafka() {
        Some(_) => runtime.block_on(on_kafka(args, &campaign, &*clock)),
        None => runtime.block_on(embedded(args, campaign, &clock)),
    };
    runtime.shutdown_background();
    ended
}

async fn embedded(
    args: &TopicsArgs,
    campaign: Campaign,
    clock: &Arc<dyn Clock>,
) -> Result<(), Failure> {
    let directory = Directory::new(args.journal.dir(), &campaign.id);
    let campaign = moved(campaign, Setup::read(&directory)?.as_ref())?;
    let given = args.keys.as_deref().map(|given| keys_file(given, &campaign.id));
    let file = given.unwrap_or_else(|| directory.keys_file());
    let fix = "the rules name the key, so give the keys that `weir up` uses";
    let keys = Keys::existing(&file, fix)?;
    let journal = directory.open(clock)?;
    let done = compare_or_extend(&journal, (&campaign, &keys), args.extend, clock.now_ms()).await;
    journal.close().await;
    done
}

/// Makes what is missing, and goes on as with any journal.
async fn on_kafka(
    args: &TopicsArgs,
    campaign: &Campaign,
    clock: &dyn Clock,
) -> Result<(), Failure> {
    let Some(kafka) = args.journal.kafka() else { return Ok(()) };
    check_grace(campaign)?;
    let given = args.keys.as_deref().ok_or_else(|| {
        Failure::configuration(
            "--keys is missing; say where the campaign's keys are, or are to be made",
        )
    })?;
    let cluster = connect(&kafka, None)?;
    let about = |failure: Failure| failure.about(&campaign.id);
    let keys = founding::keys(&cluster, given, &campaign.id).await.map_err(about)?;
    let made = (args.partitions, args.replication);
    let journal = founding::journal(&cluster, (campaign, &keys), made, clock.now_ms()).await;
    let journal = journal.map_err(about)?;
    compare_or_extend(&journal, (campaign, &keys), args.extend, clock.now_ms()).await
}

async fn compare_or_extend<J: Journal>(
    journal: &J,
    (campaign, keys): (&Campaign, &Keys),
    write: bool,
    now_ms: i64,
) -> Result<(), Failure> {
    let fingerprint = keys.pseudonym_key().fingerprint();
    let rules = Rules::new(campaign, journal.identity(), journal.partitions(), fingerprint);
    let (view, follow) = view(journal.clone());
    // Ends with this function.
    let _following = AbortOnDropHandle::new(tokio::spawn(follow));
    let written = if write {
        extend(journal, &view, &rules, now_ms).await
    } else {
        check(journal, &view, &rules).await.map(|()| Vec::new())
    };
    let written = written.map_err(|error| Failure::from(error).about(&campaign.id))?;
    for (partition, offset) in &written {
        say(&format!("partition {partition}: the new rules hold from offset {offset}"));
    }
    let (id, partitions) = (&campaign.id, journal.partitions());
    say(&format!("{id}: all {partitions} partitions have these rules"));
    Ok(())
}
