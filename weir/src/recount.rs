//! `weir recount`: the tally document again, from the journal's first record, for anybody.
//!
//! What it prints depends on a journal prefix and on nothing else: not on keys, a campaign file, a
//! clock, the snapshots in the journal, or the number of threads. Invariant: no byte of a journal
//! in a file is changed, and none is read that a process is writing.

mod fold;
mod prefix;

use std::io::{self, IsTerminal as _, Write as _};
use std::num::NonZeroUsize;
use std::sync::Arc;

use ballot::TallyDocument;
use journal::{Journal, KafkaCluster, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::args::RecountArgs;
use crate::config::{Directory, connect, read_campaign};
use crate::exit::Failure;
use crate::say;
use prefix::Prefix;

pub(crate) fn run(args: &RecountArgs) -> Result<(), Failure> {
    let campaign = args.campaign.as_deref().map(|file| read_campaign(Some(file))).transpose()?;
    let campaign = campaign.map(|campaign| campaign.id);
    let runtime = runtime()?;
    if let Some(kafka) = args.journal.kafka() {
        let cluster = connect(&kafka, None)?;
        let journal = runtime.block_on(async {
            let campaign = match campaign {
                Some(campaign) => campaign,
                None => only_campaign(&cluster).await?,
            };
            Ok::<_, Failure>(cluster.journal(&campaign).await?)
        });
        return recount_and_print(&runtime, &journal?, args);
    }
    let dir = args.journal.dir();
    let directory = match campaign {
        Some(campaign) => Directory::new(dir, &campaign),
        None => Directory::of_only_campaign(dir)?,
    };
    let clock: Arc<dyn journal::Clock> = Arc::new(SystemClock);
    recount_and_print(&runtime, &directory.look(None, &clock)?, args)
}

/// The only campaign of a cluster.
async fn only_campaign(cluster: &KafkaCluster) -> Result<String, Failure> {
    let mut found = cluster.campaigns().await?;
    match (found.pop(), found.as_slice()) {
        (Some(campaign), []) => Ok(campaign),
        (None, _) => Err(Failure::configuration("--kafka: there is no campaign in this cluster")),
        (Some(last), [_, ..]) => Err(Failure::configuration(format!(
            "--kafka: the cluster has several campaigns ({}, {last}); say which with --campaign \
             FILE",
            found.join(", ")
        ))),
    }
}

fn recount_and_print(
    runtime: &Runtime,
    journal: &impl Journal,
    args: &RecountArgs,
) -> Result<(), Failure> {
    let prefix = args.prefix.as_deref().map(Prefix::read).transpose()?;
    let threads = args.threads.map_or_else(cores, NonZeroUsize::get);
    let json = recount(runtime, journal, prefix.as_ref(), threads);
    runtime.block_on(journal.close());
    let json = json?;
    print(&json)?;
    prefix.map_or(Ok(()), |prefix| {
        prefix.compare(&json)?;
        say(&format!("the recount equals {} byte for byte", prefix.name()));
        Ok(())
    })
}

fn recount(
    runtime: &Runtime,
    journal: &impl Journal,
    prefix: Option<&Prefix>,
    threads: usize,
) -> Result<Vec<u8>, Failure> {
    let mut ends = Vec::new();
    for partition in 0..journal.partitions() {
        ends.push(runtime.block_on(journal.bounds(partition))?.end);
    }
    let ends = match prefix {
        Some(prefix) => prefix.frontiers(journal.identity(), &ends)?,
        None => ends,
    };
    let snapshots = fold::all(journal, &ends, threads)?;
    let document = TallyDocument::of(&snapshots.iter().collect::<Vec<_>>());
    let document = document.ok_or_else(|| {
        Failure::journal(
            "the journal has no rules in it yet: `weir up`, or on Kafka `weir topics`, writes them",
        )
    })?;
    Ok(document.to_json())
}

/// A runtime of this thread alone: counting is all it does.
fn runtime() -> Result<Runtime, Failure> {
    let built = Builder::new_current_thread().enable_time().build();
    built.map_err(|error| Failure::internal(format!("cannot start a runtime: {error}")))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn print(json: &[u8]) -> Result<(), Failure> {
    let mut output = io::stdout().lock();
    // A file gets the bytes that were served and nothing else; a terminal gets its line end too.
    let end: &[u8] = if output.is_terminal() { b"\n" } else { b"" };
    let printed = output.write_all(json).and_then(|()| output.write_all(end));
    let printed = printed.and_then(|()| output.flush());
    printed.map_err(|error| Failure::internal(format!("the result cannot be printed: {error}")))
}
