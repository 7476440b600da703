//! `weir up`: a whole Weir in one process, on the embedded journal: edge, counting, result.
//!
//! Order is everything here. Up: configuration, ports, journals, rules, and only then work. Down:
//! not ready, ports, ballots in flight, counting, journals. Never here: work that nobody ends.

mod counting;
mod descriptors;
mod ending;
mod founded;
mod hello;
mod ports;
mod running;
mod signals;

use std::path::Path;
use std::sync::Arc;

use ballot::Campaign;
use journal::{Clock, SystemClock};
use tokio::runtime::Builder;

use crate::args::UpArgs;
use crate::config::{Wish, read_campaign};
use crate::exit::Failure;
use founded::Founded;
use ports::Ports;
use running::Running;
use signals::Signals;

pub(crate) fn run(args: &UpArgs) -> Result<(), Failure> {
    let (campaigns, wish) = campaigns(args)?;
    let runtime = Builder::new_multi_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::internal(format!("cannot start a runtime: {error}")))?;
    let ended = runtime.block_on(up(args, campaigns, wish));
    // All tasks have ended, or the end was forced and nothing is waited for.
    runtime.shutdown_background();
    ended
}

async fn up(args: &UpArgs, campaigns: Vec<Campaign>, wish: Wish) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    // Biased: a signal ends a start that waits. Nothing has been taken by then.
    let (running, hello) = tokio::select! {
        biased;
        () = signals.next() => return Ok(()),
        started = start(args, campaigns, wish) => started?,
    };
    let greeting = hello::greet(running.views(), hello);
    ending::end(running, greeting, &mut signals).await
}

/// Starts everything; also what to say once it is up.
async fn start(
    args: &UpArgs,
    campaigns: Vec<Campaign>,
    wish: Wish,
) -> Result<(Running, String), Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    // A port that cannot be had must not leave a journal founded behind it.
    let ports = Ports::bind(args.listen, args.ops_listen).await?;
    let mut founded = Vec::new();
    for campaign in campaigns {
        founded.push(Founded::open(args, campaign, wish, &clock).await?);
    }
    let hello = hello::lines(&ports, &founded, args, clock.now_ms());
    Ok((Running::start(founded, ports, &clock)?, hello))
}

/// The campaigns that are asked for, and what to do about their dates.
fn campaigns(args: &UpArgs) -> Result<(Vec<Campaign>, Wish), Failure> {
    let files: Vec<Option<&Path>> = match args.campaigns.as_slice() {
        [] => vec![None],
        files @ [_, ..] => files.iter().map(|file| Some(file.as_path())).collect(),
    };
    let campaigns: Vec<_> = files.iter().map(|file| read_campaign(*file)).collect();
    let campaigns = campaigns.into_iter().collect::<Result<Vec<_>, _>>()?;
    let mut ids: Vec<_> = campaigns.iter().map(|campaign| campaign.id.as_str()).collect();
    ids.sort_unstable();
    if let Some(twice) = ids.windows(2).find(|pair| pair[0] == pair[1]) {
        return Err(Failure::configuration(format!(
            "--campaign: two files have the id {}; give one of them another id",
            twice[0]
        )));
    }
    if args.keys.is_some() && campaigns.len() > 1 {
        return Err(Failure::configuration(
            "--keys: every campaign has keys of its own; with several campaigns, leave --keys out \
             and put each one's into the data directory",
        ));
    }
    let wish = match (args.as_dated, args.from_today) {
        (true, _) => Wish::AsDated,
        (false, true) => Wish::FromToday,
        (false, false) if args.campaigns.is_empty() => Wish::TryOut,
        (false, false) => Wish::Nothing,
    };
    Ok((campaigns, wish))
}
