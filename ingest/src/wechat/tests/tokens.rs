//! The app token, as many callers at once see it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use futures_util::future::join_all;

use super::*;

/// Hands out tokens 1, 2, 3, … and takes those from `good` on.
pub(super) fn numbered(good: usize) -> impl Fn(&Asked) -> Reply {
    let handed_out = AtomicUsize::new(0);
    move |asked| {
        if asked.path.ends_with("stable_token") {
            return token(handed_out.fetch_add(1, Ordering::SeqCst) + 1);
        }
        let number: usize =
            asked.of("access_token").trim_start_matches("app-token-").parse().unwrap();
        if number >= good { follows(asked) } else { error(40_001) }
    }
}

#[tokio::test]
async fn a_hundred_callers_make_one_token_request_and_take_a_failure_together() {
    let works = Arc::new(AtomicBool::new(false));
    let switch = Arc::clone(&works);
    let good = numbered(1);
    let world =
        world(move |asked| if switch.load(Ordering::SeqCst) { good(asked) } else { error(-1) })
            .await;
    let ask_all = || join_all((0..100).map(|_| world.wechat.follower("oA")));
    assert!(ask_all().await.iter().all(|answer| *answer == Err(Error::Busy)));
    assert_eq!(world.token_requests(), 1);
    works.store(true, Ordering::SeqCst);
    world.clock.forward(1_000);
    let since_s = Some(1_700_000_000);
    let follower = Follower { follows: true, since_s, unionid: Some("u".to_owned()) };
    assert!(ask_all().await.iter().all(|answer| *answer == Ok(follower.clone())));
    assert_eq!(world.token_requests(), 2);
    let asked = &world.server.asked("stable_token")[1];
    let document: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(document["appid"], "wx1");
    assert_eq!(document["secret"], SECRET);
    assert_eq!(document["grant_type"], "client_credential");
    assert_eq!(document["force_refresh"], false);
    assert_eq!(world.server.asked("user/info")[0].of("lang"), "zh_CN");
}

#[tokio::test]
async fn a_token_is_renewed_five_minutes_early() {
    let world = world(numbered(1)).await;
    world.wechat.follower("oA").await.unwrap();
    world.clock.forward((7_200 - 300) * 1_000 - 1);
    world.wechat.follower("oA").await.unwrap();
    assert_eq!(world.token_requests(), 1);
    world.clock.forward(1);
    world.wechat.follower("oA").await.unwrap();
    assert_eq!(world.token_requests(), 2);
    assert_eq!(world.server.asked("user/info")[2].of("access_token"), "app-token-2");
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_by_all_and_each_asks_once_more() {
    let world = world(numbered(2)).await;
    let answers = join_all((0..100).map(|_| world.wechat.follower("oA"))).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(world.token_requests(), 2);
    assert!(!world.server.asked("stable_token").iter().any(Asked::is_forced));
    let asked = world.server.asked("user/info");
    let refused = asked.iter().filter(|asked| asked.of("access_token") == "app-token-1").count();
    assert!(refused > 0 && asked.len() == 100 + refused);
    assert_eq!(world.counted("user_info", "token"), refused.to_string());
}

#[tokio::test]
async fn a_token_that_comes_back_refused_is_forced_out_and_not_again_within_thirty_seconds() {
    let forced = AtomicUsize::new(0);
    let world = world(move |asked| {
        if asked.is_forced() {
            forced.fetch_add(1, Ordering::SeqCst);
        }
        let number = forced.load(Ordering::SeqCst);
        match asked.of("access_token") {
            "" => token(number),
            "app-token-1" if asked.of("openid") == "oA" => follows(asked),
            "app-token-2" => follows(asked),
            _ => error(42_001),
        }
    })
    .await;
    world.wechat.follower("oA").await.unwrap();
    let forced: Vec<_> = world.server.asked("stable_token").iter().map(Asked::is_forced).collect();
    assert_eq!(forced, [false, false, true]);
    let refused = Err(Error::Configuration { errcode: 42_001 });
    assert_eq!(world.wechat.follower("oB").await, refused);
    assert_eq!(world.token_requests(), 4, "plain, and it was the refused one");
    assert_eq!(world.counted("app_token", "configuration"), "1", "an operator hears of it");
    assert_eq!(world.wechat.follower("oA").await, refused, "the failure holds a second");
    world.clock.forward(30_000);
    world.wechat.follower("oC").await.unwrap();
    let forced = world.server.asked("stable_token").last().unwrap().is_forced();
    assert!(forced && world.token_requests() == 6);
}
