//! `weir up` on the embedded journal: killed with signal 9, started again, and watched until it
//! counts.
//!
//! One ballot of each partition is cast as soon as one is taken; when all of them are in the tally,
//! every partition is counting. At the end a recount must be the very bytes that were served.

use std::time::Duration;

use benches::Error;
use journal::{Embedded, EmbeddedOptions, Journal as _};
use tokio::time::Instant;

use crate::http::{Client, until};
use crate::plan::{Journal, PARTITIONS, Plan};
use crate::preload::preload;
use crate::report::{Report, ms};
use crate::server::Server;
use crate::site::{Site, voting};
use crate::trickle::{cast, ms_since};
use crate::watch::{Share, Tally};

/// Until the preloaded ballots are counted, on a machine that is busy.
const COUNTED_WITHIN: Duration = Duration::from_mins(10);
/// Until everything is well after a restart.
const WELL_WITHIN: Duration = Duration::from_mins(2);
/// Ballots of each round: one of each partition.
const CAST: usize = PARTITIONS as usize;

/// A round's moments, each since the start.
#[derive(Debug, Default)]
struct Moments {
    accepted: u64,
    ready: u64,
    folding: u64,
    counted: u64,
    all_counted: u64,
}

/// Runs all rounds on a new journal.
pub(crate) async fn run(plan: &Plan, report: &mut Report) -> Result<(), Error> {
    let (site, ports) = (Site::new(plan)?, Site::ports());
    found(&site, &ports, plan).await?;
    let mut up = start(&site, &ports)?;
    Tally::reached(&up, &site.tally(), plan.ballots, COUNTED_WITHIN).await?;
    report.add(Journal::Embedded, "first start, to all counted", ms(ms_since(up.started)));
    report.usage(Journal::Embedded, "first start", up.usage()?);
    let (mut voters, mut ballots) = (voting(), plan.ballots);
    for _ in 0..plan.rounds {
        // Some ballots of its own, so that it is in the middle of things.
        let mut client = Client::new(&up.api);
        for ballot in voters.by_ref().take(CAST) {
            accepted(&mut client, &site.request(&ballot)).await?;
        }
        ballots += CAST as u64;
        up.kill()?;
        let requests: Vec<_> = voters.by_ref().take(CAST).map(|one| site.request(&one)).collect();
        up = start(&site, &ports)?;
        let moments = watched(&up, &site, &requests, ballots).await;
        let moments = moments.map_err(|error| up.explained(&*error))?;
        moments.report(report);
        report.usage(Journal::Embedded, "restart", up.usage()?);
        ballots += CAST as u64;
    }
    settle(up, &site, ballots).await
}

/// A journal with the rules in it, yesterday closed, and the ballots of today.
async fn found(site: &Site, ports: &[String; 2], plan: &Plan) -> Result<(), Error> {
    let up = start(site, ports)?;
    up.ready().await?;
    let mut client = Client::new(&up.api);
    // Else that close may come between the last tally and the recount.
    until("yesterday's close", WELL_WITHIN, async || {
        let tally = client.json(&site.tally()).await?;
        tally["days"][0]["closed"].as_bool().filter(|closed| *closed)
    })
    .await?;
    up.stop()?;
    let journal = Embedded::open(&EmbeddedOptions::existing(&site.data, &site.id))?;
    preload(&journal, site, plan).await?;
    journal.close().await;
    Ok(())
}

fn start(site: &Site, ports: &[String; 2]) -> Result<Server, Error> {
    let Site { campaign, keys, data, .. } = site;
    site.serve(&["up", "--campaign", campaign, "--keys", keys, "--data", data], ports)
}

/// Casts a ballot until it is acknowledged.
async fn accepted(client: &mut Client, request: &str) -> Result<(), Error> {
    let ask = async || cast(client, request).await.then_some(());
    until("an answer of 202", WELL_WITHIN, ask).await
}

/// Watches a process that was just started, and casts these ballots, the first as soon as it is
/// taken.
async fn watched(
    up: &Server,
    site: &Site,
    requests: &[String],
    before: u64,
) -> Result<Moments, Error> {
    let at = || ms_since(up.started);
    let all = before + requests.len() as u64;
    let casting = async {
        let (mut client, mut first) = (Client::new(&up.api), None);
        for request in requests {
            accepted(&mut client, request).await?;
            first = first.or_else(|| Some(at()));
        }
        Ok::<_, Error>(first.unwrap_or_default())
    };
    let ready = async { up.ready().await.map(|()| at()) };
    let folding = async {
        let mut client = Client::new(&up.ops);
        until("all partitions to be folded", WELL_WITHIN, async || {
            let share = Share::of(&mut client).await?;
            (share.folding.len() == PARTITIONS as usize).then(at)
        })
        .await
    };
    let counting = async {
        let (mut client, path, mut first) = (Client::new(&up.api), site.tally(), None);
        until("the new ballots in the tally", WELL_WITHIN, async || {
            let tally = Tally::of(&mut client, &path).await?;
            first = first.or_else(|| (tally.ballots > before).then(at));
            first.filter(|_| tally.ballots >= all).map(|first| (first, at()))
        })
        .await
    };
    let (accepted, ready, folding, (counted, all_counted)) =
        tokio::try_join!(casting, ready, folding, counting)?;
    Ok(Moments { accepted, ready, folding, counted, all_counted })
}

impl Moments {
    fn report(&self, report: &mut Report) {
        for (what, moment) in [
            ("start to first 202", self.accepted),
            ("start to ready", self.ready),
            ("start to rebuilt", self.folding),
            ("start to first new ballot counted", self.counted),
            ("start to a new ballot of every partition counted", self.all_counted),
        ] {
            report.add(Journal::Embedded, what, ms(moment));
        }
    }
}

/// Ends the process, and compares what it served with a recount.
async fn settle(up: Server, site: &Site, ballots: u64) -> Result<(), Error> {
    Tally::reached(&up, &site.tally(), ballots, WELL_WITHIN).await?;
    let live = Client::new(&up.api).ask(&site.tally()).await.ok_or("no tally")?;
    up.stop()?;
    let began = Instant::now();
    if site.run(&["recount", "--data", &site.data])? != live.body {
        return Err("the recount is not what was served".into());
    }
    eprintln!("embedded: {ballots} ballots, the recount is the same ({} ms)", ms_since(began));
    Ok(())
}
