//! The aggregator from the journal to the tally: a log full of ballots, each of another voter, and
//! an aggregator that begins with nothing.
//!
//! Each round has a campaign of its own, so that nobody finds snapshots of the round before, and an
//! aggregator in a process of its own (this program again), whose CPU time and memory are read from
//! outside. Prints a table. `cargo test` needs no Kafka: then the journal is the embedded one.
//!
//! `COUNTING_JOURNALS` (kafka; of kafka and embedded, separated by commas), `COUNTING_BALLOTS`
//! (10000000), `COUNTING_ROUNDS` (3), `BENCH_RECORD` (200 ballots a record), `COUNTING_IN_FLIGHT`
//! (256 records at once while the log is filled: what waits together becomes one batch of Kafka's).

mod aggregate;
mod preload;
mod report;
mod rounds;
mod store;

use std::env;
use std::process::ExitCode;

use benches::{Error, list, number};
use store::Kind;

/// Of a child: the journal's kind and place, its campaign, and how many ballots are in it.
const KIND: &str = "COUNTING_CHILD_JOURNAL";
const PLACE: &str = "COUNTING_CHILD_PLACE";
const CAMPAIGN: &str = "COUNTING_CHILD_CAMPAIGN";
const EXPECTED: &str = "COUNTING_CHILD_BALLOTS";

/// As `weir topics` makes them, and `weir up`.
const PARTITIONS: u32 = journal::KafkaCluster::PARTITIONS_DEFAULT;

/// How much of what.
#[derive(Debug, Clone)]
struct Plan {
    kinds: Vec<Kind>,
    ballots: u64,
    rounds: usize,
    per_record: u32,
    in_flight: usize,
}

fn main() -> ExitCode {
    let ended = if env::var_os(KIND).is_some() { aggregate::run() } else { run() };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("counting: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    if !benches::is_named("counting") {
        return Ok(());
    }
    let plan = Plan {
        kinds: list("COUNTING_JOURNALS", &[Kind::Kafka], &[Kind::Embedded]),
        ballots: number("COUNTING_BALLOTS", 10_000_000, 5_000),
        rounds: number("COUNTING_ROUNDS", 3, 1),
        per_record: number("BENCH_RECORD", 200, 20),
        in_flight: number("COUNTING_IN_FLIGHT", 256, 16),
    };
    let rounds = rounds::run(&plan)?;
    println!("{}", report::table(&plan, &rounds));
    if !plan.kinds.contains(&Kind::Kafka) {
        println!("Without Kafka: COUNTING_JOURNALS=kafka measures the aggregator behind it.");
    }
    Ok(())
}
