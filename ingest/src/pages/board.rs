//! The live board of a campaign in one language: its choices and words; a script fills in the
//! count.
//!
//! Invariant: the HTML holds no result, so its bytes are the same before, during and after the
//! vote, and for everybody; where results are hidden it says so without a script. Never here:
//! markup; it is in `pages/board.html`.

use askama::Template;
use ballot::{Campaign, Results};

use super::assets::File;
use super::dates::{Moment, moment};
use super::texts;
use crate::language::Language;

#[derive(Template)]
#[template(path = "board.html")]
struct Board<'a> {
    campaign: &'a Campaign,
    /// Whether there is a voting page here to lead to.
    votes: bool,
    language: Language,
    /// That of the campaign's texts.
    texts: &'static str,
    opens: Moment,
    closes: Moment,
    /// The voting days, a space between two.
    days: String,
    base_css: String,
    board_css: String,
    board_js: String,
    icon: String,
}

impl Board<'_> {
    /// One of two sentences: both stand side by side in the template.
    const fn say(&self, zh: &'static str, en: &'static str) -> &'static str {
        match self.language {
            Language::Chinese => zh,
            Language::English => en,
        }
    }

    /// The other language: its parameter, its tag and its name.
    const fn other(&self) -> (&'static str, &'static str, &'static str) {
        match self.language {
            Language::Chinese => ("en", "en", "English"),
            Language::English => ("zh", "zh-CN", "中文"),
        }
    }

    const fn is_hidden(&self) -> bool {
        matches!(self.campaign.results, Results::Hidden)
    }

    const fn results(&self) -> &'static str {
        if self.is_hidden() { "hidden" } else { "live" }
    }

    /// What the script finds and a reader without one is left with.
    const fn first_state(&self) -> &'static str {
        if self.is_hidden() { "hidden" } else { "loading" }
    }

    /// The zone as people name it.
    fn zone(&self) -> &str {
        match self.campaign.zone.as_str() {
            "Asia/Shanghai" => self.say("北京时间", "Beijing time"),
            zone => zone,
        }
    }
}

/// The board as HTML; with a way to the voting page where `votes` are taken.
pub(crate) fn render(campaign: &Campaign, votes: bool, language: Language) -> String {
    let days: Vec<String> = campaign.days().iter().map(|day| day.day.to_string()).collect();
    let board = Board {
        campaign,
        votes,
        language,
        texts: texts(campaign),
        opens: moment(campaign, campaign.opens_at_ms, language, true),
        closes: moment(campaign, campaign.closes_at_ms, language, false),
        days: days.join(" "),
        base_css: File::BaseCss.href(),
        board_css: File::BoardCss.href(),
        board_js: File::BoardJs.href(),
        icon: File::Icon.href(),
    };
    board.render().expect("a template of texts always renders")
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use bytes::Bytes;

    use super::super::assets::{BOARD_CSS, BOARD_JS};
    use super::super::document::Document;
    use super::*;

    const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");
    const BASE_CSS: &str = include_str!("../../pages/base.css");
    /// As in `state` of `pages/board/main.js`.
    const STATES: [&str; 11] = [
        "loading",
        "not_ready",
        "offline",
        "gone",
        "hidden",
        "not_open",
        "live",
        "counting",
        "stale",
        "other",
        "final",
    ];
    const BOTH: [Language; 2] = [Language::Chinese, Language::English];

    fn board(toml: &str, language: Language) -> String {
        render(&Campaign::parse(toml).unwrap(), true, language)
    }

    #[test]
    fn every_choice_is_in_the_html_with_its_title_and_organisation() {
        let campaign = Campaign::parse(HUBEI).unwrap();
        for language in BOTH {
            let html = render(&campaign, true, language);
            for choice in &campaign.choices {
                assert!(html.contains(&format!("<li id=\"place-{}\">", choice.number)));
                assert!(html.contains(&choice.title), "{}", choice.title);
                assert!(html.contains(choice.organisation.as_deref().unwrap()));
            }
            assert!(html.contains("data-days=\"2023-12-18 2023-12-19"));
        }
    }

    #[test]
    fn what_an_organiser_writes_never_becomes_markup() {
        let attack = r#"'</title></p><script>alert(1)</script>" onload=x <!-- {{ 1 }}'"#;
        let toml = HUBEI
            .replace("organiser = \"", &format!("organiser = '''{attack}''' # \""))
            .replacen("title = \"2023", &format!("title = '''{attack}''' # \""), 1)
            .replacen("title = \"搭", &format!("title = '''{attack}''' # \""), 1)
            .replacen("organisation = \"", &format!("organisation = '''{attack}''' # \""), 1);
        let honest = board(HUBEI, Language::Chinese);
        let html = board(&toml, Language::Chinese);
        assert_eq!(html.matches("alert(1)").count(), 5);
        for mark in ["<script", "</title>", "</p>", "<!--"] {
            assert_eq!(html.matches(mark).count(), honest.matches(mark).count(), "{mark}");
        }
        assert!(!html.contains("\" onload"));
    }

    #[test]
    fn nothing_in_it_is_inline_or_from_elsewhere() {
        for language in BOTH {
            let html = board(HUBEI, language);
            for inline in [" style=", "<style", " onclick=", " onload=", "javascript:", "http"] {
                assert!(!html.contains(inline), "{inline}");
            }
            assert_eq!(html.matches("<script").count(), html.matches("defer></script>").count());
        }
        for unsafe_or_new in ["innerHTML", "eval(", "cssText", "?.", "??", "http:", "https:"] {
            assert!(!BOARD_JS.contains(unsafe_or_new), "{unsafe_or_new}");
        }
    }

    #[test]
    fn a_hidden_result_is_announced_without_a_script() {
        let hidden = format!("results = \"hidden\"\n{HUBEI}");
        let html = board(&hidden, Language::Chinese);
        assert!(html.contains("data-results=\"hidden\"") && html.contains("id=\"notice\">结果在"));
        assert!(board(HUBEI, Language::Chinese).contains("id=\"notice\"></p>"));
    }

    #[test]
    fn all_of_it_weighs_less_than_20_kb_on_its_way() {
        for language in BOTH {
            let page = Document::page(board(HUBEI, language), language);
            let file = |text: &'static str| Document::file(Bytes::from_static(text.as_bytes()), "");
            let parts = [page, file(BOARD_JS), file(BOARD_CSS), file(BASE_CSS)];
            let sent: usize = parts.iter().map(|part| part.gzip().len()).sum();
            let plain: usize = parts.iter().map(|part| part.plain().len()).sum();
            assert!(sent < 20 * 1024, "{sent}, {plain} as written");
        }
    }

    #[test]
    fn every_word_that_the_script_asks_for_is_there() {
        let html = board(HUBEI, Language::English);
        let asked = BOARD_JS.split("say('").skip(1).map(|rest| rest.split('\'').next().unwrap());
        let states = STATES.map(|state| format!("is_{state}"));
        let all: Vec<String> = asked.map(str::to_owned).chain(states).collect();
        assert!(all.len() > 20, "{all:?}");
        for word in all {
            assert!(html.contains(&format!("data-word=\"{word}\"")), "{word}");
        }
    }

    #[test]
    fn what_the_script_works_out_passes_its_own_tests() {
        let tests = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/board.test.js");
        let ran = Command::new("node").args(["--test", tests]).output();
        let ran = ran.expect("this test runs node: install Node 20 or later");
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
    }
}
