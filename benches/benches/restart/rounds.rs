//! The kills of aggregators on Kafka, and when each partition counts again.
//!
//! Three moments, as seen from outside: assigned (the process has series of the partitions: until
//! then it is the group's detection), rebuilt (it folds them all), counting (the tally's frontier
//! of each is past where it stood). Ballots come all the time, so a frontier that can move does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use benches::Error;
use tokio::time::Instant;

use crate::http::{Client, until};
use crate::kafka::World;
use crate::plan::{Journal, PARTITIONS, Plan};
use crate::report::{Report, ms};
use crate::server::Server;
use crate::trickle::ms_since;
use crate::watch::{Share, Watch};

/// Until everything is well after a kill.
const WELL_WITHIN: Duration = Duration::from_mins(3);

/// Kills one of two and starts it again, so many times; then has one alone, and kills that.
pub(crate) async fn run(plan: &Plan, world: &mut World, report: &mut Report) -> Result<(), Error> {
    for _ in 0..plan.rounds {
        shared_out(&world.aggregators).await?;
        one_of_two(world, report).await?;
    }
    shared_out(&world.aggregators).await?;
    let last = world.aggregators.pop().ok_or("there is no aggregator to stop")?;
    last.stop()?;
    for _ in 0..plan.rounds {
        shared_out(&world.aggregators).await?;
        the_only_one(world, report).await?;
    }
    shared_out(&world.aggregators).await
}

/// One of two dies, and is started again when the other counts everything.
async fn one_of_two(world: &mut World, report: &mut Report) -> Result<(), Error> {
    let victim = world.aggregators.remove(0);
    let lost = Share::of(&mut Client::new(&victim.ops)).await.ok_or("no metrics")?.all;
    let own: BTreeSet<u32> = (0..PARTITIONS).filter(|one| !lost.contains(one)).collect();
    let ports = [victim.api.clone(), victim.ops.clone()];
    let survivor = world.aggregators.first().ok_or("there is nobody to survive")?;
    let before = survivor.usage()?;
    world.watch.reset();
    let killed = victim.kill()?;
    let taken = Taken::over(&world.watch, survivor, &lost, killed).await;
    let taken = taken.map_err(|error| survivor.explained(&*error))?;
    taken.report("kill of one of two", report);
    let stood = ms_of(world.watch.longest(&own));
    report.add(Journal::Kafka, "kill of one of two, the survivor's own stood still", ms(stood));
    let after = survivor.usage()?;
    let name = "kill of one of two, survivor, CPU time";
    report.add(Journal::Kafka, name, ms(after.cpu_ms - before.cpu_ms));
    let resident = (after.resident_mib, "MiB");
    report.add(Journal::Kafka, "kill of one of two, survivor, resident", resident);
    let back = world.aggregate(&ports)?;
    world.watch.reset();
    world.aggregators.push(back);
    shared_out(&world.aggregators).await?;
    let back = world.aggregators.last().ok_or("nobody came back")?;
    let moved = Share::of(&mut Client::new(&back.ops)).await.ok_or("no metrics")?.all;
    past(&world.watch, &moved, &world.watch.frontiers()).await?;
    report.add(Journal::Kafka, "return of the second, to all counting", ms(ms_since(back.started)));
    let stood = ms_of(world.watch.longest(&moved));
    report.add(Journal::Kafka, "return of the second, a partition stood still", ms(stood));
    Ok(())
}

/// The only one dies, and another is started at once: it has to wait for the old session to end.
async fn the_only_one(world: &mut World, report: &mut Report) -> Result<(), Error> {
    let victim = world.aggregators.pop().ok_or("there is nobody to kill")?;
    let ports = [victim.api.clone(), victim.ops.clone()];
    let killed = victim.kill()?;
    let next = world.aggregate(&ports)?;
    let all = (0..PARTITIONS).collect();
    let taken = Taken::over(&world.watch, &next, &all, killed).await;
    let name = "kill of the only one, started at once";
    taken.map_err(|error| next.explained(&*error))?.report(name, report);
    report.usage(Journal::Kafka, name, next.usage()?);
    world.aggregators.push(next);
    Ok(())
}

/// When partitions were taken over, in milliseconds since the kill.
#[derive(Debug)]
struct Taken {
    assigned: u64,
    rebuilt: u64,
    counting: u64,
}

impl Taken {
    /// Waits until `by` counts these partitions.
    async fn over(
        watch: &Watch,
        by: &Server,
        lost: &BTreeSet<u32>,
        killed: Instant,
    ) -> Result<Self, Error> {
        let mut client = Client::new(&by.ops);
        let mut stood = BTreeMap::new();
        let assigned = until("the partitions to be assigned", WELL_WITHIN, async || {
            // Before the look: it publishes nothing before it has them.
            stood = watch.frontiers();
            let share = Share::of(&mut client).await?;
            share.all.is_superset(lost).then(|| ms_since(killed))
        });
        let assigned = assigned.await?;
        let rebuilt = until("the partitions to be rebuilt", WELL_WITHIN, async || {
            let share = Share::of(&mut client).await?;
            share.folding.is_superset(lost).then(|| ms_since(killed))
        });
        let rebuilt = rebuilt.await?;
        past(watch, lost, &stood).await?;
        Ok(Self { assigned, rebuilt, counting: ms_since(killed) })
    }

    fn report(&self, of: &str, report: &mut Report) {
        let Self { assigned, rebuilt, counting } = *self;
        for (what, value) in [
            ("until all its partitions count again", counting),
            ("of that until assigned", assigned),
            ("of that rebuild", rebuilt - assigned),
            ("of that until in the tally", counting.saturating_sub(rebuilt)),
        ] {
            report.add(Journal::Kafka, &format!("{of}, {what}"), ms(value));
        }
    }
}

/// Waits until these partitions are past where they stood.
async fn past(
    watch: &Watch,
    partitions: &BTreeSet<u32>,
    stood: &BTreeMap<u32, u64>,
) -> Result<(), Error> {
    until("every partition's frontier to move", WELL_WITHIN, async || {
        let now = watch.frontiers();
        partitions.iter().all(|one| now.get(one) > stood.get(one)).then_some(())
    })
    .await
}

/// Waits until every aggregator has a share, and together they count everything.
async fn shared_out(aggregators: &[Server]) -> Result<(), Error> {
    let mut clients: Vec<_> = aggregators.iter().map(|one| Client::new(&one.ops)).collect();
    until("the partitions to be shared out", WELL_WITHIN, async || {
        let mut all = 0;
        for client in &mut clients {
            let share = Share::of(client).await?.folding.len();
            if share == 0 {
                return None;
            }
            all += share;
        }
        (all == PARTITIONS as usize).then_some(())
    })
    .await
}

fn ms_of(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
