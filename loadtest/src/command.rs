//! A load from beginning to end: read, prepare, wait, drive, prove, report.
//!
//! Ctrl-C ends the load early and the proof is made all the same; a second one ends everything.
//! Never here: a report that says more than was measured.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::time::Duration;

use ballot::Campaign;
use journal::{Clock as _, KafkaCluster, SystemClock};
use loadtest::keys;
use loadtest::live::Live;
use loadtest::load::Means;
use loadtest::plan::{PROFILES, Plan, profile};
use loadtest::processes::Watch;
use loadtest::proof::holds;
use loadtest::run::{Driven, Order};
use loadtest::target::Edge;
use tokio::select;
use tokio::sync::watch;

use crate::args::Args;
use crate::evidence;
use crate::failure::{Code, Failure};
use crate::kafka;
use crate::output;

/// Longer than the edge's own deadline of 5 s, so that a ballot in doubt is mostly told so.
const TIMEOUT: Duration = Duration::from_secs(8);

/// Descriptors for files, threads and questions beside the connections.
const RESERVED: u64 = 64;

pub(crate) fn run(args: &Args) -> Result<Code, Failure> {
    let order = order(args)?;
    let cluster = args.kafka.as_deref().map(|bootstrap| kafka::connect(bootstrap, args));
    let cluster = cluster.transpose()?;
    descriptors(u64::from(args.connections) + RESERVED)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::internal(format!("no runtime: {error}")))?;
    runtime.block_on(whole(args, order, cluster.as_ref()))
}

fn order(args: &Args) -> Result<Order, Failure> {
    let campaign = campaign(&args.campaign)?;
    let own = args.i_own_this_server;
    let edges = args.edges.iter().map(|url| Edge::new(url, &campaign.id, own));
    let edges = edges.collect::<Result<Vec<_>, _>>()?;
    let keys = keys::read(&args.keys, &campaign.id).map_err(Failure::arguments)?;
    let plan = plan(args)?;
    let means = Means {
        threads: args.threads.into(),
        connections: args.connections.into(),
        timeout: TIMEOUT,
    };
    let now_ms = u64::try_from(SystemClock.now_ms()).unwrap_or(0);
    let seed = args.seed.unwrap_or(now_ms);
    Ok(Order { plan, seed, campaign, keys, edges, means, watched: watched(&args.watched) })
}

fn campaign(path: &Path) -> Result<Campaign, Failure> {
    let name = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Failure::arguments(format!("--campaign {name}: cannot be read: {error}"))
    })?;
    Campaign::parse(&text).map_err(|error| Failure::arguments(format!("{name}: {error}")))
}

/// The processes to be watched, and this one beside them.
fn watched(given: &[Watch]) -> Vec<Watch> {
    let own = Watch::new("loadtest", std::process::id()).filter(|_| !given.is_empty());
    given.iter().cloned().chain(own).collect()
}

fn plan(args: &Args) -> Result<Plan, Failure> {
    for (value, flag) in [(args.rate, "--rate"), (args.duration, "--duration")] {
        if value.is_some_and(|value| !(0.001..=1e9).contains(&value)) {
            return Err(Failure::arguments(format!("{flag}: give a number above 0")));
        }
    }
    let plan = match profile(&args.plan, args.rate, args.duration) {
        Some(plan) => plan,
        None => {
            let text = fs::read_to_string(&args.plan).map_err(|error| {
                let names = PROFILES.map(|(name, _)| name).join(", ");
                let name = &args.plan;
                Failure::arguments(format!(
                    "{name} is no profile ({names}), and no file of a plan: {error}"
                ))
            })?;
            let plan = Plan::parse(&text, &args.plan).map_err(|error| {
                let lines: Vec<String> = error
                    .to_string()
                    .lines()
                    .map(|line| format!("{}: {line}", args.plan))
                    .collect();
                Failure::arguments(lines.join("\n"))
            })?;
            let plan = args.rate.map_or(plan.clone(), |rate| plan.with_peak(rate));
            args.duration.map_or(plan.clone(), |seconds| plan.with_seconds(seconds))
        }
    };
    Ok(Plan { voters: args.voters.or(plan.voters), ..plan })
}

