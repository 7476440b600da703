//! The flags of the small commands that containers and set-ups need: `weir campaign` and
//! `weir health`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

pub(super) const CAMPAIGN_EXAMPLES: &str = "\
Examples:
  weir campaign > mine.toml                  the built-in campaign's file, to write your own from
  weir campaign --from-today --output demo.toml
     the built-in campaign, moved to start today, for processes on Kafka; run again, on whatever
     day, it leaves the file as it is";

#[derive(Debug, Args)]
pub(crate) struct CampaignArgs {
    /// The campaign file (TOML). Not given: the built-in campaign hubei-2023
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    /// Move the campaign to start today, with the start of the day in its zone. Not given: it keeps
    /// its dates
    #[arg(long)]
    pub(crate) from_today: bool,
    /// Where to write it; a file that is there stays as it is. Not given: standard output
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

pub(super) const HEALTH_EXAMPLES: &str = "\
Examples:
  weir health                                does the weir of this machine or container live?
  weir health --ready --ops 127.0.0.1:9091   is that aggregator ready for work?

It exits with 0 if the answer is yes and with 1 if it is no, or if there is none within seconds.";

#[derive(Debug, Args)]
pub(crate) struct HealthArgs {
    /// Where the process serves metrics and health: its --ops-listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9090")]
    pub(crate) ops: SocketAddr,
    /// Ask whether it is ready (/readyz). Not given: whether it lives (/livez), whatever becomes of
    /// its journal
    #[arg(long)]
    pub(crate) ready: bool,
}
