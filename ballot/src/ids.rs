//! Identifiers shared by every part: journal identity and voting day.
//!
//! Both are plain values with one textual form each; neither ever reads a clock.

use std::fmt;
use std::str::FromStr;

/// What a journal *is*, as opposed to where it is: Kafka's topic id, or a random UUID.
///
/// A journal made anew under the same name has another identity, so that a snapshot of the old one
/// is never taken for a snapshot of the new one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct JournalId(pub [u8; 16]);

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JournalId({self})")
    }
}

/// A calendar day of the campaign's zone, as the number `YYYYMMDD`.
///
/// It names a day; where the day starts and ends is in the rules record, never derived from this.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VotingDay(u32);

impl VotingDay {
    /// The day `year-month-day`; `None` if that is not the shape of a date.
    #[must_use]
    pub const fn new(year: u32, month: u32, day: u32) -> Option<Self> {
        let shaped = year <= 9999 && month >= 1 && month <= 12 && day >= 1 && day <= 31;
        if shaped { Some(Self(year * 10_000 + month * 100 + day)) } else { None }
    }

    /// The day of a number `YYYYMMDD`; `None` if that is not the shape of a date.
    #[must_use]
    pub const fn from_number(number: u32) -> Option<Self> {
        Self::new(number / 10_000, number / 100 % 100, number % 100)
    }

    /// `YYYYMMDD`.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

impl fmt::Display for VotingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.0 / 10_000, self.0 / 100 % 100, self.0 % 100)
    }
}

impl fmt::Debug for VotingDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "VotingDay({self})")
    }
}

impl FromStr for VotingDay {
    type Err = NotADay;

    fn from_str(text: &str) -> Result<Self, NotADay> {
        let bytes = text.as_bytes();
        if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
            return Err(NotADay);
        }
        let number = |part: &[u8]| -> Option<u32> {
            part.iter().try_fold(0, |sum, byte| {
                byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
            })
        };
        match (number(&bytes[..4]), number(&bytes[5..7]), number(&bytes[8..])) {
            (Some(year), Some(month), Some(day)) => Self::new(year, month, day).ok_or(NotADay),
            _ => Err(NotADay),
        }
    }
}

impl serde::Serialize for VotingDay {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The text is not a date `YYYY-MM-DD`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a date of the form YYYY-MM-DD")]
pub struct NotADay;

/// An instant as text, RFC 3339 in UTC with milliseconds; the number itself if it is no instant.
#[must_use]
pub fn rfc3339(at_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(at_ms)
        .map_or_else(|_| at_ms.to_string(), |instant| format!("{instant:.3}"))
}

/// Lower-case hexadecimal.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text
}

/// The bytes of `2 × N` hexadecimal digits; `None` for anything else.
#[must_use]
pub fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let text = text.as_bytes();
    if text.len() != N * 2 {
        return None;
    }
    let digit = |c: u8| char::from(c).to_digit(16).and_then(|d| u8::try_from(d).ok());
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_reads_back_from_its_text_and_number() {
        let day: VotingDay = "2023-12-18".parse().unwrap();
        assert_eq!(day.number(), 20_231_218);
        assert_eq!(day.to_string(), "2023-12-18");
        assert_eq!(VotingDay::from_number(20_231_218), Some(day));
        for wrong in
            ["2023-13-01", "2023-00-01", "2023-1-1", "20231218", "２023-12-1", "2023-12-1x"]
        {
            assert!(wrong.parse::<VotingDay>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_instant_has_milliseconds_and_a_zone() {
        assert_eq!(rfc3339(1_702_864_800_000), "2023-12-18T02:00:00.000Z");
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999Z");
        assert_eq!(rfc3339(i64::MAX), i64::MAX.to_string());
    }

    #[test]
    fn hex_reads_back_and_refuses_other_lengths_and_digits() {
        assert_eq!(unhex::<3>(&hex(&[0, 0xAB, 0xFF])), Some([0, 0xAB, 0xFF]));
        assert_eq!(unhex::<3>("00abf"), None);
        assert_eq!(unhex::<2>("0g00"), None);
    }
}
