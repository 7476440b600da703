//! What an organiser reads when a campaign file is wrong, word for word.

use super::SMALL;
use crate::Campaign;

/// A part of `SMALL`, what it is replaced by, and the problems that makes.
const PROBLEMS: &[(&str, &str, &str)] = &[
    (
        "[[choices]]\nnumber = 1",
        "[identity]\nmode = \"wechat\"\n[[choices]]\nnumber = 1",
        "line 8: identity.mode: \"wechat\" is no mode; give \"service\", \"unionid\", \"link\", \
          \"token\" or \"demo\"",
    ),
    (
        "[[choices]]\nnumber = 1",
        "[identity]\nmode = \"service\"\nkeyword = \"x\"\n[[choices]]\nnumber = 1",
        "line 7: identity.account: is missing in mode \"service\"; give a text in quotes\n\
          line 7: identity.app_id: is missing in mode \"service\"; give the account's AppID, such \
          as \"wx0123456789abcdef\"\n\
          line 9: identity.keyword: has no meaning in mode \"service\"; remove it",
    ),
    (
        "choices_per",
        "results = \"later\"\nchannels = [\"bus\", \"bus\"]\nchoices_per",
        "line 6: results: \"later\" is neither; give \"live\" or \"hidden\"\n\
          line 7: channels: \"bus\" cannot be one, or is there twice; give up to 64 names of 1 to \
          32 of a-z, 0-9 and '-', each once",
    ),
    (
        "choices_per",
        "identity = 1\nchoices_per",
        "line 6: identity: give a table [identity]; give \
          \"service\", \"unionid\", \"link\", \"token\" or \"demo\"",
    ),
    (
        "[[choices]]\nnumber = 1",
        "[challenge]\nkind = \"puzzle\"\nbits = 27\n[[choices]]\nnumber = 1",
        "line 8: challenge.kind: \"puzzle\" is neither; give \"work\" or \"captcha\"\n\
          line 9: challenge.bits: 27 is out of range; give 8 to 26",
    ),
    (
        "[[choices]]\nnumber = 1",
        "[challenge]\nkind = \"captcha\"\nbits = 9\npage_url = \"http://a\"\n[[choices]]\n\
          number = 1",
        "line 7: challenge.verify_url: is missing for a challenge of kind \"captcha\"; give an \
          address that begins with https:// and has no '#'\n\
          line 9: challenge.bits: has no meaning for a challenge of kind \"captcha\"; remove it\n\
          line 10: challenge.page_url: \"http://a\" is none; give an address that begins with \
          https:// and has no '#'",
    ),
    (
        "choices_per",
        "challenge = \"work\"\nchoices_per",
        "line 6: challenge: give a table [challenge] with its kind; give \"work\" or \"captcha\"",
    ),
    (
        "_max = 2",
        "_max = 25",
        "line 6: choices_per_ballot_max: 25 is more than the 2 choices; \
          give 1 to 2",
    ),
    ("_max = 2", "_max = 0", "line 6: choices_per_ballot_max: 0 is out of range; give 1 to 2"),
    (
        "_max = 2",
        "_max = 1\nchoices_per_ballot_min = 2",
        "line 7: choices_per_ballot_min: \
          2 is more than choices_per_ballot_max, 1; give at most 1",
    ),
    (
        "number = 2",
        "number = 3",
        "line 12: choices[2].number: 3 is out of range; give 2 \
          (choices are numbered from 1 in the order of the file)",
    ),
    ("title = \"One\"", "", "line 7: choices[1].title: is missing; give a text in quotes"),
    ("\"One\"", "\" \"", "line 9: choices[1].title: is empty; give a text"),
    (
        "\"One\"",
        "\"a\\u0007\"",
        "line 9: choices[1].title: contains the control character \
          \\u{7}; write it on one line",
    ),
    (
        "\"One\"",
        "\"a\\u202Eb\"",
        "line 9: choices[1].title: contains the control character \
          \\u{202e}; write it on one line",
    ),
    (
        "title = \"Two\"",
        "titel = \"Two\"",
        "line 11: choices[2].title: is missing; give a \
          text in quotes\nline 13: choices[2].titel: is not a field; remove it, or give one of \
          number, title, organisation, summary",
    ),
    (
        "\"a-1\"",
        "\"1a\"",
        "line 1: id: \"1a\" cannot be in a topic's name; give 1 to 48 of \
          a-z, 0-9 and '-', a letter first",
    ),
    ("\"T\"", "7", "line 2: title: this is of type integer; give a text in quotes"),
    (
        "Europe/Berlin",
        "europe/berlin",
        "line 3: zone: \"europe/berlin\" is not a known zone; \
          give an IANA name such as \"Asia/Shanghai\"",
    ),
    (
        "2023-12-20T00",
        "2023-12-18T10",
        "line 5: closes_at: is not after opens_at; give a \
          later time",
    ),
    (
        "2023-12-20T00:00",
        "2024-12-18T10:01",
        "line 5: closes_at: is more than 366 days after \
          opens_at; give an earlier time",
    ),
    (
        "2023-12-18T10:00:00",
        "2023-03-26T02:30:00",
        "line 4: opens_at: 2023-03-26T02:30:00 \
          does not exist in Europe/Berlin, whose clocks are put forward over it; give a time \
          before or after the change",
    ),
    (
        "2023-12-18T10:00:00",
        "2023-10-29T02:30:00",
        "line 4: opens_at: 2023-10-29T02:30:00 \
          comes twice in Europe/Berlin, whose clocks are put back over it; give a time before or \
          after the change",
    ),
    (
        "2023-12-18T10:00:00",
        "1970-12-18T10:00:00",
        "line 4: opens_at: 1970-12-18T10:00:00 is \
          out of range; give a year from 1971 to 9998",
    ),
    (
        "title = \"T\"",
        "grace_seconds = 9\nvoters_per_day_max = 0\nfollowers_only = 1",
        "line 1: title: is missing; give a text in quotes\n\
           line 2: grace_seconds: 9 is out of range; give 10 to 3600\n\
           line 3: voters_per_day_max: 0 is out of range; give 1 to 1000000000\n\
           line 4: followers_only: this is of type integer; give true or false",
    ),
];

/// The problems of `SMALL` with `from` replaced by `to`.
fn problems(from: &str, to: &str) -> String {
    assert!(SMALL.contains(from), "{from}");
    Campaign::parse(&SMALL.replacen(from, to, 1)).unwrap_err().to_string()
}

#[test]
fn a_problem_names_line_field_and_fix() {
    for (from, to, expected) in PROBLEMS {
        assert_eq!(problems(from, to), *expected);
    }
}

#[test]
fn a_time_with_offset_fraction_or_missing_half_is_refused() {
    for time in ["2023-12-18T10:00:00Z", "2023-12-18T10:00:00.5", "2023-12-18", "10:00:00"] {
        let text = problems("2023-12-18T10:00:00", time);
        assert!(
            text.starts_with("line 4: opens_at: ") && text.contains("give the zone's"),
            "{text}"
        );
    }
}

#[test]
fn broken_toml_is_told_with_its_line() {
    let text = problems("zone = \"Europe", "zone = Europe");
    assert!(text.starts_with("line 3: TOML: ") && text.ends_with("; mend the syntax"), "{text}");
    assert!(problems("title = \"T\"", "id = \"b\"").starts_with("line 2: TOML: duplicate key"));
}
