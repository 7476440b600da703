//! Addresses that lead nowhere: on the public listener there are the public routes, and no file, no
//! operators' answer and no other server behind them.

use hyper::Method;

use super::client::Raw;
use super::kit::{Running, Setup};

/// Addresses behind which there might be something, if somebody had been careless.
const TRICKS: [&str; 56] = [
    "/metrics",
    "/metrics/",
    "/readyz",
    "/livez",
    "/healthz",
    "/debug",
    "/debug/pprof/",
    "/admin",
    "/server-status",
    "/.git/config",
    "/.env",
    "/Cargo.toml",
    "/etc/passwd",
    "/robots.txt/..",
    "/assets",
    "/assets/",
    "/assets/.",
    "/assets/..",
    "/assets/../Cargo.toml",
    "/assets/../../../../etc/passwd",
    "/assets/%2e%2e/Cargo.toml",
    "/assets/%2e%2e%2fCargo.toml",
    "/assets/..%2f..%2fetc%2fpasswd",
    "/assets/..%5c..%5cetc%5cpasswd",
    "/assets/..\\..\\etc\\passwd",
    "/assets/%252e%252e/Cargo.toml",
    "/assets/..%c0%af..%c0%afetc/passwd",
    "/assets//etc/passwd",
    "/assets/page.js",
    "/assets/page.js%00.css",
    "/assets/file:///etc/passwd",
    "//metrics",
    "//assets/page.js",
    "//evil.example/",
    "/\\evil.example",
    "/%2f%2fevil.example",
    "/./metrics",
    "/v1/../metrics",
    "/v1/campaigns/../../metrics",
    "/v1/campaigns/c/../../../metrics",
    "/v1/campaigns/%2e%2e/%2e%2e/metrics",
    "/campaigns/..%2f..%2fmetrics",
    "/campaigns/c%00",
    "/campaigns/c;x=/metrics",
    "/campaigns/c/poster.svg/../../../metrics",
    "/%6d%65%74%72%69%63%73",
    "/metrics?x=/campaigns/c",
    "/v1/campaigns/c.json",
    "/openapi.json/",
    "http://test/metrics",
    "http://127.0.0.1/metrics",
    "http://evil.example/",
    "https://evil.example/metrics",
    "evil.example:443",
    "test:80",
    "*",
];

/// The whole answer to this request line.
async fn ask(edge: &Running, line: &str) -> String {
    let mut peer = Raw::connect(edge.address).await;
    peer.send(format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n")).await;
    peer.until_closed().await
}

fn status(answer: &str) -> &str {
    answer.split(' ').nth(1).unwrap_or_default()
}

#[tokio::test]
async fn nothing_but_the_public_routes_is_there() {
    let edge = Running::start(Setup::default()).await;
    let page = edge.get("/campaigns/c").await;
    let html = String::from_utf8(page.body.to_vec()).unwrap();
    let asset = html.split('"').find(|text| text.starts_with("/assets/page.")).unwrap();
    assert_eq!(edge.get(asset).await.status, 200);
    let name = asset.strip_prefix("/assets/").unwrap();
    let more = [
        format!("/assets/./{name}"),
        format!("/assets/x/../{name}"),
        format!("/assets/{name}/"),
        format!("/assets/{name}%00"),
        format!("/assets/{name}/.."),
        format!("/assets/{}", name.replace('.', "%2e")),
        format!("/assets/{}", name.to_uppercase()),
        format!("//assets/{name}"),
    ];
    for target in TRICKS.into_iter().chain(more.iter().map(String::as_str)) {
        let answer = ask(&edge, &format!("GET {target}")).await;
        // To `/` of whatever host there is the way to the page, and never to another host.
        if target == "http://evil.example/" {
            assert!(answer.contains("\r\nlocation: /campaigns/c\r\n"), "{answer}");
            continue;
        }
        assert!(["400", "404"].contains(&status(&answer)), "{target}: {answer}");
        for told in ["root:", "# HELP", "alive", "ready\"", "[package]", "location:"] {
            assert!(!answer.contains(told), "{target}: {answer}");
        }
    }
    // RFC 9112, 3.2.2: the whole address stands for its path.
    assert_eq!(status(&ask(&edge, "GET http://test/v1/campaigns/c").await), "200");
}

#[tokio::test]
async fn methods_that_are_for_proxies_and_debuggers_do_nothing() {
    let edge = Running::start(Setup::default()).await;
    for (line, expected) in [
        ("OPTIONS *", "404"),
        ("OPTIONS /campaigns/c", "405"),
        ("TRACE /campaigns/c", "405"),
        ("TRACK /campaigns/c", "405"),
        ("CONNECT evil.example:443", "404"),
        ("CONNECT /campaigns/c", "405"),
        ("DEBUG /campaigns/c", "405"),
        ("PROPFIND /", "405"),
        ("PUT /campaigns/c", "405"),
        ("DELETE /v1/campaigns/c", "405"),
        ("POST /campaigns/c", "405"),
        ("PURGE /campaigns/c", "405"),
        ("get /campaigns/c", "405"),
        ("TRACE /nothing", "404"),
    ] {
        let answer = ask(&edge, line).await;
        let found = status(&answer);
        assert!(found == expected || found == "400", "{line}: {answer}");
        assert!(!answer.contains("host: test"), "echoed: {line}: {answer}");
    }
    let overriding = [("x-http-method-override", "DELETE"), ("x-original-url", "/metrics")];
    let rewritten = [("x-rewrite-url", "/metrics"), ("x-forwarded-prefix", "/metrics")];
    let headers = [overriding, rewritten].concat();
    let answer = edge.send(Method::GET, "/v1/campaigns/c", &headers, "").await;
    assert_eq!(answer.body, edge.get("/v1/campaigns/c").await.body);
}

#[tokio::test]
async fn nothing_of_an_answer_is_made_of_the_host_that_was_asked_for() {
    let edge = Running::start(Setup::default()).await;
    for path in ["/", "/campaigns/c", "/campaigns/c/board", "/openapi.json", "/v1/campaigns/c"] {
        let mut peer = Raw::connect(edge.address).await;
        peer.send(format!(
            "GET {path} HTTP/1.1\r\nhost: evil.example\r\nx-forwarded-host: evil.example\r\n\
             x-forwarded-proto: evil\r\nforwarded: host=evil.example\r\n\
             accept-language: evil.example\r\nconnection: close\r\n\r\n"
        ))
        .await;
        let heard = peer.until_closed().await;
        assert!(heard.starts_with("HTTP/1.1 ") && !heard.contains("evil"), "{heard}");
    }
}
