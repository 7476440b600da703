//! Causes about days that end: a close that nobody writes, and records that come behind one.
//!
//! Records are copied by kcat from where they counted to where they must not.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use testkit::{Kafka, wait_for};

use crate::Error;
use crate::alerts::FAKETIME;
use crate::files::{campaign, campaign_in, folder, text};
use crate::fired::Cause;
use crate::load::Load;
use crate::site::Site;
use crate::watch::now_s;

/// Long enough for the hour before to have something to compare with.
const OPEN_FOR: Duration = Duration::from_mins(6);
/// Such records are compared with those of the hour before the last five minutes.
const HISTORY_S: f64 = 330.0;
/// Nobody expects more than the grace of a minute, and a moment for the close to be folded.
const CLOSED_S: f64 = 75.0;
const CLOSES: &str = "campaign:weir_closes_timestamp_seconds:max";
/// A day ends somewhere at nearly each half of an hour.
const ZONES: &str = "Pacific/Auckland Asia/Kamchatka Australia/Sydney Australia/Adelaide \
                     Australia/Brisbane Australia/Darwin Asia/Tokyo Australia/Eucla \
                     Asia/Shanghai Asia/Bangkok Asia/Yangon Asia/Dhaka Asia/Kathmandu \
                     Asia/Kolkata Asia/Karachi Asia/Kabul Asia/Dubai Asia/Tehran Asia/Riyadh \
                     Africa/Cairo Africa/Lagos UTC Atlantic/Cape_Verde America/Sao_Paulo \
                     America/New_York America/Denver Pacific/Honolulu";

/// Nobody with a clock to trust closes the campaign; then somebody writes behind the close.
pub(crate) fn close(kafka: &Arc<Kafka>) -> Result<(), Error> {
    let folder = folder("more-close")?;
    let voted = campaign(&folder, "close", OPEN_FOR)?;
    let mut site = Site::sharing(kafka, "1", folder, voted, (1, 1))?;
    let load = Load::start(&site, "steady", 25, 120)?;
    let record = last_record(&site, "ballots.close")?;
    let closes_s = wait_for(Duration::from_mins(1), || site.watch.number(CLOSES));
    let closes_s = closes_s.ok_or("the close is not known")?;
    let off = ["env", FAKETIME, "DONT_FAKE_MONOTONIC=1", "FAKETIME=+4s"];
    let owner = &mut site.aggregators[0];
    owner.stop()?;
    owner.start_by(&off);
    owner.launch()?;
    drop(load);
    wait_until(closes_s);
    let what = "at the close the only aggregator's clock is 4 s off";
    let cause = Cause::begins(&site.watch, what, &["WeirResultNotFinal"]).at(closes_s);
    cause.lasts(Duration::from_mins(8))?;
    let owner = &mut site.aggregators[0];
    owner.kill()?;
    owner.start_by_itself(&off);
    owner.start()?;
    cause.ended(Duration::from_mins(3));

    let final_ = || site.watch.number("campaign:weir_final:max").filter(|is| *is == 1.0);
    wait_for(Duration::from_mins(1), final_).ok_or("the result is not final")?;
    append(&site, "ballots.close", &record)?;
    let what = "a record written behind the campaign's close, by kcat";
    let cause = Cause::begins(&site.watch, what, &["WeirRecordsAfterFinal"]);
    cause.lasts(Duration::from_mins(2))?;
    cause.ended(Duration::from_mins(7));
    site.stop()
}

/// A day ends for real, and a record of it is written again when it is closed. Before that all
/// edges are stopped for a while.
pub(crate) fn night(kafka: &Arc<Kafka>) -> Result<(), Error> {
    let folder = folder("more-night")?;
    let (zone, midnight_s) = next_midnight()?;
    let voted = campaign_in(zone, &folder, "night", Duration::from_hours(4 * 24))?;
    let mut site = Site::sharing(kafka, "1", folder, voted, (1, 1))?;
    let load = Load::start(&site, "steady", 25, 60)?;
    let record = last_record(&site, "ballots.night")?;
    drop(load);
    let edge = &mut site.edges[0];
    edge.stop()?;
    let what = "all edges stopped";
    let cause = Cause::begins(&site.watch, what, &["WeirNoEdge", "WeirAllDown"]);
    cause.lasts(Duration::from_mins(3))?;
    site.edges[0].start()?;
    cause.ended(Duration::from_mins(2));

    wait_until(midnight_s + CLOSED_S);
    append(&site, "ballots.night", &record)?;
    let what = "a record of the day before written again once that day is closed, by kcat";
    let cause = Cause::begins(&site.watch, what, &["WeirBallotsLate"]);
    cause.lasts(Duration::from_mins(2))?;
    cause.ended(Duration::from_mins(7));
    site.stop()
}

/// The zone in which a day ends soonest, but not too soon, and when.
fn next_midnight() -> Result<(&'static str, f64), Error> {
    let earliest_s = now_s() + HISTORY_S;
    let mut found: Option<(&str, f64)> = None;
    for zone in ZONES.split(' ') {
        let now = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::get(zone)?);
        let midnight = now.tomorrow()?.start_of_day()?.timestamp();
        let midnight_s = midnight.as_duration().as_secs_f64();
        let is_sooner = found.is_none_or(|(_, other_s)| midnight_s < other_s);
        if midnight_s > earliest_s && is_sooner {
            found = Some((zone, midnight_s));
        }
    }
    found.ok_or_else(|| "no day ends".into())
}

fn wait_until(time_s: f64) {
    let left = (time_s - now_s()).max(0.0);
    std::thread::park_timeout(Duration::from_secs_f64(left));
}

/// A file with the newest record of the first partition, once one has ballots.
fn last_record(site: &Site, topic: &str) -> Result<PathBuf, Error> {
    // Version and kind: a batch.
    const BATCH: [u8; 4] = [0x08, 0x01, 0x10, 0x02];
    let bootstrap = site.kafka.bootstrap();
    let args = [
        "-C", "-c", "1", "-e", "-q", "-b", &bootstrap, "-t", topic, "-p", "0", "-o", "-1", "-D", "",
    ];
    let found = wait_for(Duration::from_mins(1), || {
        let value = Command::new("kcat").args(args).output().ok()?.stdout;
        value.starts_with(&BATCH).then_some(value)
    });
    let file = site.folder.join("record");
    fs::write(&file, found.ok_or("no record has ballots")?)?;
    Ok(file)
}

/// Appends it to the first partition.
fn append(site: &Site, topic: &str, record: &std::path::Path) -> Result<(), Error> {
    let (bootstrap, record) = (site.kafka.bootstrap(), text(record));
    let args = ["-P", "-b", &bootstrap, "-t", topic, "-p", "0", &record];
    let ended = Command::new("kcat").args(args).status()?;
    if ended.success() { Ok(()) } else { Err(format!("kcat ended with {ended}").into()) }
}
