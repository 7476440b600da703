//! Campaigns whose texts would be markup, scripts or templates: served as the texts that they are.
//!
//! A page is compared with that of a harmless campaign: same elements, same attributes, in the same
//! order. Whatever a text had become, it would be one more.

use std::collections::BTreeSet;
use std::sync::Arc;

use aggregator::view;
use ballot::{Campaign, PseudonymKey, Rules};
use ingest::server::{Counters, Limits, Shutdown, serve};
use ingest::{Edge, EdgeCampaign, EdgeOptions, Site};
use journal::simulated::{Cluster, Options};
use journal::{ClockCheck, Journal as _};
use prometheus::Registry;
use tokio::net::TcpListener;

use super::client::send;
use super::kit::{NOON_MS, Running, Setup, TestClock};

/// What each text is in turn.
const HOSTILE: [&str; 12] = [
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "</title><script src=//evil.example></script>",
    "</h1></body></html><iframe src=javascript:alert(1)>",
    "--><script>alert(1)</script><!--",
    "]]><script>alert(1)</script><![CDATA[",
    "{{ 7 * 7 }}{% raw %}${7*7}",
    "\" autofocus onfocus=\"alert(1)",
    "&lt;script&gt;&#60;b&#62;&amp;",
    "javascript:alert(1)//\\\\<a href=\"javascript:alert(1)\">",
    "</text></svg><style>*{display:none}</style>",
];

/// What no campaign file may have: it ends lines in scripts of old, or turns texts around.
const REFUSED: [&str; 2] = ["a\u{2028}alert(1)\u{2029}b", "\u{202E}gnp.exe\u{202D}\u{2066}"];

#[test]
fn a_text_that_turns_others_around_is_refused_with_its_field() {
    for text in REFUSED {
        let refused = ballot::Campaign::parse(&campaign("c", text, "token")).unwrap_err();
        let said = refused.to_string();
        assert!(said.contains("title: contains the control character"), "{said}");
    }
}

/// A campaign with these texts everywhere that a text may be.
fn campaign(id: &str, text: &str, mode: &str) -> String {
    // A string of JSON is one of TOML.
    let text = serde_json::to_string(text).unwrap();
    let keyword = if mode == "link" { format!("keyword = {text}\n") } else { String::new() };
    let mut file = format!(
        "id = \"{id}\"\ntitle = {text}\norganiser = {text}\nzone = \"Asia/Shanghai\"\n\
         opens_at = 2023-12-18T10:00:00\ncloses_at = 2023-12-19T17:00:00\n\
         choices_per_ballot_max = 3\nfollowers_only = true\nchannels = [\"metro\"]\n\
         [identity]\nmode = \"{mode}\"\naccount = {text}\n{keyword}"
    );
    if mode == "service" {
        file += "app_id = \"wx0123456789abcdef\"\n";
    }
    for number in 1..=3 {
        file += &format!(
            "[[choices]]\nnumber = {number}\ntitle = {text}\norganisation = {text}\n\
             summary = {text}\n"
        );
    }
    file
}

/// The elements of a document in order, each with the names of its attributes.
fn elements(html: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut rest = html;
    while let Some((_, tag)) = rest.split_once('<') {
        let (mut name, mut quote) = (String::new(), None);
        let mut end = tag.len();
        for (at, c) in tag.char_indices() {
            match quote {
                Some(open) if c == open => quote = None,
                Some(_) => {}
                None if c == '"' || c == '\'' => quote = Some(c),
                None if c == '>' => {
                    end = at;
                    break;
                }
                None => name.push(c),
            }
        }
        elements.push(name);
        rest = &tag[end..];
    }
    elements
}

/// What a campaign with this text everywhere is served as at this address.
async fn served(text: &str, mode: &str, path: &str) -> String {
    let site = Site { public_url: Some("https://vote.example".into()), ..Site::default() };
    let campaign = campaign("c", text, mode);
    let edge = Running::start(Setup { campaign, site, aggregating: false, ..Setup::default() });
    let answer = edge.await.get(path).await;
    assert_eq!(answer.status, 200, "{path}: {answer:?}");
    String::from_utf8(answer.body.to_vec()).unwrap()
}

/// As the text stands in HTML and in SVG.
fn holds(document: &str, text: &str) -> bool {
    let escaped = text.replace('&', "&#38;").replace('<', "&#60;").replace('>', "&#62;");
    let escaped = escaped.replace('"', "&#34;").replace('\'', "&#39;");
    document.contains(&escaped)
}

