//! A rehearsal: what an operator does to a Weir on real Kafka, done for real under load, and what
//! the metrics said meanwhile, asked of a real Prometheus with the project's own rules.
//!
//! Needs `cargo build --release -p weir -p loadtest`. Each part prints its figures as a table, and
//! leaves logs and answers under `target/rehearsal/`. Never here: a figure that was not asked of
//! the metrics or of the load tester's proof. Everything runs on loopback.

mod alerts;
mod balancer;
mod drain;
mod files;
mod fired;
mod load;
mod more;
mod more_alone;
mod more_brokers;
mod more_close;
mod more_counting;
mod mount;
mod panels;
mod promotion;
mod site;
mod steps;
mod voters;
mod watch;
mod weir;

use std::process::ExitCode;

/// What goes wrong is told, and ends the part.
type Error = Box<dyn std::error::Error + Send + Sync>;

const USAGE: &str = "give one of: alerts, drain, more, promotion, steps, voters";

fn main() -> ExitCode {
    let part = std::env::args().nth(1).unwrap_or_default();
    let done = match part.as_str() {
        "alerts" => alerts::run(),
        "more" => more::run(),
        "promotion" => promotion::run(),
        "steps" => steps::run(),
        "drain" => drain::run(),
        "voters" => voters::run(),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("rehearsal {part}: {error}");
            ExitCode::FAILURE
        }
    }
}
