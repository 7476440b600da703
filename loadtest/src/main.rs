//! The command `loadtest`: arguments in, a load, its proof and reports out, and an exit code.
//!
//! Never here: anything of the load itself, which is the library's.

mod args;
mod command;
mod evidence;
mod failure;
mod kafka;
mod output;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::Parser as _;

use args::Args;
use failure::Code;

fn main() -> ExitCode {
    let args = match parse(std::env::args_os()) {
        Ok(args) => args,
        Err(code) => return code,
    };
    match command::run(&args) {
        Ok(code) => code.into(),
        Err(failure) => {
            say(&format!("loadtest: {}", failure.sentence));
            failure.code.into()
        }
    }
}

/// The arguments, or the exit code once clap has printed what there is to say.
fn parse(args: impl Iterator<Item = OsString>) -> Result<Args, ExitCode> {
    Args::try_parse_from(args).map_err(|told| {
        // Nobody reads it: then there is nothing better to do than to end as if they had.
        drop(told.print());
        if told.use_stderr() { Code::Arguments.into() } else { ExitCode::SUCCESS }
    })
}

/// Tells whoever started the command, on standard error.
fn say(lines: &str) {
    // Nobody reads it: the command goes on, it is not about these lines.
    drop(writeln!(io::stderr().lock(), "{lines}"));
}
