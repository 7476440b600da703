//! When a campaign is, as a reader of a poster says it: dates and times of the campaign's zone.
//!
//! Never here: the machine's zone, or a zone table of our own; what day it is there, `ballot` says.

use ballot::{Campaign, LocalTime};

use super::Lang;
use crate::pages::MONTHS;

/// Midnight, as the end of a day.
const DAY_MINUTES: u32 = 24 * 60;

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const WEEKDAYS_ZH: [&str; 7] = ["周一", "周二", "周三", "周四", "周五", "周六", "周日"];
/// A day and a time on the clocks of a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moment {
    year: u32,
    month: u32,
    day: u32,
    weekday: usize,
    /// Since midnight, as the clock shows it.
    minutes: u32,
}

/// The moments at which a campaign opens and closes. One that closes with a day's end closes at
/// 24:00 of that day: nobody takes the next date for a day on which to vote.
pub(super) fn window(campaign: &Campaign) -> Option<[Moment; 2]> {
    let opens = Moment::of(campaign, campaign.opens_at_ms)?;
    let closes = Moment::of(campaign, campaign.closes_at_ms)?;
    if closes.minutes > 0 {
        return Some([opens, closes]);
    }
    let last = Moment::of(campaign, campaign.closes_at_ms - 1)?;
    Some([opens, Moment { minutes: DAY_MINUTES, ..last }])
}

impl Moment {
    fn of(campaign: &Campaign, at_ms: i64) -> Option<Self> {
        let LocalTime { date, weekday, hour, minute } = campaign.local_time(at_ms)?;
        let number = date.number();
        let (year, month, day) = (number / 10_000, number / 100 % 100, number % 100);
        Some(Self { year, month, day, weekday, minutes: hour * 60 + minute })
    }

    /// The date, such as 18 December 2023.
    fn date(self, lang: Lang) -> String {
        let Self { year, month, day, .. } = self;
        match lang {
            Lang::Chinese => format!("{year}年{month}月{day}日"),
            Lang::English => format!("{day} {} {year}", pick(&MONTHS, index(month))),
        }
    }

    /// The date without its year.
    fn date_of_year(self, lang: Lang) -> String {
        let Self { month, day, .. } = self;
        match lang {
            Lang::Chinese => format!("{month}月{day}日"),
            Lang::English => format!("{day} {}", pick(&MONTHS, index(month))),
        }
    }

    /// The day as short as it can be told, for a sheet that has said the year.
    pub(super) fn short(self, lang: Lang) -> String {
        let weekday = self.weekday(lang);
        match lang {
            Lang::Chinese => format!("{} {weekday}", self.date_of_year(lang)),
            Lang::English => {
                let month = pick(&MONTHS, index(self.month));
                format!("{weekday} {} {}", self.day, month.get(..3).unwrap_or(month))
            }
        }
    }

    /// The day of the week.
    fn weekday(self, lang: Lang) -> &'static str {
        match lang {
            Lang::Chinese => pick(&WEEKDAYS_ZH, self.weekday),
            Lang::English => pick(&WEEKDAYS, self.weekday),
        }
    }

    /// The time on the clock.
    pub(super) fn time(self) -> String {
        format!("{:02}:{:02}", self.minutes / 60, self.minutes % 60)
    }

    /// The dates of two moments in one line, a year that they share said once.
    pub(super) fn span([from, to]: [Self; 2], lang: Lang) -> String {
        if from.date(lang) == to.date(lang) {
            return to.date(lang);
        }
        match (lang, from.year == to.year) {
            (Lang::Chinese, true) => format!("{}至{}", from.date(lang), to.date_of_year(lang)),
            (Lang::Chinese, false) => format!("{}至{}", from.date(lang), to.date(lang)),
            (Lang::English, true) => format!("{} to {}", from.date_of_year(lang), to.date(lang)),
            (Lang::English, false) => format!("{} to {}", from.date(lang), to.date(lang)),
        }
    }
}

/// What readers call the time of a zone.
pub(super) fn zone(name: &str, lang: Lang) -> String {
    match (name, lang) {
        ("Asia/Shanghai", Lang::Chinese) => "北京时间".to_owned(),
        ("Asia/Shanghai", Lang::English) => "Beijing time".to_owned(),
        (zone, Lang::Chinese) => format!("{zone} 当地时间"),
        (zone, Lang::English) => format!("{zone} time"),
    }
}

/// The place of a month in a list of them.
fn index(month: u32) -> usize {
    usize::try_from(month.saturating_sub(1)).unwrap_or(usize::MAX)
}

fn pick(names: &[&'static str], n: usize) -> &'static str {
    names.get(n).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn campaign(zone: &str, opens: &str, closes: &str) -> Campaign {
        Campaign::parse(&format!(
            "id = \"c\"\ntitle = \"T\"\nzone = \"{zone}\"\nopens_at = {opens}\n\
             closes_at = {closes}\nchoices_per_ballot_max = 1\n\
             [[choices]]\nnumber = 1\ntitle = \"A\"\n"
        ))
        .unwrap()
    }

    fn told(zone: &str, opens: &str, closes: &str) -> [String; 2] {
        let told = |moment: Moment| {
            let weekday = moment.weekday(Lang::English);
            format!("{weekday} {}, {}", moment.date(Lang::English), moment.time())
        };
        window(&campaign(zone, opens, closes)).unwrap().map(told)
    }

    #[test]
    fn moments_are_those_of_the_campaigns_clocks() {
        let [opens, closes] = told("Asia/Shanghai", "2023-12-18T10:00:00", "2023-12-24T17:30:00");
        assert_eq!(opens, "Mon 18 December 2023, 10:00");
        assert_eq!(closes, "Sun 24 December 2023, 17:30");
        let [opens, closes] = told("Asia/Kathmandu", "2024-02-29T00:00:00", "2024-03-01T00:00:00");
        assert_eq!(opens, "Thu 29 February 2024, 00:00");
        assert_eq!(closes, "Thu 29 February 2024, 24:00");
    }

    #[test]
    fn a_day_of_23_or_25_hours_shows_the_time_of_its_clocks() {
        let [opens, closes] = told("Europe/Berlin", "2023-03-26T01:30:00", "2023-03-26T18:00:00");
        assert_eq!(opens, "Sun 26 March 2023, 01:30");
        assert_eq!(closes, "Sun 26 March 2023, 18:00");
        let [opens, closes] = told("Europe/Berlin", "2023-10-29T09:15:00", "2023-10-30T00:00:00");
        assert_eq!(opens, "Sun 29 October 2023, 09:15");
        assert_eq!(closes, "Sun 29 October 2023, 24:00");
    }

    #[test]
    fn a_span_names_a_year_once() {
        let span = |opens, closes, lang| {
            Moment::span(window(&campaign("Asia/Shanghai", opens, closes)).unwrap(), lang)
        };
        let (opens, closes) = ("2023-12-18T10:00:00", "2023-12-24T17:00:00");
        assert_eq!(span(opens, closes, Lang::Chinese), "2023年12月18日至12月24日");
        assert_eq!(span(opens, closes, Lang::English), "18 December to 24 December 2023");
        let closes = "2024-01-02T00:00:00";
        assert_eq!(span(opens, closes, Lang::Chinese), "2023年12月18日至2024年1月1日");
        assert_eq!(span(opens, closes, Lang::English), "18 December 2023 to 1 January 2024");
        assert_eq!(span(opens, "2023-12-19T00:00:00", Lang::English), "18 December 2023");
    }
}
