//! The OpenAPI document against the server: each documented answer is provoked and checked, each
//! problem is in it, and what it shows is what the server sends.

use std::collections::BTreeSet;
use std::time::Duration;

use ballot::CHOICES_MAX;
use hyper::Method;
use ingest::server::Limits;
use ingest::{BatchLimits, Problem};
use journal::simulated::{Faults, Options};
use serde_json::Value;

use super::client::{Answer, Raw};
use super::kit::{DAY_MS, NOON_MS, Running, Setup};
use super::overload::slow_ballots;
use super::schema::{check, resolve};

/// Documented and not provoked here.
const NOT_PROVOKED: [(&str, &str); 2] = [
    // hyper may close without an answer; see `a_body_that_is_not_http_…`.
    ("castBallot", "request_broken"),
    // It takes 10,000 streams.
    ("tallyStream", "overloaded"),
];

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

#[tokio::test]
async fn the_document_is_served_as_it_is_in_the_repository() {
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    let served = edge.get("/openapi.json").await;
    assert_eq!(served.header("content-type"), "application/json");
    assert_eq!(served.json(), document());
}

#[test]
fn every_problem_is_documented_with_its_facts_and_no_other_is() {
    let document = document();
    let examples = document["components"]["examples"].as_object().unwrap();
    let codes: BTreeSet<_> = Problem::ALL.iter().map(|problem| problem.facts().code).collect();
    assert_eq!(codes.len(), Problem::ALL.len());
    assert!(codes.iter().eq(examples.keys()));
    let listed = document["components"]["schemas"]["Problem"]["properties"]["code"]["enum"].clone();
    let listed: BTreeSet<String> = serde_json::from_value(listed).unwrap();
    assert!(codes.iter().eq(&listed));
    for (place, problem) in Problem::ALL.iter().enumerate() {
        assert_eq!(*problem as usize, place, "metrics are kept by that number");
        let facts = problem.facts();
        let shown = &examples[facts.code]["value"];
        assert_eq!(shown["status"], facts.status.as_u16());
        assert_eq!(shown["retry"], serde_json::to_value(facts.retry).unwrap());
        assert_eq!(shown["title"], facts.status.canonical_reason().unwrap());
        assert_eq!(shown["detail_en"], facts.sentences[0]);
        assert_eq!(shown["detail_zh"], facts.sentences[1]);
        assert_eq!(shown["type"], format!("/openapi.json#/components/examples/{}", facts.code));
        let waits = facts.status == 503 || facts.status == 429;
        assert_eq!(facts.retry_after_s.is_some(), waits, "{}", facts.code);
    }
}

#[tokio::test]
async fn the_documented_numbers_are_those_that_a_ballot_may_have() {
    let document = document();
    let choices = &document["components"]["schemas"]["Ballot"]["properties"]["choices"];
    let numbers = &choices["items"];
    assert_eq!((&numbers["minimum"], &numbers["maximum"]), (&1.into(), &CHOICES_MAX.into()));
    assert!(choices["description"].as_str().unwrap().contains("not 1.0 or 1e0"));
    let edge = Running::start(Setup::default()).await;
    for number in ["1.0", "1e0"] {
        let answer = edge.cast("ann", format!("{{\"choices\":[{number}]}}")).await;
        assert_eq!(answer.code(), "malformed_ballot", "{number}");
    }
}

#[tokio::test]
async fn every_documented_answer_is_what_the_server_sends() {
    let document = document();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for operation in operations.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            for (status, response) in operation["responses"].as_object().unwrap() {
                let problem = &response["content"]["application/problem+json"]["examples"];
                let codes = match problem.as_object() {
                    Some(examples) => examples.keys().map(String::as_str).collect(),
                    None => vec!["good"],
                };
                for code in codes.into_iter().filter(|code| !NOT_PROVOKED.contains(&(id, code))) {
                    let answer = provoke(id, status, code).await;
                    check_answer(&document, response, &answer, &format!("{path} {status} {code}"));
                    assert_eq!(answer.status.as_str(), status, "{path} {code}");
                    if code != "good" {
                        assert_eq!(answer.code(), code, "{path}");
                    }
                }
            }
        }
    }
}

fn check_answer(document: &Value, response: &Value, answer: &Answer, at: &str) {
    for (name, header) in response["headers"].as_object().into_iter().flatten() {
        let header = resolve(document, &header["$ref"]);
        assert!(header["required"] == true && !answer.header(name).is_empty(), "{at}: {name}");
    }
    let Some(content) = response["content"].as_object() else {
        assert!(answer.body.is_empty(), "{at}");
        return;
    };
    let (media_type, content) = content.iter().next().unwrap();
    assert_eq!(answer.header("content-type"), media_type, "{at}");
    if media_type != "text/event-stream" {
        let wrong = check(document, &content["schema"], &answer.json(), "body");
        assert_eq!(wrong, Vec::<String>::new(), "{at}: {}", answer.json());
    }
}

