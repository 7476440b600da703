//! What browsers are told not to do with an answer: frame it, guess its type, hand it to another
//! origin, or ask for it without TLS again.

use hyper::Method;
use ingest::Site;

use super::client::Answer;
use super::direct::{BALLOTS, BODY};
use super::kit::{Running, Setup};

const PREFLIGHT: [(&str, &str); 3] = [
    ("origin", "https://evil.example"),
    ("access-control-request-method", "POST"),
    ("access-control-request-headers", "authorization, content-type"),
];

/// An answer of every kind that there is, with what was asked.
async fn answers(edge: &Running) -> Vec<(String, Answer)> {
    let page = edge.get("/campaigns/c").await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let assets = html.split('"').filter(|text| text.starts_with("/assets/")).map(str::to_owned);
    let mut paths: Vec<_> = assets.collect();
    paths.extend(
        [
            "/",
            "/campaigns/c",
            "/campaigns/c?lang=en&c=nothing",
            "/campaigns/c/board",
            "/campaigns/c/board?lang=en",
            "/campaigns/c/poster.svg",
            "/campaigns/none",
            "/openapi.json",
            "/v1/campaigns/c",
            "/v1/campaigns/c/tally",
            "/v1/campaigns/c/frontiers",
            "/v1/campaigns/c/me",
            "/v1/campaigns/none",
            "/v1/receipts/c/0-0-0",
            "/v1/receipts/c/nonsense",
            "/auth/wechat/login?campaign=c",
            "/auth/wechat/callback?code=x&state=y",
            "/wechat/events",
            "/nothing",
        ]
        .map(str::to_owned),
    );
    let mut answers = Vec::new();
    let foreign = [("origin", "https://evil.example"), ("sec-fetch-site", "cross-site")];
    for path in paths {
        for method in [Method::GET, Method::HEAD, Method::PUT] {
            let answer = edge.send(method.clone(), &path, &foreign, "").await;
            if let Some(tag) = answer.headers.get("etag") {
                let known = [("if-none-match", tag.to_str().unwrap())];
                let again = edge.send(method.clone(), &path, &known, "").await;
                answers.push((format!("{method} {path} again"), again));
            }
            answers.push((format!("{method} {path}"), answer));
        }
        answers.push((
            format!("OPTIONS {path}"),
            edge.send(Method::OPTIONS, &path, &PREFLIGHT, "").await,
        ));
    }
    let refused = edge.cast_with("forged", BODY).await;
    answers.push(("a refused ballot".to_owned(), refused));
    answers
}

#[tokio::test]
async fn no_page_is_framed_no_type_is_guessed_and_no_other_origin_reads_anything() {
    let edge = Running::start(Setup::default()).await;
    edge.tally_when(|_| true).await;
    let mut pages = 0;
    for (what, answer) in answers(&edge).await {
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{what}: {answer:?}");
        assert_eq!(answer.header("strict-transport-security"), "", "{what}: no TLS here");
        let named = answer.headers.keys().map(|name| name.as_str());
        let named: Vec<_> = named.filter(|name| name.starts_with("access-control-")).collect();
        assert!(named.is_empty(), "{what}: {named:?}");
        if what.starts_with("OPTIONS") {
            assert!([404, 405].contains(&answer.status.as_u16()), "{what}: {answer:?}");
        }
        if answer.header("content-type").starts_with("text/html") {
            pages += 1;
            assert_eq!(answer.header("x-frame-options"), "DENY", "{what}");
            let policy = answer.header("content-security-policy");
            for part in ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"] {
                assert!(policy.split("; ").any(|found| found == part), "{what}: {policy}");
            }
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
        }
    }
    assert!(pages >= 8, "{pages} pages");
}

#[tokio::test]
async fn whoever_came_by_tls_is_told_to_come_by_tls_again() {
    let by_proxy = Site { public_url: Some("https://vote.example".into()), ..Site::default() };
    let here = Site { tls: true, ..Site::default() };
    for site in [by_proxy, here] {
        let edge = Running::start(Setup { site, ..Setup::default() }).await;
        for (what, answer) in answers(&edge).await {
            let told = answer.header("strict-transport-security");
            let age = told.strip_prefix("max-age=").unwrap_or_default();
            // As long as two campaigns at least, in seconds.
            assert!(age.parse::<u64>().is_ok_and(|age| age > 60 * 86_400), "{what}: {told:?}");
        }
    }
}

#[tokio::test]
async fn a_preflight_for_a_ballot_is_refused_and_a_form_of_another_site_casts_none() {
    let edge = Running::start(Setup::default()).await;
    let answer = edge.send(Method::OPTIONS, BALLOTS, &PREFLIGHT, "").await;
    assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "POST"));
    let cookie = format!("weir-c={}", edge.token("ann"));
    // What a form can send without being asked about it.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let headers = [
            ("cookie", cookie.as_str()),
            ("origin", "https://evil.example"),
            ("content-type", kind),
        ];
        let answer = edge.send(Method::POST, BALLOTS, &headers, BODY).await;
        assert_eq!(answer.status, 415, "{kind}: {answer:?}");
    }
}
