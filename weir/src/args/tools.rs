//! The flags of the small commands that containers and set-ups need: `weir campaign`, `weir poster`
//! and `weir health`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::DataArgs;
use super::site::public_url;

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

pub(super) const POSTER_EXAMPLES: &str = "\
Examples:
  weir poster --campaign mine.toml --public-url https://vote.example.org > poster.svg
  weir poster --campaign mine.toml --public-url https://vote.example.org --channel metro-line-2 \\
     > metro-line-2.svg
     its code has a name of its own, by which scans are counted

Any browser prints it on a sheet of A4, or into a PDF. Its dates are those of the campaign file; a
running weir has it too, under /campaigns/ID/poster.svg.";

#[derive(Debug, Args)]
pub(crate) struct PosterArgs {
    /// The campaign file (TOML). Not given: the built-in campaign hubei-2023
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    /// The origin that voters see, https://HOST, to which the code leads
    #[arg(long, value_name = "URL", value_parser = public_url)]
    pub(crate) public_url: String,
    /// One of the campaign's channels: scans of this poster are counted by it. Not given: the code
    /// names none
    #[arg(long, value_name = "NAME")]
    pub(crate) channel: Option<String>,
    /// The language of what is not the campaign's own text
    #[arg(long, value_name = "LANG", value_enum, default_value = "zh")]
    pub(crate) lang: Lang,
}

/// A language that a poster is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Lang {
    /// Chinese
    Zh,
    /// English
    En,
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

pub(super) const FORGET_EXAMPLES: &str = "\
Examples:
  weir forget --confirm hubei-2023           after `weir up` of the built-in campaign in ./weir-data
  weir forget --campaign mine.toml --keys /etc/weir/keys --confirm mine

Stop the campaign's processes first: they have the keys in memory. Afterwards `weir up` and `weir
aggregate` still show the result, and `weir recount` counts it again. There is no way back.";

#[derive(Debug, Args)]
pub(crate) struct ForgetArgs {
    /// The campaign file. Not given: the built-in campaign hubei-2023
    #[arg(long, value_name = "FILE")]
    pub(crate) campaign: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) data: DataArgs,
    /// The file with the campaign's keys, or a directory with ID.keys.toml. Not given: the data
    /// directory
    #[arg(long, value_name = "PATH")]
    pub(crate) keys: Option<PathBuf>,
    /// Where it was kept who follows. Not given: the data directory
    #[arg(long, value_name = "DIR")]
    pub(crate) identity_data: Option<PathBuf>,
    /// The campaign's id, to say that it is meant
    #[arg(long, value_name = "ID")]
    pub(crate) confirm: String,
    /// Also while the campaign may still get ballots
    #[arg(long)]
    pub(crate) before_close: bool,
}
