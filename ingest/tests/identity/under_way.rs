//! Sign-ins on their way to WeChat: several of one browser, and what they keep of where they began.

use hyper::Method;
use imitation::{Endpoint, Fault, errcode};

use super::browser::outcome;
use super::kit::NOON_MS;
use super::world::{Choice, World};

#[tokio::test]
async fn sign_ins_that_one_browser_has_begun_all_complete_up_to_four() {
    let world = World::start(Choice::default()).await;
    let ann = world.phone("ann", true);
    let mut paths = Vec::new();
    for at_s in 0..5 {
        world.clock.set(NOON_MS + at_s * 1_000);
        paths.push(ann.set_out().await);
        assert_eq!(ann.begun().len(), paths.len().min(4));
    }
    // The oldest has given way to the fifth; which tab comes back first is all one.
    assert_eq!(outcome(&ann.get(&paths.remove(0)).await), "expired");
    paths.rotate_left(2);
    for path in &paths {
        assert_eq!(ann.come_back(path).await, "ok");
    }
    assert_eq!(world.wechat.calls(Endpoint::Exchange), 4);
    // One that has to begin again keeps its place, and no other loses its own.
    let bob = world.phone("bob", true);
    let (first, second) = (bob.set_out().await, bob.set_out().await);
    world.wechat.fail(Endpoint::Exchange, Fault::Errcode(errcode::BUSY), 1);
    assert_eq!(bob.come_back(&first).await, "ok");
    assert_eq!(bob.begun().len(), 2);
    assert_eq!(bob.come_back(&second).await, "ok");
}

#[tokio::test]
async fn the_language_that_was_chosen_comes_back_from_wechat() {
    let world = World::start(Choice::default()).await;
    let back = async |asked: &str, preferred: &str| {
        let ann = world.phone("ann", true);
        let headers = [("accept-language", preferred)];
        let path = format!("/auth/wechat/login?campaign=c{asked}");
        let sent = ann.send(Method::GET, &path, &headers, "").await;
        let path = ann.at_wechat(sent.header("location")).await;
        ann.get(&path).await.header("location").to_owned()
    };
    for (asked, preferred, expected) in [
        ("&lang=en", "zh-CN", "/campaigns/c?lang=en#login=ok"),
        ("&lang=zh", "en", "/campaigns/c?lang=zh#login=ok"),
        // What the browser prefers anyway needs no word, and what is no language is none.
        ("&lang=zh", "zh-CN", "/campaigns/c#login=ok"),
        ("&lang=en", "en-GB,zh;q=0.5", "/campaigns/c#login=ok"),
        ("", "en", "/campaigns/c#login=ok"),
        ("&lang=en%0d%0aset-cookie:%20a=b", "zh", "/campaigns/c#login=ok"),
        ("&lang=//evil.example", "zh", "/campaigns/c#login=ok"),
    ] {
        assert_eq!(back(asked, preferred).await, expected, "{asked} {preferred}");
    }
    // It is on every way back: declined, and begun again.
    let bob = world.phone("bob", true);
    let en = "/auth/wechat/login?campaign=c&lang=en";
    bob.person.set_refuses(true);
    let path = bob.at_wechat(bob.get(en).await.header("location")).await;
    assert_eq!(bob.get(&path).await.header("location"), "/campaigns/c?lang=en#login=refused");
    bob.person.set_refuses(false);
    world.wechat.fail(Endpoint::Exchange, Fault::Errcode(errcode::BUSY), 1);
    let path = bob.at_wechat(bob.get(en).await.header("location")).await;
    let path = bob.at_wechat(bob.get(&path).await.header("location")).await;
    assert_eq!(bob.get(&path).await.header("location"), "/campaigns/c?lang=en#login=ok");
}
