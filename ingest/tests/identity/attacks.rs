//! What whoever would be somebody else, twice, or elsewhere gets.

use ballot::{Token, TokenKeys, VoterId};
use hyper::Method;
use imitation::Endpoint;
use serde_json::json;

use super::browser::outcome;
use super::kit::{NOON_MS, Running, Setup, TOKEN_KEY};
use super::world::{COOKIE, Choice, World};

#[tokio::test]
async fn no_forged_expired_foreign_or_truncated_token_is_taken_anywhere() {
    let edge = Running::start(Setup::default()).await;
    let voter = VoterId { high: 1, low: 2 };
    let expires_at_s = 4_000_000_000;
    let token = Token { voter, follower: true, fresh: false, expires_at_s };
    let mint = |campaign, key| TokenKeys::new(campaign, &[key]).unwrap().mint(&token);
    let good = edge.token("ann");
    let flip = |at: usize| {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).unwrap()
    };
    for bad in [
        mint("c", (1, [2; 32])),
        mint("c", (2, TOKEN_KEY.1)),
        mint("d", TOKEN_KEY),
        edge.mint("ann", true, u64::try_from(NOON_MS / 1_000).unwrap()),
        good[..57].to_owned(),
        good[1..].to_owned(),
        format!("{good}="),
        good.clone() + "A",
        flip(3),
        flip(20),
        flip(50),
        String::new(),
    ] {
        let refused = session(&edge, &bad).await;
        assert_eq!((refused.0, refused.1.as_str()), (401, ""), "{bad}");
        let ballot = edge.cast_with(&bad, "{\"choices\":[1]}").await;
        assert_eq!(ballot.code(), "unauthenticated", "{bad}");
    }
    assert_eq!(session(&edge, &good).await.0, 204);
}

#[tokio::test]
async fn a_token_that_is_replayed_is_the_same_voter_with_the_same_one_ballot() {
    let edge = Running::start(Setup::default()).await;
    let receipt = edge.acknowledged("ann", &[1]).await;
    let stolen = edge.token("ann");
    assert_eq!(session(&edge, &stolen).await.0, 204);
    let again = edge.cast_with(&stolen, "{\"choices\":[1]}").await;
    assert_eq!((again.status.as_u16(), again.json()["receipt"].as_str()), (202, Some(&*receipt)));
    let other = edge.cast_with(&stolen, "{\"choices\":[2]}").await;
    assert_eq!(other.code(), "already_voted");
}

/// The status, and the cookie that came with it.
async fn session(edge: &Running, token: &str) -> (u16, String) {
    let body = json!({ "token": token }).to_string();
    let headers = [("content-type", "application/json")];
    let answer = edge.send(Method::POST, "/v1/campaigns/c/session", &headers, body).await;
    (answer.status.as_u16(), answer.header("set-cookie").to_owned())
}

#[tokio::test]
async fn a_victim_who_opens_the_callback_of_an_attacker_stays_who_they_are() {
    let world = World::start(Choice::default()).await;
    let mallory = world.phone("mallory", true);
    let of_mallory = mallory.set_out().await;
    let (signing_in, not) = (world.phone("ann", true), world.phone("bob", true));
    signing_in.set_out().await;
    for victim in [signing_in, not] {
        let answer = victim.get(&of_mallory).await;
        assert_eq!((outcome(&answer).as_str(), answer.header("set-cookie")), ("expired", ""));
        assert_eq!(victim.cookie(COOKIE), None);
    }
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    // Mallory's own is none the worse for it.
    assert_eq!(mallory.come_back(&of_mallory).await, "ok");
}

#[tokio::test]
async fn a_stolen_state_or_code_is_worth_nothing_without_the_cookie_that_belongs_to_it() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    let of_ann = ann.set_out().await;
    let mallory = world.phone("mallory", true);
    let of_mallory = mallory.set_out().await;
    let (_, state_of_ann) = of_ann.split_once("state=").unwrap();
    let (path, state_of_mallory) = of_mallory.split_once("state=").unwrap();
    let with_anns_state = format!("{path}state={state_of_ann}");
    assert_eq!(outcome(&mallory.get(&with_anns_state).await), "expired");
    let name = mallory.begun().remove(0);
    let mut cookie = mallory.cookie(&name).unwrap();
    // A cookie of one's own making belongs to no state.
    cookie.replace_range(2..3, if cookie.as_bytes()[2] == b'0' { "1" } else { "0" });
    let forger = mallory.another();
    forger.set_cookie(&name, &cookie);
    assert_eq!(outcome(&forger.get(&of_mallory).await), "expired");
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    assert_eq!(ann.come_back(&of_ann).await, "ok");
    // Ann's code, once it is used, under Mallory's state: WeChat has it spent, and what was made of
    // it here is Ann's alone. So Mallory is sent to WeChat again, and comes back as Mallory.
    let code = of_ann.split(['=', '&']).nth(1).unwrap();
    let injected = format!("/auth/wechat/callback?code={code}&state={state_of_mallory}");
    assert_eq!(outcome(&forger.get(&of_ann).await), "expired");
    assert_eq!(mallory.come_back(&injected).await, "ok");
    assert_ne!(mallory.cookie(COOKIE), ann.cookie(COOKIE));
}

