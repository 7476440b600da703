//! The whole path side by side in one run: (A) bare hyper with a fixed 202, (B) the edge without a
//! journal, (C) with the embedded journal, (D) with real Kafka and an aggregator behind it.
//!
//! Every server, the aggregator and the load are processes of their own (this program again, told
//! its role by a variable), so that each one's CPU time is its own. Rounds are interleaved: A B C D
//! A B C D. Prints a table, writes `target/whole-path.json`. See docs/performance.md.

mod bare;
mod child;
mod counting;
mod edges;
mod load;
mod null;
mod plan;
mod report;
mod rounds;

use std::env;
use std::process::ExitCode;

use plan::{Plan, ROLE};

/// What goes wrong here is told and ends the run.
type Error = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    // 1,024 connections at both ends; where the limit cannot be raised, a connect will tell.
    drop(rlimit::increase_nofile_limit(u64::MAX));
    let ended = match env::var(ROLE) {
        Ok(role) => child::play(&role),
        Err(_) => run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("whole_path: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    if is_left_out() {
        return Ok(());
    }
    let plan = Plan::from_env();
    let results = rounds::run(&plan)?;
    println!("{}", report::table(&plan, &results));
    if benches::is_measured() {
        println!("All rounds are in {}.", report::write(&plan, &results)?);
    }
    Ok(())
}

/// A test command may name other tests, or want a list of them, which this one is not on.
fn is_left_out() -> bool {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let mut names = arguments.iter().filter(|argument| !argument.starts_with('-')).peekable();
    let is_named = names.peek().is_none() || names.any(|name| "whole_path".contains(&**name));
    !is_named || arguments.iter().any(|argument| argument == "--list")
}
