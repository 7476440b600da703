//! The result in all its forms: live, recounted, as a digest that others can compute, and in what
//! Kafka's own tools show.

use std::path::Path;

use prost_reflect::{DescriptorPool, DynamicMessage, Value};

use crate::kit::{Request, Scratch, eventually, weir};
use crate::site::Site;
use crate::storm::{Population, head_of_records, read_all};

const VOTERS: u32 = 40;

pub(crate) fn a_recount_equals_the_live_tally_and_an_independent_digest(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::founded(kafka, scratch, "counted");
    let population = Population::new(&site.text, VOTERS);
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    for cast in 0..2 * VOTERS {
        let choices = [1 + cast % 5];
        let token = population.token(cast % VOTERS);
        let answer = Request::ballot(&format!("{}/ballots", edge.url()), &token, &choices).send();
        // Whoever votes again is told so, or counted as a duplicate, but never counted.
        assert!([202, 409].contains(&answer.status), "{}", answer.status);
    }
    eventually("all voters to be counted", || {
        let answer = Request::get(&format!("{}/tally", aggregate.url())).send();
        (answer.json()["ballots"] == VOTERS).then_some(())
    });
    let recount = site.caught_up(&[aggregate.url(), edge.url()]);
    let document: serde_json::Value = serde_json::from_slice(&recount).unwrap();
    let saved = scratch.file("counted.json", &recount);
    let one = site.run("recount", &["--prefix", &saved, "--threads", "1"]);
    assert_eq!((one.code, one.stdout.as_bytes()), (Some(0), recount.as_slice()), "{one:?}");
    let anybody = weir(&["recount", "--kafka", &site.bootstrap]);
    assert!(anybody.stderr.contains("say which with --campaign"), "{anybody:?}");

    let journal = tokio::runtime::Runtime::new().unwrap().block_on(site.journal());
    let partitions = document["partitions"].as_array().unwrap();
    assert_eq!(partitions.len(), 4);
    for (records, told) in read_all(&journal).iter().zip(partitions) {
        assert_eq!(told["frontier"].as_u64(), Some(records.len() as u64));
        assert_eq!(told["digest"], head_of_records(records), "by RFC 6962 alone: {told}");
    }
    // A ballot more, and the recount of the saved prefix is still the same.
    let more = Population::new(&site.text, VOTERS + 1).token(VOTERS);
    let answer = Request::ballot(&format!("{}/ballots", edge.url()), &more, &[5]).send();
    assert_eq!(answer.status, 202);
    let again = site.run("recount", &["--prefix", &saved]);
    assert_eq!((again.code, again.stdout.into_bytes()), (Some(0), recount), "{}", again.stderr);
    edge.stop();
    aggregate.stop();
}

pub(crate) fn kafkas_own_consumer_and_the_schema_alone_show_a_ballot(
    kafka: &testkit::Kafka,
    scratch: &Scratch,
) {
    let site = Site::founded(kafka, scratch, "shown");
    let population = Population::new(&site.text, 1);
    let edge = site.ingest(&[]);
    let ballots = format!("{}/ballots", edge.url());
    let answer = Request::ballot(&ballots, &population.token(0), &[2, 5]).send();
    let receipt = answer.json()["receipt"].as_str().unwrap().to_owned();
    edge.stop();
    let [partition, offset, index]: [&str; 3] =
        receipt.split('-').collect::<Vec<_>>().try_into().unwrap();
    let place = ["--topic", "ballots.shown", "--partition", partition, "--max-messages", "1"];
    let consume = |offset: &str| {
        let options = [place.as_slice(), &["--offset", offset]].concat();
        let mut printed = kafka.console_consumer(&options);
        assert_eq!(printed.pop(), Some(b'\n'));
        decoded(&printed)
    };
    let rules = consume("0");
    assert_eq!(field(&rules, "rules", "campaign"), Value::String("shown".to_owned()));
    let record = consume(offset);
    let at: usize = index.parse().unwrap();
    let column = |name: &str| field(&record, "batch", name).as_list().unwrap()[at].as_u64();
    let voter = population.voter(0);
    assert_eq!((column("voter_high"), column("voter_low")), (Some(voter.high), Some(voter.low)));
    assert_eq!(column("choices"), Some(0b1_0010), "{record:?}");
}

fn field(record: &DynamicMessage, kind: &str, name: &str) -> Value {
    let kind = record.get_field_by_name(kind).unwrap();
    kind.as_message().unwrap().get_field_by_name(name).unwrap().into_owned()
}

/// A record by nothing but the checked-in schema.
fn decoded(value: &[u8]) -> DynamicMessage {
    let proto = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ballot/proto");
    let schema = protox::compile(["weir.proto"], [proto]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(schema).unwrap();
    let record = pool.get_message_by_name("weir.v1.Record").unwrap();
    let message = DynamicMessage::decode(record, value).unwrap();
    assert!(message.unknown_fields().next().is_none());
    message
}
