//! Reads the fields of a TOML table one by one, and notes what is wrong with each.
//!
//! Instead of serde, which stops at the first wrong type and knows neither the place of a choice
//! nor all the mistakes of a file: here every value is looked at, and every problem has the line of
//! its own value, or of the table where a field is missing.

use std::ops::{Range, RangeInclusive};

use jiff::civil::DateTime;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::days::YEARS;
use super::error::Problems;

/// What to give for a text that is missing or of another type.
pub(super) const TEXT: &str = "give a text in quotes";
/// What to give for a time that is missing or of another type.
pub(super) const TIME: &str = "give the zone's local time, without quotes or offset, such as \
                               2023-12-18T10:00:00";
/// What to give for a number that is missing or of another type.
pub(super) const NUMBER: &str = "give a whole number";

/// One table of the file.
pub(super) struct Fields<'a> {
    table: &'a DeTable<'a>,
    span: Range<usize>,
    path: String,
    problems: &'a Problems<'a>,
}

impl<'a> Fields<'a> {
    /// The table that stands at `span`; `path` is what its fields' names begin with.
    pub(super) fn open(
        table: &'a DeTable<'a>,
        span: Range<usize>,
        path: String,
        problems: &'a Problems<'a>,
    ) -> Self {
        Self { table, span, path, problems }
    }

    /// Notes every field that is not one of `known`.
    pub(super) fn only(&self, known: &[&str]) {
        for key in self.table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            let field = format!("{}{}", self.path, key.get_ref().escape_debug());
            let fix = format!("is not a field; remove it, or give one of {}", known.join(", "));
            self.problems.add(key.span(), field, fix);
        }
    }

    /// Whether the field is there.
    pub(super) fn has(&self, name: &str) -> bool {
        self.value(name).is_some()
    }

    /// The field as `rule` reads it; `None` if it is not there, or wrong and noted.
    pub(super) fn read<T>(&self, name: &str, rule: impl Rule<'a, T>) -> Option<T> {
        match rule(self.value(name)?.get_ref()) {
            Ok(read) => Some(read),
            Err(fix) => self.wrong(name, fix),
        }
    }

    /// The field as `rule` reads it; that it is missing is a problem, mended by `hint`.
    pub(super) fn require<T>(&self, name: &str, hint: &str, rule: impl Rule<'a, T>) -> Option<T> {
        if !self.has(name) {
            return self.wrong(name, format!("is missing; {hint}"));
        }
        self.read(name, rule)
    }

    /// Notes a problem with a field, in the line of its value or else of its table.
    pub(super) fn wrong<T>(&self, name: &str, fix: String) -> Option<T> {
        let span = self.value(name).map_or_else(|| self.span.clone(), Spanned::span);
        self.problems.add(span, format!("{}{name}", self.path), fix);
        None
    }

    /// The field as it stands, with its place; for a table within the table.
    pub(super) fn spanned(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.value(name)
    }

    fn value(&self, name: &str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }
}

/// Reads one value, or says what to give instead.
pub(super) trait Rule<'a, T>: FnOnce(&'a DeValue<'a>) -> Result<T, String> {}

impl<'a, T, F: FnOnce(&'a DeValue<'a>) -> Result<T, String>> Rule<'a, T> for F {}

fn wrong_type(value: &DeValue<'_>, hint: &str) -> String {
    format!("this is of type {}; {hint}", value.type_str())
}

/// A text of at most `chars_max` characters that shows something on one line.
pub(super) fn text(value: &DeValue<'_>, chars_max: usize) -> Result<String, String> {
    let text = value.as_str().ok_or_else(|| wrong_type(value, TEXT))?;
    if text.trim().is_empty() {
        return Err("is empty; give a text".to_owned());
    }
    // Line ends of Unicode's, and what turns the direction of the text around it.
    let turns = |c: char| matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    if let Some(control) = text.chars().find(|c| c.is_control() || turns(*c)) {
        let control = control.escape_debug();
        return Err(format!("contains the control character {control}; write it on one line"));
    }
    let chars = text.chars().count();
    if chars > chars_max {
        return Err(format!("has {chars} characters; give at most {chars_max}"));
    }
    Ok(text.to_owned())
}

/// A whole number within `range`.
pub(super) fn number<T>(value: &DeValue<'_>, range: RangeInclusive<T>) -> Result<T, String>
where
    T: TryFrom<i64> + PartialOrd + std::fmt::Display,
{
    let integer = value.as_integer().ok_or_else(|| wrong_type(value, NUMBER))?;
    let number = i64::from_str_radix(integer.as_str(), integer.radix());
    let number = number.ok().and_then(|number| T::try_from(number).ok());
    number.filter(|number| range.contains(number)).ok_or_else(|| {
        let (start, end) = range.into_inner();
        let limits = if start == end { start.to_string() } else { format!("{start} to {end}") };
        format!("{integer} is out of range; give {limits}")
    })
}

/// `true` or `false`.
pub(super) fn flag(value: &DeValue<'_>) -> Result<bool, String> {
    value.as_bool().ok_or_else(|| wrong_type(value, "give true or false"))
}

/// A date and time of day in whole seconds, without an offset.
pub(super) fn local_time(value: &DeValue<'_>) -> Result<DateTime, String> {
    let time = value.as_datetime().ok_or_else(|| wrong_type(value, TIME))?;
    let refuse = || format!("{time} is not a local date and time of whole seconds; {TIME}");
    let (Some(date), Some(clock), None) = (time.date, time.time, time.offset) else {
        return Err(refuse());
    };
    let small = |part: u8| i8::try_from(part).map_err(|_| refuse());
    let year = i16::try_from(date.year).map_err(|_| refuse())?;
    if !YEARS.contains(&year) {
        return Err(format!(
            "{time} is out of range; give a year from {} to {}",
            YEARS.start(),
            YEARS.end()
        ));
    }
    if clock.nanosecond.unwrap_or(0) != 0 {
        return Err(refuse());
    }
    let (month, day) = (small(date.month)?, small(date.day)?);
    let (hour, minute) = (small(clock.hour)?, small(clock.minute)?);
    let second = small(clock.second.unwrap_or(0))?;
    DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| refuse())
}
