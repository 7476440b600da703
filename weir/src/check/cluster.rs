//! What is elsewhere: of a Kafka cluster its brokers, a campaign's topics and how well they are
//! kept, the rules in them, and the brokers' clock; and whether a collector of traces is there.
//!
//! Invariant: it asks and reads only, and ends when its time is up with what it has found by then.

use std::time::Duration;

use ballot::Campaign;
use journal::{Clock, KafkaCluster};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use super::report::Report;
use super::units::{bytes, many, span, took};
use crate::args::ServeArgs;
use crate::config::{Keys, connect};
use crate::exit::Failure;
use crate::process::CLOCK_OFFSET_MAX_MS;
use crate::trace;

/// What all of it may take: an operator waits, and a frozen broker costs 5 s a question.
const LOOK_MAX: Duration = Duration::from_secs(9);
/// What a broker may take to take a connection: two lost packets.
const CONNECT_MAX: Duration = Duration::from_secs(3);
/// How long heartbeats of others are waited for; there is one a second, and the second counts.
const HEARTBEATS: Duration = Duration::from_millis(2_500);
/// What a ballot takes in a record, with up to 64 choices, before compression.
const BALLOT_BYTES: u64 = 32;

const AWAY: &str = "see that it runs, and that this machine can reach it by that name";

/// A campaign, and its keys if they are needed and were in order.
type Given = (Campaign, Option<Keys>);

pub(super) async fn look(
    report: &mut Report,
    (args, session_timeout): (&ServeArgs, Option<Duration>),
    campaigns: &[Given],
    clock: &dyn Clock,
) {
    let cluster = connect(&args.kafka, session_timeout);
    let Some(cluster) = report.take("kafka", cluster, "mend the flag or the file") else { return };
    let looked = timeout(LOOK_MAX, look_at(report, (args, &cluster), campaigns, clock)).await;
    if looked.is_err() {
        let found = format!("not everything could be looked at within {} s", LOOK_MAX.as_secs());
        report.failed("kafka", &Failure::journal(found), "see whether the brokers are well");
    }
}

async fn look_at(
    report: &mut Report,
    (args, cluster): (&ServeArgs, &KafkaCluster),
    campaigns: &[Given],
    clock: &dyn Clock,
) {
    if !brokers(report, args, cluster).await {
        let found = "its topics, their rules and its clock could not be looked at";
        report.failed("kafka", &Failure::journal(found), "check again once a broker answers");
        return;
    }
    let mut read = None;
    for (campaign, keys) in campaigns {
        if topics(report, (args, cluster), campaign).await {
            let journal = cluster.journal(&campaign.id).await.map_err(Failure::from);
            let what = format!("rules {}", campaign.id);
            if let Some(journal) = report.take(&what, journal, "run `weir topics`") {
                super::rules(report, (campaign, keys.as_ref()), &journal).await;
                read = read.or(Some(campaign));
            }
        }
    }
    if let Some(campaign) = read {
        let found =
            "topics, settings and records can be read; leave to write only shows in writing";
        report.ok("kafka rights", found);
        clocks(report, cluster, &campaign.id, clock).await;
    }
}

/// Whether the cluster answers.
async fn brokers(report: &mut Report, args: &ServeArgs, cluster: &KafkaCluster) -> bool {
    let first: Vec<String> = args.kafka.bootstrap.split(',').map(|at| at.trim().into()).collect();
    let reached = reach(first.clone()).await;
    let none = reached.iter().all(|(_, outcome)| outcome.is_err());
    for (address, outcome) in reached {
        let what = format!("broker {address}");
        match outcome {
            Ok(time) => report.ok(what, format!("takes connections, in {}", took(time))),
            Err(why) if none => report.failed(&what, &Failure::journal(why), AWAY),
            Err(why) => report.warning(what, why, AWAY),
        }
    }
    if none {
        return false;
    }
    let asked = Instant::now();
    let answer = cluster.brokers().await.map_err(Failure::from);
    let Some(brokers) = report.take("kafka", answer, "see whether the brokers are well") else {
        return false;
    };
    let (count, wanted) = (brokers.len(), args.replication);
    let time = took(asked.elapsed());
    report.ok("kafka", format!("answers, in {time}, connecting included; brokers: {count}"));
    if u32::try_from(count).is_ok_and(|count| count < wanted) {
        let found = format!("{count} brokers, and topics need {wanted} replicas");
        report.warning("kafka", found, "start the other brokers, or give a smaller --replication");
    }
    let named = brokers.into_iter().map(|broker| broker.address);
    let others = named.filter(|address| !first.contains(address)).collect();
    for (address, outcome) in reach(others).await {
        let what = format!("broker {address}");
        match outcome {
            Ok(time) => report.ok(what, format!("takes connections, in {}", took(time))),
            Err(why) => {
                let why = Failure::journal(format!("the cluster names it, but: {why}"));
                report.failed(&what, &why, "see its advertised.listeners, and what is in between");
            }
        }
    }
    true
}

/// Whether the collector of traces can be reached: without it, spans are lost and no ballots.
pub(super) async fn collector(report: &mut Report, endpoint: &str) {
    let what = "--trace-endpoint";
    let Some(url) = report.take(what, trace::address(endpoint), "give http://host:port") else {
        return;
    };
    let host = url.split('/').nth(2).unwrap_or_default();
    let host = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    for (address, outcome) in reach(vec![host]).await {
        match outcome {
            Ok(time) => report.ok(what, format!("{address} takes connections, in {}", took(time))),
            Err(why) => {
                report.warning(what, format!("{address} {why}: traces would be lost"), AWAY)
            }
        }
    }
}

