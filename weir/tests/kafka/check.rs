//! `weir check` on a real broker: all in order, each thing that is not, and a broker that is dead;
//! and that the cluster is afterwards as it was.

use std::os::unix::fs::PermissionsExt;

use journal::{Journal as _, KafkaCluster, KafkaOptions};

use crate::findings::{Findings, check};
use crate::kit::{Scratch, now_ms};
use crate::site::Site;
use crate::storm::Population;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

/// The findings on a process of this campaign.
fn of(site: &Site<'_>, process: &str, more: &[&str]) -> Findings {
    let args = [&["check"], site.args(process, more).as_slice()].concat();
    let ports = ["--listen", "127.0.0.1:0", "--ops-listen", "127.0.0.1:0"];
    check(&[args.as_slice(), &ports].concat())
}

/// The end of each of a campaign's logs, and all campaigns there are.
fn everything(site: &Site<'_>) -> (Vec<String>, Vec<u64>) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let cluster = KafkaCluster::connect(KafkaOptions::new(&site.bootstrap)).unwrap();
        let campaigns = cluster.campaigns().await.unwrap();
        let mut ends = Vec::new();
        if let Ok(journal) = cluster.journal(&site.id).await {
            for partition in 0..journal.partitions() {
                ends.push(journal.bounds(partition).await.unwrap().end);
            }
            ends.push(journal.snapshots_end().await.unwrap());
        }
        (campaigns, ends)
    })
}

pub(crate) fn a_check_finds_what_is_in_order(kafka: &testkit::Kafka, scratch: &Scratch) {
    let site = Site::new(kafka, scratch, "checked");
    let before = everything(&site);
    let missing = of(&site, "ingest", &[]);
    missing.ends_with(69);
    missing.error("topics checked", "there is no topic ballots.checked", "run `weir topics`");
    assert_eq!(everything(&site), before, "no topic was made");
    assert_eq!(site.topics(&["--partitions", "4"]).code, Some(0));

    std::fs::set_permissions(&site.keys, PermissionsExt::from_mode(0o600)).unwrap();
    let before = everything(&site);
    let bootstrap = format!("broker {}", site.bootstrap);
    for process in ["ingest", "aggregate"] {
        let found = of(&site, process, &[]);
        found.ends_with(0);
        assert_eq!((found.errors, found.warnings), (0, 0), "{found:?}");
        found.ok(&bootstrap, "takes connections, in ");
        found.ok("kafka", "connecting included; brokers: 1");
        found.ok("topic ballots.checked", "retention.ms=-1 retention.bytes=-1");
        found.ok("topic tallies.checked", "cleanup.policy=compact");
        found.ok("topic ballots.checked", "4 partitions, all 1 replicas of each in sync");
        found.ok("rules checked", "those in force in all 4 partitions");
        found.ok("clock", "not measured");
    }
    assert_eq!(everything(&site), before, "nothing was written");

    let edge = site.ingest(&[]);
    let found = of(&site, "ingest", &[]);
    found.ok("clock", " ms from the brokers', the way included");
    found.ok("key checked", "is the one that the rules in the journal name");
    found.ok("keys checked", "readable, for its owner only");
    edge.stop();
}

pub(crate) fn a_check_finds_all_that_is_wrong(kafka: &testkit::Kafka, scratch: &Scratch) {
    let site = Site::founded(kafka, scratch, "amiss");
    scratch.file("amiss.toml", site.text.replace("ballot_max = 3", "ballot_max = 2"));
    let other = scratch.file("amiss-keys.toml", Population::keys_toml().replace("5a5a", "5b5b"));
    let away = testkit::free_port();
    let both = format!("{},127.0.0.1:{away}", site.bootstrap);
    let args = ["check", "ingest", "--kafka", &both, "--campaign", &site.file, "--keys", &other];
    let found =
        check(&[args.as_slice(), &["--replication", "3", "--listen", "127.0.0.1:0"]].concat());
    found.ends_with(64);
    found.warning(&format!("broker 127.0.0.1:{away}"), "cannot be reached", "see that it runs");
    found.warning("kafka", "1 brokers, and topics need 3 replicas", "--replication");
    found.error("topic ballots.amiss", "has 1 replicas and needs 3", "kafka-reassign-partitions");
    found.error("rules amiss", "choices_per_ballot_max differs", "put the setting back");
    found.error("key amiss", "not the one that the rules", "give the keys that the campaign began");
    found.warning("keys amiss", "others can read it too", "chmod 600");
    let gone = scratch.path("nowhere.toml");
    of(&site, "ingest", &["--keys", &gone]).error("keys amiss", "there is no such file", "");

    let site = Site::new(kafka, scratch, "odd");
    let make = |topic: &str, settings: &[&str]| {
        let mut options = vec!["--create", "--topic", topic, "--partitions", "1"];
        settings.iter().for_each(|setting| options.extend(["--config", setting]));
        kafka.tool(TOPICS, &options, b"").unwrap();
    };
    make("ballots.odd", &["retention.ms=1000"]);
    make("tallies.odd", &["cleanup.policy=compact", "message.timestamp.type=LogAppendTime"]);
    let before = everything(&site);
    let found = of(&site, "aggregate", &[]);
    found.ends_with(69);
    let fix = "kafka-configs --alter --topic ballots.odd --add-config retention.ms=-1";
    found.error("topic ballots.odd", "retention.ms is 1000 and must be -1", fix);
    found.error("rules odd", "ballots.odd is empty", "run `weir topics`");
    assert_eq!(found.errors, 2, "{found:?}");
    assert_eq!(everything(&site), before, "no rules were written");
}

/// The broker is dead, or answers nothing.
pub(crate) fn a_check_of_a_dead_broker_ends_soon(kafka: &testkit::Kafka, scratch: &Scratch) {
    let site = Site::new(kafka, scratch, "dead");
    let began_ms = now_ms();
    let found = of(&site, "aggregate", &[]);
    let took_ms = now_ms() - began_ms;
    found.ends_with(69);
    found.error(&format!("broker {}", site.bootstrap), "cannot be reached", "see that it runs");
    found.ok("campaign file dead.toml", "dead: 5 choices");
    found.ok("open files", "connections");
    assert!(took_ms < 10_000, "{took_ms} ms");

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let args = ["check", "aggregate", "--kafka", &address, "--campaign", &site.file];
    let began_ms = now_ms();
    let found = check(&[args.as_slice(), &["--listen", "127.0.0.1:0"]].concat());
    let took_ms = now_ms() - began_ms;
    found.ends_with(69);
    found.ok(&format!("broker {address}"), "takes connections");
    found.error("kafka", "cannot be reached", "");
    assert!(took_ms < 10_000, "{took_ms} ms");
    println!("a check gave up on a silent broker after {took_ms} ms");
}
