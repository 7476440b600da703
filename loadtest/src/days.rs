//! The campaign's voting days by number, as the load and its proof name them.
//!
//! Never here: a clock; the time is an argument.

use ballot::{Day, VotingDay};

/// How far a server's clock may be from ours: what Weir allows, and a little for the way.
pub const SKEW_MS: i64 = 2_500;

/// The voting days, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Days {
    days: Vec<Day>,
    texts: Vec<String>,
}

impl Days {
    /// These days.
    #[must_use]
    pub fn new(days: Vec<Day>) -> Self {
        Self { texts: days.iter().map(|day| day.day.to_string()).collect(), days }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.days.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The number of the day at an instant; `None` outside the window.
    #[must_use]
    pub fn at(&self, now_ms: i64) -> Option<usize> {
        let after = self.days.partition_point(|day| day.end_ms <= now_ms);
        self.days.get(after).filter(|day| day.start_ms <= now_ms).map(|_| after)
    }

    /// The number of a day.
    #[must_use]
    pub fn of(&self, day: VotingDay) -> Option<usize> {
        self.days.iter().position(|known| known.day == day)
    }

    /// The number of a day written `YYYY-MM-DD`.
    #[must_use]
    pub fn named(&self, text: &str) -> Option<usize> {
        self.texts.iter().position(|known| known == text)
    }

    /// A day written `YYYY-MM-DD`.
    #[must_use]
    pub fn text(&self, number: usize) -> &str {
        self.texts.get(number).map_or("no day", String::as_str)
    }

    /// The day of a number.
    #[must_use]
    pub fn day(&self, number: usize) -> Option<&Day> {
        self.days.get(number)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Day> {
        self.days.iter()
    }

    /// The days on which a ballot may have landed that was under way between two instants.
    pub fn between(&self, sent_ms: i64, now_ms: i64) -> impl Iterator<Item = usize> {
        let (from_ms, to_ms) = (sent_ms - SKEW_MS, now_ms + SKEW_MS);
        let days = self.days.iter().enumerate();
        days.filter(move |(_, day)| day.start_ms <= to_ms && from_ms < day.end_ms).map(|(i, _)| i)
    }
}
