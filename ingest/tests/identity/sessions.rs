//! Signing in without WeChat's authorization: as anybody, with a token, with a link; and nothing
//! else.

use ballot::Mode;
use hyper::Method;
use imitation::{Event, Kind};
use ingest::{SignIn, Site};
use serde_json::json;

use super::browser::Browser;
use super::client::{Answer, Raw};
use super::kit::{DAY_MS, HOUR_MS, NOON_MS, Running, Setup, within};
use super::world::{COOKIE, Choice, World, sign_ins};

const SESSION: &str = "/v1/campaigns/c/session";
const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn in_a_demonstration_everybody_is_somebody_new_and_stays_who_they_are() {
    let world = World::start(Choice { mode: Mode::Demo, ..Choice::default() }).await;
    let (ann, bob) = (world.phone("ann", false), world.phone("bob", false));
    for browser in [&ann, &bob] {
        assert_eq!(browser.cast().await, 401);
        let signed = browser.post(SESSION, "{\"demo\":true}").await;
        assert_eq!((signed.status.as_u16(), signed.body.len()), (204, 0));
        assert_eq!(signed.header("cache-control"), "no-store");
        let cookie = signed.header("set-cookie");
        let attributes = "; HttpOnly; SameSite=Lax; Path=/; Max-Age=190800; Secure";
        assert!(cookie.starts_with("__Host-weir-c=") && cookie.ends_with(attributes), "{cookie}");
        assert_eq!(browser.cast().await, 202);
    }
    let before = ann.cookie(COOKIE);
    assert_eq!(ann.post(SESSION, "{\"demo\":true}").await.status, 204);
    assert_eq!(ann.cookie(COOKIE), before);
    assert_eq!(world.sign_ins("ok"), 3);
    // What cannot be read is no reason to keep anybody out.
    ann.set_cookie(COOKIE, "nonsense");
    assert_eq!(ann.post(SESSION, "{\"demo\":true}").await.status, 204);
    assert_eq!(ann.cast().await, 202);
    world.clock.set(NOON_MS + 29 * HOUR_MS + DAY_MS);
    assert_eq!(ann.post(SESSION, "{\"demo\":true}").await.code(), "closed");
}

