//! The page for humans.

use imitation::{Kind, Person};

use crate::http::{Told, ask};
use crate::kit::Site;

async fn press(site: &Site, person: &Person, form: &str) -> Told {
    let cookie = format!("Cookie: a=b; {}\r\n", person.cookie());
    ask(site.at, "POST /imitation", &cookie, form).await
}

#[tokio::test]
async fn the_page_says_that_it_is_an_imitation_and_makes_somebody_new() {
    let site = Site::new().await;
    let page = ask(site.at, "GET /imitation", "", "").await;
    assert!(page.body.contains("This is not WeChat"));
    assert!(page.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    assert!(page.header("set-cookie").unwrap().starts_with("imitation-of-wechat=browser-"));
}

#[tokio::test]
async fn a_human_chooses_to_follow_to_decline_or_to_be_virtual() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    let pressed = press(&site, &li, "account=subscription&do=follow").await;
    assert!(pressed.body.contains("Nobody is told of it"), "{}", pressed.body);
    assert!(li.follows(Kind::Subscription));
    press(&site, &li, "account=subscription&do=unfollow").await;
    assert!(!li.follows(Kind::Subscription));
    let page = |body: String| {
        let pressed = |it: &str| body.contains(&format!("value=\"{it}\" aria-pressed=\"true\""));
        ["agrees", "declines", "snapshot"].map(pressed)
    };
    for (at, choice) in ["agrees", "declines", "snapshot"].into_iter().enumerate() {
        assert_eq!(press(&site, &li, &format!("do={choice}")).await.status(), "303");
        let cookie = format!("Cookie: {}\r\n", li.cookie());
        let shown = page(ask(site.at, "GET /imitation", &cookie, "").await.body);
        assert_eq!(shown.map(usize::from), [0, 1, 2].map(|it| usize::from(it == at)));
    }
    let left = press(&site, &li, "do=leave").await;
    assert!(left.header("set-cookie").unwrap().starts_with("imitation-of-wechat=;"));
}

#[tokio::test]
async fn names_and_replies_are_escaped() {
    let site = Site::new().await;
    let li = site.wechat.person("<script>\"'&");
    let page = press(&site, &li, "do=scan&text=%3Cb%3E").await.body;
    assert!(page.contains("&lt;script&gt;&quot;&#39;&amp;") && !page.contains("<script>"));
}
