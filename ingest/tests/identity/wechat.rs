//! Signing in by WeChat's authorization: each word that the page may be told, and what is asked of
//! WeChat for it.

use ballot::{Campaign, Mode, TokenKeys};
use imitation::{Endpoint, Fault, Kind, Unionids, errcode};

use super::browser::outcome;
use super::kit::{DAY_MS, HOUR_MS, NOON_MS, Running, Setup, TOKEN_KEY, campaign_text, within};
use super::world::{COOKIE, Choice, PUBLIC_URL, World};

const ME: &str = "/v1/campaigns/c/me";

#[tokio::test]
async fn a_follower_signs_in_and_votes_and_wechat_is_asked_twice() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    assert_eq!(ann.sign_in().await, "ok");
    let me = ann.get(ME).await.json();
    assert_eq!((&me["signed_in"], &me["follower"]), (&true.into(), &true.into()));
    assert_eq!(ann.cast().await, 202);
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 1);
    assert_eq!(world.wechat.calls(Endpoint::UserInfo), 1);
    // On another phone it is the same voter, who is known to follow.
    let other = ann.another();
    assert_eq!(other.sign_in().await, "ok");
    assert_eq!(other.get(ME).await.json()["ballot"]["choices"], serde_json::json!([1]));
    assert_eq!(world.wechat.calls(Endpoint::UserInfo), 1);
    assert_eq!(world.sign_ins("ok"), 2);
}

#[tokio::test]
async fn the_way_to_wechat_and_back_is_exact_and_its_cookies_are_kept_from_scripts() {
    for (public_url, prefix, login_path, secure) in
        [(PUBLIC_URL, "__Host-", "/", "; Secure"), ("http://vote.example", "", "/auth", "")]
    {
        let choice = Choice { public_url: Some(public_url), ..Choice::default() };
        let world = World::start(choice).await;
        let ann = world.phone("ann", true);
        let sent = ann.get("/auth/wechat/login?campaign=c").await;
        assert_eq!(sent.header("cache-control"), "no-store");
        assert_eq!(sent.header("referrer-policy"), "no-referrer");
        let (scheme, host) = public_url.split_once("://").unwrap();
        let back = format!("&redirect_uri={scheme}%3A%2F%2F{host}%2Fauth%2Fwechat%2Fcallback&");
        assert!(sent.header("location").contains(&back), "{sent:?}");
        let attributes =
            format!("; HttpOnly; SameSite=Lax; Path={login_path}; Max-Age=600{secure}");
        let (cookie, begins) = (sent.header("set-cookie"), format!("{prefix}weir-login."));
        assert!(cookie.starts_with(&begins) && cookie.ends_with(&attributes), "{cookie}");
        assert!(cookie[begins.len() + 1..].starts_with("=c."), "{cookie}");
        let path = ann.at_wechat(sent.header("location")).await;
        let back = ann.get(&path).await;
        // Until a day after the close: 53 hours from noon.
        let age_s = (29 + 24) * 3_600;
        let attributes = format!("; HttpOnly; SameSite=Lax; Path=/; Max-Age={age_s}{secure}");
        let (cookie, begins) = (back.header("set-cookie"), format!("{prefix}weir-c="));
        assert!(cookie.starts_with(&begins) && cookie.ends_with(&attributes), "{cookie}");
        assert_eq!(outcome(&back), "ok");
    }
}

#[tokio::test]
async fn whoever_declines_or_is_a_virtual_voter_gets_a_word_and_no_session() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    ann.person.set_refuses(true);
    assert_eq!(ann.sign_in().await, "refused");
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    ann.person.set_refuses(false);
    ann.person.set_snapshot(true);
    assert_eq!(ann.sign_in().await, "snapshot");
    assert_eq!(world.wechat.calls(Endpoint::UserInfo), 0);
    assert_eq!(ann.cookie(COOKIE), None);
    assert_eq!(ann.cast().await, 401);
    assert_eq!((world.sign_ins("refused"), world.sign_ins("snapshot")), (1, 1));
}

