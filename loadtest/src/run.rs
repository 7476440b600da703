//! A run: prepared, driven second by second, and recorded.
//!
//! Invariant: the load begins only when the server serves the campaign of the file and its tally
//! stands still, so that whatever moves afterwards is this load's. Never here: the proof.

mod log;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use ballot::{Campaign, TokenKeys};
use journal::{Clock as _, SystemClock};
use tokio::select;
use tokio::time::{Instant, interval, interval_at};

use crate::days::Days;
use crate::load::{Load, Means, Sample, Shared};
use crate::plan::{Around, Plan};
use crate::population::{Ballots, Population, VOTERS_MAX};
use crate::processes::Watch;
use crate::proof::idle;
use crate::record::{Record, Second};
use crate::target::{Edge, Refused, Tally, campaign};
use log::{Log, Watched, watch};

/// How long ballots in doubt are still sent again when the schedule is through.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// How long the tally may move before the load begins.
const IDLE_MAX: Duration = Duration::from_secs(30);
/// How often it is looked whether the load has settled.
const LOOK: Duration = Duration::from_millis(20);
/// Tokens are good for a day longer than the campaign: as `weir token` makes them.
const TOKEN_GRACE_S: i64 = 86_400;
const SECOND: Duration = Duration::from_secs(1);

/// What is to be run, and where.
#[derive(Debug)]
pub struct Order {
    /// The load.
    pub plan: Plan,
    /// The seed of everything.
    pub seed: u64,
    /// The campaign of the file.
    pub campaign: Campaign,
    /// What signs its tokens.
    pub keys: TokenKeys,
    /// Where it is sent to; at least one.
    pub edges: Vec<Edge>,
    /// How it is sent.
    pub means: Means,
    /// Processes to be watched meanwhile.
    pub watched: Vec<Watch>,
}

/// A run that can begin.
#[derive(Debug)]
pub struct Prepared {
    order: Order,
    shared: Shared,
    /// The tally before the load.
    pub before: Tally,
    /// How long to wait for the instant that the plan is placed around.
    pub wait: Duration,
}

/// A run that has ended.
#[derive(Debug)]
pub struct Driven {
    /// What was measured.
    pub record: Record,
    /// What was sent and told.
    pub shared: Arc<Shared>,
    /// A sample of acknowledgements.
    pub samples: Vec<Sample>,
    /// The tally before the load.
    pub before: Tally,
    /// When the last request had its last outcome.
    pub ended: Instant,
    /// Answers that should not have been, the first of them.
    pub surprises: Vec<String>,
}

impl Order {
    /// Asks the server what it serves, and makes voters for it.
    ///
    /// # Errors
    /// [`Refused`]: no server, another campaign than the file's, or a plan that does not fit it.
    pub async fn prepare(self) -> Result<Prepared, Refused> {
        let edge = self.edges.first().ok_or_else(|| no_edge("--edge: give one or more"))?;
        let campaign = campaign(edge, self.campaign.clone()).await?;
        let before = idle(edge, IDLE_MAX).await.map_err(Refused::NoServer)?;
        let days = Days::new(campaign.days());
        let wait = wait(&self.plan, &days, SystemClock.now_ms())?;
        let ballots = Ballots {
            choices: u32::try_from(campaign.choices.len()).unwrap_or(u32::MAX),
            min: campaign.choices_per_ballot_min,
            max: campaign.choices_per_ballot_max,
            zipf: self.plan.zipf,
        };
        let expires_at_s = campaign.closes_at_ms.div_euclid(1_000) + TOKEN_GRACE_S;
        let tokens = (self.keys.clone(), u64::try_from(expires_at_s).unwrap_or(0));
        let voters = self.plan.voters.unwrap_or_else(|| enough(&self.plan));
        let population = Population::new((self.seed, voters), ballots, tokens);
        let shared = Shared::new(population, days, self.edges.clone(), (&self.plan, self.seed));
        Ok(Prepared { order: self, shared, before, wait })
    }
}

fn no_edge(sentence: &str) -> Refused {
    Refused::Arguments(sentence.to_owned())
}

/// As many voters as there are requests, and some: Poisson arrivals may be a few more.
fn enough(plan: &Plan) -> u64 {
    if plan.random_voters {
        return 50;
    }
    let requests = Duration::from_secs_f64(plan.requests().clamp(0.0, 1e9)).as_secs();
    (requests + requests / 50 + 1_000).min(VOTERS_MAX)
}

