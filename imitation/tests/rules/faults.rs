//! What can be made to go wrong.

use std::time::Duration;

use imitation::{Endpoint, Fault, Kind, errcode as code};

use crate::http::ask;
use crate::kit::{Site, errcode, json};

const EXCHANGE: &str = "GET /sns/oauth2/access_token?appid=wx-service&secret=secret-service\
                        &grant_type=authorization_code&code=";

#[tokio::test]
async fn answers_are_text_plain_on_purpose() {
    let site = Site::new().await;
    let answer = ask(site.at, &format!("{EXCHANGE}x"), "", "").await;
    assert_eq!(answer.header("content-type"), Some("text/plain"));
    site.wechat.fail(Endpoint::Exchange, Fault::ContentType("text/html"), 1);
    let answer = ask(site.at, &format!("{EXCHANGE}x"), "", "").await;
    assert_eq!(answer.header("content-type"), Some("text/html"));
    assert_eq!(errcode(&json(&answer)), 40_029);
}

#[tokio::test]
async fn faults_come_in_order_as_often_as_was_said_and_then_no_more() {
    let site = Site::new().await;
    site.wechat.fail(Endpoint::StableToken, Fault::Errcode(code::MINUTE_QUOTA), 2);
    site.wechat.fail(Endpoint::StableToken, Fault::Errcode(40_164), 1);
    let mut codes = Vec::new();
    for _ in 0..4 {
        codes.push(errcode(&site.stable_token(Kind::Service, false).await));
    }
    assert_eq!(codes, [45_011, 45_011, 40_164, 0]);
}

#[tokio::test]
async fn a_lost_or_garbled_answer_has_spent_the_code() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    site.wechat.fail(Endpoint::Exchange, Fault::Drop, 1);
    let spent = site.code(&li).await;
    let dropped = ask(site.at, &format!("{EXCHANGE}{spent}"), "", "").await;
    assert_eq!(dropped.first, "");
    assert_eq!(errcode(&site.exchange(&spent).await), 40_163);
    site.wechat.fail(Endpoint::Exchange, Fault::Garbage(502), 1);
    let spent = site.code(&li).await;
    let garbled = ask(site.at, &format!("{EXCHANGE}{spent}"), "", "").await;
    assert_eq!(garbled.status(), "502");
    assert_eq!(errcode(&site.exchange(&spent).await), 40_163);
}

#[tokio::test]
async fn calls_that_wait_for_their_answers_are_counted_as_at_once() {
    let site = Site::new().await;
    assert_eq!(site.token(Kind::Service).await, site.token(Kind::Service).await);
    assert_eq!(site.wechat.calls_at_once_max(Endpoint::StableToken), 1);
    site.wechat.set_latency(Endpoint::StableToken, Duration::from_millis(200));
    drop(tokio::join!(site.token(Kind::Service), site.token(Kind::Service)));
    assert_eq!(site.wechat.calls_at_once_max(Endpoint::StableToken), 2);
    assert_eq!(site.wechat.calls(Endpoint::StableToken), 4);
}
