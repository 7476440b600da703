//! A Weir that is broken on purpose, for a sceptic to run the load tester against.
//!
//! It says what to run, and at its end whom it has harmed, which the proof should have said as
//! well. It is the stand-in server of the tests, in one process, on loopback only. Never here: a
//! defect that the tests do not have.

#[path = "../tests/site/mod.rs"]
mod site;

use std::error::Error;
use std::fs;
use std::path::PathBuf;

use clap::Parser;
use site::{Defect, PARTITIONS, Site, campaign_text};

const AFTER: &str = "\
Without a defect it is sound, and the proof must hold. Ctrl-C ends it, which the proof from the
journal waits for; then it names whom it has harmed.

What a proof can say: of ballots that were dropped, --data names each voter; the tally alone has
only how many. Of ballots counted twice, --data names the voters if the journal has them twice
(--count-retries-one-in); if only the tally is wrong (--double-one-in), there is no trace of whose
they are, and both proofs say how many and which choices have too many votes.";

/// Runs a Weir that loses ballots or counts them twice.
#[derive(Debug, Parser)]
#[command(after_help = AFTER)]
struct Args {
    /// Answer one voter in so many with 202 and forget the ballot
    #[arg(long, value_name = "N", group = "defect",
          value_parser = clap::value_parser!(u64).range(1..))]
    drop_one_in: Option<u64>,
    /// Count the ballot of one voter in so many twice, though the journal has it once
    #[arg(long, value_name = "N", group = "defect",
          value_parser = clap::value_parser!(u64).range(1..))]
    double_one_in: Option<u64>,
    /// Have the ballot of one voter in so many twice in the journal, as a retry leaves it, and
    /// count both
    #[arg(long, value_name = "N", group = "defect",
          value_parser = clap::value_parser!(u64).range(1..))]
    count_retries_one_in: Option<u64>,
    /// Room for so many voters a day
    #[arg(long, value_name = "N", default_value = "5000000")]
    voters: usize,
    /// Where its journal, campaign and keys are kept; not given: a directory that goes with it
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Args {
    fn defect(&self) -> Defect {
        let defects = [
            self.drop_one_in.map(Defect::Drops),
            self.double_one_in.map(Defect::CountsTwice),
            self.count_retries_one_in.map(Defect::CountsRetries),
        ];
        defects.into_iter().flatten().next().unwrap_or(Defect::None)
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let args = Args::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run(args))
}

async fn run(args: Args) -> Result<(), Box<dyn Error>> {
    let kept = tempfile::tempdir()?;
    let dir = args.dir.clone().unwrap_or_else(|| kept.path().to_owned());
    fs::create_dir_all(&dir)?;
    let campaign = dir.join("campaign.toml");
    fs::write(&campaign, campaign_text())?;
    fs::write(dir.join("test.keys.toml"), Site::keys_text())?;
    // A third of room to spare: partitions are not equally full.
    let each = args.voters / PARTITIONS as usize / 3 * 4 + 10_000;
    let site = Site::start_for(each, &dir, args.defect()).await;
    println!("{:?}; now run, and end this with Ctrl-C when it asks for that:", args.defect());
    println!("loadtest steady --rate 20000 --duration 60 --edge {} \\", site.urls.join(" --edge "));
    let (campaign, dir) = (campaign.display(), dir.display());
    let pid = std::process::id();
    println!("  --campaign {campaign} --keys {dir} --data {dir} --watch-pid server={pid}");
    tokio::signal::ctrl_c().await?;
    for (what, voters) in
        [("dropped", site.harmed.dropped()), ("counted twice", site.harmed.doubled())]
    {
        println!("{what}: the ballots of {} voters", voters.len());
        voters.iter().for_each(|voter| println!("  {voter:?}"));
    }
    site.stop().await;
    Ok(())
}
