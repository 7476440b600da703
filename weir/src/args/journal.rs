//! The flags that say where the journal is.

use std::path::{Path, PathBuf};

use clap::Args;

use super::DATA;

/// How Kafka is reached.
#[derive(Debug, Clone, Args)]
pub(crate) struct KafkaArgs {
    /// Kafka's brokers to begin with: host:port, separated by commas
    #[arg(long = "kafka", value_name = "BOOTSTRAP")]
    pub(crate) bootstrap: String,
    /// A file of librdkafka's properties, key=value a line, such as those of TLS and SASL. Not
    /// given: plain connections, and librdkafka's defaults
    #[arg(long = "kafka-config", value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
}

/// Which journal: the embedded one in a data directory, or Kafka.
#[derive(Debug, Args)]
pub(crate) struct JournalArgs {
    /// The directory of the embedded journal and the keys. Not given: weir-data
    #[arg(long = "data", value_name = "DIR", conflicts_with = "kafka")]
    data: Option<PathBuf>,
    /// In place of --data: Kafka's brokers to begin with, host:port, separated by commas. Not
    /// given: the embedded journal
    #[arg(long, value_name = "BOOTSTRAP")]
    kafka: Option<String>,
    /// A file of librdkafka's properties, key=value a line, such as those of TLS and SASL. Not
    /// given: plain connections, and librdkafka's defaults
    #[arg(long, value_name = "FILE", requires = "kafka", conflicts_with = "data")]
    kafka_config: Option<PathBuf>,
}

impl JournalArgs {
    /// How Kafka is reached, if that is the journal.
    pub(crate) fn kafka(&self) -> Option<KafkaArgs> {
        let bootstrap = self.kafka.clone()?;
        Some(KafkaArgs { bootstrap, config: self.kafka_config.clone() })
    }

    /// The data directory, if that is where the journal is.
    pub(crate) fn dir(&self) -> &Path {
        self.data.as_deref().unwrap_or(Path::new(DATA))
    }
}
