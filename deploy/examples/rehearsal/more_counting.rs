//! Causes in the counting: an aggregator without a processor to count with, and rights that it, or
//! all, have lost.

use std::sync::Arc;
use std::time::Duration;

use testkit::Kafka;

use crate::Error;
use crate::drain::Quota;
use crate::files::{campaign, folder};
use crate::fired::Cause;
use crate::load::Load;
use crate::site::Site;

/// One record a ballot, nearly: so the fold has something to do.
const RATE: u64 = 1_500;
/// Of each 150 ms, as `drain` has it. With less the group takes it for dead.
const QUOTA_US: u32 = 1_000;
const PERIOD_MS: u32 = 150;
/// With so little it may just keep up, but never catches up with so much soon.
const ASLEEP: Duration = Duration::from_mins(4);
/// Within the hour before the close.
const NEAR_CLOSE: Duration = Duration::from_mins(55);
const OPEN_FOR: Duration = Duration::from_hours(6 * 24);
const FIRES_WITHIN: Duration = Duration::from_mins(4);
const CLEARS_WITHIN: Duration = Duration::from_mins(3);

/// The only aggregator comes back after minutes, with less than a hundredth of a core.
pub(crate) fn starved(kafka: &Arc<Kafka>) -> Result<(), Error> {
    let folder = folder("more-starved")?;
    let voted = campaign(&folder, "starved", NEAR_CLOSE)?;
    let mut site = Site::sharing(kafka, "1", folder, voted, (1, 1))?;
    let load = Load::start(&site, "steady", RATE, 1_200)?;
    let aggregator = &mut site.aggregators[0];
    aggregator.signal("STOP")?;
    let quota = Quota::new(QUOTA_US, PERIOD_MS)?;
    quota.hold(aggregator.pid().ok_or("the aggregator does not run")?)?;
    std::thread::park_timeout(ASLEEP);
    site.aggregators[0].signal("CONT")?;
    let what = "an aggregator back after 4 min, with 0.7 % of a core, under 1,500 ballots/s";
    let expected = ["WeirCloseWithLag", "WeirCountingBehind", "WeirCountingFarBehind"];
    let cause = Cause::begins(&site.watch, what, &expected);
    cause.lasts(Duration::from_mins(8))?;
    drop(quota);
    cause.ended(CLEARS_WITHIN);
    drop(load);
    site.stop()
}

/// Rights that somebody takes away, one after another, and gives back.
pub(crate) fn rights(kafka: &Arc<Kafka>) -> Result<(), Error> {
    let folder = folder("more-rights")?;
    let voted = campaign(&folder, "rights", OPEN_FOR)?;
    let mut site = Site::laid(kafka, "1", folder, voted, (1, 1))?;
    for topic in ["ballots.rights", "tallies.rights"] {
        rule(kafka, &["--add", "--allow-principal", "User:*", "--operation", "All"], topic)?;
    }
    let (write, read) = (["Write", "tallies.rights"], ["Read", "ballots.rights"]);
    deny(kafka, "--add", write)?;
    site.launch()?;
    let what = "a new campaign whose aggregator may not write to `tallies`";
    let cause = Cause::begins(&site.watch, what, &["WeirResultNotReady"]);
    cause.lasts(FIRES_WITHIN)?;
    deny(kafka, "--remove", write)?;
    cause.ended(CLEARS_WITHIN);
    site.ready()?;

    let load = Load::start(&site, "steady", 25, 900)?;
    std::thread::park_timeout(Duration::from_secs(20));
    deny(kafka, "--add", write)?;
    let what = "the right to write to `tallies` taken away";
    let cause = Cause::begins(&site.watch, what, &["WeirSnapshotsOld"]);
    cause.lasts(FIRES_WITHIN)?;
    deny(kafka, "--remove", write)?;
    cause.ended(CLEARS_WITHIN);

    std::thread::park_timeout(Duration::from_secs(20));
    deny(kafka, "--add", read)?;
    let what = "the right to read `ballots` taken away";
    let cause = Cause::begins(&site.watch, what, &["WeirFrontierStalled"]);
    cause.lasts(FIRES_WITHIN)?;
    deny(kafka, "--remove", read)?;
    cause.ended(CLEARS_WITHIN);
    drop(load);
    site.stop()
}

fn deny(kafka: &Kafka, how: &str, [operation, topic]: [&str; 2]) -> Result<(), Error> {
    rule(kafka, &[how, "--deny-principal", "User:ANONYMOUS", "--operation", operation], topic)
}

fn rule(kafka: &Kafka, what: &[&str], topic: &str) -> Result<(), Error> {
    let options = [what, &["--force", "--topic", topic]].concat();
    kafka.tool("org.apache.kafka.tools.AclCommand", &options, b"")?;
    Ok(())
}
