//! Traces, as a collector sees them: none unless asked for, the caller's trace followed, the wait
//! for the journal below it, nothing of the voter in it; and a dead collector costs no ballot.
#![expect(
    clippy::unwrap_used,
    reason = "helpers of tests are not covered by allow-unwrap-in-tests"
)]
#![expect(clippy::panic, reason = "as above")]

#[path = "trace/collector.rs"]
mod collector;
mod kit;

use std::io::Write as _;
use std::net::TcpStream;

use collector::{Collector, attribute};
use kit::{Scratch, Up, campaign, eventually, now_ms, weir};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00f067aa0ba902b7";

/// Casts as a voter, from within a trace; the answer's status, and its body.
fn cast(up: &Up<'_>, token: &str, flags: &str) -> (u16, String) {
    let url = format!("{}/ballots", up.url());
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = TcpStream::connect(host).unwrap();
    let body = "{\"choices\":[1,2]}";
    let head = format!(
        "POST /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {}\r\n\
         Authorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         traceparent: 00-{TRACE}-{CALLER}-{flags}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    let answer = std::io::read_to_string(stream).unwrap();
    let status = answer.split(' ').nth(1).unwrap().parse().unwrap();
    (status, answer)
}

fn token(scratch: &Scratch, file: &str, voter: &str) -> String {
    let ran = weir(&["token", "--data", &scratch.path("data"), "--campaign", file, voter]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    ran.stdout.trim().to_owned()
}

#[test]
fn a_ballot_is_seen_in_its_callers_trace_and_the_voter_is_not() {
    let (scratch, collector) = (Scratch::new(), Collector::start());
    let file = scratch.file("c.toml", campaign(-1, 2));
    let endpoint = collector.endpoint();
    let flags = ["--campaign", &file, "--trace-endpoint", &endpoint, "--trace-ratio", "0"];
    let up = Up::start(&scratch, &flags);
    let ann = token(&scratch, &file, "ann");
    let (status, answer) = cast(&up, &ann, "01");
    assert_eq!(status, 202, "{answer}");
    let spans = eventually("both spans", || Some(collector.spans()).filter(|all| all.len() >= 2));

    let request = spans.iter().find(|span| span.name.starts_with("POST ")).unwrap();
    let append = spans.iter().find(|span| span.name == "append to the journal").unwrap();
    let bytes = |hex: &str| {
        let digits = hex.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
        digits.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect::<Vec<_>>()
    };
    assert_eq!((&request.trace_id, &append.trace_id), (&bytes(TRACE), &bytes(TRACE)));
    assert_eq!((&request.parent_span_id, request.kind), (&bytes(CALLER), 2));
    assert_eq!(append.parent_span_id, request.span_id);
    let route = "/v1/campaigns/{id}/ballots";
    assert_eq!(request.name, format!("POST {route}"));
    for (key, value) in [
        ("http.request.method", "POST"),
        ("http.route", route),
        ("http.response.status_code", "202"),
        ("weir.campaign", "test"),
        ("weir.outcome", "accepted"),
        ("url.path", "/v1/campaigns/test/ballots"),
    ] {
        assert_eq!(attribute(request, key).as_deref(), Some(value), "{key}");
    }
    assert_eq!(attribute(append, "weir.outcome").as_deref(), Some("durable"));
    let inside = request.start_time_unix_nano <= append.start_time_unix_nano
        && append.end_time_unix_nano <= request.end_time_unix_nano;
    assert!(inside && append.start_time_unix_nano < append.end_time_unix_nano);
    let receipt = answer.split("\"receipt\":\"").nth(1).unwrap().split('"').next().unwrap();
    let told = format!("{spans:?}");
    for secret in [receipt, &ann, "ann", "127.0.0.1"] {
        assert!(!told.contains(secret), "{secret} is in {told}");
    }

    // One that says it is not traced, one again that is: it comes last, and alone.
    assert_eq!(cast(&up, &ann, "00").0, 202);
    assert_eq!(cast(&up, "nobody", "01").0, 401);
    up.stop();
    let spans = collector.spans();
    assert_eq!(spans.len(), 3, "the end sends what is finished: {spans:?}");
    assert_eq!(attribute(&spans[2], "weir.outcome").as_deref(), Some("unauthenticated"));
    assert_eq!(spans[2].status.as_ref().map_or(0, |status| status.code), 0, "no error of ours");
}

#[test]
fn without_an_endpoint_nothing_is_traced_and_a_wrong_one_is_refused() {
    let (scratch, collector) = (Scratch::new(), Collector::start());
    let file = scratch.file("c.toml", campaign(-1, 2));
    let up = Up::start(&scratch, &["--campaign", &file, "--trace-ratio", "1"]);
    assert_eq!(cast(&up, &token(&scratch, &file, "ann"), "01").0, 202);
    up.stop();
    assert_eq!(collector.spans().len(), 0);
    for (endpoint, ratio) in [("https://a", "1"), ("a:4318", "1"), ("http://a", "2")] {
        let data = scratch.path("data");
        let ran = weir(&[
            "up",
            "--data",
            &data,
            "--trace-endpoint",
            endpoint,
            "--trace-ratio",
            ratio,
            "--listen",
            "127.0.0.1:0",
            "--ops-listen",
            "127.0.0.1:0",
        ]);
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert!(ran.stderr.contains("--trace-"), "{ran:?}");
    }
}

#[test]
fn a_dead_collector_loses_spans_and_no_ballots_and_the_end_does_not_wait_for_it() {
    let scratch = Scratch::new();
    let file = scratch.file("c.toml", campaign(-1, 2));
    // It takes connections, and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let flags = ["--campaign", &file, "--trace-endpoint", &endpoint, "--trace-ratio", "1"];
    let up = Up::start(&scratch, &flags);
    for voter in 0..20 {
        let token = token(&scratch, &file, &format!("voter {voter}"));
        assert_eq!(cast(&up, &token, "01").0, 202);
    }
    up.tally(20, 0);
    let began_ms = now_ms();
    up.stop();
    let took_ms = now_ms() - began_ms;
    assert!(took_ms < 5_000, "it ended after {took_ms} ms");
}
