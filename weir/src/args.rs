//! The command line: every command and flag, each with what happens when it is not given.
//!
//! The same flag means the same in every command. Nothing is read or opened here; what a value
//! means is decided by the command.

mod check;
mod journal;
mod serve;
mod site;
mod tools;
mod trace;

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::exit::EXIT_CODES;
use crate::log::Format;
pub(crate) use check::{CheckArgs, Checked};
pub(crate) use journal::{JournalArgs, KafkaArgs};
pub(crate) use serve::{AggregateArgs, IngestArgs, ServeArgs};
pub(crate) use site::{SiteArgs, Way};
pub(crate) use tools::{CampaignArgs, ForgetArgs, HealthArgs, Lang, PosterArgs};
pub(crate) use trace::TraceArgs;

/// Where data is kept if nothing else is said.
const DATA: &str = "weir-data";

/// Takes public votes: a ballot is durable when it is acknowledged, counted once, and the result
/// can be recounted by anybody who has the journal.
///
/// Without a command, weir does what `weir up` does.
#[derive(Debug, Parser)]
#[command(
    name = "weir",
    version,
    args_conflicts_with_subcommands = true,
    after_help = EXIT_CODES,
    after_long_help = format!("{EXAMPLES}\n\n{SETTINGS}\n\n{EXIT_CODES}\n\n{LOGS}")
)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    #[command(flatten)]
    pub(crate) up: UpArgs,
    /// A file (TOML) with settings: its keys are the flags' names, as in kafka = "k1:9092". Give it
    /// after the command. Not given: only flags and environment count
    #[arg(long = "config", value_name = "FILE", global = true)]
    pub(crate) config_file: Option<PathBuf>,
    /// How the log on standard error is written. Give it after the command
    #[arg(long, value_name = "FORMAT", global = true, value_enum, default_value = "pretty")]
    pub(crate) log_format: Format,
}

const EXAMPLES: &str = "\
Examples:
  weir                                       the built-in campaign, to try out at once
  weir up --campaign mine.toml --data /srv/weir --listen 0.0.0.0:8080
  weir token --campaign mine.toml --data /srv/weir alice bob
  weir recount --data /srv/weir > tally.json
  weir topics --campaign mine.toml --data /srv/weir --extend

On Kafka, for any number of edges and aggregators:
  weir topics --kafka k1:9092,k2:9092 --campaign mine.toml --keys /etc/weir/keys
  weir ingest --kafka k1:9092,k2:9092 --campaign mine.toml --keys /etc/weir/keys
  weir aggregate --kafka k1:9092,k2:9092 --campaign mine.toml
  weir recount --kafka k1:9092,k2:9092 --campaign mine.toml > tally.json";

const SETTINGS: &str = "\
Every flag --NAME may also be given as WEIR_NAME in the environment (WEIR_OPS_LISTEN; several values
with commas between them; empty says nothing), or as NAME in the file of --config or WEIR_CONFIG.
Flags win over the environment, that over the file, that over the defaults. One file serves all
commands; each takes what it knows. What is no setting of any is refused.

SIGHUP has up, ingest and aggregate read keys and campaign files again: token keys and texts may
change, nothing that counts may.";

const LOGS: &str = "\
Results go to standard output, everything else to standard error. RUST_LOG sets what is logged,
for example RUST_LOG=warn or RUST_LOG=info,aggregator=debug; unset means info.";

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Runs everything in one process: the API, the counting and the result
    #[command(after_long_help = UP_EXAMPLES)]
    Up(UpArgs),
    /// Runs an edge on Kafka: takes ballots and shows the result
    #[command(after_long_help = serve::INGEST_EXAMPLES)]
    Ingest(IngestArgs),
    /// Runs an aggregator on Kafka: counts, and shows the result
    #[command(after_long_help = serve::AGGREGATE_EXAMPLES)]
    Aggregate(AggregateArgs),
    /// Counts the journal again from its start and prints the tally document
    #[command(after_long_help = RECOUNT_EXAMPLES)]
    Recount(RecountArgs),
    /// Makes voter tokens, one a line, of voters' identities
    #[command(after_long_help = TOKEN_EXAMPLES)]
    Token(TokenArgs),
    /// Looks whether a process would start here with these flags, and run well; changes nothing
    #[command(after_long_help = check::CHECK_EXAMPLES)]
    Check(Box<CheckArgs>),
    /// Makes the topics in Kafka, compares the campaign with the rules in the journal, or writes
    /// changed rules into it
    #[command(after_long_help = TOPICS_EXAMPLES)]
    Topics(TopicsArgs),
    /// Prints a campaign file, or writes one that starts today
    #[command(after_long_help = tools::CAMPAIGN_EXAMPLES)]
    Campaign(CampaignArgs),
    /// Prints a campaign's poster with its code, as SVG
    #[command(after_long_help = tools::POSTER_EXAMPLES)]
    Poster(PosterArgs),
    /// Destroys what ties a finished campaign's ballots to people
    #[command(after_long_help = tools::FORGET_EXAMPLES)]
    Forget(ForgetArgs),
    /// Asks a running weir whether it lives, or is ready
    #[command(after_long_help = tools::HEALTH_EXAMPLES)]
    Health(HealthArgs),
}

const UP_EXAMPLES: &str = "\
Examples:
  weir up                                    the built-in campaign, moved to start today
  weir up --campaign mine.toml               your campaign, with the dates of its file
  weir up --campaign mine.toml --from-today  the same, moved to start today

SIGTERM or Ctrl-C ends it: it finishes what is in flight, flushes and exits 0. A second signal, or
30 seconds, end it at once with exit code 75. Starting it again on the same data is always safe.";

