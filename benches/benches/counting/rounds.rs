//! The rounds, one after another: fill a new campaign's journal, start an aggregator, read what it
//! and the broker cost until all is counted and published.
//!
//! Where there are several journals they take turns. Never here: an aggregator that has counted
//! before.

use benches::{Child, Error, Poll, cpu_us, resident_kib, yesterday};
use journal::{Clock as _, SystemClock};
use tokio::runtime::{Builder, Runtime};

use crate::store::{Kind, Store};
use crate::{CAMPAIGN, EXPECTED, KIND, PLACE, Plan};

/// What one round cost.
#[derive(Debug, Clone)]
pub(crate) struct Round {
    pub(crate) kind: Kind,
    /// The aggregator's CPU time from before it is connected until all is published.
    pub(crate) cpu_us: u64,
    /// The broker's in the same time, and while the log was filled.
    pub(crate) broker_us: Option<[u64; 2]>,
    /// From the start until all is published, and from the first ballot counted to the last.
    pub(crate) whole_us: u64,
    pub(crate) counting_us: u64,
    /// The most memory the aggregator had.
    pub(crate) peak_kib: u64,
}

/// All rounds of a plan, in the order in which they were run.
pub(crate) fn run(plan: &Plan) -> Result<Vec<Round>, Error> {
    let runtime = Builder::new_current_thread().enable_time().build()?;
    let stores = plan.kinds.iter().map(|&kind| Ok((kind, Store::new(kind)?)));
    let stores: Vec<(Kind, Store)> = stores.collect::<Result<_, Error>>()?;
    let mut rounds = Vec::new();
    for number in 1..=plan.rounds {
        for (kind, store) in &stores {
            let mut poll = Poll::started(yesterday(SystemClock.now_ms()));
            poll.campaign.id = format!("counting-{number}");
            let round = round(plan, (*kind, store), &poll, &runtime)?;
            eprintln!("{number}: {round:?}");
            rounds.push(round);
        }
    }
    Ok(rounds)
}

fn round(
    plan: &Plan,
    (kind, store): (Kind, &Store),
    poll: &Poll,
    runtime: &Runtime,
) -> Result<Round, Error> {
    let broker_us = || store.broker().map(cpu_us).transpose();
    let empty = broker_us()?;
    runtime.block_on(store.fill(poll, plan))?;
    let mut child = Child::start(&[
        (KIND, kind.name().to_owned()),
        (PLACE, store.place()),
        (CAMPAIGN, poll.campaign.id.clone()),
        (EXPECTED, plan.ballots.to_string()),
    ])?;
    let [] = child.hear("ready")?;
    let (full, before_us) = (broker_us()?, cpu_us(child.pid())?);
    child.tell("count")?;
    let [counted, whole_us, counting_us] = child.hear("counted")?;
    let (cpu_us, read) = (cpu_us(child.pid())? - before_us, broker_us()?);
    let [_, peak_kib] = resident_kib(child.pid())?;
    if counted != plan.ballots {
        return Err(format!("{} ballots were appended, {counted} counted", plan.ballots).into());
    }
    let broker_us = empty.zip(full).zip(read);
    let broker_us = broker_us.map(|((empty, full), read)| [read - full, full - empty]);
    Ok(Round { kind, cpu_us, broker_us, whole_us, counting_us, peak_kib })
}
