//! The one binary of Weir: reads its arguments, runs a command, and turns what came of it into an
//! exit code and a sentence.
//!
//! Results go to standard output, everything else to standard error. Everything a command is told
//! has been checked before it opens a port.

mod args;
mod cluster;
mod config;
mod exit;
mod process;
mod recount;
mod token;
mod topics;
mod up;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

use crate::args::{Cli, Command};
use crate::exit::{Code, Failure};

fn main() -> ExitCode {
    let cli = match parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let log = std::env::var("RUST_LOG").unwrap_or_default();
    match log_to_stderr(&log).and_then(|()| run(&cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            say(&format!("weir: {failure}"));
            failure.code.into()
        }
    }
}

/// The arguments, or the exit code once clap has printed what there is to say.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Cli, ExitCode> {
    Cli::try_parse_from(args).map_err(|told| {
        // Nobody reads it: then there is nothing better to do than to end as if they had.
        drop(told.print());
        // clap's own code for a wrong flag is 2; `--help` and `--version` are no mistakes.
        if told.use_stderr() { Code::Configuration.into() } else { ExitCode::SUCCESS }
    })
}

fn log_to_stderr(filter: &str) -> Result<(), Failure> {
    let builder = EnvFilter::builder().with_default_directive(LevelFilter::INFO.into());
    let filter = builder.parse(filter).map_err(|error| {
        Failure::configuration(format!(
            "RUST_LOG: {error}; give a level such as info, or info,aggregator=debug"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .try_init()
        .map_err(|error| Failure::internal(format!("cannot log: {error}")))
}

fn run(cli: &Cli) -> Result<(), Failure> {
    match &cli.command {
        None => up::run(&cli.up),
        Some(Command::Up(args)) => up::run(args),
        Some(Command::Ingest(args)) => cluster::ingest(args),
        Some(Command::Aggregate(args)) => cluster::aggregate(args),
        Some(Command::Recount(args)) => recount::run(args),
        Some(Command::Token(args)) => token::run(args),
        Some(Command::Topics(args)) => topics::run(args),
    }
}

/// Tells whoever started the command, on standard error, in lines without a timestamp.
fn say(lines: &str) {
    // Nobody reads it: the command goes on, it is not about these lines.
    drop(writeln!(io::stderr().lock(), "{lines}"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(args: &[&str]) -> Result<Cli, ExitCode> {
        parse(std::iter::once("weir").chain(args.iter().copied()).map(OsString::from))
    }

    #[test]
    fn a_wrong_flag_is_bad_configuration_and_help_is_not() {
        assert_eq!(parsed(&["--no-such-flag"]).unwrap_err(), Code::Configuration.into());
        assert_eq!(parsed(&["token", "--expires-in", "0"]).unwrap_err(), ExitCode::from(64));
        assert_eq!(parsed(&["--help"]).unwrap_err(), ExitCode::SUCCESS);
    }

    #[test]
    fn a_wrong_log_filter_is_named() {
        let failure = log_to_stderr("info,=").unwrap_err();
        assert_eq!(failure.code, Code::Configuration);
        assert!(failure.sentence.starts_with("RUST_LOG: "), "{failure}");
    }
}
