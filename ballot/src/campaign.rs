//! A campaign as its organiser wrote it: who may vote, on what, and when.
//!
//! Every `Campaign` has passed all checks: its choices are numbered 1 to N, its limits hold
//! together, and its window is two instants that its zone's clocks show exactly once. Nothing here
//! reads a clock or a machine's zone files; the fold must never see this type, only the rules
//! record that is made of it.

mod challenge;
mod days;
mod error;
mod file;
mod identity;
mod read;
mod redated;
#[cfg(test)]
mod tests;

use jiff::ToSpan;
use jiff::civil::Date;
use jiff::tz::TimeZone;

pub use challenge::Challenge;
pub use days::{LocalTime, local_date};
pub use error::{CampaignError, Problem};
pub use identity::{Identity, Mode};

use crate::{Day, VotingDay};

/// A campaign: its choices, its limits and its window.
///
/// Made by [`Campaign::parse`] and [`Campaign::moved_to_start`] only; its fields are there to be
/// read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Campaign {
    /// 1 to 48 of `a-z`, `0-9` and `-`, a letter first: it is part of topic names and addresses.
    pub id: String,
    /// What the campaign is called.
    pub title: String,
    /// Who holds it.
    pub organiser: Option<String>,
    /// IANA name of the zone whose calendar days are the voting days.
    pub zone: String,
    /// First instant of the window, UTC milliseconds since 1970.
    pub opens_at_ms: i64,
    /// First instant after the window, UTC milliseconds since 1970.
    pub closes_at_ms: i64,
    /// The choices, numbered 1 to N in this order.
    pub choices: Vec<Choice>,
    /// Fewest choices a ballot may name, at least 1.
    pub choices_per_ballot_min: u32,
    /// Most choices a ballot may name, at most all.
    pub choices_per_ballot_max: u32,
    /// Whether a voter must follow the organiser's account.
    pub followers_only: bool,
    /// Wait after a day's end before its close record is written, milliseconds.
    pub grace_ms: u64,
    /// Most voters of one day: it bounds the memory of deduplication.
    pub voters_per_day_max: u64,
    /// Who may see the tally before it is final.
    pub results: Results,
    /// Where posters hang or links stand, told apart when their scans are counted.
    pub channels: Vec<String>,
    /// How voters are known.
    pub identity: Identity,
    /// What a voter has to do whose ballot comes in an unusual way.
    pub challenge: Option<Challenge>,
    time_zone: TimeZone,
}

/// When the tally is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Results {
    /// While it grows.
    Live,
    /// Once it is final; until then only how far the count has come.
    Hidden,
}

/// One thing to vote for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// Its place in the campaign, from 1.
    pub number: u32,
    /// What it is called.
    pub title: String,
    /// Whose it is.
    pub organisation: Option<String>,
    /// A few sentences about it.
    pub summary: Option<String>,
}

impl Campaign {
    /// The campaign of a campaign file's text (TOML).
    ///
    /// # Errors
    /// Everything that is wrong with the text, each with its line, its field and what to do.
    pub fn parse(text: &str) -> Result<Self, CampaignError> {
        file::campaign(text)
    }

    /// The voting days: each local calendar day that meets the window, cut to the window.
    ///
    /// They follow one another without a gap and cover the window exactly.
    #[must_use]
    pub fn days(&self) -> Vec<Day> {
        days::days(&self.time_zone, self.opens_at_ms, self.closes_at_ms)
    }

    /// What its zone's calendar and clocks show at an instant, in milliseconds since 1970; `None`
    /// for a date that no voting day can have.
    #[must_use]
    pub fn local_time(&self, at_ms: i64) -> Option<LocalTime> {
        days::shown(&self.time_zone, at_ms)
    }

    /// The same campaign, moved by whole days so that `date` is its first voting day.
    ///
    /// It opens with the start of `date`, whatever hour it opened before, and closes at the local
    /// time it had: a campaign to try out at once.
    ///
    /// # Errors
    /// When `date` is no day of the zone, or the new closing time is none of its times.
    pub fn moved_to_start(&self, date: VotingDay) -> Result<Self, CampaignError> {
        let tz = &self.time_zone;
        let problem = |field: &str, fix: String| {
            CampaignError::from(Problem { line: None, field: field.to_owned(), fix })
        };
        let new_first = days::date_of(date)
            .filter(|date| days::YEARS.contains(&date.year()))
            .ok_or_else(|| problem("opens_at", format!("{date} is no date; give another day")))?;
        let opens_at_ms = days::start(tz, new_first).ok_or_else(|| {
            let fix = format!("{} has no day {date}; give another day", self.zone);
            problem("opens_at", fix)
        })?;
        let close = days::local_time(tz, self.closes_at_ms);
        let close_date = moved(close.date(), days::first(tz, self.opens_at_ms), new_first)
            .filter(|date| days::YEARS.contains(&date.year()))
            .ok_or_else(|| problem("closes_at", "is too far away; give an earlier day".into()))?;
        // As many dates as before, though it opens earlier in the first: only the order can break.
        let closes_at_ms = days::instant(tz, close_date.to_datetime(close.time()))
            .and_then(|closes| days::order(opens_at_ms, closes).map(|()| closes))
            .map_err(|fix| problem("closes_at", fix))?;
        Ok(Self { opens_at_ms, closes_at_ms, ..self.clone() })
    }
}

/// `date`, moved by as many days as lie between `from` and `to`.
fn moved(date: Date, from: Date, to: Date) -> Option<Date> {
    let days = from.until(to).ok()?.get_days();
    date.checked_add(days.days()).ok()
}
