//! Links that the account sends: to whom, what they are good for, and for how long.

use ballot::Mode;
use futures_util::future::join_all;
use imitation::{Event, Kind, Person};

use super::kit::{DAY_MS, NOON_MS};
use super::world::{Choice, NOON_S, PUBLIC_URL, TOKEN, World, event, text};

const CAMPAIGNS: [Choice; 3] =
    [("a", Mode::Link, TOKEN), ("b", Mode::Link, TOKEN), ("d", Mode::Link, "anothertoken")];

/// What a person reads when they have done something.
async fn reads(person: &Person, event: Event) -> String {
    person.send(Kind::Subscription, event).await.unwrap().text.unwrap_or_default()
}

/// The link of a campaign in a reply.
fn link(reply: &str, campaign: &str) -> String {
    let start = format!("{PUBLIC_URL}/campaigns/{campaign}#link=");
    let found: Vec<_> = reply.lines().filter_map(|line| line.strip_prefix(&start)).collect();
    assert_eq!(found.len(), 1, "{reply}");
    found[0].to_owned()
}

fn used() -> (u16, String) {
    (410, "link_used".to_owned())
}

#[tokio::test]
async fn whoever_sends_the_word_gets_a_link_that_signs_them_in_once() {
    let world = World::start(&CAMPAIGNS).await;
    let person = world.wechat.person("p");
    person.set_follows(Kind::Subscription, true);
    let reply = reads(&person, Event::Text("\u{3000}点赞Ａ ".to_owned())).await;
    assert!(reply.contains("「A \"title\"」") && !reply.contains("campaigns/b"), "{reply}");
    let link = link(&reply, "a");
    assert!(link.ends_with(|last: char| last.is_ascii_alphanumeric()), "clients cut the rest off");
    assert_eq!(world.sign_in("b", &link).await, (401, "unauthenticated".to_owned()));
    assert_eq!(world.sign_in("a", &link[..66]).await, (401, "unauthenticated".to_owned()));
    let opened = join_all((0..8).map(|_| world.sign_in("a", &link))).await;
    assert_eq!(opened.iter().filter(|answer| answer.0 == 204).count(), 1);
    assert_eq!(opened.iter().filter(|answer| **answer == used()).count(), 7);
}

#[tokio::test]
async fn whoever_follows_or_scans_gets_a_link_for_each_campaign_of_the_account() {
    let world = World::start(&CAMPAIGNS).await;
    let person = world.wechat.person("p");
    for event in [Event::Subscribe, Event::Scan("door".to_owned())] {
        let reply = reads(&person, event).await;
        assert!(!reply.contains("campaigns/d"), "{reply}");
        for campaign in ["a", "b"] {
            let link = link(&reply, campaign);
            assert_eq!(world.sign_in(campaign, &link).await.0, 204);
            assert_eq!(world.sign_in(campaign, &link).await, used());
        }
    }
    assert_eq!(reads(&person, Event::Text("你好".to_owned())).await, "");
    assert_eq!(person.send(Kind::Subscription, Event::Unsubscribe).await.unwrap().body, "");
}

#[tokio::test]
async fn a_retry_gets_the_same_reply_and_another_message_another_link() {
    let world = World::start(&CAMPAIGNS).await;
    let ask = |nonce: &'static str, at_s| world.tell(nonce, text("o1", at_s, "点赞a"));
    let first = ask("1", NOON_S).await;
    assert_eq!(first.header("content-type"), "application/xml; charset=utf-8");
    assert_eq!(first.header("cache-control"), "no-store");
    world.clock.set(NOON_MS + 5_000);
    let again = ask("2", NOON_S).await;
    assert_eq!(first.body, again.body);
    let next = ask("3", NOON_S + 5).await;
    assert_ne!(first.body, next.body);
    assert_eq!((world.count("text", "handled"), world.count("text", "repeated")), (2, 1));
    let message = world.wechat.person("p").act(Kind::Subscription, &Event::Subscribe);
    let first = world.wechat.deliver(&message).await.unwrap();
    assert_eq!(world.wechat.deliver(&message).await.unwrap(), first);
    assert_eq!(world.count("subscribe", "repeated"), 1);
}

#[tokio::test]
async fn a_link_is_over_after_five_minutes_and_after_the_campaign_there_is_none() {
    let world = World::start(&CAMPAIGNS).await;
    let person = world.wechat.person("p");
    let reply = reads(&person, Event::Subscribe).await;
    world.clock.set(NOON_MS + 299_999);
    assert_eq!(world.sign_in("a", &link(&reply, "a")).await.0, 204);
    world.clock.set(NOON_MS + 300_000);
    assert_eq!(world.sign_in("b", &link(&reply, "b")).await, used());
    world.clock.set(NOON_MS + 2 * DAY_MS);
    let reply = reads(&person, Event::Text("点赞a".to_owned())).await;
    assert!(reply.ends_with(&format!("结束，结果见：\n{PUBLIC_URL}/campaigns/a/board")), "{reply}");
    assert_eq!(reads(&person, Event::Scan("door".to_owned())).await, "");
}

#[tokio::test]
async fn no_name_gets_into_a_reply_but_as_a_name() {
    let world = World::start(&CAMPAIGNS).await;
    let to = "gh_]]></ToUserName><Content>x</Content>";
    let body = event("o1", NOON_S, "subscribe").replace("gh_7f083739789a", to);
    assert_eq!(world.tell("1", body).await.status, 400);
    let answer = world.tell("2", event("o1", NOON_S, "subscribe")).await;
    let body = String::from_utf8(answer.body.to_vec()).unwrap();
    assert!(body.starts_with("<xml><ToUserName><![CDATA[o1]]></ToUserName>"), "{body}");
    assert!(body.contains("<FromUserName><![CDATA[gh_7f083739789a]]></FromUserName>"), "{body}");
}
