//! The one binary of Weir: reads its arguments, runs a command, and turns what came of it into an
//! exit code and a sentence.
//!
//! Results go to standard output, everything else to standard error. Everything a command is told
//! has been checked before it opens a port.

mod args;
mod campaign;
mod check;
mod cluster;
mod config;
mod exit;
mod forget;
mod health;
mod identity;
mod log;
mod poster;
mod process;
mod recount;
mod settings;
mod token;
mod topics;
mod trace;
mod up;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::exit::{Code, Failure};
use crate::log::say;
use crate::settings::{Refused, Settings};

fn main() -> ExitCode {
    let filter = std::env::var("RUST_LOG").unwrap_or_default();
    let done = settings::read(std::env::args_os(), |name| std::env::var_os(name));
    let done = done.and_then(|(cli, settings)| {
        log::start(cli.log_format, &filter)?;
        Ok(run(&cli, &settings)?)
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Refused::Flags(told)) => {
            // Nobody reads it: then there is nothing better to do than to end as if they had.
            drop(told.print());
            code(&told)
        }
        Err(Refused::Elsewhere(failure)) => {
            log::say_failure(&failure);
            failure.code.into()
        }
    }
}

/// clap's own code for a wrong flag is 2; `--help` and `--version` are no mistakes.
fn code(told: &clap::Error) -> ExitCode {
    if told.use_stderr() { Code::Configuration.into() } else { ExitCode::SUCCESS }
}

fn run(cli: &Cli, settings: &Settings) -> Result<(), Failure> {
    // Of those that stay, an operator must be able to tell what they were told.
    if let None | Some(Command::Up(_) | Command::Ingest(_) | Command::Aggregate(_)) = &cli.command {
        settings.log();
    }
    warn_of_variables();
    match &cli.command {
        None => up::run(&cli.up),
        Some(Command::Up(args)) => up::run(args),
        Some(Command::Ingest(args)) => cluster::ingest(args),
        Some(Command::Aggregate(args)) => cluster::aggregate(args),
        Some(Command::Recount(args)) => recount::run(args),
        Some(Command::Token(args)) => token::run(args),
        Some(Command::Check(args)) => check::run(args),
        Some(Command::Topics(args)) => topics::run(args),
        Some(Command::Campaign(args)) => campaign::run(args),
        Some(Command::Poster(args)) => poster::run(args),
        Some(Command::Forget(args)) => forget::run(args),
        Some(Command::Health(args)) => health::run(args),
    }
}

/// Warns of variables that look like settings and would pass in silence.
fn warn_of_variables() {
    let unknown = settings::unknown_variables(std::env::vars_os().map(|(name, _)| name));
    if !unknown.is_empty() {
        let names = unknown.join(", ");
        tracing::warn!(names, "variables that are no settings: correct them, or unset them");
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;

    use super::*;

    fn refused(args: &[&str]) -> ExitCode {
        let args = std::iter::once("weir").chain(args.iter().copied()).map(OsString::from);
        match settings::read(args, |_| None).unwrap_err() {
            Refused::Flags(told) => code(&told),
            Refused::Elsewhere(failure) => failure.code.into(),
        }
    }

    #[test]
    fn a_wrong_flag_is_bad_configuration_and_help_is_not() {
        assert_eq!(refused(&["--no-such-flag"]), Code::Configuration.into());
        assert_eq!(refused(&["token", "--expires-in", "0"]), ExitCode::from(64));
        assert_eq!(refused(&["--help"]), ExitCode::SUCCESS);
    }
}
