//! What a process refuses to work with, each told by name, with what to do about it.

use aggregator::found;
use ballot::JournalId;
use journal::{Journal as _, KafkaCluster, KafkaOptions};

use crate::kit::{Request, Scratch, now_ms, tally, weir};
use crate::site::Site;
use crate::storm::Population;

const TOPICS: &str = "org.apache.kafka.tools.TopicCommand";

/// A command that must end with this code and say all of this.
fn refused(site: &Site<'_>, command: &str, more: &[&str], code: i32, expected: &[&str]) {
    let ran = weir(&site.args(command, more));
    assert_eq!(ran.code, Some(code), "{command}: {ran:?}");
    for expected in expected {
        assert!(ran.stderr.contains(expected), "{command}: {expected} is not in {ran:?}");
    }
}

pub(crate) fn processes_say_what_is_wrong_with_their_configuration(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let mut site = Site::new(kafka, scratch, "wrong");
    for command in ["ingest", "aggregate", "recount"] {
        let missing = ["there is no topic ballots.wrong: run `weir topics`"];
        refused(&site, command, &[], 69, &missing);
    }
    refused(&site, "topics", &["--replication", "3"], 69, &["--replication"]);
    assert_eq!(site.topics(&["--partitions", "4"]).code, Some(0));
    for command in ["ingest", "aggregate"] {
        let few = ["ballots.wrong has 1 replicas and needs 3"];
        refused(&site, command, &["--replication", "3"], 69, &few);
    }
    let other = scratch.file("other.toml", Population::keys_toml().replace("5a5a", "5b5b"));
    let differs = ["wrong: partition 0: pseudonym key differs"];
    refused(&site, "ingest", &["--keys", &other], 64, &differs);
    refused(&site, "topics", &["--keys", &other, "--extend"], 64, &differs);
    let missing = scratch.path("none.toml");
    refused(&site, "ingest", &["--keys", &missing], 64, &["none.toml: there is no such file"]);

    scratch.file("wrong.toml", site.text.replace("ballot_max = 3", "ballot_max = 2"));
    for command in ["ingest", "aggregate"] {
        refused(
            &site,
            command,
            &[],
            64,
            &["choices_per_ballot_max differs", "put the setting back"],
        );
    }
    refused(&site, "topics", &["--extend"], 64, &["an extension can only"]);
    scratch.file("wrong.toml", format!("grace_seconds = 10\n{}", site.text));
    let grace = site.text.replace("title = \"A test\"", "title = \"A test\"\ngrace_seconds = 5");
    scratch.file("wrong.toml", grace);
    refused(&site, "ingest", &[], 64, &["grace_seconds"]);
    scratch.file("wrong.toml", &site.text);

    for (property, expected) in [
        ("acks=0", "the property acks is the journal's own"),
        ("no.such.key=7", "no.such.key"),
        ("sasl.password", "line 1: give one property a line"),
        ("security.protocol=ssl", "feature `tls`"),
    ] {
        let config = scratch.file("client.properties", property);
        site.more = vec!["--kafka-config".to_owned(), config];
        refused(&site, "aggregate", &[], 64, &["client.properties: ", expected]);
    }
    site.more.clear();
    let args = ["recount", "--kafka", &site.bootstrap, "--data", "d"];
    assert_eq!(weir(&args).code, Some(64), "one journal at a time");
}

pub(crate) fn topics_that_are_not_as_they_must_be_are_refused_by_key(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::new(kafka, scratch, "strange");
    let make = |topic: &str, partitions: &str, settings: &[&str]| {
        let mut options = vec!["--create", "--topic", topic, "--partitions", partitions];
        settings.iter().for_each(|setting| options.extend(["--config", setting]));
        kafka.tool(TOPICS, &options, b"").unwrap();
    };
    let wrong = ["retention.ms=1000", "message.timestamp.type=LogAppendTime"];
    make("ballots.strange", "4", &wrong);
    make("tallies.strange", "1", &[]);
    let expected = [
        "ballots.strange: retention.ms is 1000 and must be -1",
        "ballots.strange: message.timestamp.type is LogAppendTime and must be CreateTime",
        "tallies.strange: cleanup.policy is delete and must be compact",
        "tallies.strange: message.timestamp.type is CreateTime and must be LogAppendTime",
    ];
    for command in ["topics", "ingest", "aggregate"] {
        refused(&site, command, &[], 69, &expected);
    }

    let site = Site::founded(kafka, scratch, "grown");
    let options = ["--alter", "--topic", "ballots.grown", "--partitions", "6"];
    kafka.tool(TOPICS, &options, b"").unwrap();
    let grown = ["ballots.grown has 6 partitions, and its rules say 4"];
    for command in ["topics", "ingest", "aggregate", "recount"] {
        refused(&site, command, &[], 69, &grown);
    }
}

pub(crate) fn ballots_made_anew_under_kept_tallies_are_refused(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::founded(kafka, scratch, "anew");
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let token = Population::new(&site.text, 1).token(0);
    let cast = Request::ballot(&format!("{}/ballots", edge.url()), &token, &[1]).send();
    assert_eq!(cast.status, 202);
    tally(&aggregate.url(), 1, 0);
    edge.stop();
    aggregate.stop();
    kafka.tool(TOPICS, &["--delete", "--topic", "ballots.anew"], b"").unwrap();

    let gone = ["tallies.anew has snapshots of what was counted: ballots are gone"];
    refused(&site, "topics", &["--partitions", "4"], 69, &gone);
    refused(&site, "ingest", &[], 69, &["ballots.anew is empty"]);
    // Somebody goes past `weir topics` and gives the new topic rules of its own.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let identity = JournalId([9; 16]);
    runtime.block_on(async {
        let cluster = KafkaCluster::connect(KafkaOptions::new(&site.bootstrap)).unwrap();
        let journal = cluster.founding("anew", identity).await.unwrap();
        let rules = Population::new(&site.text, 1).rules(journal.identity(), 4);
        found(&journal, &rules, now_ms()).await.unwrap();
    });
    for command in ["topics", "ingest", "aggregate"] {
        refused(&site, command, &[], 69, &["the ballots were made anew under kept tallies"]);
    }
}

pub(crate) fn a_cluster_that_does_not_answer_is_told_in_bounded_time(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::founded(kafka, scratch, "away");
    kafka.broker(1).kill();
    let began_ms = now_ms();
    for command in ["ingest", "aggregate", "topics", "recount"] {
        let ran = site.run(command, &[]);
        assert_eq!(ran.code, Some(69), "{command}: {ran:?}");
    }
    let took_ms = now_ms() - began_ms;
    println!("four commands gave up on a dead broker after {took_ms} ms in all");
}
