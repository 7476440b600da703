//! What the proof from the log takes in memory, by a journal made for it: no server, no load.
//!
//! Every voter has been acknowledged once, as after a real load. The peak is the whole process's,
//! the making of the journal included, as the kernel has it (`VmHWM`). Never here: a figure that
//! was computed.

#[path = "../tests/site/mod.rs"]
mod site;

use std::error::Error;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

use ballot::{Ballot, BatchBuilder, Campaign, PseudonymKey, Record, Rules, TokenKeys};
use clap::Parser;
use journal::{Clock as _, Embedded, EmbeddedOptions, Journal as _, SystemClock};
use loadtest::days::Days;
use loadtest::load::Shared;
use loadtest::notes::Cell;
use loadtest::plan::Plan;
use loadtest::population::{Ballots, Population};
use loadtest::proof::{CaughtUp, Evidence, from_log, holds};
use loadtest::target::{Tally, TallyDay, TallyPartition};
use site::{PARTITIONS, campaign_text};
use tokio::task::JoinSet;

/// As many as the edge puts into a record at the most.
const BATCH: u32 = 2_000;
/// Records on their way to the disk at once.
const APPENDS_MAX: usize = 32;

/// Measures the memory of the proof from the log.
#[derive(Debug, Parser)]
struct Args {
    /// How many voters have voted
    #[arg(long, value_name = "N", default_value = "10000000")]
    voters: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let Args { voters } = Args::parse();
    let dir = tempfile::tempdir()?;
    let campaign = Campaign::parse(&campaign_text())?;
    let journal = Embedded::open(&EmbeddedOptions::new(dir.path(), "test", PARTITIONS))?;
    let key = PseudonymKey::new(&[7; 32]).fingerprint();
    let rules = Rules::new(&campaign, journal.identity(), PARTITIONS, key);
    let now_ms = SystemClock.now_ms();
    aggregator::found(&journal, &rules, now_ms).await?;
    let days = Days::new(campaign.days());
    let today = days.at(now_ms).ok_or("the campaign is not open")?;
    let of = Ballots { choices: 8, min: 1, max: 3, zipf: 1.0 };
    let tokens = (TokenKeys::new("test", &[(1, [1; 32])])?, 2_000_000_000);
    let population = Population::new((1, voters), of, tokens);
    let shared = Arc::new(Shared::new(population, days, Vec::new(), (&Plan::new("", vec![]), 1)));
    let before = tally(&journal, (0, &[0; 8]), shared.days.text(today)).await?;
    let votes = fill(&journal, &shared, (today, now_ms)).await?;
    say(&format!("{voters} ballots are in the journal"))?;
    let after = tally(&journal, (voters, &votes), shared.days.text(today)).await?;
    let caught_up = CaughtUp { ms: 0, whole: true };
    let evidence =
        Evidence { shared: &shared, samples: &[], before: &before, after: &after, caught_up };
    let began = tokio::time::Instant::now();
    let proof = from_log(&journal, evidence).await?;
    let took: Duration = began.elapsed();
    say(&format!(
        "proof in {took:.1?}, holds: {}, acknowledged {}",
        holds(&proof),
        proof.acknowledged
    ))?;
    journal.close().await;
    Ok(())
}

/// Puts a ballot of every voter into the journal and notes it as acknowledged; answers the votes.
async fn fill(
    journal: &Embedded,
    shared: &Arc<Shared>,
    (today, now_ms): (usize, i64),
) -> Result<[u64; 8], Box<dyn Error>> {
    let mut votes = [0; 8];
    let mut batches = vec![BatchBuilder::new(1); PARTITIONS as usize];
    let mut appends = JoinSet::new();
    let acknowledged = Cell::possible(0).and(Cell::SENT).and(Cell::ACKNOWLEDGED);
    for number in 0..=shared.population.voters() {
        let is_end = number == shared.population.voters();
        if !is_end {
            let voter = shared.population.voter(number);
            let choices = shared.population.choices(number, 0);
            choices.iter().for_each(|choice| votes[choice as usize - 1] += 1);
            let partition = voter.partition(PARTITIONS) as usize;
            batches[partition].push(&Ballot { voter, choices, cast_at_ms: now_ms });
            shared.notes.add(number, today, acknowledged);
        }
        for (partition, batch) in (0..).zip(&mut batches) {
            if batch.len() < BATCH && (batch.is_empty() || !is_end) {
                continue;
            }
            let batch = std::mem::replace(batch, BatchBuilder::new(1));
            let (journal, value) = (journal.clone(), Record::Batch(batch.finish()).encode());
            appends.spawn(async move { journal.append(partition, now_ms, value).await });
        }
        while appends.len() >= APPENDS_MAX || is_end && !appends.is_empty() {
            appends.join_next().await.transpose()?.transpose()?;
        }
    }
    Ok(votes)
}

/// The tally that so many ballots come to, as far as the journal goes now.
async fn tally(
    journal: &Embedded,
    (ballots, votes): (u64, &[u64; 8]),
    day: &str,
) -> Result<Tally, Box<dyn Error>> {
    let mut partitions = Vec::new();
    for partition in 0..PARTITIONS {
        partitions.push(TallyPartition { frontier: journal.bounds(partition).await?.end });
    }
    let (day, votes) = (day.to_owned(), votes.to_vec());
    let days = vec![TallyDay { day, ballots, duplicates: 0, late: 0, votes }];
    Ok(Tally { journal: journal.identity().to_string(), ballots, days, partitions })
}

fn say(what: &str) -> Result<(), Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let of = |key: &str| status.lines().find(|line| line.starts_with(key)).unwrap_or_default();
    println!("{what}; {}; {}", of("VmHWM"), of("VmRSS"));
    Ok(())
}