#[tokio::test]
async fn a_sign_in_exchanges_the_first_code_that_it_comes_with_and_no_other() {
    let world = World::start(Choice::default()).await;
    let (ann, mallory) = (world.phone("ann", true), world.phone("mallory", true));
    let of_ann = ann.set_out().await;
    let of_mallory = mallory.set_out().await;
    let code = |path: &str| path.split(['=', '&']).nth(1).unwrap().to_owned();
    let injected = of_ann.replace(&code(&of_ann), &code(&of_mallory));
    assert_eq!(outcome(&ann.get(&of_ann).await), "ok");
    let known = ann.cookie(COOKIE);
    // Mallory has heard Ann's state, and has Ann's browser open it with a code of Mallory's.
    for at_ms in [0, 299_999, 300_000, 599_999] {
        world.clock.set(NOON_MS + at_ms);
        let answer = ann.get(&injected).await;
        assert_eq!((outcome(&answer).as_str(), answer.header("set-cookie")), ("expired", ""));
    }
    assert_eq!(ann.cookie(COOKIE), known);
    // Nor does a machine use up the account's exchanges with one sign-in.
    world.clock.set(NOON_MS);
    for number in 0..100 {
        let path = of_ann.replace(&code(&of_ann), &format!("code-{number}"));
        assert_eq!(outcome(&ann.get(&path).await), "expired");
    }
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 1);
    assert_eq!(outcome(&mallory.get(&of_mallory).await), "ok", "the code was not spent");
    assert_eq!(outcome(&ann.get(&of_ann).await), "ok", "what was said is said again");
    assert_eq!((world.wechat.calls(Endpoint::Exchange), world.sign_ins("expired")), (2, 104));
}

#[tokio::test]
async fn one_network_has_its_share_of_exchanges_and_the_next_is_told_to_try_again() {
    let world = World::start(Choice { proxied: true, ..Choice::default() }).await;
    let callback = async |from: &str| {
        let ann = world.phone("ann", true);
        let path = ann.set_out().await;
        let answer = ann.send(Method::GET, &path, &[("x-forwarded-for", from)], "").await;
        (outcome(&answer), ann, path)
    };
    for number in 0..300 {
        let (word, ..) = callback(&format!("198.51.100.{}", number % 250)).await;
        assert_eq!(word, "ok", "{number}");
    }
    let mut turned_away = None;
    // It refills meanwhile: ten a second.
    for _ in 0..300 {
        let (word, browser, path) = callback("198.51.100.7").await;
        if word == "busy" {
            turned_away = Some((browser, path));
            break;
        }
    }
    let (browser, path) = turned_away.unwrap();
    assert_eq!(callback("198.51.101.7").await.0, "ok", "another network");
    assert_eq!(browser.cookie(COOKIE), None);
    assert_eq!(world.sign_ins("busy"), 1);
    // Its code is as good as it was, from wherever it is sent.
    let from = [("x-forwarded-for", "198.51.101.8")];
    assert_eq!(outcome(&browser.send(Method::GET, &path, &from, "").await), "ok");
}

#[tokio::test]
async fn a_sign_in_that_took_too_long_or_lost_its_cookie_is_over() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    let path = ann.set_out().await;
    assert_eq!(outcome(&ann.another().get(&path).await), "expired");
    world.clock.set(NOON_MS + 600_000);
    assert_eq!(outcome(&ann.get(&path).await), "expired");
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    assert_eq!(world.sign_ins("expired"), 2);
}

#[tokio::test]
async fn no_parameter_leads_anywhere_but_to_a_page_of_a_campaign_here_or_into_a_header() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    for campaign in [
        "d",
        "",
        "c/../../x",
        "https://evil.example",
        "//evil.example",
        "c%0d%0aset-cookie:%20a=b",
        "c%00",
        "c&campaign=c",
        "c&campaign=d",
        "C",
    ] {
        let refused = ann.get(&format!("/auth/wechat/login?campaign={campaign}")).await;
        assert_eq!(refused.code(), "unknown_campaign", "{campaign}");
        assert_eq!(refused.header("location"), "");
    }
    assert_eq!(ann.get("/auth/wechat/login").await.code(), "unknown_campaign");
    let evil = "2f2f6576696c2e6578616d706c65";
    for query in [
        "",
        "?code=x",
        "?code=x&state=",
        "?code=x&state=https://evil.example",
        "?code=x&state=%0d%0alocation:%20https://evil.example",
        &format!("?code=x&state={}{evil}", "0".repeat(32)),
        "?code=x&state=y&redirect_uri=https://evil.example&campaign=//evil.example",
    ] {
        // Whatever came, it leads to the page here: `outcome` looks.
        let answer = ann.get(&format!("/auth/wechat/callback{query}")).await;
        assert_eq!(outcome(&answer), "expired", "{query}");
        assert_eq!(answer.header("set-cookie"), "");
    }
    let path = ann.set_out().await;
    let code = path.split(['=', '&']).nth(1).unwrap();
    for (wrong, word) in [
        (path.replace(code, ""), "refused"),
        (path.replace(code, "%0d%0a"), "expired"),
        (path.replace(code, &"x".repeat(513)), "expired"),
        (path.replace("state=", "state=0"), "expired"),
        (format!("{path}&state=x"), "expired"),
        (format!("{path}&code=x"), "refused"),
    ] {
        assert_eq!(outcome(&ann.get(&wrong).await), word, "{wrong}");
    }
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 0);
    assert_eq!(ann.come_back(&path).await, "ok");
}
