//! What a campaign promises: the real file, its days, its move to another day, and no panic.

use proptest::prelude::*;

use super::*;

mod messages;

const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");

/// A valid file of six lines before its two choices.
const SMALL: &str = r#"id = "a-1"
title = "T"
zone = "Europe/Berlin"
opens_at = 2023-12-18T10:00:00
closes_at = 2023-12-20T00:00:00
choices_per_ballot_max = 2
[[choices]]
number = 1
title = "One"

[[choices]]
number = 2
title = "Two"
"#;

fn day(text: &str) -> VotingDay {
    text.parse().unwrap()
}

#[test]
fn a_file_says_how_voters_are_known_and_what_is_shown_and_needs_to_say_neither() {
    let plain = Campaign::parse(SMALL).unwrap();
    assert_eq!((plain.identity, plain.results), (Identity::default(), Results::Live));
    assert_eq!(plain.channels, Vec::<String>::new());
    let tables = "results = \"hidden\"\nchannels = [\"bus-1\"]\n[identity]\nmode = \"unionid\"\n\
                  account = \"A\"\napp_id = \"wx1\"\nsubscription_app_id = \"wx2\"\n[[choices]]\n\
                  number = 1";
    let full = Campaign::parse(&SMALL.replace("[[choices]]\nnumber = 1", tables)).unwrap();
    assert_eq!((full.identity.mode, full.results), (Mode::Unionid, Results::Hidden));
    assert_eq!(full.identity.subscription_app_id.as_deref(), Some("wx2"));
    assert_eq!(full.channels, ["bus-1"]);
}

#[test]
fn a_challenge_is_work_of_18_bits_or_others_or_a_captcha_at_addresses_that_hide_nothing() {
    let parsed = |table: &str| {
        let tables = format!("[challenge]\n{table}\n[[choices]]\nnumber = 1");
        Campaign::parse(&SMALL.replace("[[choices]]\nnumber = 1", &tables))
    };
    assert_eq!(Campaign::parse(SMALL).unwrap().challenge, None);
    for (table, bits) in [("kind = \"work\"", 18), ("kind = \"work\"\nbits = 8", 8)] {
        assert_eq!(parsed(table).unwrap().challenge, Some(Challenge::Work { bits }));
    }
    let captcha = |page_url: &str| {
        parsed(&format!("kind = \"captcha\"\npage_url = {page_url:?}\nverify_url = \"https://v\""))
    };
    let page_url = "https://a.example:8443/check?site=1".to_owned();
    let verify_url = "https://v".to_owned();
    let found = captcha(&page_url).unwrap().challenge;
    assert_eq!(found, Some(Challenge::Captcha { page_url, verify_url }));
    for url in [
        "http://a",
        "https://",
        "https:///x",
        "https://a@b/",
        "https://a/#x",
        "https://a/ b",
        "javascript:x",
        "https://a\\b",
        "https://é.example",
    ] {
        let refused = captcha(url).unwrap_err().to_string();
        assert!(refused.contains("challenge.page_url: "), "{url}: {refused}");
    }
}

#[test]
fn the_hubei_campaign_is_what_was_announced() {
    let campaign = Campaign::parse(HUBEI).unwrap();
    assert_eq!(campaign.id, "hubei-2023");
    assert_eq!((campaign.choices.len(), campaign.days().len()), (20, 7));
    // 2023-12-18 02:00 and 2023-12-24 09:00 UTC.
    assert_eq!(campaign.opens_at_ms, 1_702_864_800_000);
    assert_eq!(campaign.closes_at_ms, 1_703_408_400_000);
    assert_eq!((campaign.choices_per_ballot_min, campaign.choices_per_ballot_max), (1, 10));
    assert!(campaign.followers_only);
    assert_eq!((campaign.grace_ms, campaign.voters_per_day_max), (60_000, 2_000_000));
    assert!(campaign.choices.iter().all(|c| c.organisation.is_some() && c.summary.is_some()));
    let first = campaign.days()[0];
    // The first day ends with midnight in Shanghai, 16:00 UTC.
    assert_eq!(
        first,
        Day { day: day("2023-12-18"), start_ms: 1_702_864_800_000, end_ms: 1_702_915_200_000 }
    );
}

#[test]
fn a_window_that_ends_with_midnight_has_no_empty_last_day() {
    let days = Campaign::parse(SMALL).unwrap().days();
    assert_eq!(
        days.iter().map(|d| d.day).collect::<Vec<_>>(),
        [day("2023-12-18"), day("2023-12-19")]
    );
}

