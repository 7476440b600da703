//! A ballot as it is sent: `{"choices":[1,5,7]}`, perhaps with `"day":"2023-12-18"`, read strictly.
//!
//! Invariant: a text means one ballot or none: no key twice, none unknown, nothing behind it, no
//! number that is not whole. Never here: the campaign's rules; what is read may still be invalid.

use std::fmt;

use ballot::{CHOICES_MAX, ChoiceSet, VotingDay};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};

/// What of the parser's words goes into an answer at most: they may quote the ballot.
const REASON_CHARS_MAX: usize = 120;

/// What a voter sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Submission {
    /// The choices that a set can hold.
    pub(crate) choices: ChoiceSet,
    /// Numbers that no campaign has, as sent.
    pub(crate) impossible: Vec<i64>,
    /// Numbers sent more than once.
    pub(crate) repeated: Vec<u32>,
    /// The voting day it is meant for, where that was said.
    pub(crate) day: Option<VotingDay>,
}

impl Submission {
    /// The ballot of a body.
    ///
    /// # Errors
    /// What is wrong with it, in a few English words.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(body)
            .map_err(|error| error.to_string().chars().take(REASON_CHARS_MAX).collect())
    }
}

impl<'de> Deserialize<'de> for Submission {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not derived: a derived struct would take an array for an object.
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Submission;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with choices")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Submission, A::Error> {
        let (mut choices, mut day) = (None, None);
        while let Some(key) = map.next_key::<Key>()? {
            match key {
                Key::Choices if choices.is_some() => {
                    return Err(de::Error::duplicate_field("choices"));
                }
                Key::Choices => choices = Some(map.next_value::<Choices>()?),
                Key::Day if day.is_some() => return Err(de::Error::duplicate_field("day")),
                Key::Day => day = Some(map.next_value::<Day>()?.0),
            }
        }
        let Choices { set, impossible, repeated } =
            choices.ok_or_else(|| de::Error::missing_field("choices"))?;
        Ok(Submission { choices: set, impossible, repeated, day })
    }
}

#[derive(Clone, Copy, Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum Key {
    Choices,
    Day,
}

#[derive(Default)]
struct Choices {
    set: ChoiceSet,
    impossible: Vec<i64>,
    repeated: Vec<u32>,
}

impl<'de> Deserialize<'de> for Choices {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Numbers)
    }
}

struct Numbers;

impl<'de> Visitor<'de> for Numbers {
    type Value = Choices;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of choice numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Choices, A::Error> {
        let mut choices = Choices::default();
        while let Some(sent) = numbers.next_element::<i64>()? {
            let number = u32::try_from(sent).ok();
            match number.filter(|number| (1..=CHOICES_MAX).contains(&(*number as usize))) {
                Some(number) if !choices.set.insert(number) => choices.repeated.push(number),
                Some(_) => {}
                None => choices.impossible.push(sent),
            }
        }
        Ok(choices)
    }
}

struct Day(VotingDay);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(DayText).map(Self)
    }
}

struct DayText;

impl Visitor<'_> for DayText {
    type Value = VotingDay;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a date such as \"2023-12-18\"")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<VotingDay, E> {
        text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_ballot_is_read_with_its_numbers_in_any_order_and_its_day() {
        let read = Submission::parse(b" {\"day\":\"2023-12-18\", \"choices\":[7, 1,5]}\n").unwrap();
        assert_eq!(read.choices.iter().collect::<Vec<_>>(), [1, 5, 7]);
        assert_eq!(read.day, VotingDay::new(2023, 12, 18));
        assert_eq!((read.impossible, read.repeated), (vec![], vec![]));
    }

    #[test]
    fn whole_numbers_that_no_set_holds_are_kept_to_be_named() {
        let read = Submission::parse(b"{\"choices\":[0,1,1,-3,257,256,9223372036854775807]}");
        let read = read.unwrap();
        assert_eq!(read.impossible, [0, -3, 257, i64::MAX]);
        assert_eq!(read.repeated, [1]);
        assert_eq!(read.choices.iter().collect::<Vec<_>>(), [1, 256]);
    }

    #[test]
    fn whatever_is_not_one_ballot_is_refused_with_a_reason() {
        let cases: [(&[u8], &str); 20] = [
            (b"", "EOF"),
            (b"{", "EOF"),
            (b"null", "an object with choices"),
            (b"[1,5,7]", "an object with choices"),
            (b"[[1,5,7]]", "an object with choices"),
            (b"{}", "missing field `choices`"),
            (b"{\"choices\":[1],\"choices\":[2]}", "duplicate field `choices`"),
            (b"{\"choices\":[1],\"ch\\u006fices\":[2]}", "duplicate field `choices`"),
            (b"{\"day\":\"2023-12-18\",\"day\":\"2023-12-18\"}", "duplicate field `day`"),
            (b"{\"choices\":[1],\"voter\":1}", "unknown field `voter`"),
            (b"{\"choices\":1}", "an array of choice numbers"),
            (b"{\"choices\":[1.0]}", "floating point"),
            (b"{\"choices\":[1e2]}", "floating point"),
            (b"{\"choices\":[99999999999999999999]}", "expected i64"),
            (b"{\"choices\":[\"1\"]}", "invalid type: string"),
            (b"{\"choices\":[null]}", "invalid type: null"),
            (b"{\"choices\":[1]} x", "trailing characters"),
            (b"{\"choices\":[1,]}", "trailing comma"),
            (b"{\"choices\":[1],\"day\":\"18.12.2023\"}", "a date such as"),
            (b"{\"choices\":[1],\"d\xFFy\":1}", "invalid unicode"),
        ];
        for (body, reason) in cases {
            let refused = Submission::parse(body).unwrap_err();
            assert!(refused.contains(reason), "{}: {refused}", String::from_utf8_lossy(body));
        }
        let long = format!("{{\"{}\":1}}", "é".repeat(8_000));
        assert_eq!(Submission::parse(long.as_bytes()).unwrap_err().chars().count(), 120);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(Submission::parse(&body));
        }
    }
}
