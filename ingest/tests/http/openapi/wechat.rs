//! Has a server give the documented answers to WeChat's messages.

use hyper::Method;
use imitation::signature;

use super::provoked::half;
use super::{Answer, Case};
use crate::kit::{NOON_MS, Running};

/// What the account's messages are signed with.
pub(super) const TOKEN: &str = "eventtoken";
const EVENTS: &str = "/wechat/events";
const ECHO: &str = "4375120948345356249";

/// The address with a signature that holds.
fn signed(nonce: &str) -> String {
    let timestamp = (NOON_MS / 1_000).to_string();
    let signature = signature(TOKEN, &timestamp, nonce);
    format!("{EVENTS}?signature={signature}&timestamp={timestamp}&nonce={nonce}")
}

/// A text that somebody wrote to the account.
fn message(text: &str) -> String {
    format!(
        "<xml><ToUserName><![CDATA[gh_7f083739789a]]></ToUserName>\
         <FromUserName><![CDATA[o1]]></FromUserName><CreateTime>{}</CreateTime>\
         <MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{text}]]></Content></xml>",
        NOON_MS / 1_000
    )
}

/// The one-time link that the account sends to who writes its word.
pub(super) async fn link(edge: &Running) -> String {
    let reply = edge.send(Method::POST, &signed("7"), &[], message("点赞")).await;
    let reply = String::from_utf8(reply.body.into()).unwrap();
    let (_, link) = reply.split_once("#link=").unwrap();
    link.chars().take_while(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect()
}

pub(super) async fn provoke(edge: &Running, case: &Case<'_>) -> Answer {
    let (address, method) = (signed("1"), case.method.clone());
    let is_get = method == Method::GET;
    let address = if is_get { format!("{address}&echostr={ECHO}") } else { address };
    match (case.code, case.media) {
        ("malformed_request", _) => edge.send(method, EVENTS, &[], "").await,
        ("unauthenticated", _) => {
            edge.send(method, &address.replace("nonce=1", "nonce=2"), &[], "").await
        }
        ("too_large", _) => edge.send(method, &address, &[], vec![b' '; 16 * 1024 + 1]).await,
        ("request_timeout", _) => half(edge, &format!("POST {address} HTTP/1.1\r\n")).await,
        ("good", "application/xml") => edge.send(method, &address, &[], message("点赞")).await,
        ("good" | "unknown_route", _) => {
            let body = if is_get { String::new() } else { message("你好") };
            let answer = edge.send(method, &address, &[], body).await;
            if case.code == "good" {
                assert_eq!(answer.body, if is_get { ECHO } else { "" });
            }
            answer
        }
        other => panic!("{other:?} has no test"),
    }
}