#[test]
fn there_are_1_to_256_choices() {
    let head = SMALL.split("[[choices]]").next().unwrap();
    let file = |count: usize| {
        let choice = |n| format!("[[choices]]\nnumber = {n}\ntitle = \"C\"\n");
        head.to_owned() + &(1..=count).map(choice).collect::<String>()
    };
    assert_eq!(Campaign::parse(&file(256)).unwrap().choices.len(), crate::CHOICES_MAX);
    let error = Campaign::parse(&file(257)).unwrap_err().to_string();
    assert_eq!(error, "line 7: choices: there are 257; give 1 to 256 tables [[choices]]");
    let error = Campaign::parse(&file(0)).unwrap_err().to_string();
    assert_eq!(error, "line 1: choices: is missing; give 1 to 256 tables [[choices]]");
}

#[test]
fn the_longest_window_meets_367_days() {
    let text = SMALL.replace("2023-12-20T00:00", "2024-12-18T10:00");
    let campaign = Campaign::parse(&text).unwrap();
    assert_eq!(campaign.days().len(), crate::DAYS_MAX);
    let moved = campaign.moved_to_start(day("2026-11-22")).unwrap();
    assert_eq!(moved.days().len(), crate::DAYS_MAX);
}

#[test]
fn a_moved_campaign_opens_at_midnight_and_keeps_its_closing_time() {
    let campaign = Campaign::parse(HUBEI).unwrap();
    let moved = campaign.moved_to_start(day("2026-11-22")).unwrap();
    let days = moved.days();
    assert_eq!((days.len(), days[0].day, days[6].day), (7, day("2026-11-22"), day("2026-11-28")));
    // 2026-11-21 16:00 and 2026-11-28 09:00 UTC.
    assert_eq!(moved.opens_at_ms, 1_795_276_800_000);
    assert_eq!(moved.closes_at_ms, 1_795_856_400_000);
    assert_eq!(moved.choices, campaign.choices);
    assert_eq!(moved.moved_to_start(day("2026-11-22")).unwrap(), moved);
}

#[test]
fn a_campaign_moves_to_no_day_that_is_none() {
    let text = SMALL.replace("Europe/Berlin", "Pacific/Apia");
    let campaign = Campaign::parse(&text).unwrap();
    let refusal = |date: &str| campaign.moved_to_start(day(date)).unwrap_err().to_string();
    assert_eq!(refusal("2023-02-30"), "opens_at: 2023-02-30 is no date; give another day");
    assert_eq!(
        refusal("2011-12-30"),
        "opens_at: Pacific/Apia has no day 2011-12-30; give another day"
    );
    assert!(refusal("9998-12-31").starts_with("closes_at: "));
}

/// A valid text, changed in one place: cut out, put in twice, or with something foreign put in.
fn mutated() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![HUBEI, SMALL]);
    let foreign = prop_oneof![
        "\\PC{0,8}",
        any::<char>().prop_map(String::from),
        prop::sample::select(vec![
            "[[choices]]\n",
            "[",
            "{",
            "\"",
            "'''",
            "\n",
            "=",
            ".",
            "9999999999999999999",
            "-",
            "0x",
            "9999-12-31T23:59:60",
            "[choices]\n",
            "\\u0000",
            "\u{feff}",
            "\r",
        ])
        .prop_map(str::to_owned),
    ];
    (text, any::<prop::sample::Index>(), 0..40_usize, foreign, any::<bool>()).prop_map(
        |(text, at, length, foreign, twice)| {
            let chars: Vec<char> = text.chars().collect();
            let at = at.index(chars.len());
            let end = chars.len().min(at + length);
            let rest = if twice { &chars[at..] } else { &chars[end..] };
            let parts = [&chars[..end], &foreign.chars().collect::<Vec<_>>(), rest];
            let cut = [&chars[..at], parts[1], rest];
            (if twice { parts } else { cut }).concat().into_iter().collect()
        },
    )
}

proptest! {
    #[test]
    fn no_text_makes_parse_panic(text in mutated()) {
        match Campaign::parse(&text) {
            Ok(campaign) => {
                let days = campaign.days();
                prop_assert!(!days.is_empty() && days.len() <= 367);
                prop_assert!(campaign.moved_to_start(days[0].day).is_ok());
            }
            Err(error) => {
                let lines = text.split('\n').count();
                prop_assert!(!error.problems.is_empty());
                prop_assert!(error.problems.iter().all(|p| p.line.is_some_and(|n| n <= lines)));
            }
        }
    }

    #[test]
    fn no_noise_makes_parse_panic(text in "\\PC{0,200}") {
        prop_assert!(Campaign::parse(&text).is_err());
    }
}
