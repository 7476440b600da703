//! What a view costs, and what views cost those who vote meanwhile.
//!
//! First the CPU time per answer of what a page asks for, each beside bare hyper with the very same
//! bytes and headers as its fixed answer. Then ballots at a steady rate, alone and while views
//! flood the same edge. The edge counts on the embedded journal, as `weir up` does. Every server
//! and every load is a process of its own (this program again), and rounds are interleaved. Prints
//! two tables, writes `target/views.json`; ends with an error if any answer was another than due.

mod flood;
mod plan;
mod report;
mod requests;
mod results;
mod rounds;
mod servers;
mod votes;

use std::env;
use std::process::ExitCode;

use benches::Error;

use plan::{Plan, ROLE, Role};

fn main() -> ExitCode {
    // 756 connections at both ends; where the limit cannot be raised, a connect will tell.
    drop(rlimit::increase_nofile_limit(u64::MAX));
    let ended = match env::var(ROLE) {
        Ok(role) => play(&role),
        Err(_) => run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("views: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Plays a role to its end.
fn play(role: &str) -> Result<(), Error> {
    let role = Role::ALL.into_iter().find(|one| one.name() == role);
    match role.ok_or("there is no such role")? {
        Role::Edge => servers::edge(),
        Role::Bare => servers::bare(),
        Role::Flood => flood::run(),
        Role::Votes => votes::run(),
    }
}

fn run() -> Result<(), Error> {
    if !benches::is_named("views") {
        return Ok(());
    }
    let plan = Plan::from_env();
    let results = rounds::run(&plan)?;
    println!("{}", report::tables(&plan, &results));
    if benches::is_measured() {
        println!("All rounds are in {}.", report::write(&plan, &results)?);
    }
    match results.errors() {
        0 => Ok(()),
        errors => Err(format!("{errors} answers were not what was due").into()),
    }
}
