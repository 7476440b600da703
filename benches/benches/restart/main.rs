//! How soon a Weir counts again after `kill -9`, with a day's ballots in the journal: the real
//! `weir` binary, on the embedded journal and on real Kafka.
//!
//! The campaign is founded by the binary itself, its ballots are appended to the journal beside it,
//! and every moment is taken from outside: an answer, a metric, a frontier in the tally. Ends with
//! an error if a recount differs, or if a ballot is lost or counted twice. Prints a table, writes
//! `target/restart.json`. See docs/performance.md.

mod embedded;
mod http;
mod kafka;
mod plan;
mod preload;
mod report;
mod rounds;
mod server;
mod site;
mod trickle;
mod watch;

use std::process::ExitCode;

use benches::Error;
use tokio::runtime::Builder;

use plan::{Journal, Plan};
use report::Report;

fn main() -> ExitCode {
    if !benches::is_named("restart") {
        return ExitCode::SUCCESS;
    }
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("restart: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    let plan = Plan::from_env()?;
    // One thread for the clients, beside this one, which also starts and kills.
    let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut report = Report::default();
    for journal in &plan.journals {
        match journal {
            Journal::Embedded => runtime.block_on(embedded::run(&plan, &mut report))?,
            Journal::Kafka => runtime.block_on(kafka::run(&plan, &mut report))?,
        }
    }
    println!("{}", report.table(&plan));
    if benches::is_measured() {
        println!("All rounds are in {}.", report.write(&plan)?);
    }
    Ok(())
}