#[tokio::test]
async fn a_token_that_holds_becomes_the_cookie_for_as_long_as_it_holds() {
    let edge = Running::start(Setup::default()).await;
    let token = edge.mint("ann", true, 1_702_872_060);
    let signed = session(&edge, &json!({ "token": token }).to_string()).await;
    assert_eq!(signed.status, 204, "{signed:?}");
    let expected = format!("weir-c={token}; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    assert_eq!(signed.header("set-cookie"), expected);
    assert_eq!((sign_ins(&edge.registry, "ok"), sign_ins(&edge.registry, "expired")), (1, 0));
}

#[tokio::test]
async fn the_link_that_the_account_sends_signs_in_once_and_within_five_minutes() {
    let world = World::start(Choice { mode: Mode::Link, ..Choice::default() }).await;
    let ann = world.phone("ann", false);
    ann.person.set_follows(Kind::Subscription, true);
    let ask = async || {
        let told = ann.person.send(Kind::Subscription, Event::Text("点赞".to_owned())).await;
        let told = told.unwrap().text.unwrap();
        let (_, link) = told.split_once("#link=").unwrap();
        json!({ "link": link.split_whitespace().next().unwrap() }).to_string()
    };
    let link = ask().await;
    assert_eq!(ann.post(SESSION, &link).await.status, 204);
    assert_eq!(ann.cast().await, 202, "who can write to the account follows it");
    let thief = world.phone("mallory", false);
    for refused in [ann.post(SESSION, &link).await, thief.post(SESSION, &link).await] {
        assert_eq!((refused.status.as_u16(), refused.code()), (410, "link_used".to_owned()));
    }
    world.clock.set(NOON_MS + 1_000);
    let late = ask().await;
    assert_ne!(late, link);
    world.clock.set(NOON_MS + 301_000);
    assert_eq!(thief.post(SESSION, &late).await.code(), "link_used");
    for link in ["", "x", &"A".repeat(67)] {
        let refused = thief.post(SESSION, &json!({ "link": link }).to_string()).await;
        assert_eq!(refused.code(), "unauthenticated", "{link}");
    }
    assert_eq!((world.sign_ins("ok"), world.sign_ins("expired")), (1, 6));
    assert_eq!(thief.cookie(COOKIE), None);
}

#[tokio::test]
async fn who_is_signed_in_becomes_somebody_else_only_by_their_own_word() {
    let edge = Running::start(Setup::default()).await;
    let (ann, mallory) = (edge.token("ann"), edge.token("mallory"));
    let as_ann = [JSON, ("cookie", &*format!("weir-c={ann}"))];
    let sent = async |headers: &[(&str, &str)], body: serde_json::Value| {
        edge.send(Method::POST, SESSION, headers, body.to_string()).await
    };
    for body in [json!({ "token": mallory }), json!({ "token": mallory, "replace": false })] {
        let asked = sent(&as_ann, body).await;
        assert_eq!((asked.status.as_u16(), &*asked.code()), (409, "already_signed_in"));
        assert_eq!(asked.header("set-cookie"), "");
    }
    assert_eq!(sign_ins(&edge.registry, "ok") + sign_ins(&edge.registry, "failed"), 0);
    // Another token of the same voter, and a cookie that does not hold, are no question.
    let newer = edge.mint("ann", true, 4_000_000_001);
    assert_eq!(sent(&as_ann, json!({ "token": newer })).await.status, 204);
    let expired = edge.mint("ann", true, u64::try_from(NOON_MS / 1_000).unwrap());
    let was_ann = [JSON, ("cookie", &*format!("weir-c={expired}"))];
    assert_eq!(sent(&was_ann, json!({ "token": mallory })).await.status, 204);
    let wanted = sent(&as_ann, json!({ "token": mallory, "replace": true })).await;
    assert_eq!(wanted.status, 204);
    assert!(wanted.header("set-cookie").contains(&mallory));
    let forged = sent(&as_ann, json!({ "token": "A".repeat(58), "replace": true })).await;
    assert_eq!(forged.code(), "unauthenticated");
}

#[tokio::test]
async fn a_link_of_somebody_else_is_as_good_as_before_until_the_voter_wants_it() {
    let world = World::start(Choice { mode: Mode::Link, ..Choice::default() }).await;
    let (ann, bob) = (world.phone("ann", false), world.phone("bob", false));
    let link = async |of: &Browser<'_>| {
        of.person.set_follows(Kind::Subscription, true);
        let told = of.person.send(Kind::Subscription, Event::Text("点赞".to_owned())).await;
        let told = told.unwrap().text.unwrap();
        let (_, link) = told.split_once("#link=").unwrap();
        link.split_whitespace().next().unwrap().to_owned()
    };
    let (of_ann, of_bob) = (link(&ann).await, link(&bob).await);
    assert_eq!(ann.post(SESSION, &json!({ "link": of_ann }).to_string()).await.status, 204);
    let before = ann.cookie(COOKIE);
    for _ in 0..2 {
        let asked = ann.post(SESSION, &json!({ "link": of_bob }).to_string()).await;
        assert_eq!((asked.status.as_u16(), &*asked.code()), (409, "already_signed_in"));
    }
    assert_eq!(ann.cookie(COOKIE), before);
    let wanted = json!({ "link": of_bob, "replace": true }).to_string();
    assert_eq!(ann.post(SESSION, &wanted).await.status, 204);
    assert_ne!(ann.cookie(COOKIE), before);
    assert_eq!(ann.post(SESSION, &wanted).await.code(), "link_used");
}

