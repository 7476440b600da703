//! Where the ballots are: a Kafka of one broker, or a directory; and how a campaign's journal is
//! made and filled there, and found again by the process that counts.
//!
//! Never here: what is measured.

use std::str::FromStr;
use std::time::Duration;

use ballot::JournalId;
use benches::{Error, Poll};
use journal::{Embedded, EmbeddedOptions, Journal as _, KafkaCluster, KafkaOptions};
use tempfile::TempDir;
use testkit::Kafka;

use crate::preload::preload;
use crate::{PARTITIONS, Plan};

/// As for measurements in general: the test kit's own are for a small machine beside other tests.
const JAVA_OPTIONS: [&str; 2] = ["-Xmx1g", "-XX:+UseG1GC"];

/// How long an append may take here: the queue is filled on purpose, and nobody waits for one.
const APPEND_TIMEOUT: Duration = Duration::from_secs(30);

/// Which journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Kafka,
    Embedded,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Embedded => "embedded",
        }
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = [Self::Kafka, Self::Embedded].into_iter().find(|kind| kind.name() == text);
        known.ok_or_else(|| format!("{text:?} is no journal"))
    }
}

/// A place for the journals of all rounds.
pub(crate) enum Store {
    Kafka(Kafka, KafkaCluster),
    Embedded(TempDir),
}

impl Store {
    pub(crate) fn new(kind: Kind) -> Result<Self, Error> {
        match kind {
            Kind::Kafka => {
                let kafka = Kafka::builder(1).java_options(&JAVA_OPTIONS).try_start()?;
                let mut options = KafkaOptions::new(kafka.bootstrap());
                options.append_timeout = APPEND_TIMEOUT;
                Ok(Self::Kafka(kafka, KafkaCluster::connect(options)?))
            }
            Kind::Embedded => {
                Ok(Self::Embedded(tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?))
            }
        }
    }

    /// What a process needs to find it.
    pub(crate) fn place(&self) -> String {
        match self {
            Self::Kafka(kafka, _) => kafka.bootstrap(),
            Self::Embedded(dir) => dir.path().display().to_string(),
        }
    }

    /// The process that has the journals, if it is one of its own.
    pub(crate) fn broker(&self) -> Option<u32> {
        match self {
            Self::Kafka(kafka, _) => Some(kafka.broker(1).pid()),
            Self::Embedded(_) => None,
        }
    }

    /// Makes a campaign's journal and fills it.
    pub(crate) async fn fill(&self, poll: &Poll, plan: &Plan) -> Result<(), Error> {
        let id = &poll.campaign.id;
        match self {
            Self::Kafka(_, cluster) => {
                cluster.create_topics(id, Some(PARTITIONS), 1).await?;
                preload(&cluster.founding(id, JournalId([9; 16])).await?, poll, plan).await
            }
            Self::Embedded(dir) => {
                let journal = Embedded::open(&EmbeddedOptions::new(dir.path(), id, PARTITIONS))?;
                let filled = preload(&journal, poll, plan).await;
                journal.close().await;
                filled
            }
        }
    }
}