/// How long until a plan must begin to be placed around its instant.
fn wait(plan: &Plan, days: &Days, now_ms: i64) -> Result<Duration, Refused> {
    let Some((around, lead_s)) = plan.around else {
        let open = days.at(now_ms).is_some();
        return if open { Ok(Duration::ZERO) } else { Err(not_open(days, now_ms)) };
    };
    let first = days.iter().next().map(|day| day.start_ms);
    let last = days.iter().last().map(|day| day.end_ms);
    let midnights = days.iter().map(|day| day.end_ms).filter(|end_ms| Some(*end_ms) != last);
    let instant_ms = match around {
        Around::Opens => first.filter(|at_ms| *at_ms > now_ms),
        Around::Closes => last.filter(|at_ms| *at_ms > now_ms),
        Around::Midnight => midnights.into_iter().find(|at_ms| *at_ms > now_ms),
    };
    let instant_ms = instant_ms.ok_or_else(|| {
        no_edge(&format!("--campaign: {around}, around which {} is, has passed", plan.name))
    })?;
    let until_ms = u64::try_from(instant_ms - now_ms).unwrap_or(0);
    Ok(Duration::from_millis(until_ms).saturating_sub(Duration::from_secs_f64(lead_s.max(0.0))))
}

fn not_open(days: &Days, now_ms: i64) -> Refused {
    let opens = days.iter().next().is_some_and(|day| day.start_ms > now_ms);
    let state = if opens { "has not opened yet" } else { "is over" };
    no_edge(&format!("--campaign: its window {state}, so every ballot would be refused"))
}

impl Prepared {
    /// What the threads will share.
    #[must_use]
    pub const fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Sends the load and records it. `stop` ends the schedule early; `seen` is told each second,
    /// with how many acknowledged ballots the tally does not have yet.
    ///
    /// # Errors
    /// A thread could not be made.
    pub async fn drive(
        self,
        stop: impl Future<Output = ()>,
        mut seen: impl FnMut(&Second, Option<u64>),
    ) -> io::Result<Driven> {
        let Self { mut order, shared, before, .. } = self;
        let began_ms = SystemClock.now_ms();
        let load = Load::start(shared, &order.plan, order.means)?;
        let watched = Arc::new(Watched::default());
        // Ended below.
        let watching = watch(Arc::clone(load.shared()), before.ballots, Arc::clone(&watched));
        let watching = tokio::spawn(watching);
        order.watched.iter_mut().for_each(Watch::begin);
        let mut log = Log::new(watched);
        tokio::pin!(stop);
        let (mut stopped, mut paced) = (false, None);
        let mut seconds = interval_at(load.began + SECOND, SECOND);
        let mut looks = interval(LOOK);
        loop {
            // Biased, and nothing starves: the first comes once, the second once a second.
            select! {
                biased;
                () = &mut stop, if !stopped => {
                    stopped = true;
                    load.stop();
                }
                _ = seconds.tick() => {
                    let (wanted, metered) = load.take();
                    order.watched.iter_mut().for_each(Watch::look);
                    let (second, lag) = log.second(wanted, metered);
                    seen(second, lag);
                }
                _ = looks.tick() => {
                    if load.is_paced() && paced.is_none() {
                        paced = Some(Instant::now());
                    }
                    let patience = paced.is_some_and(|since| since.elapsed() > SETTLE_MAX);
                    if load.is_settled() || patience {
                        break;
                    }
                }
            }
        }
        let shared = Arc::clone(load.shared());
        let (wanted, mut rest) = load.take();
        let (samples, last) = load.finish();
        rest.add(&last);
        let ended = Instant::now();
        if log.rest(wanted, &rest) {
            order.watched.iter_mut().for_each(Watch::look);
        }
        watching.abort();
        let surprises = std::mem::take(&mut log.surprises);
        let processes = order.watched.into_iter().map(Watch::seen).collect();
        let of = Record::new(&order.plan.name, order.seed, began_ms);
        let record = log.record(Record { phases: order.plan.phases, processes, ..of });
        Ok(Driven { record, shared, samples, before, ended, surprises })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::profile;
    use ballot::{Day, VotingDay};

    const HOUR_MS: i64 = 3_600_000;

    fn days() -> Days {
        let day = |number: i64| Day {
            day: VotingDay::new(2023, 12, 18 + u32::try_from(number).unwrap()).unwrap(),
            start_ms: number * 24 * HOUR_MS,
            end_ms: (number + 1) * 24 * HOUR_MS,
        };
        Days::new(vec![day(0), day(1)])
    }

    #[test]
    fn a_plan_begins_its_lead_before_its_instant() {
        let plan = |name| profile(name, None, Some(100.0)).unwrap();
        let after = |name, now_ms| wait(&plan(name), &days(), now_ms).ok().map(|d| d.as_secs());
        assert_eq!(after("steady", 0), Some(0));
        assert_eq!(after("steady", -1), None);
        assert_eq!(after("steady", 48 * HOUR_MS), None);
        assert_eq!(after("midnight", 23 * HOUR_MS), Some(3_600 - 50));
        assert_eq!(after("midnight", 24 * HOUR_MS), None);
        assert_eq!(after("opening", -HOUR_MS), Some(3_600 - 10));
        assert_eq!(after("close", 47 * HOUR_MS), Some(3_600 - 90));
        assert_eq!(after("close", 48 * HOUR_MS - 1_000), Some(0));
    }
}