/// Has a server give the answer that is documented so.
async fn provoke(id: &str, status: &str, code: &str) -> Answer {
    let path = |campaign| match id {
        "castBallot" => format!("/v1/campaigns/{campaign}/ballots"),
        "campaign" => format!("/v1/campaigns/{campaign}"),
        "tally" => format!("/v1/campaigns/{campaign}/tally"),
        "tallyStream" => format!("/v1/campaigns/{campaign}/tally/stream"),
        "receipt" => format!("/v1/receipts/{campaign}/0-0-0"),
        "openApi" => "/openapi.json".to_owned(),
        other => panic!("the operation {other} has no test"),
    };
    let aggregating = matches!((id, code), ("tally" | "receipt", "good" | "rate_limited"));
    let edge = Running::start(Setup { aggregating, ..setup(code) }).await;
    match (id, code) {
        (_, "unknown_campaign") if id == "castBallot" => {
            edge.send(Method::POST, &path("d"), &[], "").await
        }
        (_, "unknown_campaign") => edge.fetch_as("ann", &path("d")).await,
        (_, "method_not_allowed") => edge.send(Method::DELETE, &path("c"), &[], "").await,
        ("castBallot", _) => provoke_ballot(&edge, code).await,
        ("receipt", _) => provoke_receipt(&edge, code).await,
        ("tally", "good") => {
            edge.tally_when(|_| true).await;
            let known = edge.get(&path("c")).await;
            let etag = if status == "304" { known.header("etag") } else { "" };
            edge.send(Method::GET, &path("c"), &[("if-none-match", etag)], "").await
        }
        // HEAD, since GET has no end.
        ("tallyStream", "good") => edge.send(Method::HEAD, &path("c"), &[], "").await,
        ("tally", "results_not_ready") | ("campaign" | "openApi", "good") => {
            edge.get(&path("c")).await
        }
        other => panic!("{other:?} is documented and has no test"),
    }
}

fn setup(code: &str) -> Setup {
    let mut setup = Setup::default();
    match code {
        "unknown_route" => setup.voting = false,
        "overloaded" => setup.batches = BatchLimits { in_flight_max: 0, ..setup.batches },
        "request_timeout" => {
            setup.limits = Limits { body_timeout: Duration::from_millis(50), ..setup.limits };
        }
        // Long enough for three scans to meet.
        "rate_limited" => {
            setup.options = Options { read_latency_ms: 200..=200, ..Options::default() };
        }
        _ => {}
    }
    setup
}

async fn provoke_ballot(edge: &Running, code: &str) -> Answer {
    let good = r#"{"choices":[1]}"#;
    match code {
        "malformed_ballot" => edge.cast("ann", "{}").await,
        "unauthenticated" => edge.cast_with("x", good).await,
        "not_a_follower" => edge.cast_with(&edge.mint("a", false, 4_000_000_000), good).await,
        "not_open" | "closed" => {
            let sign = if code == "closed" { 2 } else { -1 };
            edge.clock.set(NOON_MS + sign * DAY_MS);
            edge.cast("ann", good).await
        }
        "already_voted" => {
            edge.acknowledged("ann", &[2]).await;
            edge.cast("ann", good).await
        }
        "too_large" => edge.cast("ann", vec![b' '; 16 * 1024 + 1]).await,
        "unsupported_media_type" => {
            edge.send(Method::POST, "/v1/campaigns/c/ballots", &[], good).await
        }
        "invalid_choices" => edge.cast("ann", r#"{"choices":[21]}"#).await,
        "journal_unavailable" => {
            edge.cluster.set_faults(Faults { refused: 1_000, ..Faults::NONE });
            edge.cast("ann", good).await
        }
        "request_timeout" => half_a_ballot(edge).await,
        "rate_limited" => {
            let _held = slow_ballots(edge, "ann", 4).await;
            half_a_ballot(edge).await
        }
        "overloaded" | "unknown_route" | "good" => edge.cast("ann", good).await,
        other => panic!("{other} has no test"),
    }
}

async fn provoke_receipt(edge: &Running, code: &str) -> Answer {
    let path = |receipt: &str| format!("/v1/receipts/c/{receipt}?outcome");
    match code {
        "unauthenticated" => edge.get(&path("0-1-0")).await,
        "unknown_receipt" | "unknown_route" => edge.fetch_as("ann", &path("0-1-0")).await,
        "journal_unavailable" => {
            edge.cluster.set_faults(Faults { unavailable: 1_000, ..Faults::NONE });
            edge.fetch_as("ann", &path("0-1-0")).await
        }
        "good" => {
            let receipt = edge.acknowledged("ann", &[1]).await;
            edge.tally_when(|tally| tally["ballots"] == 1).await;
            edge.fetch_as("ann", &path(&receipt)).await
        }
        "rate_limited" => {
            let mut receipts = Vec::new();
            for name in ["ann", "ben", "cem"] {
                receipts.push(path(&edge.acknowledged(name, &[1]).await));
            }
            edge.tally_when(|tally| tally["ballots"] == 3).await;
            let (ann, ben, cem) = tokio::join!(
                edge.fetch_as("ann", &receipts[0]),
                edge.fetch_as("ben", &receipts[1]),
                edge.fetch_as("cem", &receipts[2]),
            );
            let (good, mut limited): (Vec<_>, Vec<_>) =
                [ann, ben, cem].into_iter().partition(|answer| answer.status == 200);
            assert_eq!(good.len(), 2, "{limited:?}");
            limited.remove(0)
        }
        other => panic!("{other} has no test"),
    }
}

async fn half_a_ballot(edge: &Running) -> Answer {
    let token = edge.token("ann");
    let mut raw = Raw::connect(edge.address).await;
    raw.send(format!(
        "POST /v1/campaigns/c/ballots HTTP/1.1\r\nhost: test\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: 9\r\n\r\n{{"
    ))
    .await;
    let heard = raw.until_closed().await;
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers = lines.map(|line| line.split_once(": ").unwrap());
    let headers = headers.map(|(name, value)| {
        (name.parse::<hyper::header::HeaderName>().unwrap(), value.parse().unwrap())
    });
    let body = body.to_owned().into();
    Answer { status, headers: headers.collect(), body }
}
