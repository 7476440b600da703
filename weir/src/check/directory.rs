//! Everything about a data directory: whether it can be written and how fast, its room, and each
//! campaign's journal, dates and keys in it.
//!
//! Invariant: the directory has the same files with the same bytes afterwards. Journals are opened
//! over their files, and the disk is timed with a file that has no name.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ballot::{Campaign, local_date};
use journal::{Clock, Embedded, Journal as _, SystemClock};
use tokio::time::{Instant, timeout};

use super::campaigns;
use super::report::Report;
use super::units::{bytes, many, took};
use crate::args::UpArgs;
use crate::config::{Directory, Setup, keys_file, moved, starts_on};
use crate::exit::{Code, Failure};
use crate::up::wish;

/// What opening a journal may take; one that needs a long repair is given up.
const OPEN_MAX: Duration = Duration::from_secs(5);
/// What timing the disk may take.
const DISK_MAX: Duration = Duration::from_secs(2);
/// What a ballot takes in the journal's file where each is a record of its own; measured, with
/// redb's pages and growth. With 10 in a record it is 120, with 200, as under load, 45.
const BALLOT_BYTES: u64 = 180;
/// Less room than this is no room: the journal's file grows in steps.
const FREE_MIN: u64 = 128 << 20;
/// A group commit waits for an fsync or two; more than this and a ballot's answer is felt to wait.
const FSYNC_SLOW: Duration = Duration::from_millis(25);

/// Answers the campaigns with the dates they have in this directory.
pub(super) async fn look(
    report: &mut Report,
    (args, read): (&UpArgs, &[Campaign]),
    clock: &Arc<dyn Clock>,
) -> Vec<Campaign> {
    let path = &args.data.dir;
    let disk = tokio::task::spawn_blocking({
        let path = path.clone();
        move || disk(&path)
    });
    let mut free = None;
    match timeout(DISK_MAX, disk).await {
        Ok(Ok(Ok(disk))) => {
            free = Some(disk.free);
            tell(report, path, &disk);
        }
        Ok(Ok(Err(failure))) => report.failed("data directory", &failure, "give another --data"),
        Ok(Err(_)) | Err(_) => {
            let found = format!("{}: the disk did not answer in time", path.display());
            report.failed("data directory", &Failure::journal(found), "see whether it is well");
        }
    }
    let mut dated = Vec::new();
    for campaign in read {
        let directory = Directory::new(path, &campaign.id);
        let what = format!("dates {}", campaign.id);
        let moved = in_force(args, campaign, &directory, clock.now_ms());
        let fix = "give the flags that the directory was made with, or another --data";
        let Some(campaign) = report.take(&what, moved, fix) else { continue };
        campaigns::window(report, &campaign, clock.now_ms());
        let looked = timeout(OPEN_MAX, journal(report, args, (&campaign, &directory), clock)).await;
        if looked.is_err() {
            let found = format!("it did not open within {} s, if only to look", OPEN_MAX.as_secs());
            let fix = "the first start may have to repair it: leave it the time it needs";
            report.warning(format!("journal {}", campaign.id), found, fix);
        }
        dated.push(campaign);
    }
    if let Some(free) = free {
        room(report, free, &dated);
    }
    dated
}

/// A campaign with the dates that `weir up` would give it.
fn in_force(
    args: &UpArgs,
    campaign: &Campaign,
    directory: &Directory,
    now_ms: i64,
) -> Result<Campaign, Failure> {
    let kept = Setup::read(directory)?;
    let unusable =
        || Failure::configuration(format!("the clock shows no usable time ({now_ms} ms)"));
    let today = local_date(&campaign.zone, now_ms).ok_or_else(unusable)?;
    let setup = kept.map_or_else(
        || starts_on(None, wish(args), today).map(Setup::new),
        |kept| starts_on(Some(&kept), wish(args), today).map(|_| kept),
    )?;
    moved(campaign.clone(), Some(&setup))
}

/// A campaign's journal and keys.
async fn journal(
    report: &mut Report,
    args: &UpArgs,
    (campaign, directory): (&Campaign, &Directory),
    clock: &Arc<dyn Clock>,
) {
    let what = format!("journal {}", campaign.id);
    if !directory.has_journal() {
        report.ok(&what, "there is none yet: the first start makes it");
        keys(report, args, (campaign, directory), false);
        return;
    }
    let opening = tokio::task::spawn_blocking({
        let (directory, partitions, clock) =
            (directory.clone(), args.partitions, Arc::clone(clock));
        move || directory.look(partitions, &clock)
    });
    let opened = opening.await.map_err(|error| Failure::internal(error.to_string())).flatten();
    let fix = "see what the message says; a copy of the directory can be recounted";
    let opened = report.take(&what, opened, fix);
    let began = match &opened {
        Some(journal) => began(journal).await,
        // Whoever holds it has begun.
        None => true,
    };
    let keys = keys(report, args, (campaign, directory), began);
    let Some(journal) = opened else { return };
    let partitions = journal.partitions();
    if began {
        report.ok(&what, format!("opens, nobody holds it; partitions: {partitions}"));
        super::rules(report, (campaign, keys.as_ref()), &journal).await;
    } else {
        report.ok(
            &what,
            format!("opens, nobody holds it, and is still empty; partitions: {partitions}"),
        );
    }
    journal.close().await;
}

