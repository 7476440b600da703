//! Has a server give the documented answers of signing in, by WeChat's authorization or without.

use std::sync::Arc;

use ballot::{Mode, PseudonymKey};
use hyper::Method;
use ingest::wechat::follows::Follows;
use ingest::wechat::{self, WeChat};
use ingest::{Events, Links, SignIn, WeChatSignIn};
use prometheus::Registry;
use serde_json::json;

use super::provoked::{half, path};
use super::wechat::{TOKEN, link};
use super::{Answer, Case};
use crate::kit::{DAY_MS, NOON_MS, Running, TestClock};

const SESSION: &str = "/v1/campaigns/c/session";
/// The name of the file for the domain.
pub(super) const VERIFY: &str = "aB3xYz";
const DEMO: &str = r#"{"demo":true}"#;
const JSON: (&str, &str) = ("content-type", "application/json");

/// How voters sign in where an operation answers so.
pub(super) fn way(id: &str, code: &str) -> SignIn {
    let mode = match (id, code) {
        (_, "wrong_identity_mode") | ("signIn", "unauthenticated" | "already_signed_in") => {
            Mode::Token
        }
        ("login" | "callback" | "verifyDomain", _) => Mode::Service,
        ("verifyEvents" | "wechatEvent", _) | (_, "link_used") => Mode::Link,
        ("signIn", _) => Mode::Demo,
        _ => Mode::Token,
    };
    let pseudonyms = Some(PseudonymKey::new(&[7; 32]));
    let wechat = mode.is_wechat().then(|| Arc::new(by_wechat()));
    SignIn { mode, pseudonyms, wechat, ..SignIn::default() }
}

/// Accounts that nobody is asked about: their address is that of no process.
fn by_wechat() -> WeChatSignIn {
    let account = wechat::Account {
        app_id: "wx-service".to_owned(),
        app_secret: "secret".to_owned(),
        api: "http://127.0.0.1:1".to_owned(),
        authorize: "http://127.0.0.1:1".to_owned(),
    };
    let metrics = wechat::Metrics::new(&Registry::new()).unwrap();
    WeChatSignIn {
        service: Some(WeChat::new(account, TestClock::at(NOON_MS), metrics).unwrap()),
        subscription: None,
        event_token: TOKEN.to_owned(),
        account: "极目新闻".to_owned(),
        verify: Some(VERIFY.to_owned()),
        keyword: Some("点赞".to_owned()),
        follows: Follows::in_memory(),
        links: Links::default(),
        events: Events::default(),
    }
}

/// Sends a sign-in.
pub(super) async fn sign_in(edge: &Running, body: &str) -> Answer {
    edge.send(Method::POST, SESSION, &[JSON], body.to_owned()).await
}

pub(super) async fn provoke(edge: &Running, case: &Case<'_>) -> Answer {
    if case.id == "signIn" { session(edge, case.code).await } else { by_oauth(edge, case).await }
}

async fn session(edge: &Running, code: &str) -> Answer {
    match code {
        "malformed_request" => sign_in(edge, "{}").await,
        "unauthenticated" => sign_in(edge, r#"{"token":"x"}"#).await,
        "cross_site" => {
            let headers = [JSON, ("sec-fetch-site", "cross-site")];
            edge.send(Method::POST, SESSION, &headers, DEMO).await
        }
        "closed" => {
            edge.clock.set(NOON_MS + 3 * DAY_MS);
            sign_in(edge, DEMO).await
        }
        "already_signed_in" => {
            let cookie = format!("__Host-weir-c={}", edge.token("ann"));
            let body = json!({ "token": edge.token("ben") }).to_string();
            edge.send(Method::POST, SESSION, &[JSON, ("cookie", &cookie)], body).await
        }
        "link_used" => {
            let link = json!({ "link": link(edge).await }).to_string();
            assert_eq!(sign_in(edge, &link).await.status, 204);
            sign_in(edge, &link).await
        }
        "too_large" => sign_in(edge, &json!({ "token": "x".repeat(2_000) }).to_string()).await,
        "unsupported_media_type" => edge.send(Method::POST, SESSION, &[], DEMO).await,
        "request_timeout" => {
            let head = format!("POST {SESSION} HTTP/1.1\r\ncontent-type: application/json\r\n");
            half(edge, &head).await
        }
        "wrong_identity_mode" | "unknown_route" | "good" => {
            let answer = sign_in(edge, DEMO).await;
            assert_eq!(answer.header("set-cookie").is_empty(), code != "good");
            answer
        }
        other => panic!("{other} has no test"),
    }
}

/// What needs WeChat itself is in `identity/wechat.rs`.
async fn by_oauth(edge: &Running, case: &Case<'_>) -> Answer {
    let answer = edge.get(&path(case.path, "c")).await;
    if case.code == "good" {
        let (to, cookie) = match case.id {
            "login" => ("http://127.0.0.1:1/connect/oauth2/authorize?", "__Host-weir-login."),
            _ => ("/campaigns/c#login=expired", ""),
        };
        assert!(answer.header("location").starts_with(to), "{answer:?}");
        assert!(answer.header("set-cookie").starts_with(cookie), "{answer:?}");
    }
    answer
}
