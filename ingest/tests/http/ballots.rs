//! What becomes of good ballots, of second ones, and of those at the wrong time.

use std::sync::Arc;

use hyper::Method;

use super::kit::{DAY_MS, HOUR_MS, NOON_MS, Running, Setup};

#[tokio::test]
async fn a_ballot_is_acknowledged_with_its_receipt_and_day_and_counted() {
    let edge = Running::start(Setup::default()).await;
    let answer = edge.cast("ann", r#"{"choices":[1,5,7]}"#).await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (202, "application/json"));
    let json = answer.json();
    assert_eq!(json["day"], "2023-12-18");
    let receipt: ballot::Receipt = json["receipt"].as_str().unwrap().parse().unwrap();
    assert_eq!((receipt.offset, receipt.index), (1, 0));
    let tally = edge.tally_when(|tally| tally["ballots"] == 1).await;
    let votes: Vec<_> = (0..20).map(|i| tally["votes"][i].as_u64().unwrap()).collect();
    assert_eq!(votes, [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
}

#[tokio::test]
async fn the_same_choices_again_get_the_same_receipt_and_others_are_refused() {
    let edge = Running::start(Setup::default()).await;
    let first = edge.cast("ann", r#"{"choices":[1,5,7]}"#).await;
    let again = edge.cast("ann", r#"{"choices":[7,5,1],"day":"2023-12-18"}"#).await;
    assert_eq!((again.status.as_u16(), &again.body), (202, &first.body));
    let other = edge.cast("ann", r#"{"choices":[2]}"#).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (409, "already_voted"));
    edge.clock.set(NOON_MS + DAY_MS);
    let next_day = edge.cast("ann", r#"{"choices":[2]}"#).await;
    assert_eq!(next_day.status, 202);
    assert_eq!(next_day.json()["day"], "2023-12-19");
    let tally = edge.tally_when(|tally| tally["ballots"] == 2).await;
    assert_eq!(tally["outcomes"]["duplicate"], 0);
}

#[tokio::test]
async fn the_cookie_of_the_campaign_signs_a_voter_in() {
    let edge = Running::start(Setup::default()).await;
    let cookie = format!("other=x; weir-c={}", edge.token("ann"));
    let headers = [("cookie", cookie.as_str()), ("content-type", "application/json")];
    let path = "/v1/campaigns/c/ballots";
    let answer = edge.send(Method::POST, path, &headers, r#"{"choices":[1]}"#).await;
    assert_eq!(answer.status, 202);
}

#[tokio::test]
async fn a_retry_after_midnight_of_an_acknowledged_ballot_gets_its_receipt_again() {
    let edge = Running::start(Setup::default()).await;
    let first = edge.cast("ann", r#"{"choices":[1],"day":"2023-12-18"}"#).await;
    edge.clock.set(NOON_MS + DAY_MS);
    let again = edge.cast("ann", r#"{"choices":[1],"day":"2023-12-18"}"#).await;
    assert_eq!((again.status.as_u16(), &again.body), (202, &first.body));
    // Other choices are no retry, and yesterday is over.
    let other = edge.cast("ann", r#"{"choices":[2],"day":"2023-12-18"}"#).await;
    assert_eq!((other.status.as_u16(), other.code().as_str()), (403, "closed"));
}

#[tokio::test]
async fn a_ballot_counts_from_the_first_instant_of_the_window_until_before_its_end() {
    let edge = Running::start(Setup::default()).await;
    let (opens, closes) = (NOON_MS - 2 * HOUR_MS, NOON_MS + DAY_MS + 5 * HOUR_MS);
    for (name, now_ms, expected) in [
        ("ann", opens - 1, "not_open"),
        ("ben", opens, ""),
        ("cem", closes - 1, ""),
        ("dan", closes, "closed"),
    ] {
        edge.clock.set(now_ms);
        let answer = edge.cast(name, r#"{"choices":[1]}"#).await;
        if expected.is_empty() {
            assert_eq!(answer.status, 202, "{name}");
        } else {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, expected));
        }
    }
}

#[tokio::test]
async fn a_retry_after_midnight_is_not_taken_for_the_next_days_ballot() {
    let edge = Running::start(Setup::default()).await;
    edge.clock.set(NOON_MS + DAY_MS);
    let late = edge.cast("ann", r#"{"choices":[1],"day":"2023-12-18"}"#).await;
    assert_eq!((late.status.as_u16(), late.code().as_str()), (403, "closed"));
    assert!(late.json()["detail"].as_str().unwrap().contains("voting day"));
    let early = edge.cast("ann", r#"{"choices":[1],"day":"2023-12-20"}"#).await;
    assert_eq!(early.code(), "not_open");
    let today = edge.cast("ann", r#"{"choices":[1],"day":"2023-12-19"}"#).await;
    assert_eq!(today.status, 202);
}

#[tokio::test]
async fn only_followers_vote_where_the_campaign_says_so() {
    let edge = Running::start(Setup::default()).await;
    let stranger = edge.mint("ann", false, 4_000_000_000);
    let answer = edge.cast_with(&stranger, r#"{"choices":[1]}"#).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "not_a_follower"));
}

#[tokio::test]
async fn an_extended_window_is_in_force_and_shown_at_once() {
    let edge = Running::start(Setup::default()).await;
    let mut rules = ballot::Rules::clone(&edge.batcher.rules());
    rules.days.last_mut().unwrap().end_ms += HOUR_MS;
    edge.rules.send_replace(Arc::new(rules));
    edge.clock.set(NOON_MS + DAY_MS + 5 * HOUR_MS);
    assert_eq!(edge.cast("ann", r#"{"choices":[1]}"#).await.status, 202);
    let campaign = edge.get("/v1/campaigns/c").await.json();
    assert_eq!(campaign["closes_at"], "2023-12-19T10:00:00.000Z");
    assert_eq!(campaign["opens_at"], "2023-12-18T02:00:00.000Z");
    assert_eq!(campaign["now"], "2023-12-19T09:00:00.000Z");
    assert_eq!(campaign["day"], "2023-12-19");
    assert_eq!(campaign["title"], "A \"title\"");
    assert_eq!(campaign["choices"].as_array().unwrap().len(), 20);
    assert_eq!(campaign["days"][0]["end"], "2023-12-18T16:00:00.000Z");
}
