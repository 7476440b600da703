//! The exchange of a code.

use imitation::{Endpoint, Fault, Kind, Quotas, Unionids, errcode as code};
use serde_json::Value;

use crate::http::ask;
use crate::kit::{Site, errcode, json, link, text};

#[tokio::test]
async fn a_code_tells_the_openid_also_of_somebody_who_does_not_follow() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    let told = site.exchange(&site.code(&li).await).await;
    assert_eq!(text(&told, "openid"), li.openid(Kind::Service));
    assert_eq!(told["unionid"], Value::Null, "nobody was asked for consent");
    assert_eq!(told["expires_in"], 7_200);
    assert_eq!(told["scope"], "snsapi_base");
    assert_eq!(told["is_snapshotuser"], Value::Null);
}

#[tokio::test]
async fn a_code_is_good_once() {
    let site = Site::new().await;
    let code = site.code(&site.wechat.person("li")).await;
    assert_eq!(errcode(&site.exchange(&code).await), 0);
    assert_eq!(errcode(&site.exchange(&code).await), 40_163);
}

#[tokio::test]
async fn a_code_is_good_for_five_minutes() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    let (one, other) = (site.code(&li).await, site.code(&li).await);
    site.pass(299);
    assert_eq!(errcode(&site.exchange(&one).await), 0);
    site.pass(1);
    assert_eq!(errcode(&site.exchange(&other).await), 42_003);
    assert_eq!(errcode(&site.exchange(&one).await), 40_163);
}

#[tokio::test]
async fn a_code_that_nobody_made_is_invalid() {
    let site = Site::new().await;
    assert_eq!(errcode(&site.exchange("0123456789abcdef0123456789abcdef").await), 40_029);
}

#[tokio::test]
async fn busy_spends_the_code_so_that_a_retry_finds_it_used() {
    let site = Site::new().await;
    let code = site.code(&site.wechat.person("li")).await;
    site.wechat.fail(Endpoint::Exchange, Fault::Errcode(code::BUSY), 1);
    assert_eq!(errcode(&site.exchange(&code).await), -1);
    assert_eq!(errcode(&site.exchange(&code).await), 40_163);
}

#[tokio::test]
async fn a_wrong_account_or_secret_is_told_and_spends_nothing() {
    let site = Site::new().await;
    let code = site.code(&site.wechat.person("li")).await;
    for (app, secret, expected) in [
        ("wx-nobody", "secret-service", 40_013),
        ("wx-service", "secret-subscription", 40_125),
        ("wx-subscription", "secret-subscription", 48_001),
        ("", "", 41_002),
    ] {
        assert_eq!(errcode(&site.exchange_by(app, secret, &code).await), expected, "{app}");
    }
    let posted = ask(site.at, "POST /sns/oauth2/access_token", "", "").await;
    assert_eq!(errcode(&json(&posted)), 43_001);
    assert_eq!(errcode(&site.exchange(&code).await), 0);
}

#[tokio::test]
async fn a_virtual_identity_says_so_and_is_another_each_time() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    li.set_snapshot(true);
    let first = site.exchange(&site.code(&li).await).await;
    let second = site.exchange(&site.code(&li).await).await;
    assert_eq!(first["is_snapshotuser"], 1);
    let known = li.openid(Kind::Service);
    assert!(text(&first, "openid") != known && first["openid"] != second["openid"]);
    let token = site.token(Kind::Service).await;
    let told = site.user_info(&token, &text(&first, "openid")).await;
    assert_eq!(errcode(&told), 40_003);
}

#[tokio::test]
async fn a_unionid_is_told_as_the_accounts_are_bound_and_the_person_consented() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    site.wechat.set_unionids(Unionids::WithConsent);
    assert_eq!(site.exchange(&site.code(&li).await).await["unionid"], Value::Null);
    let answer = site.authorize(Some(&li), &link("s", "snsapi_userinfo")).await;
    let back = answer.header("location").unwrap();
    let code = back.split_once("?code=").unwrap().1.split_once('&').unwrap().0;
    assert_eq!(text(&site.exchange(code).await, "unionid"), li.unionid());
    site.wechat.set_unionids(Unionids::Unbound);
    assert_eq!(site.exchange(&site.code(&li).await).await["unionid"], Value::Null);
}

#[tokio::test]
async fn the_minutes_quota_spends_no_code_and_starts_afresh_with_the_minute() {
    let site = Site::new().await;
    assert_eq!(Quotas::default().exchanges_per_minute, 50_000);
    site.wechat.set_quotas(Quotas { exchanges_per_minute: 2, ..Quotas::default() });
    let li = site.wechat.person("li");
    let code = site.code(&li).await;
    for _ in 0..2 {
        assert_eq!(errcode(&site.exchange("none").await), 40_029);
    }
    assert_eq!(errcode(&site.exchange(&code).await), 45_011);
    site.pass(9);
    assert_eq!(errcode(&site.exchange(&code).await), 45_011);
    site.pass(1);
    assert_eq!(errcode(&site.exchange(&code).await), 0);
    assert_eq!(site.wechat.calls(Endpoint::Exchange), 5);
}
