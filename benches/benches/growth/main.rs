//! What a ballot costs and a voter takes as a day grows, with the aggregator's own dedup: sets for
//! exactly so many voters, and the sets of a large campaign that fewer voters come to.
//!
//! Every day is folded in a process of its own, so that its memory is its own, and the log is made
//! on the way, never held. Prints a table. `GROWTH_VOTERS` (1000000,3000000,10000000,30000000,
//! 50000000) says how many voters a day has, `BENCH_RECORD` (200) how many ballots a record has.

mod day;
mod report;

use std::env;
use std::process::ExitCode;

use benches::{Child, Error, list, number};

/// Of a child: how many voters come, how many the sets are for, how many ballots a record has.
const VOTERS: &str = "GROWTH_DAY_VOTERS";
const LIMIT: &str = "GROWTH_DAY_LIMIT";
const RECORD: &str = "GROWTH_DAY_RECORD";

/// As `weir topics` makes them, and `weir up`.
const PARTITIONS: u32 = journal::KafkaCluster::PARTITIONS_DEFAULT;

fn main() -> ExitCode {
    let ended = if env::var_os(VOTERS).is_some() { day::run() } else { run() };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("growth: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Error> {
    if !benches::is_named("growth") {
        return Ok(());
    }
    let measured = [1_000_000, 3_000_000, 10_000_000, 30_000_000, 50_000_000];
    let sizes: Vec<u64> = list("GROWTH_VOTERS", &measured, &[1_000, 3_000]);
    let most = sizes.iter().copied().max().ok_or("no voters")?;
    let exact = sizes.iter().map(|&voters| (voters, voters));
    let few = sizes.iter().filter(|&&voters| voters < most).map(|&voters| (voters, most));
    let per_record: u32 = number("BENCH_RECORD", 200, 20);
    let mut lines = report::head();
    for (voters, limit) in exact.chain(few) {
        let told = [
            (VOTERS, voters.to_string()),
            (LIMIT, limit.to_string()),
            (RECORD, per_record.to_string()),
        ];
        let [figures @ .., waited] = Child::start(&told)?.hear::<7>("folded")?;
        eprintln!("{voters} voters in sets for {limit}: {waited} % of its time without a core");
        lines.push(report::line(voters, limit, figures));
    }
    println!("{}", lines.join("\n"));
    Ok(())
}
