//! Instants, local times and calendar days of a zone, from the zone database inside the program.
//!
//! A day starts with the first instant at which the zone's calendar shows it, and ends where the
//! next one starts: days never overlap and leave no gap. Where clocks were put back across midnight
//! the calendar showed a day, the day before, and the day again; here a day that has begun stays.
//! No zone may ever come from the machine: its files differ from those of the next machine.

use std::ops::RangeInclusive;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use crate::{Day, VotingDay};

/// Years a window may lie in: in every zone its instants are positive and followed by a date.
pub(super) const YEARS: RangeInclusive<i16> = 1971..=9998;

/// The longest window: a leap year. It meets at most 367 calendar days, `rules::DAYS_MAX`.
const DAYS_MAX: i32 = 366;

/// The day that the calendar of `zone` (an IANA name) shows at an instant.
///
/// `None` for an unknown zone, or an instant outside the years 0 to 9999.
#[must_use]
pub fn local_date(zone: &str, at_ms: i64) -> Option<VotingDay> {
    let tz = time_zone(zone)?;
    voting_day(date_at(&tz, Timestamp::from_millisecond(at_ms).ok()?)?)
}

/// The zone of an IANA name, spelt as in the database.
pub(super) fn time_zone(name: &str) -> Option<TimeZone> {
    let tz = TimeZoneDatabase::bundled().get(name).ok()?;
    (tz.iana_name() == Some(name) && !tz.is_unknown()).then_some(tz)
}

/// The voting days of a window.
pub(super) fn days(tz: &TimeZone, opens_at_ms: i64, closes_at_ms: i64) -> Vec<Day> {
    let mut days = Vec::new();
    let mut date = first(tz, opens_at_ms);
    let mut start_ms = opens_at_ms;
    while start_ms < closes_at_ms {
        let day = voting_day(date).expect("a window's years have four digits");
        let (next, next_ms) = next_day(tz, date);
        let end_ms = next_ms.min(closes_at_ms);
        days.push(Day { day, start_ms, end_ms });
        (date, start_ms) = (next, end_ms);
    }
    days
}

/// The day after `date` and its start. A zone that crossed the date line skipped a date.
fn next_day(tz: &TimeZone, date: Date) -> (Date, i64) {
    let mut next = date;
    loop {
        next = next.tomorrow().expect("a window ends before the last year");
        if let Some(start_ms) = start(tz, next) {
            return (next, start_ms);
        }
    }
}

/// The first instant of a date; `None` if the zone's calendar never showed it.
pub(super) fn start(tz: &TimeZone, date: Date) -> Option<i64> {
    let midnight = date.to_datetime(Time::midnight());
    let at = match tz.to_ambiguous_timestamp(midnight).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset.to_timestamp(midnight).ok()?,
        // Midnight was jumped over: the day starts with the jump.
        AmbiguousOffset::Gap { after, .. } => {
            tz.following(after.to_timestamp(midnight).ok()?).next()?.timestamp()
        }
        AmbiguousOffset::Fold { before, .. } => before.to_timestamp(midnight).ok()?,
    };
    (tz.to_datetime(at).date() == date).then(|| at.as_millisecond())
}

/// The date at an instant.
fn date_at(tz: &TimeZone, at: Timestamp) -> Option<Date> {
    let date = tz.to_datetime(at).date();
    let next = date.tomorrow().ok()?;
    let begun = start(tz, next).is_some_and(|start_ms| start_ms <= at.as_millisecond());
    Some(if begun { next } else { date })
}

/// The first date of a window.
pub(super) fn first(tz: &TimeZone, opens_at_ms: i64) -> Date {
    date_at(tz, timestamp(opens_at_ms)).expect("a window starts before the last year")
}

/// What the zone's clocks show at an instant of a window.
/// What calendar and clocks of a zone show at an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalTime {
    /// The date.
    pub date: VotingDay,
    /// The day of the week, 0 for Monday.
    pub weekday: usize,
    /// 0 to 23.
    pub hour: u32,
    /// 0 to 59.
    pub minute: u32,
}

/// What the zone's calendar and clocks show; `None` beyond the dates that a voting day can have.
pub(super) fn shown(tz: &TimeZone, at_ms: i64) -> Option<LocalTime> {
    let time = tz.to_datetime(Timestamp::from_millisecond(at_ms).ok()?);
    let small = |part: i8| u32::try_from(part).ok();
    Some(LocalTime {
        date: voting_day(time.date())?,
        weekday: usize::try_from(time.weekday().to_monday_zero_offset()).ok()?,
        hour: small(time.hour())?,
        minute: small(time.minute())?,
    })
}