/// Whether anything has ever been written.
async fn began(journal: &Embedded) -> bool {
    for partition in 0..journal.partitions() {
        if journal.bounds(partition).await.is_ok_and(|bounds| bounds.end > 0) {
            return true;
        }
    }
    false
}

/// The keys, which `weir up` makes only for a journal in which nothing is, and only where they are
/// looked for if nothing is said.
fn keys(
    report: &mut Report,
    args: &UpArgs,
    (campaign, directory): (&Campaign, &Directory),
    began: bool,
) -> Option<crate::config::Keys> {
    let given = args.keys.as_deref().map(|given| keys_file(given, &campaign.id));
    let (file, fix) = match given {
        Some(file) => (file, "leave --keys out to have keys made"),
        None if began && is_over(campaign) && !directory.keys_file().exists() => {
            let found = "they have been destroyed, as the campaign is over: its result stays";
            report.ok(format!("keys {}", campaign.id), found);
            return None;
        }
        None if began || directory.keys_file().exists() => (
            directory.keys_file(),
            "put them back from your copy: without their pseudonym_key all could vote again",
        ),
        None => {
            let found = "there are none yet: the first start makes them; keep a copy then";
            report.ok(format!("keys {}", campaign.id), found);
            return None;
        }
    };
    campaigns::sound(report, &campaign.id, &file, fix)
}

fn is_over(campaign: &Campaign) -> bool {
    SystemClock.now_ms() >= campaign.closes_at_ms
}

/// What a directory's disk does.
struct Disk {
    /// The directory, or the nearest above it that is there.
    at: PathBuf,
    free: u64,
    fsync: Duration,
}

fn disk(path: &Path) -> Result<Disk, Failure> {
    let wrong = |at: &Path, error: &dyn std::fmt::Display| {
        Failure::configuration(format!("--data {}: {error}", at.display()))
    };
    let above = path
        .ancestors()
        .find(|above| above.as_os_str().is_empty() || fs::exists(above).unwrap_or(true));
    let at = match above {
        Some(above) if !above.as_os_str().is_empty() => above,
        Some(_) | None => Path::new("."),
    };
    if !at.is_dir() {
        return Err(wrong(at, &"is not a directory"));
    }
    let fsync = fsync(at).map_err(|error| wrong(at, &format!("cannot be written: {error}")))?;
    let space = rustix::fs::statvfs(at).map_err(|error| wrong(at, &error))?;
    Ok(Disk { at: at.to_owned(), free: space.f_bavail.saturating_mul(space.f_frsize), fsync })
}

/// The median time of a small write to be durable. The file has no name at any time where the file
/// system can do that, and is gone when this ends.
fn fsync(at: &Path) -> io::Result<Duration> {
    let mut file = tempfile::tempfile_in(at)?;
    let mut times = Vec::new();
    for _ in 0..5 {
        let began = Instant::now();
        file.write_all(&[0; 4_096])?;
        file.sync_all()?;
        times.push(began.elapsed());
    }
    times.sort_unstable();
    Ok(times[2])
}

fn tell(report: &mut Report, path: &Path, disk: &Disk) {
    let at = disk.at.display();
    if disk.at == path {
        report.ok("data directory", format!("{at}: can be written"));
    } else {
        let path = path.display();
        report.ok("data directory", format!("{path} is not there yet; it can be made in {at}"));
    }
    let found = format!("a small write is durable after {}", took(disk.fsync));
    if disk.fsync > FSYNC_SLOW {
        let fix = "ballots wait for two of these: use a faster disk, or expect slower answers";
        report.warning("disk", found, fix);
    } else {
        report.ok("disk", found);
    }
}

/// Whether the room on the disk will do for all that may come.
fn room(report: &mut Report, free: u64, campaigns: &[Campaign]) {
    let ballots = campaigns
        .iter()
        .map(|campaign| campaign.voters_per_day_max.saturating_mul(campaign.days().len() as u64));
    let ballots = ballots.fold(0, u64::saturating_add);
    let (lasts, most) = (many(free / BALLOT_BYTES), many(ballots));
    let needs = bytes(ballots.saturating_mul(BALLOT_BYTES));
    let room = format!(
        "{} free, for {lasts} ballots at least: {most} ballots at most take up to {needs}",
        bytes(free)
    );
    if free < FREE_MIN {
        let found = format!("{room}, the journal may stop taking any");
        report.failed("disk", &Failure { code: Code::Journal, sentence: found }, "make room");
    } else if free / BALLOT_BYTES < ballots {
        let fix = "watch weir_disk_free_bytes, or give --data on a larger disk";
        report.warning("disk", room, fix);
    } else {
        report.ok("disk", room);
    }
}
