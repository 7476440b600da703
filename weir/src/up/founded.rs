//! How `weir up` opens a campaign: its journal, its dates, its keys, and the rules, which are
//! written into an empty journal.
//!
//! Files are made only under the journal's lock, and keys only while the journal is empty.

use std::path::Path;
use std::sync::Arc;

use aggregator::found;
use ballot::{Campaign, Rules, local_date};
use journal::{Clock, Embedded, Journal as _, SystemClock};

use crate::args::UpArgs;
use crate::config::{Directory, Keys, Setup, Wish, keys_file, moved, starts_on};
use crate::exit::Failure;
use crate::process::{Opened, check_grace};
use crate::say;

/// Opens the journal, moves the campaign if it is to be moved, finds or makes the keys, and writes
/// the rules into an empty journal or compares them with those in it.
pub(super) async fn open(
    args: &UpArgs,
    campaign: Campaign,
    wish: Wish,
    clock: &Arc<dyn Clock>,
) -> Result<Opened<Embedded>, Failure> {
    let directory = Directory::new(&args.data.dir, &campaign.id);
    let journal = directory.open_or_make(args.partitions, clock)?;
    let empty = is_empty(&journal).await?;
    let campaign = dated(&directory, campaign, (wish, empty), clock.now_ms())?;
    check_grace(&campaign)?;
    let is_over = clock.now_ms() >= campaign.closes_at_ms;
    if is_over && !empty && is_forgotten(args, &directory) {
        say(&format!("{} has been forgotten: its keys are gone, its result stays.", campaign.id));
        return Opened::checked(campaign, journal, None).await;
    }
    let keys = keys(args.keys.as_deref(), &directory, empty)?;
    keys.token_keys(&campaign.id)?;
    let fingerprint = keys.pseudonym_key().fingerprint();
    let rules = Rules::new(&campaign, journal.identity(), journal.partitions(), fingerprint);
    let id = campaign.id.clone();
    let founded = found(&journal, &rules, clock.now_ms()).await.map_err(Failure::from);
    founded.map_err(|failure| failure.about(&id))?;
    Opened::checked(campaign, journal, Some(keys)).await.map_err(|failure| failure.about(&id))
}

/// Reads a campaign again that was opened with this id: its file, with the dates it has in the data
/// directory, and its keys.
pub(super) fn again(
    args: &UpArgs,
    file: Option<&Path>,
    id: &str,
) -> Result<(Campaign, Option<Keys>), Failure> {
    let directory = Directory::new(&args.data.dir, id);
    let campaign = moved(super::campaign(args, file)?, Setup::read(&directory)?.as_ref())?;
    let is_over = SystemClock.now_ms() >= campaign.closes_at_ms;
    if is_over && is_forgotten(args, &directory) {
        return Ok((campaign, None));
    }
    Ok((campaign, Some(keys(args.keys.as_deref(), &directory, false)?)))
}

/// Whether there are no keys where they would be: of a campaign that is over, `weir forget` has
/// destroyed them, and of one that is not they have been lost.
fn is_forgotten(args: &UpArgs, directory: &Directory) -> bool {
    let given = args.keys.as_deref().map(|given| keys_file(given, directory.campaign()));
    !given.unwrap_or_else(|| directory.keys_file()).exists()
}

/// Whether nothing has ever been written: a first start, or one that did not get this far.
async fn is_empty(journal: &Embedded) -> Result<bool, Failure> {
    for partition in 0..journal.partitions() {
        if journal.bounds(partition).await?.end > 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The campaign with the dates it has in this data directory, which are told.
fn dated(
    directory: &Directory,
    campaign: Campaign,
    (wish, empty): (Wish, bool),
    now_ms: i64,
) -> Result<Campaign, Failure> {
    let setup = match Setup::read(directory)? {
        Some(setup) => Some(setup),
        // It was lost. What the rules in the journal say decides.
        None if !empty => Some(Setup::new(None)),
        None => None,
    };
    let today = local_date(&campaign.zone, now_ms).ok_or_else(|| {
        Failure::configuration(format!("the clock shows no usable time ({now_ms} ms); set it"))
    })?;
    let first_start = setup.is_none();
    let day = starts_on(setup.as_ref(), wish, today)?;
    let setup = setup.unwrap_or_else(|| Setup::new(day));
    let campaign = moved(campaign, Some(&setup))?;
    if first_start {
        setup.write(directory)?;
    }
    let how = match (day, first_start) {
        (None, _) => "has the dates of its file".to_owned(),
        (Some(_), true) => "was moved to start today (--as-dated keeps its own dates)".to_owned(),
        (Some(day), false) => format!("was moved to start on {day} when its data was made"),
    };
    say(&dates(&campaign, &how, day.is_some(), now_ms));
    Ok(campaign)
}

/// A sentence on when the campaign is, and whether that is now.
fn dates(campaign: &Campaign, how: &str, moved: bool, now_ms: i64) -> String {
    let days = campaign.days();
    let of = |day: Option<&ballot::Day>| day.map_or(String::new(), |day| day.day.to_string());
    let (first, last) = (of(days.first()), of(days.last()));
    let now = if now_ms >= campaign.closes_at_ms && moved {
        " It is over: to start anew, give another directory with --data."
    } else if now_ms >= campaign.closes_at_ms {
        " It is over: no more ballots are taken, the result stays."
    } else if now_ms < campaign.opens_at_ms {
        " It has not opened yet."
    } else {
        ""
    };
    let (id, zone) = (&campaign.id, &campaign.zone);
    format!("{id} {how}: its voting days are {first} to {last}, {zone}.{now}")
}

fn keys(given: Option<&Path>, directory: &Directory, empty: bool) -> Result<Keys, Failure> {
    let is_given = given.is_some();
    let given = given.map(|given| keys_file(given, directory.campaign()));
    let file = given.unwrap_or_else(|| directory.keys_file());
    if let Some(keys) = Keys::read(&file)? {
        return Ok(keys);
    }
    let name = file.display();
    if is_given {
        return Err(Failure::configuration(format!(
            "--keys {name}: there is no such file; leave --keys out to have keys made"
        )));
    }
    if !empty {
        return Err(Failure::configuration(format!(
            "{name} is gone, and without its pseudonym_key every voter could vote again; put it \
             back from your copy"
        )));
    }
    let (keys, made) = Keys::make(&file)?;
    if made {
        say(&format!("{} has new keys in {name}: keep a copy.", directory.campaign()));
    }
    Ok(keys)
}