/// Raises the limit of open files as far as this process may, and refuses what it does not hold.
fn descriptors(wanted: u64) -> Result<(), Failure> {
    let limit = rlimit::increase_nofile_limit(u64::MAX).unwrap_or(1_024);
    if limit < wanted {
        return Err(Failure::arguments(format!(
            "--connections: this process may open {limit} files; give at most {}, or raise the \
             limit with ulimit -n",
            limit.saturating_sub(RESERVED)
        )));
    }
    Ok(())
}

async fn whole(args: &Args, order: Order, cluster: Option<&KafkaCluster>) -> Result<Code, Failure> {
    let mut live = Live::new(io::stderr().is_terminal());
    let edge = order.edges.first().cloned();
    let edge = edge.ok_or_else(|| Failure::arguments("--edge: give one or more"))?;
    let campaign = order.campaign.id.clone();
    let prepared = order.prepare().await?;
    let (sender, stop) = watch::channel(false);
    // Ends with the process.
    drop(tokio::spawn(interrupted(sender)));
    if !prepared.wait.is_zero() {
        live.line(&format!("begins in {:?}", prepared.wait));
        select! {
            biased;
            () = is_true(stop.clone()) => return Err(Failure::arguments("ended before it began")),
            () = tokio::time::sleep(prepared.wait) => {}
        }
    }
    let driven = prepared.drive(is_true(stop), |second, lag| live.second(second, lag)).await;
    let mut driven = driven.map_err(|error| Failure::internal(format!("cannot send: {error}")))?;
    tell_surprises(&live, &driven);
    let proven = evidence::prove((args, cluster), (&edge, &campaign), &driven, &live).await;
    let proof_holds = match proven {
        Ok(proof) => {
            live.line(&proof.made.to_string());
            proof.examples.iter().for_each(|example| live.line(&format!("mismatch: {example}")));
            let holds = holds(&proof);
            driven.record.proof = Some(proof);
            holds
        }
        Err(sentence) => {
            live.line(&format!("no proof was made: {sentence}"));
            false
        }
    };
    live.end(&driven.record);
    output::write(args, &driven.record).map_err(Failure::internal)?;
    let broken: Vec<String> =
        args.fail_if.iter().filter_map(|threshold| threshold.broken(&driven.record)).collect();
    broken.iter().for_each(|sentence| live.line(sentence));
    Ok(if proof_holds && broken.is_empty() { Code::Done } else { Code::Broken })
}

fn tell_surprises(live: &Live, driven: &Driven) {
    let notes = driven.shared.notes.bytes() / 1024;
    live.line(&format!("seed {}, notes of what was sent: {notes} KiB", driven.record.seed));
    for surprise in &driven.surprises {
        live.line(&format!("unexpected: {surprise}"));
    }
}

/// The first Ctrl-C ends the load, the second everything.
async fn interrupted(stop: watch::Sender<bool>) {
    // Where the signal cannot be had, the process ends by it as usual.
    while tokio::signal::ctrl_c().await.is_ok() {
        if stop.send_replace(true) {
            std::process::exit(130);
        }
    }
}

async fn is_true(mut stop: watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    fn planned(args: &[&str]) -> Result<Plan, String> {
        let fixed = ["--edge", "http://[::1]:1", "--campaign", "c", "--keys", "k"];
        let args = ["loadtest"].iter().chain(args).chain(&fixed);
        plan(&Args::parse_from(args)).map_err(|failure| failure.sentence)
    }

    #[test]
    fn flags_change_a_profile_and_an_unknown_one_is_told_the_others() {
        let plan = planned(&["steady", "--rate", "100", "--duration", "2", "--voters", "7"]);
        let plan = plan.unwrap();
        assert!((plan.requests() - 200.0).abs() < 1e-6);
        assert_eq!(plan.voters, Some(7));
        assert!(planned(&["nothing"]).unwrap_err().contains("retry-storm"));
        assert!(planned(&["steady", "--rate", "0"]).unwrap_err().starts_with("--rate"));
    }
}