#[tokio::test]
async fn page_and_board_show_hostile_texts_as_texts() {
    for path in ["/campaigns/c", "/campaigns/c?lang=en", "/campaigns/c/board"] {
        for mode in ["token", "link", "service"] {
            let harmless = elements(&served("harmless", mode, path).await);
            assert!(harmless.len() > 20);
            for text in HOSTILE {
                let html = served(text, mode, path).await;
                assert_eq!(elements(&html), harmless, "{path}: {text}");
                assert!(holds(&html, text), "{path}: {text} is not in\n{html}");
                assert!(!html.contains("49"), "{path}: a template was run");
            }
        }
    }
}

#[tokio::test]
async fn the_poster_shows_hostile_texts_as_texts() {
    let names = |svg: &str| -> BTreeSet<String> {
        let document = roxmltree::Document::parse(svg).unwrap();
        let elements = document.descendants().filter(roxmltree::Node::is_element);
        let names = elements.flat_map(|element| {
            let tag = element.tag_name().name();
            let attributes = element.attributes().map(move |has| format!("{tag} {}", has.name()));
            attributes.chain([tag.to_owned()]).collect::<Vec<_>>()
        });
        names.collect()
    };
    for path in ["/campaigns/c/poster.svg", "/campaigns/c/poster.svg?channel=metro&lang=en"] {
        let harmless = names(&served("harmless texts", "service", path).await);
        assert!(!harmless.contains("script") && !harmless.contains("foreignObject"));
        for text in HOSTILE {
            let svg = served(text, "service", path).await;
            let more: Vec<_> = names(&svg).difference(&harmless).cloned().collect();
            assert!(more.is_empty(), "{text}: {more:?}");
            // The sheet sets words, with one blank between them.
            let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
            let document = roxmltree::Document::parse(&svg).unwrap();
            let title = document.descendants().find(|element| element.tag_name().name() == "title");
            assert!(title.and_then(|title| title.text()).unwrap().contains(&words), "{svg}");
        }
    }
}

#[tokio::test]
async fn the_index_shows_hostile_texts_as_texts() {
    let harmless = elements(&index("harmless").await);
    for text in HOSTILE {
        let html = index(text).await;
        assert_eq!(elements(&html), harmless, "{text}");
        assert!(holds(&html, text), "{text} is not in\n{html}");
    }
}

/// The list of two campaigns with this text everywhere.
async fn index(text: &str) -> String {
    let mut campaigns = Vec::new();
    for (seed, id) in [(1, "c"), (2, "d")] {
        let campaign = Campaign::parse(&campaign(id, text, "token")).unwrap();
        let journal = Cluster::new(seed, 2, Options::default()).process("edge");
        let key = PseudonymKey::new(&[7; 32]).fingerprint();
        let rules = Rules::new(&campaign, journal.identity(), 2, key);
        aggregator::found(&journal, &rules, NOON_MS).await.unwrap();
        let (view, following) = view(journal.clone());
        // Ends with the test's runtime.
        drop(tokio::spawn(following));
        let clock_check = Arc::new(ClockCheck::new(2_000));
        campaigns.push(EdgeCampaign { campaign, journal, view, clock_check, voting: None });
    }
    let shutdown = Shutdown::new();
    let options = EdgeOptions {
        limits: Limits::default(),
        clock: TestClock::at(NOON_MS),
        shutdown: shutdown.clone(),
        registry: Registry::new(),
        site: Site::default(),
    };
    let edge = Edge::new(campaigns, options).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let counters = Arc::new(Counters::default());
    drop(tokio::spawn(serve(listener, edge, Limits::default(), shutdown.clone(), counters)));
    let request = hyper::Request::get("/").header("host", "test").body("".into()).unwrap();
    let answer = send(address, request).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    shutdown.drain();
    String::from_utf8(answer.body.to_vec()).unwrap()
}

#[tokio::test]
async fn no_script_of_ours_makes_markup_of_a_text() {
    for path in ["/campaigns/c", "/campaigns/c/board"] {
        let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
        let html = String::from_utf8(edge.get(path).await.body.to_vec()).unwrap();
        let mut scripts = 0;
        for script in html.split('"').filter(|text| text.ends_with(".js")) {
            scripts += 1;
            let answer = edge.get(script).await;
            assert_eq!(answer.status, 200);
            let script = String::from_utf8(answer.body.to_vec()).unwrap();
            for maker in [
                "innerHTML",
                "outerHTML",
                "insertAdjacentHTML",
                "document.write",
                "createContextualFragment",
                "DOMParser",
                "srcdoc",
                "eval(",
                "new Function",
                "javascript:",
            ] {
                assert!(!script.contains(maker), "{path}: {maker}");
            }
        }
        assert_eq!(scripts, 1, "{path}");
    }
}
