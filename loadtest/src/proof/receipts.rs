//! A sample of receipts, asked for their outcome: all that a voter could ask.
//!
//! Never here: more questions than a server under test should have to answer.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, interval, timeout_at};

use super::Evidence;
use super::found::{Found, Kind};
use crate::load::Sample;

/// How many receipts are asked for: each scans a day of a partition.
const ASKED_MAX: usize = 20;
/// How long all of them may take: the server may be busy with others' questions.
const PATIENCE: Duration = Duration::from_secs(30);

#[derive(Deserialize)]
struct Answer {
    outcome: String,
}

/// Asks for some receipts of the sample, over all of it.
pub(super) async fn ask(of: Evidence<'_>, found: &mut Found) {
    let step = of.samples.len().div_ceil(ASKED_MAX).max(1);
    let until = Instant::now() + PATIENCE;
    for sample in of.samples.iter().step_by(step) {
        match outcome(of, sample, until).await {
            // Late is no loss, and a duplicate means that another ballot of the voter counts.
            Ok(outcome) if ["counted", "duplicate", "late"].contains(&outcome.as_str()) => {}
            Ok(outcome) => found.add(Kind::Lost, 1, || {
                format!("the ballot at {} was acknowledged and is {outcome}", sample.receipt)
            }),
            // The time is up; the others would wait in vain too.
            Err(error) => return found.add(Kind::Receipt, 1, || error),
        }
    }
}

async fn outcome(of: Evidence<'_>, sample: &Sample, until: Instant) -> Result<String, String> {
    let shared = of.shared;
    let edge = shared.edges.first().ok_or("there is no edge")?;
    let campaign = edge.origin.path.rsplit('/').next().unwrap_or_default();
    let path = format!("/v1/receipts/{campaign}/{}?outcome", sample.receipt);
    let token = shared.population.token(sample.voter);
    let mut ticks = interval(Duration::from_millis(250));
    let mut last = String::new();
    let asking = async {
        loop {
            ticks.tick().await;
            match edge.ask::<Answer>(&path, Some(&token)).await {
                Ok(answer) => return answer.outcome,
                Err(error) => last = error,
            }
        }
    };
    timeout_at(until, asking).await.map_err(|_| last)
}