pub(super) fn local_time(tz: &TimeZone, at_ms: i64) -> DateTime {
    tz.to_datetime(timestamp(at_ms))
}

fn timestamp(at_ms: i64) -> Timestamp {
    Timestamp::from_millisecond(at_ms).expect("a window's instants came from timestamps")
}

/// The instant at which the zone's clocks show a time, or what is wrong with that time.
pub(super) fn instant(tz: &TimeZone, time: DateTime) -> Result<i64, String> {
    let zone = tz.iana_name().unwrap_or("the zone");
    let offset = match tz.to_ambiguous_timestamp(time).offset() {
        AmbiguousOffset::Unambiguous { offset } => offset,
        AmbiguousOffset::Gap { .. } => {
            return Err(format!(
                "{time} does not exist in {zone}, whose clocks are put forward over it; \
                 give a time before or after the change"
            ));
        }
        AmbiguousOffset::Fold { .. } => {
            return Err(format!(
                "{time} comes twice in {zone}, whose clocks are put back over it; \
                 give a time before or after the change"
            ));
        }
    };
    let out_of_range = |_| format!("{time} is too far away; give an earlier time");
    offset.to_timestamp(time).map(Timestamp::as_millisecond).map_err(out_of_range)
}

/// Whether a window has a length at all, or what is wrong with its end.
pub(super) fn order(opens_at_ms: i64, closes_at_ms: i64) -> Result<(), String> {
    if closes_at_ms <= opens_at_ms {
        return Err("is not after opens_at; give a later time".to_owned());
    }
    Ok(())
}

/// Whether two instants make a window, or what is wrong with its end.
pub(super) fn window(tz: &TimeZone, opens_at_ms: i64, closes_at_ms: i64) -> Result<(), String> {
    order(opens_at_ms, closes_at_ms)?;
    let latest = local_time(tz, opens_at_ms).checked_add(DAYS_MAX.days());
    if latest.is_ok_and(|latest| local_time(tz, closes_at_ms) > latest) {
        return Err(format!("is more than {DAYS_MAX} days after opens_at; give an earlier time"));
    }
    Ok(())
}

/// The date of a voting day; `None` for a shape that is no date, such as 30 February.
pub(super) fn date_of(day: VotingDay) -> Option<Date> {
    let part = |divisor: u32, modulus: u32| i8::try_from(day.number() / divisor % modulus).ok();
    let year = i16::try_from(day.number() / 10_000).ok()?;
    Date::new(year, part(100, 100)?, part(1, 100)?).ok()
}

