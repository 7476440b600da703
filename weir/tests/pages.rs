//! Voters' pages in a real Chromium at phone size, against the real binary: scenarios are written
//! in JavaScript, in `pages/`, and ask this test for servers.
//!
//! `main.mjs` names them; `ONLY=words` in the environment picks those whose names have the words in
//! them. What a failing scenario saw is printed, and pictures are under `target/tmp/pages/`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

mod kit;
#[path = "pages/servers.rs"]
mod servers;
mod site;
mod storm;

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::{Value, json};

use kit::Scratch;
use servers::Servers;
use site::Site;
use storm::Population;

/// Runs a suite of scenarios to its end.
fn run(suite: &str, given: &Value) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Scratch::new();
    let mut servers = Servers::new(&scratch);
    let chromium = testkit::chromium().unwrap();
    let temporary = PathBuf::from(scratch.path("browser"));
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let mut node = chromium.node(&here.join("tests/pages"), "main.mjs", &temporary).unwrap();
    node.arg(suite).env("SHOTS", &shots).env("GIVEN", given.to_string());
    node.env("REAL_CAMPAIGN", here.join("../campaigns/hubei-2023.toml"));
    node.stdin(Stdio::piped()).stdout(Stdio::piped());
    // It ends when its input does, and that is when this process ends, however it does.
    let mut node = node.spawn().unwrap();
    let mut to_node = node.stdin.take().unwrap();
    for line in BufReader::new(node.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        let Some(asked) = line.strip_prefix('@') else {
            println!("{line}");
            continue;
        };
        let answer = match servers.answer(&serde_json::from_str(asked).unwrap()) {
            Ok(answer) => json!({ "ok": answer }),
            Err(error) => json!({ "error": error }),
        };
        // One that ended in the meantime is told below.
        drop(writeln!(to_node, "{answer}"));
    }
    let ended = node.wait().unwrap();
    assert!(ended.success(), "{suite}: {ended}; its servers said:\n{}", servers.said());
}

#[test]
fn voters_get_through_on_their_phones_whatever_happens() {
    run("phones", &Value::Null);
}

#[test]
fn voters_get_through_on_kafka() {
    let kafka = testkit::Kafka::start(1);
    let scratch = Scratch::new();
    let site = Site::founded(&kafka, &scratch, "phones");
    let (edge, aggregate) = (site.ingest(&[]), site.aggregate(&[]));
    let origin = edge.url().replace("/v1/campaigns/phones", "");
    let token = Population::new(&site.text, 1).token(0);
    run("kafka", &json!({ "origin": origin, "token": token }));
    edge.stop();
    aggregate.stop();
}

/// Writes the pictures of the documentation: `cargo test -p weir --test pages -- --ignored`.
#[test]
#[ignore = "writes into docs/"]
fn screenshots() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    run("screenshots", &json!({ "docs": docs }));
}
