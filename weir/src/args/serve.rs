//! The flags of the processes on Kafka: `weir ingest` and `weir aggregate`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{KafkaArgs, SiteArgs, TraceArgs};

pub(super) const INGEST_EXAMPLES: &str = "\
Example:
  weir ingest --kafka k1:9092,k2:9092 --campaign a.toml --campaign b.toml --keys /etc/weir/keys \\
              --listen 0.0.0.0:8080 --ops-listen 0.0.0.0:9090

SIGTERM ends it: not ready, a wait of --drain-wait, no new connections, what is in flight is
answered, exit 0. A second signal, or 30 seconds, end it at once with exit code 75.";

#[derive(Debug, Args)]
pub(crate) struct IngestArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// The file with the campaign's keys, or a directory with ID.keys.toml for each campaign
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: PathBuf,
    /// Where the public API listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where metrics and health are served; never make it public
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) ops_listen: SocketAddr,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

pub(super) const AGGREGATE_EXAMPLES: &str = "\
Example:
  weir aggregate --kafka k1:9092,k2:9092 --campaign mine.toml

It needs no keys. Any number share the partitions; each shows the whole result. SIGTERM ends it: its
partitions are flushed and handed over at once, exit 0. Being killed costs nothing but the session
timeout until another takes over.";

#[derive(Debug, Args)]
pub(crate) struct AggregateArgs {
    #[command(flatten)]
    pub(crate) serve: ServeArgs,
    /// Seconds without a sign of life after which another takes its partitions over; the brokers
    /// allow no less than their group.min.session.timeout.ms, 6 s unless configured
    #[arg(long, value_name = "SECONDS", default_value = "6",
          value_parser = clap::value_parser!(u64).range(1..=300))]
    pub(crate) session_timeout: u64,
    /// Where the result is served; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8081")]
    pub(crate) listen: SocketAddr,
    /// Where metrics and health are served; never make it public
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9091")]
    pub(crate) ops_listen: SocketAddr,
}

/// What both kinds of process on Kafka are told.
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    #[command(flatten)]
    pub(crate) kafka: KafkaArgs,
    /// The least number of replicas of a topic; 1 says that a single broker's disk is enough
    #[arg(long, value_name = "N", default_value = "3",
          value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) replication: u32,
    /// A campaign file (TOML); may be given several times
    #[arg(long = "campaign", value_name = "FILE", required = true)]
    pub(crate) campaigns: Vec<PathBuf>,
    /// Seconds between being not ready and taking no more connections, for balancers to hear of it
    #[arg(long, value_name = "SECONDS", default_value = "5",
          value_parser = clap::value_parser!(u64).range(0..=10))]
    pub(crate) drain_wait: u64,
}
