//! `user/info`.

use imitation::{Endpoint, Kind, Quotas, Unionids};
use serde_json::{Value, json};

use crate::kit::{Site, errcode, text};

#[tokio::test]
async fn of_a_follower_the_time_and_the_unionid_are_told() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    li.set_follows(Kind::Subscription, true);
    site.pass(5);
    li.set_follows(Kind::Subscription, true);
    let token = site.token(Kind::Subscription).await;
    let told = site.user_info(&token, &li.openid(Kind::Subscription)).await;
    assert_eq!((&told["subscribe"], &told["subscribe_time"]), (&1.into(), &1_702_828_790.into()));
    assert_eq!(text(&told, "unionid"), li.unionid());
    site.wechat.set_unionids(Unionids::Unbound);
    let told = site.user_info(&token, &li.openid(Kind::Subscription)).await;
    assert_eq!(told["unionid"], Value::Null);
}

#[tokio::test]
async fn of_anybody_else_nothing_but_the_openid_is_told() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    li.set_follows(Kind::Subscription, true);
    let openid = li.openid(Kind::Service);
    let told = site.user_info(&site.token(Kind::Service).await, &openid).await;
    assert_eq!(told, json!({ "subscribe": 0, "openid": openid }));
}

#[tokio::test]
async fn an_openid_of_another_account_is_refused() {
    let site = Site::new().await;
    let li = site.wechat.person("li");
    let token = site.token(Kind::Subscription).await;
    assert_eq!(errcode(&site.user_info(&token, &li.openid(Kind::Service)).await), 40_003);
    assert_eq!(errcode(&site.user_info(&token, "").await), 41_009);
    assert_eq!(errcode(&site.user_info("", &li.openid(Kind::Service)).await), 41_001);
}

#[tokio::test]
async fn the_days_quota_starts_afresh_at_midnight_in_shanghai() {
    let site = Site::new().await;
    assert_eq!(Quotas::default().user_infos_per_day, 500_000);
    site.wechat.set_quotas(Quotas { user_infos_per_day: 1, ..Quotas::default() });
    let openid = site.wechat.person("li").openid(Kind::Service);
    let token = site.token(Kind::Service).await;
    let mut codes = Vec::new();
    for pause in [0, 0, 9, 1] {
        site.pass(pause);
        codes.push(errcode(&site.user_info(&token, &openid).await));
    }
    assert_eq!(codes, [0, 45_009, 45_009, 0]);
    assert_eq!(site.wechat.calls(Endpoint::UserInfo), 4);
}
