//! The pages as a browser gets them.

use ballot::{Campaign, Challenge, Mode};
use hyper::Request;
use hyper::header::{ACCEPT_LANGUAGE, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, VARY};
use hyper::http::request::Parts;

use super::headers::POLICY;
use super::*;

const HUBEI: &str = include_str!("../../../campaigns/hubei-2023.toml");
/// What a first view may weigh, compressed; the issue allows 100 KB.
const WEIGHT_MAX: usize = 30_000;

fn hubei() -> Campaign {
    Campaign::parse(HUBEI).unwrap()
}

fn asked(uri: &str, languages: &str) -> Parts {
    let request = Request::builder().uri(uri).header(ACCEPT_LANGUAGE, languages);
    request.body(()).unwrap().into_parts().0
}

fn html(document: &Document) -> &str {
    std::str::from_utf8(document.plain()).unwrap()
}

/// The addresses of a page's static files.
fn files(html: &str) -> Vec<&str> {
    let hrefs = html.split("/assets/").skip(1);
    hrefs.filter_map(|rest| rest.split('"').next()).collect()
}

const MODES: [Mode; 5] = [Mode::Service, Mode::Unionid, Mode::Link, Mode::Token, Mode::Demo];

#[test]
fn no_text_of_a_campaign_becomes_markup() {
    let hostile = r#"</title></template><script>alert(1)</script>" ' onload=x ]]> {{ 7 }} &lt;"#;
    let mut campaign = hubei();
    campaign.title = hostile.to_owned();
    campaign.organiser = Some(hostile.to_owned());
    campaign.identity.account = Some(hostile.to_owned());
    campaign.identity.keyword = Some(hostile.to_owned());
    for choice in &mut campaign.choices {
        choice.title = hostile.to_owned();
        choice.organisation = Some(hostile.to_owned());
        choice.summary = Some(hostile.to_owned());
    }
    for mode in MODES {
        let pages = Pages::render(&campaign, Some(mode));
        for document in pages.0.page.iter().chain(&pages.0.board) {
            let html = html(document);
            assert!(!html.contains("<script>"), "{mode:?}");
            assert!(!html.contains("\" ' onload"), "{mode:?}");
            assert!(!html.contains("</title></template>"), "{mode:?}");
            assert!(html.contains("&#60;script&#62;alert(1)"), "{mode:?}");
        }
    }
    let index = index([&campaign], &asked("/", "zh"));
    assert_eq!(index.headers()[CONTENT_SECURITY_POLICY], POLICY);
}

#[test]
fn every_page_has_the_policy_and_nothing_that_it_forbids() {
    let campaign = hubei();
    for mode in MODES {
        let pages = Pages::render(&campaign, Some(mode));
        for answer in [pages.page(&asked("/", "zh")), pages.board(&asked("/", "en"))] {
            assert_eq!(answer.headers()[CONTENT_SECURITY_POLICY], POLICY);
            assert_eq!(answer.headers()["x-frame-options"], "DENY");
            assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
            assert_eq!(answer.headers()["referrer-policy"], "no-referrer");
            assert_eq!(answer.headers()[VARY], "Accept-Language, Accept-Encoding");
        }
        for document in pages.0.page.iter().chain(&pages.0.board) {
            let html = html(document);
            for tag in html.split('<').skip(1) {
                let tag = tag.split('>').next().unwrap();
                assert!(!tag.contains(" style="), "{tag}");
                assert!(!tag.contains(" on"), "{tag}");
                assert!(!tag.starts_with("style"), "{tag}");
                assert!(!tag.starts_with("script") || tag.contains(" src=\"/assets/"), "{tag}");
                assert!(!tag.contains("//"), "another origin: {tag}");
            }
        }
    }
}

#[test]
fn a_first_view_is_light_and_its_files_are_there() {
    let pages = Pages::render(&hubei(), Some(Mode::Service));
    for document in &pages.0.page {
        let files = files(html(document));
        assert_eq!(files.len(), 4, "{files:?}");
        let length = |name: &str| {
            let answer = asset(name, &asked("/", "zh")).unwrap();
            hyper::body::Body::size_hint(answer.body()).exact().unwrap()
        };
        assert!(files.iter().all(|name| length(name) > 0));
        let weight: usize = files.iter().map(|name| assets::gzip(name).unwrap().len()).sum();
        let weight = weight + document.gzip().len();
        assert!(weight < WEIGHT_MAX, "{weight}");
    }
}

#[test]
fn the_script_for_work_is_named_only_where_voters_may_have_to_work() {
    let mut campaign = hubei();
    let named = |campaign: &Campaign| {
        let pages = Pages::render(campaign, Some(Mode::Service));
        html(&pages.0.page[0]).contains(&format!(" data-work=\"{}\"", assets::File::WorkJs.href()))
    };
    assert!(!named(&campaign));
    campaign.challenge = Some(Challenge::Work { bits: 18 });
    assert!(named(&campaign));
}

