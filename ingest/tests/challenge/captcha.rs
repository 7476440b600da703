//! A captcha at the edge, whose provider answers as told.

use journal::simulated::Faults;
use serde_json::json;

use super::client::Answer;
use super::direct::Caller;
use super::kit::{Running, eventually};
use super::provider::{Provider, Says};
use super::world::{asking, counts, noted, solve};

fn asked(answer: &Answer) {
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "challenge_required"));
    let task = json!({ "kind": "captcha", "page_url": "https://c.example/check" });
    assert_eq!(answer.json()["challenge"], task);
}

/// An edge whose provider says this, and a voter who was noted and then sent a response.
async fn answered(says: Says) -> (u16, [u64; 5]) {
    let provider = Provider::start(says).await;
    let edge = asking(&provider.url).await;
    let mut caller = noted(&edge, "ann").await;
    let answer = solve(&mut caller, "ann", "captcha resp").await;
    if answer.status == 403 {
        asked(&answer);
    }
    (answer.status.as_u16(), counts(&edge))
}

#[tokio::test]
async fn a_solved_captcha_has_the_ballot_cast_and_the_provider_learns_nothing_of_the_voter() {
    let provider = Provider::start(Says::This(r#"{"success":true,"hostname":"c.example"}"#)).await;
    let edge = asking(&provider.url).await;
    let mut usual = Caller::from(&edge, "203.0.113.9").await;
    assert_eq!(usual.cast("ben").await.status, 202);
    let mut caller = noted(&edge, "ann").await;
    asked(&caller.cast("ann").await);
    asked(&solve(&mut caller, "ann", "captcha a&b").await);
    assert_eq!(provider.heard(), Vec::<String>::new());
    assert_eq!(solve(&mut caller, "ann", "captcha P1_a.b-c").await.status, 202);
    assert_eq!(counts(&edge), [1, 1, 1, 0, 0]);

    let [heard] = &provider.heard()[..] else { panic!("{:?}", provider.heard()) };
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "secret=s3cret%26&response=P1_a.b-c");
    let mut lines: Vec<_> = head.lines().map(str::to_ascii_lowercase).collect();
    lines.sort();
    let host = provider.url.strip_prefix("http://").unwrap();
    assert_eq!(
        lines,
        [
            "content-length: 34".to_owned(),
            "content-type: application/x-www-form-urlencoded".to_owned(),
            format!("host: {}", host.split('/').next().unwrap()),
            "post /siteverify http/1.1".to_owned(),
        ]
    );
}

#[tokio::test]
async fn whoever_has_passed_is_not_asked_again_when_the_journal_was_down() {
    let provider = Provider::start(Says::Once(r#"{"success":true}"#)).await;
    let edge = asking(&provider.url).await;
    let mut caller = noted(&edge, "ann").await;
    edge.cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
    assert_eq!(solve(&mut caller, "ann", "captcha resp").await.code(), "journal_unavailable");
    edge.cluster.set_faults(Faults::NONE);
    assert_eq!(solve(&mut caller, "ann", "captcha resp").await.status, 202);
    assert_eq!((counts(&edge), provider.heard().len()), ([0, 2, 0, 0, 0], 1));
    // Nobody else has passed by that.
    let mut eve = noted(&edge, "eve").await;
    asked(&solve(&mut eve, "eve", "captcha resp").await);
    assert_eq!(counts(&edge), [0, 2, 0, 1, 0]);
}

#[tokio::test]
async fn a_captcha_that_was_not_solved_or_is_spent_is_asked_for_again() {
    assert_eq!(answered(Says::This(r#"{"success":false}"#)).await, (403, [0, 0, 1, 0, 0]));
    let spent = r#"{"success":false,"error-codes":["timeout-or-duplicate"]}"#;
    assert_eq!(answered(Says::This(spent)).await, (403, [0, 0, 0, 1, 0]));
}

#[tokio::test]
async fn a_provider_that_makes_no_sense_or_refuses_us_stops_no_vote() {
    let ours = r#"{"success":false,"error-codes":["invalid-input-secret"]}"#;
    for says in
        [Says::This("<html>"), Says::This("[]"), Says::This(ours), Says::Hangup, Says::Flood]
    {
        assert_eq!(answered(says).await, (202, [0, 0, 0, 0, 1]), "{says:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_does_not_answer_stops_no_vote_for_longer_than_three_seconds() {
    let provider = Provider::start(Says::Nothing).await;
    let edge: Running = asking(&provider.url).await;
    let mut caller = noted(&edge, "ann").await;
    let began = tokio::time::Instant::now();
    assert_eq!(solve(&mut caller, "ann", "captcha resp").await.status, 202);
    assert!((3_000..4_000).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    eventually(|| counts(&edge) == [0, 0, 0, 0, 1]).await;
}