#[derive(Debug, Clone, Args)]
pub(crate) struct UpArgs {
    /// A campaign file (TOML); may be given several times. Not given: the built-in campaign
    /// hubei-2023, moved to start today
    #[arg(long = "campaign", value_name = "FILE")]
    pub(crate) campaigns: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// How many partitions a new journal gets; it cannot be changed later. Not given: 6, or as
    /// many as the journal has
    #[arg(long, value_name = "N", hide_short_help = true,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(ballot::PARTITIONS_MAX)))]
    pub(crate) partitions: Option<u32>,
    /// The file with the campaign's keys, or a directory with ID.keys.toml for each campaign. Not
    /// given: the data directory, where they are made on the first start
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
    /// Where the public API listens; port 0 takes any free port
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Where metrics and health are served; never make it public
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) ops_listen: SocketAddr,
    /// On the first start, keep the built-in campaign's dates. Not given: it is moved to start
    /// today. The choice is kept in the data directory
    #[arg(long, conflicts_with = "from_today")]
    pub(crate) as_dated: bool,
    /// On the first start, move the campaigns given to start today. Not given: they keep the dates
    /// of their files. The choice is kept in the data directory
    #[arg(long)]
    pub(crate) from_today: bool,
    #[command(flatten)]
    pub(crate) site: SiteArgs,
    #[command(flatten)]
    pub(crate) trace: TraceArgs,
}

const RECOUNT_EXAMPLES: &str = "\
Examples:
  weir recount > tally.json                  the result of everything in ./weir-data
  weir recount --prefix tally.json           is a tally that was published still the same?

  weir recount --kafka k1:9092 > tally.json  the result of a campaign on Kafka, at any time

It needs no keys and no campaign file: all that counts is in the journal. Snapshots are not counted
from, only compared. While `weir up` runs its journal is locked; stop it, or recount a copy.";

#[derive(Debug, Args)]
pub(crate) struct RecountArgs {
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    /// Which campaign to recount, if there are several. Not given: the only one there
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    /// How many threads count. Not given: one per core. The result is the same
    #[arg(long, value_name = "N")]
    pub(crate) threads: Option<NonZeroUsize>,
    /// Recount only what a saved tally document covers, and say whether the result equals it byte
    /// for byte. Not given: everything in the journal, up to the campaign's close
    #[arg(long, value_name = "TALLY.json")]
    pub(crate) prefix: Option<PathBuf>,
}

const TOKEN_EXAMPLES: &str = "\
Examples:
  weir token alice                           a token for one voter, with the keys in ./weir-data
  weir token --expires-in 7 < ids.txt        one token a line, for one identity a line

The same identity always becomes the same voter. A token holds a pseudonym, never the identity.";

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The campaign file. Not given: the built-in campaign hubei-2023
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    /// The file with the campaign's keys, or a directory with ID.keys.toml. Not given: the data
    /// directory
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
    /// Days from now until the tokens expire. Not given: one day after the campaign's end
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u32).range(1..=3_650))]
    pub(crate) expires_in: Option<u32>,
    /// Say in the tokens that the voters do not follow the organiser's account. Not given: they do
    #[arg(long)]
    pub(crate) not_follower: bool,
    /// Voters' identities. Not given: one a line from standard input
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<String>,
}

const TOPICS_EXAMPLES: &str = "\
Examples:
  weir topics --kafka k1:9092 --campaign mine.toml --keys keys/
     makes the topics with the rules in them, and keys if there are none; again: compares
  weir topics --kafka k1:9092 --campaign mine.toml --keys keys/ --extend
     extends a campaign, while it runs: give mine.toml a later closes_at first
  weir topics --campaign mine.toml --extend
     the same on the embedded journal: stop `weir up`, and start it again afterwards

Rules can only become wider: a later end, more days, more choices a ballot, a longer grace; and only
before the campaign's close has been written. What was cast before is judged by the rules of its
time.";

#[derive(Debug, Args)]
pub(crate) struct TopicsArgs {
    #[command(flatten)]
    pub(crate) journal: JournalArgs,
    /// The campaign file. Not given: the built-in campaign hubei-2023
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    /// The file with the campaign's keys, or a directory with ID.keys.toml. Not given: the data
    /// directory. With --kafka it has to be given, and what is missing is made with the topics
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
    /// How many partitions the topic of ballots gets; it cannot be changed later. Not given: 6, or
    /// as many as it has
    #[arg(long, value_name = "N", requires = "kafka", conflicts_with = "data",
          value_parser = clap::value_parser!(u32).range(1..=i64::from(ballot::PARTITIONS_MAX)))]
    pub(crate) partitions: Option<u32>,
    /// The least number of replicas of a topic; 1 says that a single broker's disk is enough
    #[arg(long, value_name = "N", default_value = "3", requires = "kafka", conflicts_with = "data",
          value_parser = clap::value_parser!(u32).range(1..=9))]
    pub(crate) replication: u32,
    /// Write the changed rules into the journal. Not given: only compare
    #[arg(long)]
    pub(crate) extend: bool,
}

#[derive(Debug, Clone, Args)]
pub(crate) struct DataArgs {
    /// The directory of the journal and the keys; `up` makes it if it is missing
    #[arg(long = "data", value_name = "DIR", default_value = DATA)]
    pub(crate) dir: PathBuf,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn no_command_takes_the_flags_of_up() {
        let cli = Cli::try_parse_from(["weir", "--data", "d", "--listen", "[::1]:0"]).unwrap();
        assert!(cli.command.is_none());
        assert_eq!(cli.up.data.dir, PathBuf::from("d"));
        assert_eq!(cli.up.listen.port(), 0);
    }
}
