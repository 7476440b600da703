//! What is no ballot: each gets its document, or a closed connection in time, and none moves the
//! tally.

use std::time::Duration;

use ballot::{Token, TokenKeys, VoterId};
use hyper::Method;
use ingest::server::Limits;

use super::client::Raw;
use super::kit::{Running, Setup};

const BALLOTS: &str = "/v1/campaigns/c/ballots";

#[tokio::test]
async fn a_bad_body_is_refused_with_its_reason() {
    let edge = Running::start(Setup::default()).await;
    let eleven = br#"{"choices":[1,2,3,4,5,6,7,8,9,10,11]}"#;
    let cases: [(&[u8], u16, &str, &str); 13] = [
        (b"", 400, "malformed_ballot", "EOF"),
        (b"{\"choices\":[\"\xFF\"]}", 400, "malformed_ballot", "unicode"),
        (b"\xFF\xFE", 400, "malformed_ballot", "expected value"),
        (br#"{"choices":[1],"choices":[2]}"#, 400, "malformed_ballot", "duplicate field"),
        (br#"{"choices":[1],"weight":9}"#, 400, "malformed_ballot", "unknown field `weight`"),
        (br#"{"choices":[1]}{"choices":[2]}"#, 400, "malformed_ballot", "trailing"),
        (br"[1,5,7]", 400, "malformed_ballot", "object"),
        (br#"{"choices":[1,1]}"#, 422, "invalid_choices", "Choice 1 is named more than once"),
        (br#"{"choices":[0]}"#, 422, "invalid_choices", "no choice 0;"),
        (br#"{"choices":[21,99]}"#, 422, "invalid_choices", "no choice 21, 99;"),
        (br#"{"choices":[-1]}"#, 422, "invalid_choices", "no choice -1;"),
        (br#"{"choices":[]}"#, 422, "invalid_choices", "this one names 0"),
        (eleven, 422, "invalid_choices", "this one names 11"),
    ];
    for (body, status, code, words) in cases {
        let answer = edge.cast("ann", body).await;
        let text = String::from_utf8_lossy(body);
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{text}");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{text}: {detail}");
    }
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn a_bad_token_is_refused_whatever_is_wrong_with_it() {
    let edge = Running::start(Setup::default()).await;
    let body = r#"{"choices":[1]}"#;
    let foreign = TokenKeys::new("d", &[(1, [1; 32])]).unwrap();
    let token = Token {
        voter: VoterId { high: 1, low: 2 },
        follower: true,
        fresh: false,
        expires_at_s: 4_000_000_000,
    };
    let forged = TokenKeys::new("c", &[(1, [2; 32])]).unwrap();
    let expired = edge.mint("ann", true, 1_702_871_999);
    for (token, words) in [
        (expired.as_str(), "expired"),
        (&foreign.mint(&token), "does not hold"),
        (&forged.mint(&token), "does not hold"),
        ("nonsense", "does not hold"),
        ("", "sign in first"),
    ] {
        let answer = edge.cast_with(token, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"));
        assert_eq!(answer.header("www-authenticate"), "Bearer");
        let detail = answer.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(words), "{token}: {detail}");
    }
    let json = [("content-type", "application/json")];
    let answer = edge.send(Method::POST, BALLOTS, &json, body).await;
    assert_eq!(answer.code(), "unauthenticated");
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn a_wrong_address_method_or_content_type_has_a_code_of_its_own() {
    let edge = Running::start(Setup::default()).await;
    let bearer = format!("Bearer {}", edge.token("ann"));
    let signed = ("authorization", bearer.as_str());
    let body = r#"{"choices":[1]}"#;
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonx"] {
        let headers = [signed, ("content-type", content_type)];
        let answer = edge.send(Method::POST, BALLOTS, &headers, body).await;
        assert_eq!(answer.code(), "unsupported_media_type", "{content_type}");
    }
    assert_eq!(edge.send(Method::POST, BALLOTS, &[signed], body).await.status, 415);
    let headers = [signed, ("content-type", "application/json; charset=utf-8")];
    for (method, path, status, code, allow) in [
        (Method::PUT, BALLOTS, 405, "method_not_allowed", "POST"),
        (Method::GET, BALLOTS, 405, "method_not_allowed", "POST"),
        (Method::POST, "/v1/campaigns/c/tally", 405, "method_not_allowed", "GET, HEAD"),
        (Method::POST, "/v1/campaigns/d/ballots", 404, "unknown_campaign", ""),
        (Method::GET, "/v1/campaigns/d/tally", 404, "unknown_campaign", ""),
        (Method::POST, "/v1/campaigns/c/ballots/", 404, "unknown_route", ""),
        (Method::GET, "/nothing", 404, "unknown_route", ""),
    ] {
        let answer = edge.send(method, path, &headers, body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (status, code), "{path}");
        assert_eq!(answer.header("allow"), allow);
    }
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn an_encoded_body_is_refused_and_identity_is_none() {
    let edge = Running::start(Setup::default()).await;
    let bearer = format!("Bearer {}", edge.token("ann"));
    let signed = [("authorization", bearer.as_str()), ("content-type", "application/json")];
    let body = r#"{"choices":[1]}"#;
    for encodings in [&["gzip"] as &[_], &["identity, br"], &["identity", "deflate"], &[""]] {
        let encodings = encodings.iter().map(|encoding| ("content-encoding", *encoding));
        let headers: Vec<_> = signed.into_iter().chain(encodings).collect();
        let answer = edge.send(Method::POST, BALLOTS, &headers, body).await;
        assert_eq!(answer.status, 415, "{headers:?}");
        assert_eq!(answer.code(), "unsupported_media_type");
    }
    nothing_was_counted(&edge).await;
    let headers = [signed[0], signed[1], ("content-encoding", "Identity")];
    assert_eq!(edge.send(Method::POST, BALLOTS, &headers, body).await.status, 202);
}

#[tokio::test]
async fn more_than_one_authorization_header_is_nobodys_even_if_both_are_good() {
    let edge = Running::start(Setup::default()).await;
    let (ann, ben) =
        (format!("Bearer {}", edge.token("ann")), format!("Bearer {}", edge.token("ben")));
    for second in [ann.as_str(), ben.as_str(), "Basic YTpi"] {
        let headers = [
            ("authorization", ann.as_str()),
            ("authorization", second),
            ("content-type", "application/json"),
        ];
        let answer = edge.send(Method::POST, BALLOTS, &headers, r#"{"choices":[1]}"#).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "unauthenticated"));
    }
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn five_megabytes_are_refused_unread() {
    let edge = Running::start(Setup::default()).await;
    let head = head(&edge, "content-length: 5242880");
    let mut peer = Raw::connect(edge.address).await;
    peer.send(head).await;
    let heard = peer.hears("too_large").await;
    assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn half_a_ballot_and_silence_is_told_and_closed_in_time() {
    let limits = Limits { body_timeout: Duration::from_millis(200), ..Limits::default() };
    let edge = Running::start(Setup { limits, ..Setup::default() }).await;
    let mut peer = Raw::connect(edge.address).await;
    peer.send(head(&edge, "content-length: 15") + "{\"choices\"").await;
    let heard = peer.until_closed().await;
    assert!(heard.starts_with("HTTP/1.1 408 "), "{heard}");
    assert!(heard.contains("\"code\":\"request_timeout\"") && heard.contains("connection: close"));
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn half_a_header_and_silence_is_closed_in_time() {
    let limits = Limits { first_request_timeout: Duration::from_millis(200), ..Limits::default() };
    let limits = Limits { closing_timeout: Duration::from_millis(200), ..limits };
    let edge = Running::start(Setup { limits, ..Setup::default() }).await;
    let mut peer = Raw::connect(edge.address).await;
    peer.send("POST /v1/campaigns/c/bal").await;
    assert_eq!(peer.until_closed().await, "");
}

#[tokio::test]
async fn a_body_that_is_not_http_ends_the_connection_and_is_no_ballot() {
    let edge = Running::start(Setup::default()).await;
    let mut peer = Raw::connect(edge.address).await;
    peer.send(head(&edge, "transfer-encoding: chunked") + "zz\r\n{\"choices\":[1]}\r\n0\r\n\r\n")
        .await;
    let heard = peer.until_closed().await;
    assert!(heard.is_empty() || heard.starts_with("HTTP/1.1 400 "), "{heard}");
    nothing_was_counted(&edge).await;
}

#[tokio::test]
async fn a_problem_is_told_in_the_readers_language_and_in_both() {
    let edge = Running::start(Setup::default()).await;
    for (asked, tag) in [("zh-CN,zh;q=0.9", "zh-CN"), ("en-US", "en"), ("fr", "en")] {
        let headers = [("accept-language", asked)];
        let answer = edge.send(Method::GET, "/nothing", &headers, "").await;
        assert_eq!(answer.header("content-language"), tag);
        let json = answer.json();
        let own = if tag == "en" { "detail_en" } else { "detail_zh" };
        assert_eq!(json["detail"], json[own]);
        assert_ne!(json["detail_en"], json["detail_zh"]);
        assert_eq!(json["retry"], "never");
    }
}

fn head(edge: &Running, framing: &str) -> String {
    let token = edge.token("ann");
    format!(
        "POST {BALLOTS} HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\n{framing}\r\n\r\n"
    )
}

/// A good ballot of another voter is the first in the tally, and the only one.
async fn nothing_was_counted(edge: &Running) {
    edge.acknowledged("witness", &[20]).await;
    let tally = edge.tally_when(|tally| tally["ballots"] != 0).await;
    let outcomes = &tally["outcomes"];
    assert_eq!(tally["ballots"], 1);
    for other in ["duplicate", "late", "outside", "invalid", "malformed", "misrouted"] {
        assert_eq!(outcomes[other], 0, "{other}");
    }
}
