//! The flags of `weir check`: those of the process that it checks, read by the same code.

use clap::{Args, Subcommand};

use super::{AggregateArgs, IngestArgs, UpArgs};

pub(super) const CHECK_EXAMPLES: &str = "\
Examples:
  weir check                                 would `weir` start here, and run well?
  weir check --campaign mine.toml --data /srv/weir --listen 0.0.0.0:8080
  weir check ingest --kafka k1:9092,k2:9092 --campaign mine.toml --keys /etc/weir/keys
  weir check aggregate --kafka k1:9092,k2:9092 --campaign mine.toml --json

Run it before a start, on the machine and as the user of the process, with the same flags. It looks
at everything it can and tells all it finds; a warning does not fail it. It ends within 10 s or so,
whether brokers answer or not. It makes nothing and changes nothing: no topic, no record, no key, no
journal. To time the disk it writes a few KiB into a file without a name in the data directory.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct CheckArgs {
    /// Which process is checked. Not given: `weir up`
    #[command(subcommand)]
    pub(crate) process: Option<Checked>,
    #[command(flatten)]
    pub(crate) up: UpArgs,
    /// Print the findings as JSON. Not given: as a table
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A process, with its flags.
#[derive(Debug, Subcommand)]
pub(crate) enum Checked {
    /// Checks what `weir up` needs
    Up(UpArgs),
    /// Checks what `weir ingest` needs
    Ingest(IngestArgs),
    /// Checks what `weir aggregate` needs
    Aggregate(AggregateArgs),
}
