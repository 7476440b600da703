//! The authorize page.

use imitation::Kind;

use crate::kit::{BACK, Site, errcode, link, text};

#[tokio::test]
async fn a_browser_is_sent_back_with_a_code_and_its_state() {
    let site = Site::new().await;
    let answer = site.authorize(None, &link("aZ9", "snsapi_base")).await;
    let back = answer.header("location").unwrap();
    assert_eq!(answer.status(), "302");
    assert!(back.starts_with("http://vote.example:8080/auth/wechat/callback?code="), "{back}");
    assert!(back.ends_with("&state=aZ9"), "{back}");
}

#[tokio::test]
async fn who_declines_comes_back_with_the_state_only() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    li.set_refuses(true);
    let answer = site.authorize(Some(&li), &link("s1", "snsapi_base")).await;
    let back = answer.header("location");
    assert_eq!(back, Some("http://vote.example:8080/auth/wechat/callback?state=s1"));
}

#[tokio::test]
async fn nobody_is_sent_to_another_domain_than_the_one_that_is_set() {
    let site = Site::new().await;
    for other in [
        "http://vote.example/",
        "http://vote.example:80800/",
        "http://a.vote.example:8080/",
        "http://VOTE.example:8080/",
        "http://vote.example:8080@evil.example/",
        "http://evil.example/vote.example:8080",
        "http://evil.example\\@vote.example:8080/",
        "//vote.example:8080/",
        "javascript://vote.example:8080/",
        "http://vote.example:8080/\r\nX: y",
        "",
    ] {
        let uri: String = form_urlencoded::byte_serialize(other.as_bytes()).collect();
        let answer = site.authorize(None, &link("s", "snsapi_base").replace(BACK, &uri)).await;
        assert_eq!(answer.header("location"), None, "{other}");
        assert!(answer.body.contains("10003"), "{other}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_link_that_is_not_as_wechat_wants_it_shows_a_page_and_leads_nowhere() {
    let site = Site::new().await;
    let good = link("s", "snsapi_base");
    let long = link(&"s".repeat(129), "snsapi_base");
    for wrong in [
        good.replace("state=s", "state=a-b"),
        long,
        good.replace("snsapi_base", "snsapi_login"),
        good.replace("response_type=code", "response_type=token"),
        good.replace("wx-service", "wx-subscription"),
        good.replace("wx-service", "wx-nobody"),
        good.replace(
            "response_type=code&scope=snsapi_base",
            "scope=snsapi_base&response_type=code",
        ),
        format!("state=s&{good}"),
    ] {
        let answer = site.authorize(None, &wrong).await;
        assert_eq!((answer.header("location"), answer.status()), (None, "200"), "{wrong}");
    }
    let longest = site.authorize(None, &link(&"s".repeat(128), "snsapi_base")).await;
    assert!(longest.header("location").is_some());
}

#[tokio::test]
async fn what_is_added_comes_behind_a_query_and_before_a_fragment() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    li.set_refuses(true);
    let asked = link("s", "snsapi_base").replace(BACK, &format!("{BACK}%3Fa%3Db%23c"));
    let answer = site.authorize(Some(&li), &asked).await;
    let back = answer.header("location").unwrap();
    assert!(back.ends_with("/callback?a=b&state=s#c"), "{back}");
}

#[tokio::test]
async fn a_browser_without_a_cookie_is_somebody_new_and_stays_that() {
    let site = Site::new().await;
    let mut openids = Vec::new();
    for _ in 0..2 {
        let first = site.authorize(None, &link("s", "snsapi_base")).await;
        let cookie = first.header("set-cookie").unwrap().split_once(';').unwrap().0.to_owned();
        let name = cookie.split_once('=').unwrap().1;
        let person = site.wechat.person(name);
        let code = site.code(&person).await;
        assert_eq!(cookie, person.cookie());
        openids.push(text(&site.exchange(&code).await, "openid"));
        assert_eq!(openids.last().unwrap(), &person.openid(Kind::Service));
    }
    assert_ne!(openids[0], openids[1]);
}

#[tokio::test]
async fn openids_look_like_wechats_and_differ_between_accounts_but_not_between_runs() {
    let (site, again) = (Site::new().await, Site::new().await);
    let (li, wang) = (site.wechat.person("李"), site.wechat.person("王"));
    let all = [
        li.openid(Kind::Service),
        li.openid(Kind::Subscription),
        li.unionid(),
        wang.openid(Kind::Service),
    ];
    for (at, one) in all.iter().enumerate() {
        assert!(one.len() == 28 && one.starts_with('o'), "{one}");
        assert!(!all[..at].contains(one));
    }
    assert_eq!(all[0][..6], all[3][..6], "an account's people begin alike");
    assert_eq!(again.wechat.person("李").openid(Kind::Service), all[0]);
    let code = site.code(&li).await;
    assert_eq!(errcode(&site.exchange(&code).await), 0, "names need not be ASCII");
}
