//! Who follows, learnt from events; and nothing kept of who does not any more.

use std::time::Duration;

use ballot::Mode;
use imitation::{Endpoint, Event, Fault, Kind};
use ingest::wechat::follows::Known;

use super::kit::{NOON_MS, within};
use super::world::{NOON_S, SERVICE_TOKEN, TOKEN, World, event, text};

/// For an answer to an event.
const WECHAT_WAITS: Duration = Duration::from_secs(5);

#[tokio::test]
async fn whoever_follows_is_known_to_all_campaigns_of_the_account_until_they_go() {
    let world = World::start(&[
        ("a", Mode::Service, SERVICE_TOKEN),
        ("b", Mode::Service, SERVICE_TOKEN),
        ("d", Mode::Service, TOKEN),
    ])
    .await;
    let person = world.wechat.person("p");
    let openid = person.openid(Kind::Service);
    let delivered = person.send(Kind::Service, Event::Subscribe).await.unwrap();
    assert_eq!((delivered.attempts, delivered.body.as_str()), (1, ""));
    let since_s = Some(u64::try_from(NOON_S).unwrap());
    let expected = Some(Known { follows: true, since_s, known_at_ms: NOON_MS });
    assert_eq!(world.known("a", &openid).await, expected);
    assert_eq!(world.known("b", &openid).await, expected);
    assert_eq!(world.known("d", &openid).await, None);
    let delivered = person.send(Kind::Service, Event::Unsubscribe).await.unwrap();
    assert_eq!((delivered.attempts, delivered.body.as_str()), (1, ""));
    assert!(!world.follows("a", &openid).await && !world.follows("b", &openid).await);
}

#[tokio::test]
async fn an_event_that_comes_again_does_nothing_again() {
    let world = World::start(&[("a", Mode::Service, TOKEN)]).await;
    let (subscribe, unsubscribe) =
        (event("o1", NOON_S, "subscribe"), event("o1", NOON_S, "unsubscribe"));
    for nonce in ["1", "1", "2"] {
        assert_eq!(world.tell(nonce, subscribe.clone()).await.status, 200);
    }
    // In the same second, and not taken for the same.
    assert_eq!(world.tell("3", unsubscribe).await.status, 200);
    assert!(!world.follows("a", "o1").await);
    assert_eq!(world.tell("4", subscribe).await.status, 200);
    assert!(!world.follows("a", "o1").await, "a late retry");
    assert_eq!((world.count("subscribe", "handled"), world.count("subscribe", "repeated")), (1, 3));
    assert_eq!(world.count("unsubscribe", "handled"), 1);
}

#[tokio::test]
async fn whoever_follows_the_subscription_account_is_the_voter_of_their_unionid() {
    let world = World::start(&[("a", Mode::Unionid, TOKEN), ("b", Mode::Unionid, TOKEN)]).await;
    let person = world.wechat.person("p");
    world.wechat.fail(Endpoint::UserInfo, Fault::Errcode(-1), 1);
    let openid = person.openid(Kind::Subscription);
    assert_eq!(person.send(Kind::Subscription, Event::Subscribe).await.unwrap().body, "");
    until_follows(&world, "a", &person.unionid(), true).await;
    until_follows(&world, "b", &person.unionid(), true).await;
    assert!(!world.follows("a", &openid).await);
    person.send(Kind::Subscription, Event::Unsubscribe).await.unwrap();
    assert!(!world.follows("a", &person.unionid()).await, "deleted before the answer");
    assert!(!world.follows("b", &person.unionid()).await);
}

#[tokio::test]
async fn whoever_followed_before_is_learnt_of_when_they_scan_or_write() {
    let world = World::start(&[("a", Mode::Unionid, TOKEN)]).await;
    for (name, deed) in [("p", Event::Scan("door".to_owned())), ("q", Event::Text("hi".to_owned()))]
    {
        let person = world.wechat.person(name);
        person.set_follows(Kind::Subscription, true);
        assert_eq!(person.send(Kind::Subscription, deed).await.unwrap().body, "");
        until_follows(&world, "a", &person.unionid(), true).await;
    }
    assert_eq!((world.count("scan", "handled"), world.count("text", "handled")), (1, 1));
}

#[tokio::test]
async fn subscribers_for_whom_there_is_no_room_are_dropped_and_every_answer_is_quick() {
    let world = World::start(&[("a", Mode::Unionid, TOKEN)]).await;
    world.wechat.set_latency(Endpoint::UserInfo, Duration::from_secs(600));
    for number in 0..1_030 {
        let nonce = number.to_string();
        let told = world.tell(&nonce, event(&format!("o{number}"), NOON_S, "subscribe"));
        let answer = tokio::time::timeout(WECHAT_WAITS, told).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0));
    }
    assert_eq!(world.count("subscribe", "handled"), 1_024);
    assert_eq!(world.count("subscribe", "dropped"), 6);
}

#[tokio::test]
async fn what_is_not_for_us_is_answered_with_nothing() {
    let world = World::start(&[("a", Mode::Service, TOKEN), ("b", Mode::Link, TOKEN)]).await;
    for (nonce, body) in [
        ("1", event("o1", NOON_S, "LOCATION")),
        ("2", text("o1", NOON_S, "hello")),
        ("3", text("o1", NOON_S, "点赞")),
        ("4", event("o1", NOON_S, "unsubscribe")),
    ] {
        let answer = world.tell(nonce, body).await;
        assert_eq!((answer.status.as_u16(), answer.body.len()), (200, 0), "{nonce}");
    }
    assert_eq!((world.count("other", "handled"), world.count("text", "handled")), (1, 2));
}

async fn until_follows(world: &World, campaign: &str, identity: &str, expected: bool) {
    within(async {
        let mut ticks = tokio::time::interval(Duration::from_millis(10));
        while world.follows(campaign, identity).await != expected {
            ticks.tick().await;
        }
    })
    .await;
}
