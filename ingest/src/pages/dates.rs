//! Instants of a campaign as its own clocks and calendar show them, in words.
//!
//! Never here: the zone of the server or of the reader; a campaign's days are those of its zone.

use ballot::{Campaign, VotingDay, local_date, rfc3339};

use crate::language::Language;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;
/// No zone's calendar shows one date for longer.
const DATE_MS_MAX: i64 = 50 * HOUR_MS;
/// Clocks change in the small hours: what is later in a day is told from the day's end.
const CHANGED_BY_MS: i64 = 3 * HOUR_MS;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// An instant in words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moment {
    /// For machines, UTC.
    pub(crate) iso: String,
    /// Such as `12月18日`, with the year where that was asked for.
    pub(crate) date: String,
    /// Such as `10:00`.
    pub(crate) time: String,
}

/// An instant of a campaign in words.
pub(crate) fn moment(
    campaign: &Campaign,
    at_ms: i64,
    language: Language,
    with_year: bool,
) -> Moment {
    let shows = |at_ms: i64| local_date(&campaign.zone, at_ms);
    // Midnight at the end of a window still belongs to the day that ends.
    let date = shows(at_ms);
    let first_ms = edge(at_ms - DATE_MS_MAX, at_ms, |at| shows(at) >= date);
    let next_ms = edge(at_ms, at_ms + DATE_MS_MAX, |at| shows(at) > date);
    let late = next_ms - first_ms != DAY_MS && at_ms - first_ms >= CHANGED_BY_MS;
    let since_ms = if late { DAY_MS - (next_ms - at_ms) } else { at_ms - first_ms };
    let (hour, minute) = (since_ms / HOUR_MS, since_ms % HOUR_MS / MINUTE_MS);
    Moment {
        iso: rfc3339(at_ms),
        date: date.map(|date| words(date, language, with_year)).unwrap_or_default(),
        time: format!("{hour:02}:{minute:02}"),
    }
}

/// A date in words.
pub(crate) fn words(date: VotingDay, language: Language, with_year: bool) -> String {
    let number = date.number();
    let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
    let name = || MONTHS.iter().zip(1..).find(|(_, n)| *n == month).map_or("", |(name, _)| name);
    match (language, with_year) {
        (Language::Chinese, true) => format!("{year}年{month}月{day}日"),
        (Language::Chinese, false) => format!("{month}月{day}日"),
        (Language::English, true) => format!("{day} {} {year}", name()),
        (Language::English, false) => format!("{day} {}", name()),
    }
}

/// The first millisecond above `low` and up to `high` that is past an edge, which `high` is.
fn edge(mut low: i64, mut high: i64, past: impl Fn(i64) -> bool) -> i64 {
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if past(middle) { high = middle } else { low = middle }
    }
    high
}

#[cfg(test)]
mod tests {
    use super::*;

    const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");

    fn told(zone: &str, opens: &str) -> String {
        let text = HUBEI.replace("Asia/Shanghai", zone).replace("2023-12-18T10:00:00", opens);
        let campaign = Campaign::parse(&text).unwrap();
        let moment = moment(&campaign, campaign.opens_at_ms, Language::English, true);
        format!("{}, {}", moment.date, moment.time)
    }

    #[test]
    fn a_window_is_told_by_the_clocks_of_its_zone() {
        let campaign = Campaign::parse(HUBEI).unwrap();
        let opens = moment(&campaign, campaign.opens_at_ms, Language::Chinese, true);
        let expected = ("2023-12-18T02:00:00.000Z", "2023年12月18日", "10:00");
        assert_eq!((opens.iso.as_str(), opens.date.as_str(), opens.time.as_str()), expected);
        let closes = moment(&campaign, campaign.closes_at_ms, Language::English, false);
        assert_eq!((closes.date.as_str(), closes.time.as_str()), ("24 December", "17:00"));
        assert_eq!(told("Asia/Kathmandu", "2023-12-18T00:00:00"), "18 December 2023, 00:00");
    }

    #[test]
    fn days_of_23_and_25_hours_are_told_as_the_clocks_showed_them() {
        for (zone, opens, expected) in [
            ("Europe/Berlin", "2023-03-26T10:30:00", "26 March 2023, 10:30"),
            ("Europe/Berlin", "2023-10-29T17:00:00", "29 October 2023, 17:00"),
            ("Europe/Berlin", "2023-10-29T00:30:00", "29 October 2023, 00:30"),
            ("Europe/Berlin", "2023-10-28T23:59:00", "28 October 2023, 23:59"),
        ] {
            assert_eq!(told(zone, opens), expected);
        }
    }
}
