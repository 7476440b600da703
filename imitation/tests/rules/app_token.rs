//! The app token.

use imitation::{Kind, Quotas};

use crate::http::ask;
use crate::kit::{Site, errcode, json, text};

const NOBODY: &str = "o000000000000000000000000000";

/// Whether an app token holds, by its errcode: who asks of nobody with a good one is told so.
async fn holds(site: &Site, token: &str) -> Result<(), i64> {
    match errcode(&site.user_info(token, NOBODY).await) {
        40_003 => Ok(()),
        other => Err(other),
    }
}

#[tokio::test]
async fn whoever_asks_is_given_the_same_token_until_five_minutes_before_its_end() {
    let site = Site::new().await;
    let first = site.stable_token(Kind::Service, false).await;
    assert_eq!(first["expires_in"], 7_200);
    site.pass(6_899);
    let same = site.stable_token(Kind::Service, false).await;
    assert_eq!((&same["access_token"], &same["expires_in"]), (&first["access_token"], &301.into()));
    site.pass(1);
    let next = site.stable_token(Kind::Service, false).await;
    assert_ne!(next["access_token"], first["access_token"]);
    assert_eq!(next["expires_in"], 7_200);
}

#[tokio::test]
async fn old_and_new_both_hold_until_the_old_ones_end() {
    let site = Site::new().await;
    let old = site.token(Kind::Service).await;
    site.pass(6_900);
    let new = site.token(Kind::Service).await;
    site.pass(299);
    assert_eq!((holds(&site, &old).await, holds(&site, &new).await), (Ok(()), Ok(())));
    site.pass(1);
    assert_eq!((holds(&site, &old).await, holds(&site, &new).await), (Err(42_001), Ok(())));
}

#[tokio::test]
async fn a_forced_refresh_makes_the_old_token_invalid_at_once() {
    let site = Site::new().await;
    let old = site.token(Kind::Service).await;
    let new = text(&site.stable_token(Kind::Service, true).await, "access_token");
    assert_eq!((holds(&site, &old).await, holds(&site, &new).await), (Err(40_001), Ok(())));
}

#[tokio::test]
async fn a_forced_refresh_within_30_seconds_of_the_last_changes_nothing() {
    let site = Site::new().await;
    let first = site.stable_token(Kind::Service, true).await;
    site.pass(29);
    let same = site.stable_token(Kind::Service, true).await;
    assert_eq!(same["access_token"], first["access_token"]);
    site.pass(1);
    let next = site.stable_token(Kind::Service, true).await;
    assert_ne!(next["access_token"], first["access_token"]);
}

#[tokio::test]
async fn a_refresh_can_be_forced_20_times_a_day_and_the_day_is_shanghais() {
    let site = Site::new().await;
    // It is 23:59:50: to the morning, so that twenty refreshes fit.
    site.pass(36_000);
    for _ in 0..20 {
        assert_eq!(errcode(&site.stable_token(Kind::Service, true).await), 0);
        site.pass(30);
    }
    let last = site.token(Kind::Service).await;
    assert_eq!(errcode(&site.stable_token(Kind::Service, true).await), 45_009);
    assert_eq!(holds(&site, &last).await, Ok(()), "what is refused changes nothing");
    // 09:59:50 and 600 s: to 23:59:59, and then to midnight.
    site.pass(86_399 - 35_990 - 600);
    assert_eq!(errcode(&site.stable_token(Kind::Service, true).await), 45_009);
    site.pass(1);
    assert_eq!(errcode(&site.stable_token(Kind::Service, true).await), 0);
}

#[tokio::test]
async fn calls_for_a_token_have_quotas_by_the_minute_and_the_day_for_each_account() {
    let site = Site::new().await;
    let quotas = Quotas { tokens_per_minute: 2, tokens_per_day: 3, ..Quotas::default() };
    site.wechat.set_quotas(quotas);
    // Past midnight.
    site.pass(10);
    let mut codes = Vec::new();
    for pause in [0, 0, 0, 60, 0] {
        site.pass(pause);
        codes.push(errcode(&site.stable_token(Kind::Service, false).await));
    }
    assert_eq!(codes, [0, 0, 45_011, 0, 45_009]);
    assert_eq!(errcode(&site.stable_token(Kind::Subscription, false).await), 0);
    let real = Quotas::default();
    assert_eq!((real.tokens_per_minute, real.tokens_per_day), (10_000, 500_000));
}

#[tokio::test]
async fn a_token_is_given_to_posted_json_with_the_right_secret_only() {
    let site = Site::new().await;
    let asked = r#"{"grant_type":"client_credential","appid":"wx-service","secret":"wrong"}"#;
    let path = "/cgi-bin/stable_token";
    for (first, body, expected) in [
        (format!("POST {path}"), asked.to_owned(), 40_125),
        (format!("POST {path}"), asked.replace("wx-service", "wx-nobody"), 40_013),
        (format!("POST {path}"), asked.replace("client_", ""), 40_002),
        (format!("POST {path}"), "appid=wx-service".to_owned(), 47_001),
        (format!("GET {path}?appid=wx-service"), String::new(), 43_002),
    ] {
        assert_eq!(errcode(&json(&ask(site.at, &first, "", &body).await)), expected, "{body}");
    }
}

#[tokio::test]
async fn a_token_that_was_revoked_or_never_issued_is_told_from_one_that_expired() {
    let site = Site::new().await;
    let token = site.token(Kind::Service).await;
    assert_eq!(holds(&site, "short").await, Err(40_014));
    assert_eq!(holds(&site, &"x".repeat(136)).await, Err(40_001));
    site.wechat.revoke_tokens(Kind::Service);
    assert_eq!(holds(&site, &token).await, Err(40_001));
    assert_eq!(holds(&site, &site.token(Kind::Service).await).await, Ok(()));
    site.pass(7_200);
    assert_eq!(holds(&site, &token).await, Err(42_001));
}