#[test]
fn a_page_says_that_a_captchas_provider_sees_the_voter_where_there_is_one() {
    let mut campaign = hubei();
    let (page_url, verify_url) = ("https://check.example/a?b".to_owned(), "https://v/".to_owned());
    for challenge in [None, Some(Challenge::Captcha { page_url, verify_url })] {
        let is_one = challenge.is_some();
        campaign.challenge = challenge;
        for mode in MODES {
            let pages = Pages::render(&campaign, Some(mode));
            let [chinese, english] = &pages.0.page;
            for (document, words) in [
                (chinese, ["验证方会看到您的网络地址", "除下述安全验证外，不提供"]),
                (english, ["it sees your network address", "nothing but what the security check"]),
            ] {
                let html = html(document);
                let notice = html.split("id=\"captcha-notice\"").nth(1);
                assert_eq!(notice.is_some(), is_one, "{mode:?}");
                assert!(notice.is_none_or(|notice| notice.contains("check.example")));
                assert!(!html.contains("check.example/"), "where it is, is for the script to say");
                assert!(words.iter().all(|words| html.contains(words) == is_one), "{mode:?}");
            }
        }
    }
}

#[test]
fn the_texts_of_a_campaign_are_marked_as_chinese_only_where_they_are() {
    let titled = |title: &str| {
        let mut campaign = hubei();
        for choice in &mut campaign.choices {
            choice.title = title.to_owned();
        }
        campaign.title = title.to_owned();
        campaign
    };
    for (title, expected) in [
        ("Best library 2023", ""),
        ("2023 年度图书馆", "zh-CN"),
        ("東京の図書館", ""),
        ("도서관 大賞", ""),
    ] {
        let campaign = titled(title);
        let pages = Pages::render(&campaign, Some(Mode::Demo));
        for document in pages.0.page.iter().chain(&pages.0.board) {
            let heading = format!("<h1 lang=\"{expected}\">{title}</h1>");
            assert!(html(document).contains(&heading), "{title}");
        }
    }
}

#[test]
fn of_a_query_channel_and_language_go_along_and_nothing_else() {
    for (query, expected) in [
        ("", ""),
        ("?lang=en", "?lang=en"),
        ("?lang=zh-CN&c=metro-2", "?c=metro-2&lang=zh"),
        ("?c=Metro%0d%0a&x=y", "?c=other"),
        ("?lang=//evil.example&next=https://evil.example", ""),
        ("?lang=fr&lang=en&c=a&c=b", "?c=a"),
    ] {
        assert_eq!(kept(&asked(&format!("/{query}"), "zh")), expected, "{query}");
    }
}

#[test]
fn everything_to_read_is_in_the_page_itself() {
    let campaign = hubei();
    let pages = Pages::render(&campaign, Some(Mode::Service));
    for document in &pages.0.page {
        let html = html(document);
        for choice in &campaign.choices {
            assert!(html.contains(&choice.title));
            assert!(html.contains(choice.organisation.as_ref().unwrap()));
            assert!(html.contains(choice.summary.as_ref().unwrap()));
            assert!(html.contains(&format!("id=\"choice-{}\"", choice.number)));
        }
        for id in ["count", "submit", "message", "receipt", "check", "login", "lang", "board-link"]
        {
            assert_eq!(html.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
        }
        assert!(!html.contains("demo-notice"));
    }
    let demo = Pages::render(&campaign, Some(Mode::Demo));
    assert!(html(&demo.0.page[0]).contains("id=\"demo-notice\""));
}

#[test]
fn the_language_is_the_one_asked_for_and_else_chinese() {
    let pages = Pages::render(&hubei(), Some(Mode::Token));
    for (uri, languages, expected) in [
        ("/", "", "zh-CN"),
        ("/", "fr", "zh-CN"),
        ("/", "en-GB,en;q=0.9", "en"),
        ("/", "zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"),
        ("/", "en;q=0.2,zh;q=0.3", "zh-CN"),
        ("/?lang=en", "zh", "en"),
        ("/?c=poster&lang=zh", "en", "zh-CN"),
        ("/?lang=xx", "en", "en"),
        ("/?lang=xx", "", "zh-CN"),
    ] {
        let answer = pages.page(&asked(uri, languages));
        assert_eq!(answer.headers()[CONTENT_LANGUAGE], expected, "{uri} {languages}");
    }
    let start = |document: &Document| html(document).lines().nth(1).unwrap().to_owned();
    let [chinese, english] = &pages.0.page;
    assert_eq!(start(chinese), "<html lang=\"zh-CN\">");
    assert_eq!(start(english), "<html lang=\"en\">");
}

#[test]
fn the_script_keeps_to_what_older_browsers_can_parse_and_makes_no_html_of_texts() {
    let script = [assets::PAGE_JS, assets::WORK_JS].concat();
    let newer = ["?.", "??", "||=", "&&=", "**", "replaceAll(", "allSettled(", ".at(", "import "];
    for word in newer.into_iter().chain(["innerHTML", "insertAdjacentHTML", "eval("]) {
        assert!(!script.contains(word), "{word}");
    }
}
