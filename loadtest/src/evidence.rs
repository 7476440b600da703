//! Where the proof gets its evidence: Kafka, the file of a stopped `weir up`, or the tally alone.
//!
//! Invariant: the journal is only read. Never here: a comparison.

use std::path::Path;
use std::time::Duration;

use journal::{Embedded, EmbeddedOptions, Journal as _, KafkaCluster};
use loadtest::live::Live;
use loadtest::proof::{CaughtUp, Evidence, from_log, from_tally, quiet, reached};
use loadtest::record::Proof;
use loadtest::run::Driven;
use loadtest::target::{Edge, Tally};
use tokio::time::{Instant, interval};

use crate::args::Args;

/// How long `weir up` may take to be stopped by whoever was asked to.
const STOP_MAX: Duration = Duration::from_secs(600);
const POLL: Duration = Duration::from_millis(250);

/// The proof that the arguments allow.
pub(crate) async fn prove(
    (args, cluster): (&Args, Option<&KafkaCluster>),
    (edge, campaign): (&Edge, &str),
    driven: &Driven,
    live: &Live,
) -> Result<Proof, String> {
    let until = (driven.ended, Duration::from_secs(args.patience));
    if let Some(cluster) = cluster {
        let journal = cluster.journal(campaign).await;
        let journal = journal.map_err(|error| format!("--kafka: {error}"))?;
        let (after, caught_up) = reached(edge, &journal, until).await?;
        let proof = from_log(&journal, evidence(driven, &after, caught_up)).await?;
        return Ok(proof);
    }
    let least = driven.before.ballots + driven.shared.acknowledged();
    let (after, caught_up) = quiet(edge, least, until).await?;
    let evidence = evidence(driven, &after, caught_up);
    let Some(data) = &args.data else {
        return Ok(from_tally(evidence).await);
    };
    let name = data.display();
    live.line(&format!("stop `weir up` now: its journal in {name} is locked while it runs"));
    let journal = stopped(data, campaign).await?;
    let proof = from_log(&journal, evidence).await?;
    journal.close().await;
    Ok(proof)
}

fn evidence<'a>(driven: &'a Driven, after: &'a Tally, caught_up: CaughtUp) -> Evidence<'a> {
    let Driven { shared, samples, before, .. } = driven;
    Evidence { shared, samples, before, after, caught_up }
}

/// The journal in a data directory, once the process that has it has ended.
async fn stopped(data: &Path, campaign: &str) -> Result<Embedded, String> {
    let options = EmbeddedOptions::existing(data, campaign);
    if !options.file().exists() {
        return Err(format!("--data {}: there is no journal of {campaign}", data.display()));
    }
    let (give_up, mut ticks) = (Instant::now() + STOP_MAX, interval(POLL));
    loop {
        ticks.tick().await;
        match Embedded::open(&options) {
            Ok(journal) => return Ok(journal),
            Err(error) if Instant::now() >= give_up => return Err(error.to_string()),
            Err(_) => {}
        }
    }
}
