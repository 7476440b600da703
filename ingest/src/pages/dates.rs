//! Instants of a campaign as its own clocks and calendar show them, in words.
//!
//! Never here: the zone of the server or of the reader; a campaign's days are those of its zone.

use ballot::{Campaign, VotingDay, rfc3339};

use crate::language::Language;

/// As English names them, January first.
pub(crate) const MONTHS: [&str; 12] = [
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
    let shown = campaign.local_time(at_ms);
    Moment {
        iso: rfc3339(at_ms),
        date: shown.map(|at| words(at.date, language, with_year)).unwrap_or_default(),
        time: shown.map(|at| format!("{:02}:{:02}", at.hour, at.minute)).unwrap_or_default(),
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