#[tokio::test]
async fn who_does_not_follow_is_known_but_may_not_vote_until_a_sign_in_after_following() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", false);
    assert_eq!(ann.sign_in().await, "not_follower");
    let me = ann.get(ME).await.json();
    assert_eq!((&me["signed_in"], &me["follower"]), (&true.into(), &false.into()));
    assert_eq!(ann.cast().await, 403);
    ann.person.set_follows(Kind::Service, true);
    // A no is believed for ten seconds.
    world.clock.set(NOON_MS + 10_000);
    assert_eq!(ann.sign_in().await, "ok");
    assert_eq!(ann.cast().await, 202);
}

#[tokio::test]
async fn where_everybody_may_vote_nobody_is_asked_whether_they_follow() {
    let world = World::start(Choice { followers_only: false, ..Choice::default() }).await;
    let ann = world.phone("ann", false);
    assert_eq!(ann.sign_in().await, "ok");
    assert_eq!(ann.cast().await, 202);
    assert_eq!(world.wechat.calls(Endpoint::UserInfo), 0);
}

#[tokio::test]
async fn a_callback_that_is_opened_twice_signs_in_the_same_voter_with_one_exchange() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    world.wechat.set_latency(Endpoint::Exchange, std::time::Duration::from_millis(50));
    let path = ann.set_out().await;
    let opened = within(futures_util::future::join_all((0..8).map(|_| ann.get(&path)))).await;
    let cookie = opened[0].header("set-cookie").to_owned();
    for answer in &opened {
        assert_eq!((outcome(answer), answer.header("set-cookie")), ("ok".to_owned(), &*cookie));
    }
    world.clock.set(NOON_MS + 299_999);
    assert_eq!(ann.come_back(&path).await, "ok");
    assert_eq!((world.wechat.calls(Endpoint::Exchange), world.sign_ins("ok")), (1, 1));
    // Later the code is spent and the sign-in has had it: there is nothing to ask.
    world.clock.set(NOON_MS + 300_000);
    assert_eq!(ann.come_back(&path).await, "expired");
    assert_eq!((world.wechat.calls(Endpoint::Exchange), world.sign_ins("expired")), (1, 1));
}

#[tokio::test]
async fn a_busy_wechat_and_a_spent_code_begin_again_once() {
    let world = World::start(Choice::default()).await;
    for (fault, word) in [
        (errcode::BUSY, "busy"),
        (errcode::USED_CODE, "expired"),
        (errcode::BAD_CODE, "expired"),
        (errcode::EXPIRED_CODE, "expired"),
    ] {
        let ann = world.phone("ann", true);
        let before = world.wechat.calls(Endpoint::Exchange);
        world.wechat.fail(Endpoint::Exchange, Fault::Errcode(fault), 1);
        assert_eq!(ann.sign_in().await, "ok", "{fault}");
        assert_eq!(world.wechat.calls(Endpoint::Exchange), before + 2);
        let bob = world.phone("bob", true);
        world.wechat.fail(Endpoint::Exchange, Fault::Errcode(fault), 2);
        let path = bob.set_out().await;
        assert_eq!(bob.come_back(&path).await, word, "{fault}");
        assert_eq!(world.wechat.calls(Endpoint::Exchange), before + 4);
        assert_eq!(bob.cookie(COOKIE), None);
        // The first callback, opened late by a phone, says the same as before: once more to WeChat.
        let late = bob.get(&path).await;
        assert!(late.header("location").starts_with("http://127.0.0.1"), "{late:?}");
        assert_eq!(world.wechat.calls(Endpoint::Exchange), before + 4);
    }
    assert_eq!(
        (world.sign_ins("again"), world.sign_ins("busy"), world.sign_ins("expired")),
        (8, 1, 3)
    );
}

#[tokio::test]
async fn a_used_up_quota_and_an_unreachable_wechat_are_busy_and_a_wrong_account_has_failed() {
    for (endpoint, fault, word) in [
        (Endpoint::Exchange, Fault::Errcode(errcode::MINUTE_QUOTA), "busy"),
        (Endpoint::UserInfo, Fault::Errcode(errcode::DAILY_QUOTA), "busy"),
        (Endpoint::StableToken, Fault::Errcode(errcode::DAILY_QUOTA), "busy"),
        (Endpoint::Exchange, Fault::Garbage(502), "busy"),
        (Endpoint::Exchange, Fault::Errcode(errcode::BAD_SECRET), "failed"),
        (Endpoint::UserInfo, Fault::Errcode(errcode::NO_RIGHT), "failed"),
        (Endpoint::UserInfo, Fault::Errcode(errcode::FOREIGN_OPENID), "failed"),
    ] {
        let world = World::start(Choice::default()).await;
        let ann = world.phone("ann", true);
        world.wechat.fail(endpoint, fault, 1);
        assert_eq!(ann.sign_in().await, word, "{fault:?} of {endpoint:?}");
        assert_eq!((ann.cookie(COOKIE), world.sign_ins(word)), (None, 1));
        // Nothing is held against the voter, once WeChat answers again.
        world.clock.set(NOON_MS + HOUR_MS);
        assert_eq!(ann.sign_in().await, "ok", "{fault:?} of {endpoint:?}");
    }
}

