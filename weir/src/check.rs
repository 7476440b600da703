//! `weir check`: would a process start here with these flags, and run well? Everything is looked at
//! and everything found is told.
//!
//! Invariant: whatever a process checks at its start is checked by the same code, and it ends
//! within a bounded time. Never here: anything made or changed, in the cluster or in a directory.

mod campaigns;
mod cluster;
mod directory;
mod machine;
mod owner;
mod report;
mod units;
mod voters;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ballot::{Campaign, Rules};
use journal::{Clock, Journal, SystemClock};
use tokio::runtime::Builder;
use tokio_util::task::AbortOnDropHandle;

use crate::args::{AggregateArgs, CheckArgs, Checked, IngestArgs, ServeArgs, UpArgs};
use crate::config::Keys;
use crate::exit::Failure;
use crate::process::Opened;
use report::Report;
use voters::Voters;

/// What is checked.
struct Subject<'a> {
    /// None is the built-in campaign.
    campaigns: Vec<Option<&'a Path>>,
    keys: Option<&'a Path>,
    counts: bool,
    listen: SocketAddr,
    ops_listen: SocketAddr,
    /// None where no voter is met.
    voters: Option<Voters<'a>>,
    /// Where traces go.
    collector: Option<&'a str>,
    journal: Where<'a>,
}

/// Where its journal is.
enum Where<'a> {
    Directory(&'a UpArgs),
    Kafka(&'a ServeArgs, Option<Duration>),
}

pub(crate) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let subject = match &args.process {
        None => up(&args.up),
        Some(Checked::Up(args)) => up(args),
        Some(Checked::Ingest(args)) => ingest(args),
        Some(Checked::Aggregate(args)) => aggregate(args),
    };
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime =
        runtime.map_err(|error| Failure::internal(format!("cannot start a runtime: {error}")))?;
    let mut report = Report::default();
    runtime.block_on(look(&mut report, &subject));
    // What was given up is not waited for.
    runtime.shutdown_background();
    report.end(args.json)
}

async fn look(report: &mut Report, subject: &Subject<'_>) {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let read = campaigns::read(report, subject);
    let dated = match subject.journal {
        Where::Directory(args) => directory::look(report, (args, &read), &clock).await,
        Where::Kafka(args, session_timeout) => {
            let campaigns = campaigns::with_keys(report, read, subject, &*clock);
            cluster::look(report, (args, session_timeout), &campaigns, &*clock).await;
            campaigns.into_iter().map(|(campaign, _)| campaign).collect()
        }
    };
    if let Some(voters) = &subject.voters {
        voters::look(report, voters, &dated);
    }
    machine::look(report, subject, &dated).await;
    if let Some(endpoint) = subject.collector {
        cluster::collector(report, endpoint).await;
    }
}

fn up(args: &UpArgs) -> Subject<'_> {
    let files = args.campaigns.iter().map(|file| Some(file.as_path()));
    Subject {
        campaigns: if args.campaigns.is_empty() { vec![None] } else { files.collect() },
        keys: args.keys.as_deref(),
        counts: true,
        listen: args.listen,
        ops_listen: args.ops_listen,
        voters: Some(Voters {
            site: &args.site,
            data: Some(&args.data.dir),
            built_in: args.campaigns.is_empty(),
            keys: args.keys.as_deref(),
        }),
        collector: args.trace.endpoint.as_deref(),
        journal: Where::Directory(args),
    }
}

fn ingest(args: &IngestArgs) -> Subject<'_> {
    Subject {
        campaigns: args.serve.campaigns.iter().map(|file| Some(file.as_path())).collect(),
        keys: Some(&args.keys),
        counts: false,
        listen: args.listen,
        ops_listen: args.ops_listen,
        voters: Some(Voters {
            site: &args.site,
            data: None,
            built_in: false,
            keys: Some(&args.keys),
        }),
        collector: args.trace.endpoint.as_deref(),
        journal: Where::Kafka(&args.serve, None),
    }
}

fn aggregate(args: &AggregateArgs) -> Subject<'_> {
    let session_timeout = Some(Duration::from_secs(args.session_timeout));
    Subject {
        campaigns: args.serve.campaigns.iter().map(|file| Some(file.as_path())).collect(),
        keys: None,
        counts: true,
        listen: args.listen,
        ops_listen: args.ops_listen,
        voters: None,
        collector: None,
        journal: Where::Kafka(&args.serve, session_timeout),
    }
}

/// Compares a campaign and its keys with the rules in the journal, each by itself.
async fn rules<J: Journal>(
    report: &mut Report,
    (campaign, keys): (&Campaign, Option<&Keys>),
    journal: &J,
) -> Option<Rules> {
    let (what, key) = (format!("rules {}", campaign.id), format!("key {}", campaign.id));
    // Without keys, the fingerprint is taken from the journal, so that only the rest is compared.
    let opened = Opened::checked(campaign.clone(), journal.clone(), None).await;
    let fix = "give the campaign file that this journal began with";
    let opened = report.take(&what, opened, fix);
    if opened.is_some() {
        let partitions = journal.partitions();
        report
            .ok(what, format!("the campaign's are those in force in all {partitions} partitions"));
    }
    let theirs = match &opened {
        Some(opened) => opened.rules.clone(),
        None => {
            let (view, follow) = aggregator::view(journal.clone());
            // Ends with this function.
            let _following = AbortOnDropHandle::new(tokio::spawn(follow));
            aggregator::in_force(journal, &view, 0).await.ok()?.rules
        }
    };
    if let Some(keys) = keys {
        if keys.pseudonym_key().fingerprint() == theirs.pseudonym_key {
            report.ok(key, "pseudonym_key is the one that the rules in the journal name");
        } else {
            let found = "pseudonym_key is not the one that the rules in the journal name";
            let fix =
                "give the keys that the campaign began with: with others, all could vote again";
            report.failed(&key, &Failure::configuration(found), fix);
        }
    }
    opened.map(|opened| opened.rules.clone())
}
