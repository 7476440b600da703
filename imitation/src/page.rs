//! `/imitation`: where a human says who the imitation is to take them for, and does what one does
//! in WeChat: follow, send a message, scan a code.
//!
//! Invariant: every page says that it is an imitation, and everything of others in it is escaped.
//! Never here: a script.

use bytes::Bytes;
use hyper::StatusCode;

use crate::authorize::{Browser, person};
use crate::delivery::{Delivered, Undelivered};
use crate::event::Event;
use crate::imitation::Imitation;
use crate::options::Kind;
use crate::person::Person;
use crate::reply::{Reply, bare, html, redirect, with_cookie};
use crate::server::parameter;

/// Where it is.
pub(crate) const PATH: &str = "/imitation";

const HEAD: &str = "<!DOCTYPE html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
    <meta name=\"viewport\" content=\"width=device-width\">\
    <title>仿微信 Imitation of WeChat</title><style>\
    body{font:18px/1.5 sans-serif;max-width:34rem;margin:1rem auto;padding:0 1rem;color:#222}\
    h1{font-size:1.3rem;background:#7a4b00;color:#fff;padding:.5rem 1rem}h2{font-size:1.1rem}\
    button,input{font:inherit;padding:.4rem .8rem;margin:.2rem 0}\
    [aria-pressed=true]{background:#222;color:#fff}code{word-break:break-all}\
    pre{white-space:pre-wrap;background:#eee;padding:.6rem}</style>\
    <h1>这不是微信，是它的仿制品<br>This is not WeChat but an imitation of it</h1>";

/// A page of the imitation.
pub(crate) fn document(content: &str) -> String {
    format!("{HEAD}{content}</html>")
}

/// Shows the page, and perhaps what has come of something.
pub(crate) fn show(imitation: &Imitation, by: Browser<'_>, outcome: Option<&str>) -> Reply {
    let Some(person) = person(imitation, by.headers) else {
        return bare(StatusCode::SERVICE_UNAVAILABLE);
    };
    let mut page = outcome.unwrap_or_default().to_owned();
    let (is_snapshot, refuses) = person.with(|state| (state.is_snapshot, state.refuses));
    page += "<p>先在这里选择，再回到投票页面登录。<br>Choose here, then go back to the voting page \
             and sign in.</p><form method=\"post\"><h2>登录时 When signing in</h2>";
    page += &choice("agrees", "同意 Agree", !refuses && !is_snapshot);
    page += &choice("declines", "拒绝 Decline", refuses);
    page += &choice("snapshot", "快照页虚拟身份 Virtual identity (snapshot)", is_snapshot);
    page += "</form>";
    for kind in Kind::ALL {
        if imitation.account(kind).is_some() {
            page += &account(&person, kind);
        }
    }
    let name = escaped(person.name());
    page += "<form method=\"post\"><h2>我是谁 Who I am</h2>";
    page += &format!("<p><code>{name}</code></p>");
    page += &choice("leave", "换一个人 Become somebody else", false);
    page += "</form>";
    // Its scheme is this page's.
    let domain = escaped(&imitation.state().redirect_domain);
    page += &format!("<p><a href=\"//{domain}/\">回到投票页面 Back to the voting page</a></p>");
    with_cookie(html(document(&page)), Some(&person))
}

/// Does what a form says.
pub(crate) async fn act(imitation: &Imitation, by: Browser<'_>, form: &Bytes) -> Reply {
    let Some(person) = person(imitation, by.headers) else {
        return bare(StatusCode::SERVICE_UNAVAILABLE);
    };
    let form = String::from_utf8_lossy(form);
    let given = |name| parameter(&form, name).unwrap_or_default();
    let is_subscription = given("account") == Kind::Subscription.name();
    let kind = if is_subscription { Kind::Subscription } else { Kind::Service };
    let event = match given("do").as_str() {
        "agrees" => return decided(&person, false, false),
        "declines" => return decided(&person, true, false),
        "snapshot" => return decided(&person, false, true),
        "leave" => return with_cookie(back(), None),
        "follow" => Event::Subscribe,
        "unfollow" => Event::Unsubscribe,
        "send" => Event::Text(given("text")),
        "scan" => Event::Scan(given("text")),
        _ => return back(),
    };
    let outcome = shown(person.send(kind, event).await);
    show(imitation, by, Some(&outcome))
}

fn decided(person: &Person, refuses: bool, is_snapshot: bool) -> Reply {
    person.set_refuses(refuses);
    person.set_snapshot(is_snapshot);
    with_cookie(back(), Some(person))
}

/// To the page, so that a reload does nothing twice.
fn back() -> Reply {
    redirect(StatusCode::SEE_OTHER, PATH).unwrap_or_else(|| bare(StatusCode::OK))
}

/// One account: whether it is followed, and a way to talk to it.
fn account(person: &Person, kind: Kind) -> String {
    let (title, follows) = (title(kind), person.follows(kind));
    let hidden = format!("<input type=\"hidden\" name=\"account\" value=\"{}\">", kind.name());
    let mut part = format!("<h2>{title}</h2><form method=\"post\">{hidden}");
    part += &choice("follow", "已关注 Follow", follows);
    part += &choice("unfollow", "未关注 Do not follow", !follows);
    part += "</form>";
    let label =
        format!("<label>文字 Text <input name=\"text\" maxlength=\"200\"></label> {hidden}");
    let send =
        if follows { choice("send", "发送消息 Send message", false) } else { String::new() };
    let scan = choice("scan", "扫码 Scan a code with it", false);
    part += &format!("<form method=\"post\">{label}{send}{scan}</form>");
    part
}

const fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Service => "服务号 Service account",
        Kind::Subscription => "订阅号 Subscription account",
    }
}

fn choice(value: &str, label: &str, is_pressed: bool) -> String {
    format!("<button name=\"do\" value=\"{value}\" aria-pressed=\"{is_pressed}\">{label}</button> ")
}

/// What has come of an event.
fn shown(outcome: Result<Delivered, Undelivered>) -> String {
    let text = match outcome {
        Ok(Delivered { text: Some(text), .. }) => text,
        Ok(Delivered { text: None, .. }) => "公众号没有回复。The account says nothing.".to_owned(),
        Err(Undelivered::NoUrl) => "没有接收方。Nobody is told of it.".to_owned(),
        Err(error) => format!("该公众号提供的服务出现故障。The account is out of order: {error}"),
    };
    let mut shown = format!("<pre role=\"status\">{}</pre>", escaped(&text));
    let end = |letter: char| letter.is_whitespace() || "\"'<>。,".contains(letter);
    for (start, _) in text.match_indices("http") {
        let link = text[start..].split(end).next().unwrap_or_default();
        if link.starts_with("http://") || link.starts_with("https://") {
            let link = escaped(link);
            shown += &format!("<p><a href=\"{link}\" rel=\"noreferrer\">{link}</a></p>");
        }
    }
    shown
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
