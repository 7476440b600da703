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

const PROBLEM: &str = "application/problem+json";
const REQUESTS: &str = "weir_requests_total{";

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
    // hundreds of bodies that do not come; see `sign_ins_whose_body_…`;
    ("signIn", "overloaded"),
    // or a table that does not answer for a second.
    ("wechatEvent", "overloaded"),
];

/// An answer that is documented.
#[derive(Debug, Clone)]
struct Case<'a> {
    /// The operation.
    id: &'a str,
    method: Method,
    /// With parameters in braces.
    path: &'a str,
    status: &'a str,
    /// The problem's code, or `good`.
    code: &'a str,
    /// The type of its body; empty without one.
    media: &'a str,
    response: &'a Value,
}

fn document() -> Value {
    serde_json::from_str(include_str!("../../openapi.json")).unwrap()
}

/// Every answer that the document has, each type of body and each problem for itself.
fn cases(document: &Value) -> Vec<Case<'_>> {
    let mut cases = Vec::new();
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            for (status, response) in operation["responses"].as_object().unwrap() {
                let reference = response.get("$ref");
                let response = reference.map_or(response, |to| resolve(document, to));
                let method = method.to_uppercase().parse().unwrap();
                let case = Case { id, method, path, status, code: "good", media: "", response };
                let Some(content) = response["content"].as_object() else {
                    cases.push(case);
                    continue;
                };
                for (media, content) in content {
                    let case = Case { media, ..case.clone() };
                    let codes = content["examples"].as_object().map(|examples| examples.keys());
                    match codes.filter(|_| media == PROBLEM) {
                        Some(codes) => {
                            cases.extend(codes.map(|code| Case { code, ..case.clone() }))
                        }
                        None => cases.push(case),
                    }
                }
            }
        }
    }
    cases
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
    let told: BTreeSet<_> = cases(&document).iter().map(|case| case.code).collect();
    let untold: Vec<_> = codes.difference(&told).collect();
    assert!(untold.is_empty(), "no operation answers so: {untold:?}");
}

#[tokio::test]
async fn every_address_is_documented_with_all_its_methods() {
    let document = document();
    let edge = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    for (template, operations) in document["paths"].as_object().unwrap() {
        let refused = edge.send(Method::DELETE, &path(template, "c"), &[], "").await;
        assert_eq!(refused.status, 405, "{template}");
        let allowed = refused.header("allow").split(", ").filter(|method| *method != "HEAD");
        let documented = operations.as_object().unwrap().keys().map(|name| name.to_uppercase());
        assert!(allowed.eq(documented), "{template}: {}", refused.header("allow"));
    }
    // Every route of the server has its series, whether it was asked for or not.
    let told = TextEncoder::new().encode_to_string(&edge.registry.gather()).unwrap();
    let refused = "outcome=\"method_not_allowed\"";
    let (mut routes, mut asked) = (BTreeSet::new(), BTreeSet::new());
    for line in told.lines().filter(|l| l.starts_with(REQUESTS) && l.contains(refused)) {
        let (_, route) = line.split_once("route=\"").unwrap();
        let (route, count) = route.split_once('"').unwrap();
        routes.insert(route);
        if !count.ends_with(" 0") {
            asked.insert(route);
        }
    }
    let missing: Vec<_> = routes.difference(&asked).collect();
    assert_eq!(missing, [&"unknown"], "not documented");
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
    let cases = cases(&document);
    assert!(cases.len() > 100, "{}", cases.len());
    let usual = Running::start(Setup { aggregating: false, ..Setup::default() }).await;
    for case in cases.iter().filter(|case| !NOT_PROVOKED.contains(&(case.id, case.code))) {
        let answer = provoke(&usual, case).await;
        assert_eq!(answer.status.as_str(), case.status, "{case:?} {answer:?}");
        if case.code != "good" {
            assert_eq!(answer.code(), case.code, "{case:?}");
        }
        check_answer(&document, case, &answer);
    }
}

fn check_answer(document: &Value, case: &Case<'_>, answer: &Answer) {
    let at = format!("{} {} {} {}", case.id, case.status, case.code, case.media);
    for (name, header) in case.response["headers"].as_object().into_iter().flatten() {
        let header = resolve(document, &header["$ref"]);
        assert!(header["required"] != true || !answer.header(name).is_empty(), "{at}: {name}");
    }
    if case.media.is_empty() {
        assert!(answer.body.is_empty(), "{at}");
        return;
    }
    let media = answer.header("content-type").split(';').next().unwrap();
    assert_eq!(media, case.media, "{at}");
    let schema = &case.response["content"][media]["schema"];
    if media.ends_with("json") {
        let wrong = check(document, schema, &answer.json(), "body");
        assert_eq!(wrong, Vec::<String>::new(), "{at}: {}", answer.json());
    } else {
        assert_eq!(schema["type"], "string", "{at}");
        std::str::from_utf8(&answer.body).unwrap();
    }
}
