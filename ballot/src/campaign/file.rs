//! The campaign file: its fields, their limits and their defaults.
//!
//! This is the one place that knows the file's names. What leaves here has passed every check;
//! no text, however wrong, may make it panic.

use jiff::tz::TimeZone;
use toml::Spanned;
use toml::de::{DeTable, DeValue as Value};

use super::challenge::challenge;
use super::error::Problems;
use super::identity::identity;
use super::read::{Fields, NUMBER, TEXT, TIME, flag, local_time, number, text};
use super::{Campaign, CampaignError, Choice, Identity, Results, days};
use crate::CHOICES_MAX;

/// Kafka allows topic names of 249 characters; an id is also read aloud and put into addresses.
const ID_CHARS_MAX: usize = 48;
/// A title, an organisation or an organiser: two lines on a phone.
const TITLE_CHARS_MAX: usize = 200;
const SUMMARY_CHARS_MAX: usize = 2_000;
const GRACE_SECONDS_DEFAULT: u64 = 60;
const VOTERS_PER_DAY_DEFAULT: u64 = 2_000_000;
/// About as many as WeChat has accounts.
const VOTERS_PER_DAY_MAX: u64 = 1_000_000_000;

const ID: &str = "give 1 to 48 of a-z, 0-9 and '-', a letter first";
const CHOICES: &str = "give 1 to 256 tables [[choices]]";
const RESULTS: &str = "give \"live\" or \"hidden\"";
const CHANNELS: &str = "give up to 64 names of 1 to 32 of a-z, 0-9 and '-', each once";
const ZONE: &str = "give an IANA name such as \"Asia/Shanghai\"";

/// The labels of a metric are bounded; nobody prints more kinds of poster.
const CHANNELS_MAX: usize = 64;
const CHANNEL_CHARS_MAX: usize = 32;

const FIELDS: [&str; 16] = [
    "id",
    "title",
    "organiser",
    "zone",
    "opens_at",
    "closes_at",
    "choices_per_ballot_min",
    "choices_per_ballot_max",
    "followers_only",
    "grace_seconds",
    "voters_per_day_max",
    "results",
    "channels",
    "identity",
    "challenge",
    "choices",
];
const CHOICE_FIELDS: [&str; 4] = ["number", "title", "organisation", "summary"];

/// The campaign of a file's text.
pub(super) fn campaign(source: &str) -> Result<Campaign, CampaignError> {
    let problems = Problems::new(source);
    let table = match DeTable::parse(source) {
        Ok(table) => table,
        Err(error) => {
            let fix = format!("{}; mend the syntax", error.message());
            problems.add(error.span().unwrap_or_default(), "TOML".to_owned(), fix);
            return problems.none_or(None);
        }
    };
    let campaign = read_campaign(table.get_ref(), &problems);
    problems.none_or(campaign)
}

fn read_campaign(table: &DeTable<'_>, problems: &Problems<'_>) -> Option<Campaign> {
    let fields = Fields::open(table, 0..0, String::new(), problems);
    fields.only(&FIELDS);
    // Every field is read before the first `?`, so that all problems are noted.
    let id = fields.require("id", ID, id);
    let title = fields.require("title", TEXT, short_text);
    let organiser = fields.read("organiser", short_text);
    let window = window(&fields);
    let list = fields.require("choices", CHOICES, list);
    let choices = list.and_then(|list| choices(list, problems));
    let limits = choices_per_ballot(&fields, list.map_or(CHOICES_MAX, <[_]>::len));
    let followers_only = fields.read("followers_only", flag);
    let grace_seconds = fields.read("grace_seconds", |value| number(value, 10..=3_600_u64));
    let voters = fields.read("voters_per_day_max", |value| number(value, 1..=VOTERS_PER_DAY_MAX));
    let results = fields.read("results", results);
    let channels = fields.read("channels", channels);
    let identity = fields.spanned("identity").map(|value| identity(value, problems));
    let challenge = fields.spanned("challenge").map(|value| challenge(value, problems));
    let (zone, opens_at_ms, closes_at_ms) = window?;
    let (choices_per_ballot_min, choices_per_ballot_max) = limits?;
    Some(Campaign {
        id: id?,
        title: title?,
        organiser,
        zone: zone.iana_name()?.to_owned(),
        opens_at_ms,
        closes_at_ms,
        choices: choices?,
        choices_per_ballot_min,
        choices_per_ballot_max,
        followers_only: followers_only.unwrap_or(false),
        grace_ms: grace_seconds.unwrap_or(GRACE_SECONDS_DEFAULT) * 1_000,
        voters_per_day_max: voters.unwrap_or(VOTERS_PER_DAY_DEFAULT),
        results: results.unwrap_or(Results::Live),
        channels: channels.unwrap_or_default(),
        identity: identity.unwrap_or_else(|| Some(Identity::default()))?,
        challenge: challenge.map_or(Some(None), |challenge| challenge.map(Some))?,
        time_zone: zone,
    })
}

