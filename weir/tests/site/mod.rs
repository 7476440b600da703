//! A campaign on a test cluster, as an operator would set it up: a campaign file, keys, topics, and
//! the processes of either kind.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use journal::{Journal as _, Kafka, KafkaCluster, KafkaOptions};
use serde_json::Value;

use crate::kit::{Ran, Request, Scratch, Server, campaign, eventually, weir};
use crate::storm::{Notes, Population, Proof, Summary, head_of_records, read_all};

/// A campaign on a cluster.
pub(crate) struct Site<'a> {
    scratch: &'a Scratch,
    pub(crate) id: String,
    pub(crate) text: String,
    pub(crate) file: String,
    pub(crate) keys: String,
    pub(crate) bootstrap: String,
    pub(crate) partitions: u32,
    replication: String,
    /// Flags that every command gets.
    pub(crate) more: Vec<String>,
}

impl<'a> Site<'a> {
    /// A campaign file and keys; nothing in the cluster yet.
    pub(crate) fn new(kafka: &testkit::Kafka, scratch: &'a Scratch, id: &str) -> Self {
        let text = campaign(-1, 2).replace("\"test\"", &format!("\"{id}\""));
        let text = text.replace("day_max = 10000", "day_max = 1000000");
        Self {
            scratch,
            id: id.to_owned(),
            file: scratch.file(&format!("{id}.toml"), &text),
            keys: scratch.file(&format!("{id}.keys.toml"), Population::keys_toml()),
            text,
            bootstrap: kafka.bootstrap(),
            partitions: 4,
            replication: kafka.brokers().len().to_string(),
            more: Vec::new(),
        }
    }

    /// The same, with topics and rules in them.
    pub(crate) fn founded(kafka: &testkit::Kafka, scratch: &'a Scratch, id: &str) -> Self {
        let site = Self::new(kafka, scratch, id);
        let ran = site.topics(&["--partitions", &site.partitions.to_string()]);
        assert_eq!(ran.code, Some(0), "{ran:?}");
        site
    }

    /// A command on this campaign; with keys unless it only counts.
    pub(crate) fn args<'b>(&'b self, command: &'b str, more: &[&'b str]) -> Vec<&'b str> {
        let mut args = vec![command, "--kafka", &self.bootstrap, "--campaign", &self.file];
        if ["topics", "ingest"].contains(&command) && !more.contains(&"--keys") {
            args.extend(["--keys", &self.keys]);
        }
        if command != "recount" && !more.contains(&"--replication") {
            args.extend(["--replication", &self.replication]);
        }
        if ["ingest", "aggregate"].contains(&command) && !more.contains(&"--drain-wait") {
            args.extend(["--drain-wait", "0"]);
        }
        args.extend(self.more.iter().map(String::as_str));
        args.extend(more);
        args
    }

    pub(crate) fn run(&self, command: &str, more: &[&str]) -> Ran {
        weir(&self.args(command, more))
    }

    pub(crate) fn topics(&self, more: &[&str]) -> Ran {
        self.run("topics", more)
    }

    /// An edge, ready.
    pub(crate) fn ingest(&self, more: &[&str]) -> Server<'a> {
        Server::start(self.scratch, &self.args("ingest", more))
    }

    /// An aggregator, ready.
    pub(crate) fn aggregate(&self, more: &[&str]) -> Server<'a> {
        Server::start(self.scratch, &self.args("aggregate", more))
    }

    /// An aggregator that has been started; others may keep it from being ready.
    pub(crate) fn spawn_aggregate(&self, more: &[&str]) -> Server<'a> {
        Server::spawn(self.scratch, &self.args("aggregate", more))
    }

    /// The journal itself, for whoever looks into it.
    pub(crate) async fn journal(&self) -> Kafka {
        let cluster = KafkaCluster::connect(KafkaOptions::new(&self.bootstrap)).unwrap();
        cluster.journal(&self.id).await.unwrap()
    }

    /// The recount's bytes, once each of these campaign URLs serves the same: everything has been
    /// counted, the close records of days that are over among it.
    pub(crate) fn caught_up(&self, urls: &[String]) -> Vec<u8> {
        eventually("every tally to equal the recount byte for byte", || {
            let ran = self.run("recount", &[]);
            assert_eq!(ran.code, Some(0), "{ran:?}");
            let equal = urls.iter().all(|url| {
                let live = Request::get(&format!("{url}/tally")).try_send();
                live.is_some_and(|live| live.status == 200 && live.body == ran.stdout.as_bytes())
            });
            equal.then(|| ran.stdout.clone().into_bytes())
        })
    }

    /// Has the proof hold of the whole log, and each digest be what RFC 6962 says.
    pub(crate) fn prove(
        &self,
        population: &Population,
        notes: &Notes,
        document: &Value,
    ) -> Summary {
        let journal = tokio::runtime::Runtime::new().unwrap().block_on(self.journal());
        let rules = population.rules(journal.identity(), self.partitions);
        let records = read_all(&journal);
        let summary =
            Proof { population, rules: &rules, records: &records, notes, document }.hold();
        for (records, told) in records.iter().zip(document["partitions"].as_array().unwrap()) {
            assert_eq!(told["digest"], head_of_records(records));
        }
        summary
    }
}
