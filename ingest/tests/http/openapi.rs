//! The OpenAPI document against the server: each documented answer is provoked and checked, each
//! address, method and problem is in it, and what it shows is what the server sends.

#[path = "openapi/direct.rs"]
mod direct;
#[path = "openapi/pages.rs"]
mod pages;
#[path = "openapi/provoked.rs"]
mod provoked;
#[path = "openapi/sign_ins.rs"]
mod sign_ins;
#[path = "openapi/wechat.rs"]
mod wechat;

use std::collections::BTreeSet;

use ballot::CHOICES_MAX;
use hyper::Method;
use ingest::Problem;
use prometheus::TextEncoder;
use serde_json::Value;

use super::client::Answer;
use super::kit::{Running, Setup};
use super::schema::{check, resolve};
use provoked::{path, provoke};

/// Documented and not provoked here.
const NOT_PROVOKED: [(&str, &str); 7] = [
    // hyper may close without an answer; see `a_body_that_is_not_http_…`.
    ("castBallot", "request_broken"),
    ("signIn", "request_broken"),
    ("wechatEvent", "request_broken"),
    // It takes 10,000 streams,
    ("tallyStream", "overloaded"),
    // a machine without randomness,
    ("login", "overloaded"),
    ("signIn", "overloaded"),
    // or a table that does not answer for a second.
    ("wechatEvent", "overloaded"),
];

/// An answer that is documented.
#[derive(Debug, Clone, Copy)]
struct Case<'a> {
    /// The operation.
    id: &'a str,
    method: &'a Method,
    /// With parameters in braces.
    path: &'a str,
    status: &'a str,
    /// The problem's code, or `good`.
    code: &'a str,
    /// The type of its body; empty without one.
    media: &'a str,
}

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
    let schema = &document["components"]["schemas"]["Problem"];
    let listed: BTreeSet<String> =
        serde_json::from_value(schema["properties"]["code"]["enum"].clone()).unwrap();
    assert!(codes.iter().eq(&listed));
    for (place, problem) in Problem::ALL.iter().enumerate() {
        assert_eq!(*problem as usize, place, "metrics are kept by that number");
        let facts = problem.facts();
        let shown = &examples[facts.code]["value"];
        assert_eq!(check(&document, schema, shown, facts.code), Vec::<String>::new());
        assert_eq!(shown["code"], facts.code);
        assert_eq!(shown["status"], facts.status.as_u16());
        assert_eq!(shown["retry"], serde_json::to_value(facts.retry).unwrap());
        assert_eq!(shown["title"], facts.status.canonical_reason().unwrap());
        assert_eq!(shown["detail_en"], facts.sentences[0]);
        assert_eq!(shown["detail_zh"], facts.sentences[1]);
        assert_eq!(shown["type"], format!("/openapi.json#/components/examples/{}", facts.code));
        let waits = facts.status == 503 || facts.status == 429;
        assert_eq!(facts.retry_after_s.is_some(), waits, "{}", facts.code);
    }
    let told: BTreeSet<String> = cases(&document, |case| case.code.to_owned()).collect();
    let untold: Vec<_> = codes.iter().filter(|code| !told.contains(**code)).collect();
    assert!(untold.is_empty(), "no operation answers so: {untold:?}");
}

#[tokio::test]
async fn every_address_is_documented_with_all_its_methods() {
    let document = document();
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    for (template, operations) in document["paths"].as_object().unwrap() {
        let refused = edge.send(Method::DELETE, &path(template, "c"), &[], "").await;
        let allowed = refused.header("allow").split(", ").filter(|method| *method != "HEAD");
        let documented = operations.as_object().unwrap().keys().map(|name| name.to_uppercase());
        assert_eq!(allowed.collect::<BTreeSet<_>>(), documented_refs(&documented.collect()));
    }
    // Every route of the server has a series of its own, whether it was asked for or not.
    let told = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    let routes = told.lines().filter(|line| line.starts_with("weir_requests_total{"));
    let refused = routes.filter(|line| line.contains("outcome=\"method_not_allowed\""));
    let route = |line: &str| line.split("route=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let (asked, rest): (Vec<_>, Vec<_>) = refused.partition(|line| line.ends_with(" 1"));
    let asked: BTreeSet<String> = asked.into_iter().map(route).collect();
    let missing: BTreeSet<String> = rest.into_iter().map(route).filter(|r| !asked.contains(r)).collect();
    assert_eq!(missing, BTreeSet::from(["unknown".to_owned()]), "not documented");
}

fn documented_refs(names: &BTreeSet<String>) -> BTreeSet<&str> {
    names.iter().map(String::as_str).collect()
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
async fn the_documented_sign_ins_are_read_and_what_nobody_is_told_fits_the_document() {
    let document = document();
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    let session = &document["paths"]["/v1/campaigns/{id}/session"]["post"];
    let examples = &session["requestBody"]["content"]["application/json"]["examples"];
    for (name, code) in [
        ("demo", "wrong_identity_mode"),
        ("token", "unauthenticated"),
        ("link", "wrong_identity_mode"),
    ] {
        let answer = sign_ins::sign_in(&edge, &examples[name]["value"].to_string()).await;
        assert_eq!(answer.code(), code, "{name}");
    }
    assert_eq!(examples.as_object().unwrap().len(), 3);
    let me = edge.get("/v1/campaigns/c/me").await.json();
    let schema = &document["components"]["schemas"]["Me"];
    assert_eq!(check(&document, schema, &me, "me"), Vec::<String>::new());
    assert_eq!((&me["signed_in"], &me["ballot"]), (&false.into(), &Value::Null));
}

#[tokio::test]
async fn every_documented_answer_is_what_the_server_sends() {
    let document = document();
    let documented: Vec<_> = cases(&document, provoked::Owned::from).collect();
    assert!(documented.len() > 100, "{}", documented.len());
    for case in &documented {
        let case = case.case();
        let Case { id, code, status, .. } = case;
        if NOT_PROVOKED.contains(&(id, code)) {
            continue;
        }
        let answer = provoke(case).await;
        assert_eq!(answer.status.as_str(), status, "{case:?} {answer:?}");
        check_answer(&document, case, &answer);
        if code != "good" {
            assert_eq!(answer.code(), code, "{case:?}");
        }
    }
}
