//! Instants as RFC 3339 in UTC with milliseconds, as in `2023-12-18T02:00:00.000Z`.
//!
//! The calendar is the proleptic Gregorian one, by the arithmetic of Howard Hinnant's
//! `civil_from_days`. Never here: a zone, or a clock.

const DAY_MS: i64 = 86_400_000;

/// The text of an instant, milliseconds since 1970-01-01 UTC.
pub(crate) fn rfc3339(at_ms: i64) -> String {
    let (day, of_day_ms) = (at_ms.div_euclid(DAY_MS), at_ms.rem_euclid(DAY_MS));
    // Days since 0000-03-01, so that a leap day is the last of its year.
    let day = day + 719_468;
    let (era, of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let date = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day_ms / 3_600_000, of_day_ms / 60_000 % 60);
    let (second, ms) = (of_day_ms / 1_000 % 60, of_day_ms % 1_000);
    format!("{year:04}-{month:02}-{date:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_around_leap_days_and_before_1970_have_their_dates() {
        // By `date -u -d @SECONDS +%FT%T`.
        for (at_ms, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (-1, "1969-12-31T23:59:59.999Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_702_864_800_000, "2023-12-18T02:00:00.000Z"),
            (1_709_251_199_001, "2024-02-29T23:59:59.001Z"),
            (1_709_251_200_000, "2024-03-01T00:00:00.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(rfc3339(at_ms), expected);
        }
    }
}
