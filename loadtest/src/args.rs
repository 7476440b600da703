//! The command line: what is run, where, and what is made of it.
//!
//! Never here: a default that loads somebody else's server.

use std::path::PathBuf;

use clap::Parser;
use loadtest::processes::Watch;
use loadtest::threshold::Threshold;

const EXIT_CODES: &str = "\
Exit codes:
   0  done, the proof holds and no threshold is broken
   1  the proof failed, could not be made, or a threshold is broken
  64  bad arguments, plan, campaign file or keys; the message names the key and the fix
  69  no server answers, or there is nothing to compare with
  70  an error inside, or a report that cannot be written";

const EXAMPLES: &str = "\
Examples:
  loadtest promotion --edge http://127.0.0.1:8080 --campaign mine.toml --keys weir-data/
  loadtest steady --rate 20000 --duration 30 --edge http://127.0.0.1:8080 --campaign mine.toml \\
     --keys keys/ --kafka 127.0.0.1:9092 --html report.html --fail-if 'p99>50ms'
  loadtest mine-plan.toml --edge http://127.0.0.1:8081 --edge http://127.0.0.1:8082 \\
     --campaign mine.toml --keys keys/ --json -

A plan of one's own:
  arrivals = \"poisson\"            # or \"even\"
  voters = 1000000                # not given: enough for each to vote once
  zipf = 1.0                      # how unequally popular choices are
  around = \"midnight\"             # or \"opens\", \"close\": begins lead_seconds before that
  lead_seconds = 30
  [[phases]]                      # rate alone is a step; with `to` a ramp
  seconds = 10
  rate = 1000
  to = 50000
  curve = \"exponential\"           # or \"linear\"
  [shares]                        # of all arrivals, 0 to 1; not given: 0
  retries = 0.02                  # the same ballot again, with its day
  repeats = 0.01                  # the same ballot at another edge
  other_choices = 0.01            # another ballot at another edge
  invalid = 0.005
  forged = 0.005
  new_connections = 0.1           # of all requests
  [retry]                         # of ballots in doubt or shed
  attempts = 8
  first_ms = 200
  max_ms = 5000

The same seed makes the same voters. Where their ballots are in the journal already, give another.";

/// Loads a Weir as a public vote does, on a schedule fixed in advance, and proves afterwards that
/// nothing acknowledged was lost and nothing counted twice.
#[derive(Debug, Parser)]
#[command(version, after_help = EXIT_CODES,
          after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub(crate) struct Args {
    /// A profile (steady, promotion, opening, midnight, close, retry-storm, rigging, soak) or the
    /// file of a plan
    #[arg(value_name = "PROFILE|PLAN.toml")]
    pub(crate) plan: String,
    /// An edge, http://HOST:PORT; may be given several times
    #[arg(long = "edge", value_name = "URL", required = true)]
    pub(crate) edges: Vec<String>,
    /// The campaign file that the server was started with
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: PathBuf,
    /// The file with the campaign's keys, or a directory with ID.keys.toml
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: PathBuf,
    /// The plan's highest rate, requests a second. Not given: its own, 5000 for most profiles
    #[arg(long, value_name = "N")]
    pub(crate) rate: Option<f64>,
    /// How long the plan is, seconds. Not given: its own, 60 for most profiles
    #[arg(long, value_name = "S")]
    pub(crate) duration: Option<f64>,
    /// How many voters there are, up to 100 million. Not given: the plan's, or enough for each to
    /// vote once
    #[arg(long, value_name = "N",
          value_parser = clap::value_parser!(u64).range(1..=loadtest::population::VOTERS_MAX))]
    pub(crate) voters: Option<u64>,
    /// Keep-alive connections over all edges, each with one request at a time
    #[arg(long, value_name = "N", default_value = "256",
          value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) connections: u16,
    /// Threads that send; each takes up to a core
    #[arg(long, value_name = "N", default_value = "1",
          value_parser = clap::value_parser!(u16).range(1..=64))]
    pub(crate) threads: u16,
    /// The seed of everything. Not given: the time, so that every run has voters of its own
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// For the proof from the log: Kafka's brokers to begin with, host:port, separated by commas
    #[arg(long, value_name = "BOOTSTRAP", conflicts_with = "data")]
    pub(crate) kafka: Option<String>,
    /// For the proof from the log: the data directory of `weir up`, which has to be stopped after
    /// the load; it is waited for
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Properties of librdkafka for --kafka, as lines of key=value: security, for one. Not given:
    /// none
    #[arg(long, value_name = "FILE", requires = "kafka")]
    pub(crate) kafka_config: Option<PathBuf>,
    /// A process of this machine whose memory and processor time go into the reports, such as
    /// edge=4711; may be given several times. This process is then reported as loadtest
    #[arg(long = "watch-pid", value_name = "NAME=PID")]
    pub(crate) watched: Vec<Watch>,
    /// How long the tally may take to catch up, seconds
    #[arg(long, value_name = "S", default_value = "120")]
    pub(crate) patience: u64,
    /// Write a report for people
    #[arg(long, value_name = "FILE")]
    pub(crate) html: Option<PathBuf>,
    /// Write everything as JSON; - is standard output
    #[arg(long, value_name = "FILE|-")]
    pub(crate) json: Option<PathBuf>,
    /// Write the seconds as CSV
    #[arg(long, value_name = "FILE")]
    pub(crate) csv: Option<PathBuf>,
    /// Write the latencies as a HdrHistogram log
    #[arg(long, value_name = "FILE")]
    pub(crate) hdr: Option<PathBuf>,
    /// A threshold that must not be reached, such as p99>50ms or lost>0; may be given several times
    #[arg(long = "fail-if", value_name = "EXPR")]
    pub(crate) fail_if: Vec<Threshold>,
    /// Allows edges that are not on this machine
    #[arg(long)]
    pub(crate) i_own_this_server: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }
}