/// How long each address takes to take a connection, in the order given.
async fn reach(addresses: Vec<String>) -> Vec<(String, Result<Duration, String>)> {
    let mut connecting = JoinSet::new();
    for (place, address) in addresses.into_iter().enumerate() {
        connecting.spawn(async move {
            let began = Instant::now();
            let outcome = match timeout(CONNECT_MAX, TcpStream::connect(&address)).await {
                Ok(Ok(_)) => Ok(began.elapsed()),
                Ok(Err(error)) => Err(format!("cannot be reached: {error}")),
                Err(_) => Err(format!("takes no connection within {} s", CONNECT_MAX.as_secs())),
            };
            (place, address, outcome)
        });
    }
    let mut reached = connecting.join_all().await;
    reached.sort_unstable_by_key(|(place, ..)| *place);
    reached.into_iter().map(|(_, address, outcome)| (address, outcome)).collect()
}

/// Whether a campaign's topics are there.
async fn topics(
    report: &mut Report,
    (args, cluster): (&ServeArgs, &KafkaCluster),
    campaign: &Campaign,
) -> bool {
    let what = format!("topics {}", campaign.id);
    let compared = cluster.compare_topics(&campaign.id, args.replication).await;
    let fix = "run `weir topics` with this campaign file, once";
    let Some(settings) = report.take(&what, compared.map_err(Failure::from), fix) else {
        return false;
    };
    for topic in [format!("ballots.{}", campaign.id), format!("tallies.{}", campaign.id)] {
        let what = format!("topic {topic}");
        let settings = settings.iter().filter(|setting| setting.topic == topic);
        let (agree, differ): (Vec<_>, Vec<_>) = settings.partition(|setting| setting.agrees);
        let agree: Vec<_> =
            agree.iter().map(|setting| format!("{}={}", setting.key, setting.found)).collect();
        report.ok(&what, agree.join(" "));
        for setting in differ {
            let (key, wanted) = (&setting.key, &setting.wanted);
            let fix = if key == "replicas" {
                "add replicas with kafka-reassign-partitions, or give a smaller --replication"
                    .into()
            } else {
                format!("kafka-configs --alter --topic {topic} --add-config {key}={wanted}")
            };
            report.failed(&what, &Failure::journal(setting.to_string()), &fix);
        }
    }
    let days = campaign.days().len() as u64;
    let ballots = campaign.voters_per_day_max.saturating_mul(days);
    let (most, room) = (many(ballots), bytes(ballots.saturating_mul(BALLOT_BYTES)));
    let found = format!("at most {most} ballots: up to {room} on each replica, before compression");
    report.ok(format!("room {}", campaign.id), found);
    kept(report, cluster, &campaign.id).await;
    true
}

/// How well a campaign's topics are kept.
async fn kept(report: &mut Report, cluster: &KafkaCluster, campaign: &str) {
    let health = cluster.topic_health(campaign).await.map_err(Failure::from);
    let what = format!("topics {campaign}");
    let Some(health) = report.take(&what, health, "see whether the brokers are well") else {
        return;
    };
    for topic in health {
        let what = format!("topic {}", topic.topic);
        let (all, offline, under) = (topic.partitions, topic.offline, topic.under_replicated);
        if offline > 0 {
            let found = format!("{offline} of {all} partitions are offline: they have no leader");
            report.failed(&what, &Failure::journal(found), "start the brokers that hold them");
        }
        if under > 0 {
            let found = format!("{under} of {all} partitions have replicas that are not in sync");
            report.warning(what, found, "see which broker is away or behind");
        } else if offline == 0 {
            let replicas = topic.replicas;
            report.ok(what, format!("{all} partitions, all {replicas} replicas of each in sync"));
        }
    }
}

/// Our clock against the brokers', as far as it shows without writing anything.
async fn clocks(report: &mut Report, cluster: &KafkaCluster, campaign: &str, clock: &dyn Clock) {
    let times = cluster.append_times(campaign, clock, HEARTBEATS).await.map_err(Failure::from);
    let Some(times) = report.take("clock", times, "see whether the brokers are well") else {
        return;
    };
    let max_ms = i64::from(CLOCK_OFFSET_MAX_MS);
    let behind_ms = times.newest_ms.map_or(0, |newest_ms| newest_ms - clock.now_ms());
    let off = match times.offset_ms {
        Some(offset_ms) if offset_ms.abs() > max_ms => Some(offset_ms),
        None if behind_ms > max_ms => Some(-behind_ms),
        Some(_) | None => None,
    };
    match (off, times.offset_ms) {
        (Some(offset_ms), _) => {
            let than = if offset_ms < 0 { "behind" } else { "ahead of" };
            let found = format!("{} {than} the brokers' clock", span(offset_ms));
            let fix = "have NTP set this machine's clock, and the brokers'";
            report.failed("clock", &Failure::journal(found), fix);
        }
        (None, Some(offset_ms)) => {
            report.ok("clock", format!("{offset_ms} ms from the brokers', the way included"));
        }
        (None, None) => report.ok(
            "clock",
            "not measured, as no process writes heartbeats now; a process that starts measures it",
        ),
    }
}
