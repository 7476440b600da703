//! What a campaign's data directory was made with: the day to which the campaign's window was
//! moved, if it was.
//!
//! Written once, with the first start, and followed from then on: a campaign that moved with every
//! restart would never end. What counts is in the journal all the same; this only helps to ask it
//! the same question again.

use std::fs;
use std::io;

use ballot::{Campaign, VotingDay};
use serde::{Deserialize, Serialize};

use super::Directory;
use super::directory::write_atomically;
use crate::exit::Failure;

/// What a data directory was made with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Setup {
    /// The first voting day of a campaign that was moved; none if it has the dates of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    starts_on: Option<String>,
}

impl Setup {
    pub(crate) fn new(starts_on: Option<VotingDay>) -> Self {
        Self { starts_on: starts_on.map(|day| day.to_string()) }
    }

    /// What is noted in a directory; `None` if nothing is.
    pub(crate) fn read(directory: &Directory) -> Result<Option<Self>, Failure> {
        let path = directory.setup_file();
        let wrong = |problem: &dyn std::fmt::Display| {
            Failure::configuration(format!("{}: {problem}", path.display()))
        };
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(wrong(&format!("cannot be read: {error}"))),
        };
        let setup: Self = toml::from_str(&text).map_err(|error| wrong(&error))?;
        setup.starts_on().map_err(|problem| wrong(&problem))?;
        Ok(Some(setup))
    }

    /// Notes it in a directory.
    pub(crate) fn write(&self, directory: &Directory) -> Result<(), Failure> {
        let path = directory.setup_file();
        let text = toml::to_string(self).map_err(|error| Failure::internal(error.to_string()))?;
        let text = format!("# What `weir up` made this journal with; not to be edited.\n{text}");
        write_atomically(&path, &text).map_err(|error| {
            Failure::configuration(format!("{}: cannot be written: {error}", path.display()))
        })
    }

    fn starts_on(&self) -> Result<Option<VotingDay>, String> {
        let read = |text: &String| text.parse().map_err(|error| format!("starts_on: {error}"));
        self.starts_on.as_ref().map(read).transpose()
    }
}

/// What a command was told about the campaign's dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Nothing; on a first start they stay.
    Nothing,
    /// Nothing; on a first start they are moved, because it is the built-in campaign.
    TryOut,
    /// `--as-dated`.
    AsDated,
    /// `--from-today`.
    FromToday,
}

/// The day to which the campaign is moved, if it is. `setup` is that of a journal that is in use;
/// without one, this is a first start.
pub(crate) fn starts_on(
    setup: Option<&Setup>,
    wish: Wish,
    today: VotingDay,
) -> Result<Option<VotingDay>, Failure> {
    let refused = |was: &str, flag: &str| {
        Failure::configuration(format!(
            "{flag}: the journal in the data directory was made with {was}; leave {flag} out, or \
             start anew with another --data"
        ))
    };
    let Some(setup) = setup else {
        return Ok(match wish {
            Wish::TryOut | Wish::FromToday => Some(today),
            Wish::Nothing | Wish::AsDated => None,
        });
    };
    let starts_on = setup.starts_on().map_err(Failure::configuration)?;
    match (starts_on, wish) {
        (Some(day), Wish::AsDated) => {
            Err(refused(&format!("the window moved to {day}"), "--as-dated"))
        }
        (None, Wish::FromToday) => Err(refused("the dates of the campaign file", "--from-today")),
        (Some(_), Wish::Nothing | Wish::TryOut | Wish::FromToday)
        | (None, Wish::Nothing | Wish::TryOut | Wish::AsDated) => Ok(starts_on),
    }
}

/// The campaign as a data directory has it: moved if it was when the directory was made.
pub(crate) fn moved(campaign: Campaign, setup: Option<&Setup>) -> Result<Campaign, Failure> {
    let day = setup.map_or(Ok(None), Setup::starts_on).map_err(Failure::configuration)?;
    match day {
        Some(day) => campaign.moved_to_start(day).map_err(|error| {
            Failure::configuration(format!("{}, moved to {day}: {error}", campaign.id))
        }),
        None => Ok(campaign),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WISHES: [Wish; 4] = [Wish::Nothing, Wish::TryOut, Wish::AsDated, Wish::FromToday];

    fn day(day: u32) -> VotingDay {
        VotingDay::new(2026, 11, day).unwrap()
    }

    #[test]
    fn a_first_start_moves_what_is_to_be_moved() {
        let days = WISHES.map(|wish| starts_on(None, wish, day(23)).unwrap());
        assert_eq!(days, [None, Some(day(23)), None, Some(day(23))]);
    }

    #[test]
    fn later_starts_keep_the_dates_and_refuse_a_flag_that_contradicts_them() {
        let moved = Setup::new(Some(day(20)));
        let days = WISHES.map(|wish| starts_on(Some(&moved), wish, day(23)).ok());
        assert_eq!(days, [Some(Some(day(20))), Some(Some(day(20))), None, Some(Some(day(20)))]);
        let as_dated = Setup::new(None);
        let days = WISHES.map(|wish| starts_on(Some(&as_dated), wish, day(23)).ok());
        assert_eq!(days, [Some(None), Some(None), Some(None), None]);
    }
}
