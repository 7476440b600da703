//! Where a browser is led: along with its language and its channel, and from an address that does
//! not exist to one that does.

use hyper::Method;
use prometheus::TextEncoder;

use super::client::Answer;
use super::kit::{Running, Setup, campaign_text};

/// As browsers ask for a page.
const BROWSER: (&str, &str) = ("accept", "text/html,application/xhtml+xml,*/*;q=0.8");

async fn edge(voting: bool) -> Running {
    let campaign = format!("channels = [\"metro-2\"]\n{}", campaign_text());
    Running::start(Setup { campaign, voting, aggregating: false, ..Setup::default() }).await
}

async fn browse(edge: &Running, path: &str, language: &str) -> Answer {
    let headers = [BROWSER, ("accept-language", language)];
    edge.send(Method::GET, path, &headers, "").await
}

/// The scans that are counted, by channel.
fn scans(edge: &Running) -> [u64; 2] {
    let text = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    ["metro-2", "other"].map(|channel| {
        let name = format!("weir_scans_total{{campaign=\"c\",channel=\"{channel}\"}} ");
        text.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    })
}

#[tokio::test]
async fn a_way_on_keeps_channel_and_language_and_nothing_else_and_a_scan_is_counted_once() {
    let (edge, counting) = (edge(true).await, edge(false).await);
    for (query, kept) in [
        ("", ""),
        ("?c=metro-2&lang=en", "?c=metro-2&lang=en"),
        ("?lang=zh-CN&x=1", "?lang=zh"),
        ("?lang=en%0d%0aset-cookie:a=b", ""),
        ("?c=%0d%0aset-cookie:a=b", "?c=other"),
        ("?next=https://evil.example&lang=//evil.example", ""),
    ] {
        let answer = edge.get(&format!("/{query}")).await;
        assert_eq!(answer.status, 302);
        assert_eq!(answer.header("location"), format!("/campaigns/c{kept}"), "{query}");
        let board = counting.get(&format!("/campaigns/c{query}")).await;
        assert_eq!(board.header("location"), format!("/campaigns/c/board{kept}"), "{query}");
    }
    assert_eq!(scans(&edge), [0, 0], "the page counts");
    let way = edge.get("/?c=metro-2&lang=en").await;
    let page = edge.get(way.header("location")).await;
    assert_eq!((page.status.as_u16(), page.header("content-language")), (200, "en"));
    assert_eq!(scans(&edge), [1, 0]);
}

#[tokio::test]
async fn a_browser_at_an_address_that_does_not_exist_is_told_so_by_a_page_that_leads_on() {
    let edge = edge(true).await;
    for (path, language, words) in [
        ("/nothing", "zh-CN", ["没有这个页面", "该地址不存在。", "href=\"/\""]),
        ("/campaigns/d", "", ["没有这个页面", "没有这个活动。", "href=\"/\""]),
        (
            "/campaigns/d/board?lang=en&c=metro-2&x=%22",
            "zh",
            [
                "There is no such page",
                "There is no such campaign here.",
                "href=\"/?c=metro-2&#38;lang=en\"",
            ],
        ),
    ] {
        let answer = browse(&edge, path, language).await;
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(answer.header("content-type"), "text/html; charset=utf-8");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert_eq!(answer.header("x-frame-options"), "DENY");
        let html = std::str::from_utf8(&answer.body).unwrap();
        assert!(words.iter().all(|words| html.contains(words)), "{path}: {html}");
        // What it needs to look like the others is there.
        for file in html.split('"').filter(|text| text.starts_with("/assets/")) {
            assert_eq!(edge.get(file).await.status, 200, "{file}");
        }
    }
    // A sign-in that cannot be is told in the same way; programs are told as ever.
    let other = browse(&edge, "/auth/wechat/login?campaign=c", "en").await;
    assert_eq!((other.status.as_u16(), other.header("content-language")), (403, "en"));
    let html = std::str::from_utf8(&other.body).unwrap();
    assert!(
        html.contains("This page cannot be shown") && html.contains("in another way"),
        "{html}"
    );
    for path in ["/v1/campaigns/d", "/v1/nothing"] {
        let answer = browse(&edge, path, "en").await;
        assert_eq!(answer.status, 404);
        answer.code();
    }
    assert_eq!(edge.get("/nothing").await.code(), "unknown_route");
}