#[tokio::test]
async fn where_another_account_is_followed_a_voter_is_their_unionid_and_events_say_who_follows() {
    let world = World::start(Choice { mode: Mode::Unionid, ..Choice::default() }).await;
    let ann = world.phone("ann", true);
    assert_eq!(ann.sign_in().await, "not_follower", "of the subscription account");
    let voter = world.voter(&ann.person.unionid());
    let subscriber = world.voter(&ann.person.openid(Kind::Subscription));
    let follows = &world.sign_in.follows;
    follows.link(subscriber, voter, None, NOON_MS).await.unwrap();
    assert_eq!(ann.sign_in().await, "ok");
    assert_eq!(ann.cast().await, 202);
    assert_eq!(world.wechat.calls(Endpoint::UserInfo), 0);
    world.wechat.set_unionids(Unionids::Unbound);
    assert_eq!(ann.another().sign_in().await, "failed");
}

#[tokio::test]
async fn nobody_signs_in_when_a_token_would_be_over_or_without_an_address_to_come_back_to() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    let path = ann.set_out().await;
    world.clock.set(NOON_MS + 29 * HOUR_MS + DAY_MS);
    assert_eq!(outcome(&ann.get("/auth/wechat/login?campaign=c").await), "expired");
    assert_eq!(outcome(&ann.get(&path).await), "expired");
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    let nowhere = World::start(Choice { public_url: None, ..Choice::default() }).await;
    let ann = nowhere.phone("ann", true);
    assert_eq!(outcome(&ann.get("/auth/wechat/login?campaign=c").await), "failed");
}

#[tokio::test]
async fn token_keys_may_be_replaced_while_voters_are_at_wechat() {
    let world = World::start(Choice::default()).await;
    let (ann, bob) = (world.phone("ann", true), world.phone("bob", true));
    let (of_ann, of_bob) = (ann.set_out().await, bob.set_out().await);
    let keys = |keys: &[(u8, [u8; 32])]| TokenKeys::new("c", keys).unwrap();
    let campaign = Campaign::parse(&campaign_text()).unwrap();
    let new = (9, [9; 32]);
    assert!(world.edge.edge.renew(&campaign, Some(keys(&[new, TOKEN_KEY]))));
    assert_eq!(ann.come_back(&of_ann).await, "ok");
    let cookie = ann.cookie(COOKIE).unwrap();
    assert!(keys(&[new]).check(cookie.as_bytes(), NOON_MS).is_ok(), "signed by the new one");
    assert!(world.edge.edge.renew(&campaign, Some(keys(&[new]))));
    assert_eq!(outcome(&bob.get(&of_bob).await), "expired", "the old one is gone");
}

#[tokio::test]
async fn wechats_file_for_the_domain_is_at_its_very_address_and_nowhere_else() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    let file = ann.get("/MP_verify_aB3xYz.txt").await;
    assert_eq!((file.status.as_u16(), &file.body[..]), (200, b"aB3xYz".as_slice()));
    assert_eq!(file.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(file.header("x-content-type-options"), "nosniff");
    for path in [
        "/MP_verify_.txt",
        "/MP_verify_aB3xY.txt",
        "/MP_verify_ab3xyz.txt",
        "/MP_verify_aB3xYz.txt/",
        "/MP_verify_aB3xYz",
        "/MP_verify_aB3xYz.txt.txt",
        "/MP_verify_%61B3xYz.txt",
        "/x/MP_verify_aB3xYz.txt",
    ] {
        assert_eq!(ann.get(path).await.code(), "unknown_route", "{path}");
    }
    let nobody = Running::start(Setup::default()).await;
    assert_eq!(nobody.get("/MP_verify_aB3xYz.txt").await.code(), "unknown_route");
}