#[tokio::test]
async fn sign_ins_whose_body_does_not_come_keep_out_nobody_whose_body_does() {
    let pseudonyms = Some(ballot::PseudonymKey::new(&[7; 32]));
    let sign_in = SignIn { mode: Mode::Demo, pseudonyms, ..SignIn::default() };
    let edge = Running::start(Setup { sign_in, ..Setup::default() }).await;
    let head =
        format!("POST {SESSION} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
    let head = head + "content-length: 13\r\n\r\n{\"demo\":";
    let mut slow = Vec::new();
    for _ in 0..257 {
        let mut raw = Raw::connect(edge.address).await;
        raw.send(head.clone()).await;
        slow.push(raw);
    }
    // Whichever comes last.
    let hears = slow.iter_mut().map(|raw| Box::pin(raw.hears("\"code\":\"overloaded\"")));
    let (heard, ..) = within(futures_util::future::select_all(hears)).await;
    assert!(heard.starts_with("HTTP/1.1 503 "), "{heard}");
    assert_eq!(session(&edge, "{\"demo\":true}").await.status, 204);
}

#[tokio::test]
async fn each_way_in_is_closed_where_it_is_not_the_campaigns_own() {
    let token = "{\"token\":\"x\"}";
    let (demo, link) = ("{\"demo\":true}", "{\"link\":\"x\"}");
    for (mode, others) in [
        (Mode::Demo, vec![token, link]),
        (Mode::Token, vec![demo, link]),
        (Mode::Link, vec![demo, token]),
        (Mode::Service, vec![demo, token, link]),
        (Mode::Unionid, vec![demo, token, link]),
    ] {
        let world = World::start(Choice { mode, ..Choice::default() }).await;
        let ann = world.phone("ann", true);
        for body in others {
            let refused = ann.post(SESSION, body).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code()),
                (403, "wrong_identity_mode".into())
            );
        }
        if !mode.authorizes() {
            let refused = ann.get("/auth/wechat/login?campaign=c").await;
            assert_eq!(refused.code(), "wrong_identity_mode");
            let refused = ann.get("/auth/wechat/callback?code=x&state=y").await;
            assert_eq!(refused.code(), "unknown_route");
        }
        assert_eq!(ann.cookie(COOKIE), None);
    }
}

#[tokio::test]
async fn a_sign_in_is_read_strictly_and_only_from_the_voting_page() {
    let edge = demo().await;
    let good = "{\"demo\":true}";
    let long = format!("{{\"token\":\"{}\"}}", "x".repeat(2_000));
    for (headers, body, code) in [
        (vec![], good, "unsupported_media_type"),
        (vec![("content-type", "text/plain")], good, "unsupported_media_type"),
        (vec![JSON, ("content-encoding", "gzip")], good, "unsupported_media_type"),
        (vec![JSON], "{\"demo\":true,\"demo\":true}", "malformed_request"),
        (vec![JSON], "", "malformed_request"),
        (vec![JSON], &*long, "too_large"),
        (vec![JSON, ("sec-fetch-site", "cross-site")], good, "cross_site"),
        (vec![JSON, ("origin", "https://elsewhere.example")], good, "cross_site"),
        (vec![JSON, ("origin", "null")], good, "cross_site"),
    ] {
        let refused = edge.send(Method::POST, SESSION, &headers, body.to_owned()).await;
        assert_eq!(refused.code(), code, "{headers:?} {body}");
        assert_eq!(refused.header("set-cookie"), "");
    }
    for headers in [
        vec![JSON],
        vec![JSON, ("sec-fetch-site", "same-origin"), ("origin", "http://test")],
        vec![JSON, ("origin", "https://vote.example")],
        vec![JSON, ("origin", "http://test")],
    ] {
        let signed = edge.send(Method::POST, SESSION, &headers, good).await;
        assert_eq!(signed.status, 204, "{headers:?} {signed:?}");
    }
    let refused = edge.send(Method::GET, SESSION, &[], "").await;
    assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "POST"));
    let elsewhere = edge.send(Method::POST, "/v1/campaigns/d/session", &[JSON], good).await;
    assert_eq!(elsewhere.code(), "unknown_campaign");
    // A body that stops is given up.
    let mut raw = Raw::connect(edge.address).await;
    let head =
        format!("POST {SESSION} HTTP/1.1\r\nhost: test\r\ncontent-type: application/json\r\n");
    raw.send(head + "content-length: 13\r\n\r\n{\"demo\":").await;
    assert!(raw.until_closed().await.contains("request_timeout"));
}

/// An edge of a demonstration that waits for bodies for a tenth of a second.
async fn demo() -> Running {
    let pseudonyms = Some(ballot::PseudonymKey::new(&[7; 32]));
    let sign_in = SignIn { mode: Mode::Demo, pseudonyms, ..SignIn::default() };
    let site = Site { public_url: Some("https://vote.example".to_owned()), ..Site::default() };
    let mut setup = Setup { sign_in, site, ..Setup::default() };
    setup.limits.body_timeout = std::time::Duration::from_millis(100);
    Running::start(setup).await
}

async fn session(edge: &Running, body: &str) -> Answer {
    edge.send(Method::POST, SESSION, &[JSON], body.to_owned()).await
}