/// The zone and the window's two instants in it.
fn window(fields: &Fields<'_>) -> Option<(TimeZone, i64, i64)> {
    let zone = fields.require("zone", ZONE, zone);
    let opens = fields.require("opens_at", TIME, local_time);
    let closes = fields.require("closes_at", TIME, local_time);
    let zone = zone?;
    let instant = |name, time: Option<_>| match days::instant(&zone, time?) {
        Ok(at_ms) => Some(at_ms),
        Err(fix) => fields.wrong(name, fix),
    };
    let (opens, closes) = (instant("opens_at", opens), instant("closes_at", closes));
    let (opens, closes) = (opens?, closes?);
    match days::window(&zone, opens, closes) {
        Ok(()) => Some((zone, opens, closes)),
        Err(fix) => fields.wrong("closes_at", fix),
    }
}

/// The fewest and the most choices of a ballot, of `count` choices.
fn choices_per_ballot(fields: &Fields<'_>, count: usize) -> Option<(u32, u32)> {
    let count = u32::try_from(count.clamp(1, CHOICES_MAX)).ok()?;
    let at_most_all = |value: &Value<'_>| match number(value, 1..=u32::MAX) {
        Ok(n) if n > count => {
            Err(format!("{n} is more than the {count} choices; give 1 to {count}"))
        }
        Ok(n) => Ok(n),
        Err(_) => number(value, 1..=count),
    };
    let min = match fields.has("choices_per_ballot_min") {
        true => fields.read("choices_per_ballot_min", at_most_all),
        false => Some(1),
    };
    let max = fields.require("choices_per_ballot_max", NUMBER, at_most_all);
    let (min, max) = (min?, max?);
    if min > max {
        let fix = format!("{min} is more than choices_per_ballot_max, {max}; give at most {max}");
        return fields.wrong("choices_per_ballot_min", fix);
    }
    Some((min, max))
}

fn choices(list: &[Spanned<Value<'_>>], problems: &Problems<'_>) -> Option<Vec<Choice>> {
    let read = |(i, value): (usize, &Spanned<Value<'_>>)| {
        let number = u32::try_from(i + 1).ok()?;
        let Some(table) = value.get_ref().as_table() else {
            problems.add(value.span(), format!("choices[{number}]"), CHOICES.to_owned());
            return None;
        };
        choice(&Fields::open(table, value.span(), format!("choices[{number}]."), problems), number)
    };
    // Reads all before it drops them: `collect` into an `Option` would stop at the first problem.
    let choices: Vec<Option<Choice>> = list.iter().enumerate().map(read).collect();
    choices.into_iter().collect()
}

fn choice(fields: &Fields<'_>, place: u32) -> Option<Choice> {
    fields.only(&CHOICE_FIELDS);
    let in_order = |value: &Value<'_>| match number(value, place..=place) {
        Err(fix) => Err(format!("{fix} (choices are numbered from 1 in the order of the file)")),
        Ok(number) => Ok(number),
    };
    let number = fields.require("number", NUMBER, in_order);
    let title = fields.require("title", TEXT, short_text);
    let organisation = fields.read("organisation", short_text);
    let summary = fields.read("summary", |value| text(value, SUMMARY_CHARS_MAX));
    Some(Choice { number: number?, title: title?, organisation, summary })
}

fn list<'a>(value: &'a Value<'a>) -> Result<&'a [Spanned<Value<'a>>], String> {
    let list: &[_] = value.as_array().ok_or(format!("this is not a list; {CHOICES}"))?;
    match list.len() {
        1..=CHOICES_MAX => Ok(list),
        count => Err(format!("there are {count}; {CHOICES}")),
    }
}

fn short_text(value: &Value<'_>) -> Result<String, String> {
    text(value, TITLE_CHARS_MAX)
}

fn id(value: &Value<'_>) -> Result<String, String> {
    let id = text(value, ID_CHARS_MAX)?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(allowed) {
        Ok(id)
    } else {
        Err(format!("{id:?} cannot be in a topic's name; {ID}"))
    }
}

fn results(value: &Value<'_>) -> Result<Results, String> {
    match text(value, TITLE_CHARS_MAX)?.as_str() {
        "live" => Ok(Results::Live),
        "hidden" => Ok(Results::Hidden),
        other => Err(format!("{other:?} is neither; {RESULTS}")),
    }
}

fn channels(value: &Value<'_>) -> Result<Vec<String>, String> {
    let list: &[_] = value.as_array().ok_or(format!("this is not a list; {CHANNELS}"))?;
    if list.len() > CHANNELS_MAX {
        return Err(format!("there are {}; {CHANNELS}", list.len()));
    }
    let mut channels: Vec<String> = Vec::new();
    for value in list {
        let name = text(value.get_ref(), CHANNEL_CHARS_MAX)?;
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if !name.chars().all(allowed) || channels.contains(&name) {
            return Err(format!("{name:?} cannot be one, or is there twice; {CHANNELS}"));
        }
        channels.push(name);
    }
    Ok(channels)
}

fn zone(value: &Value<'_>) -> Result<TimeZone, String> {
    let name = text(value, TITLE_CHARS_MAX)?;
    days::time_zone(&name).ok_or_else(|| format!("{name:?} is not a known zone; {ZONE}"))
}