fn voting_day(date: Date) -> Option<VotingDay> {
    let (month, day) = (u32::try_from(date.month()).ok()?, u32::try_from(date.day()).ok()?);
    VotingDay::new(u32::try_from(date.year()).ok()?, month, day)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;

    fn lengths(zone: &str, opens: &str, closes: &str) -> Vec<(String, i64)> {
        let tz = time_zone(zone).unwrap();
        let at = |time: &str| instant(&tz, time.parse().unwrap()).unwrap();
        let hours = |d: &Day| (d.day.to_string(), (d.end_ms - d.start_ms) / HOUR_MS);
        days(&tz, at(opens), at(closes)).iter().map(hours).collect()
    }

    fn expected(days: &[(&str, i64)]) -> Vec<(String, i64)> {
        days.iter().map(|(day, hours)| ((*day).to_owned(), *hours)).collect()
    }

    #[test]
    fn days_have_23_and_25_hours_when_clocks_change() {
        let spring = lengths("Europe/Berlin", "2023-03-25T12:00", "2023-03-27T12:00");
        let days = [("2023-03-25", 12), ("2023-03-26", 23), ("2023-03-27", 12)];
        assert_eq!(spring, expected(&days));
        let autumn = lengths("Europe/Berlin", "2023-10-28T12:00", "2023-10-30T00:00");
        assert_eq!(autumn, expected(&[("2023-10-28", 12), ("2023-10-29", 25)]));
    }

    #[test]
    fn a_day_without_midnight_starts_with_its_first_hour() {
        let tz = time_zone("America/Sao_Paulo").unwrap();
        let one = instant(&tz, "2018-11-04T01:00".parse().unwrap()).unwrap();
        assert_eq!(start(&tz, "2018-11-04".parse().unwrap()), Some(one));
        let days = lengths("America/Sao_Paulo", "2018-11-03T00:00", "2018-11-05T00:00");
        assert_eq!(days, expected(&[("2018-11-03", 24), ("2018-11-04", 23)]));
    }

    #[test]
    fn a_date_that_a_zone_skipped_is_no_voting_day() {
        let days = lengths("Pacific/Apia", "2011-12-29T00:00", "2012-01-01T00:00");
        assert_eq!(days, expected(&[("2011-12-29", 24), ("2011-12-31", 24)]));
    }

    #[test]
    fn a_day_that_has_begun_stays_when_clocks_go_back_over_midnight() {
        // At 00:01 on 7 November 2010 clocks went back to 23:01 on the 6th.
        let days = lengths("America/St_Johns", "2010-11-06T00:00", "2010-11-08T00:00");
        assert_eq!(days, expected(&[("2010-11-06", 24), ("2010-11-07", 25)]));
    }

    #[test]
    fn only_names_of_the_zone_database_are_zones() {
        for name in ["UTC", "Asia/Shanghai", "America/Argentina/Buenos_Aires", "Asia/Calcutta"] {
            assert!(time_zone(name).is_some(), "{name}");
        }
        for name in ["", "asia/shanghai", "+08:00", "CST-8", "Etc/Unknown", "../Asia/Shanghai"] {
            assert!(time_zone(name).is_none(), "{name}");
        }
        assert_eq!(local_date("Asia/Shanghai", 0), VotingDay::new(1970, 1, 1));
        assert_eq!(local_date("Asia/Shanghai", i64::MAX), None);
        assert_eq!(local_date("Nowhere", 0), None);
    }

    /// A zone, and a time near one of its changes or anywhere from 1970 to 2100.
    fn zone_and_instant() -> impl Strategy<Value = (&'static str, i64)> {
        let near = prop::sample::select(vec![
            ("Asia/Shanghai", "1988-04-17T00:00Z"),
            ("Europe/Berlin", "2023-03-26T01:00Z"),
            ("Europe/Berlin", "2023-10-29T01:00Z"),
            ("America/Sao_Paulo", "2018-11-04T03:00Z"),
            ("America/Sao_Paulo", "2019-02-17T02:00Z"),
            ("Pacific/Apia", "2011-12-30T10:00Z"),
            ("Pacific/Apia", "2012-03-31T14:00Z"),
            ("Australia/Lord_Howe", "2023-04-01T15:00Z"),
            ("America/St_Johns", "2010-11-07T02:31Z"),
        ]);
        let offset_ms = -72 * HOUR_MS..72 * HOUR_MS;
        (near, offset_ms, 0..4_102_444_800_000_i64, any::<bool>()).prop_map(
            |((zone, at), offset_ms, anywhere_ms, near)| {
                let at: Timestamp = at.parse().unwrap();
                (zone, if near { at.as_millisecond() + offset_ms } else { anywhere_ms })
            },
        )
    }

    proptest! {
        #[test]
        fn days_cover_the_window_in_order_and_are_those_of_the_calendar(
            (zone, opens_at_ms) in zone_and_instant(),
            length_ms in prop_oneof![1..100 * HOUR_MS, 1..9_000 * HOUR_MS],
            within in any::<prop::sample::Index>(),
        ) {
            let tz = time_zone(zone).unwrap();
            let closes_at_ms = opens_at_ms + length_ms;
            let days = days(&tz, opens_at_ms, closes_at_ms);
            prop_assert_eq!(days[0].start_ms, opens_at_ms);
            prop_assert_eq!(days[days.len() - 1].end_ms, closes_at_ms);
            for pair in days.windows(2) {
                prop_assert_eq!(pair[0].end_ms, pair[1].start_ms);
                prop_assert!(pair[0].day < pair[1].day);
            }
            for day in &days {
                prop_assert!(day.start_ms < day.end_ms);
                let length = usize::try_from(day.end_ms - day.start_ms).unwrap();
                let inside = day.start_ms + i64::try_from(within.index(length)).unwrap();
                for at_ms in [day.start_ms, inside, day.end_ms - 1] {
                    prop_assert_eq!(local_date(zone, at_ms), Some(day.day));
                    if zone != "America/St_Johns" {
                        let date = tz.to_datetime(timestamp(at_ms)).date();
                        prop_assert_eq!(voting_day(date), Some(day.day));
                    }
                }
            }
        }
    }
}
