//! What the page is told of whoever looks at it.

use hyper::Method;
use ingest::Site;
use serde_json::{Value, json};

use super::kit::{DAY_MS, HOUR_MS, NOON_MS, Running, Setup};

const ME: &str = "/v1/campaigns/c/me";
/// 2023-12-18 10:00, midnight, and 2023-12-19 17:00 in Shanghai.
const OPENS_MS: i64 = NOON_MS - 2 * HOUR_MS;
const MIDNIGHT_MS: i64 = NOON_MS + 12 * HOUR_MS;
const CLOSES_MS: i64 = NOON_MS + 29 * HOUR_MS;

fn nobody(now_ms: i64, state: &str) -> Value {
    json!({
        "now_ms": now_ms, "mode": "token", "signed_in": false, "follower": false, "state": state,
        "day": null, "day_ends_at_ms": null, "opens_at_ms": OPENS_MS, "closes_at_ms": CLOSES_MS,
        "next_chance_at_ms": null, "ballot": null,
    })
}

#[tokio::test]
async fn whoever_asks_hears_the_time_and_their_own_ballot_of_today_and_nobody_elses() {
    let edge = Running::start(Setup::default()).await;
    let receipt = edge.acknowledged("ann", &[1, 5]).await;
    let open = |day: &str, ends: i64| {
        let mut me = nobody(0, "open");
        me["day"] = day.into();
        me["day_ends_at_ms"] = ends.into();
        me
    };
    let mut expected = open("2023-12-18", MIDNIGHT_MS);
    expected["now_ms"] = NOON_MS.into();
    let answer = edge.get(ME).await;
    assert_eq!(answer.json(), expected);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("content-type"), "application/json");
    expected["signed_in"] = true.into();
    expected["follower"] = true.into();
    assert_eq!(edge.fetch_as("bob", ME).await.json(), expected);
    expected["next_chance_at_ms"] = MIDNIGHT_MS.into();
    expected["ballot"] = json!({ "receipt": receipt, "day": "2023-12-18", "choices": [1, 5] });
    assert_eq!(edge.fetch_as("ann", ME).await.json(), expected);
    // The next day has begun.
    edge.clock.set(MIDNIGHT_MS);
    let mut expected = open("2023-12-19", CLOSES_MS);
    expected["now_ms"] = MIDNIGHT_MS.into();
    expected["signed_in"] = true.into();
    expected["follower"] = true.into();
    assert_eq!(edge.fetch_as("ann", ME).await.json(), expected);
}

#[tokio::test]
async fn before_the_opening_and_after_the_close_no_day_is_named() {
    let edge = Running::start(Setup::default()).await;
    edge.clock.set(OPENS_MS - 1);
    let mut early = nobody(OPENS_MS - 1, "not_open");
    early["next_chance_at_ms"] = OPENS_MS.into();
    assert_eq!(edge.get(ME).await.json(), early);
    edge.clock.set(CLOSES_MS);
    assert_eq!(edge.get(ME).await.json(), nobody(CLOSES_MS, "closed"));
}

#[tokio::test]
async fn behind_tls_only_the_cookie_that_no_other_host_can_set_is_read() {
    for (public_url, read, other) in [
        ("https://vote.example", "__Host-weir-c", "weir-c"),
        ("http://vote.example", "weir-c", "__Host-weir-c"),
    ] {
        let site = Site { public_url: Some(public_url.to_owned()), ..Site::default() };
        let edge = Running::start(Setup { site, ..Setup::default() }).await;
        let (ann, mallory) = (edge.token("ann"), edge.token("mallory"));
        for (cookies, signed_in) in [
            (format!("{read}={ann}"), true),
            (format!("{other}={mallory}; {read}={ann}"), true),
            (format!("{other}={mallory}"), false),
        ] {
            let me = edge.send(Method::GET, ME, &[("cookie", &cookies)], "").await;
            assert_eq!(me.json()["signed_in"], signed_in, "{public_url} {cookies}");
        }
    }
}

#[tokio::test]
async fn whoever_has_a_token_that_does_not_hold_is_nobody() {
    let edge = Running::start(Setup::default()).await;
    let now_s = u64::try_from(NOON_MS / 1_000).unwrap();
    let expired = edge.mint("ann", true, now_s);
    let good = edge.mint("ann", true, now_s + 1);
    for (cookie, signed_in) in [
        (format!("weir-c={good}"), true),
        (format!("weir-c={expired}"), false),
        (format!("weir-d={good}"), false),
        ("weir-c=".to_owned(), false),
        (format!("weir-c={}", &good[..57]), false),
    ] {
        let me = edge.send(Method::GET, ME, &[("cookie", &cookie)], "").await;
        assert_eq!(me.status, 200);
        assert_eq!(me.json()["signed_in"], signed_in, "{cookie}");
        assert_eq!(me.json()["follower"], signed_in, "{cookie}");
    }
    let head = edge.send(Method::HEAD, ME, &[], "").await;
    assert_eq!((head.status.as_u16(), head.body.len()), (200, 0));
    edge.clock.set(NOON_MS + DAY_MS);
    assert_eq!(edge.get("/v1/campaigns/d/me").await.code(), "unknown_campaign");
    let results = Running::start(Setup { voting: false, ..Setup::default() }).await;
    assert_eq!(results.get(ME).await.code(), "unknown_route");
}
