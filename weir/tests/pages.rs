//! Voters' pages in a real Chromium at phone size, against the real binary: scenarios are written
//! in JavaScript, in `pages/`, and ask this test for servers.
//!
//! `main.mjs` names them; `ONLY=words` in the environment picks those whose names have the words in
//! them. What a failing scenario saw is printed, and pictures are under `target/tmp/pages/`.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says where it fails by panicking")]

#[path = "pages/journals.rs"]
mod journals;
mod kit;
#[path = "pages/servers.rs"]
mod servers;

use std::io::{BufRead as _, BufReader, Write as _};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Mutex;

use serde_json::{Value, json};

use journals::Journal;
use kit::Scratch;
use servers::Servers;

/// Runs a suite of scenarios to its end.
fn run(suite: &str, journal: Journal, given: &Value) {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let scratch = Scratch::new();
    let chromium = testkit::chromium().unwrap();
    let temporary = PathBuf::from(scratch.path("browser"));
    let shots = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    let mut node = chromium.node(&here.join("tests/pages"), "main.mjs", &temporary).unwrap();
    node.arg(suite).env("SHOTS", &shots).env("GIVEN", given.to_string());
    node.env("JOURNAL", if matches!(journal, Journal::Embedded) { "embedded" } else { "kafka" });
    node.env("REAL_CAMPAIGN", here.join("../campaigns/hubei-2023.toml"));
    node.stdin(Stdio::piped()).stdout(Stdio::piped());
    let servers = Servers::new(&scratch, journal);
    // It ends when its input does, and that is when this process ends, however it does.
    let mut node = node.spawn().unwrap();
    let to_node = Mutex::new(node.stdin.take().unwrap());
    let answer = |asked: &str| {
        let asked: Value = serde_json::from_str(asked).unwrap();
        // Whoever waits in vain panics: without an answer the scenario would wait for ever.
        let answered = catch_unwind(AssertUnwindSafe(|| servers.answer(&asked)));
        let answered = answered.unwrap_or_else(|_| Err("the test beside panicked".to_owned()));
        let answer = match answered {
            Ok(answer) => json!({ "id": asked["id"], "ok": answer }),
            Err(error) => json!({ "id": asked["id"], "error": error }),
        };
        // One that ended in the meantime is told below.
        drop(writeln!(to_node.lock().unwrap(), "{answer}"));
    };
    let answer = &answer;
    std::thread::scope(|scope| {
        for line in BufReader::new(node.stdout.take().unwrap()).lines() {
            let line = line.unwrap();
            match line.strip_prefix('@') {
                // A server takes a while to start, and the other scenarios need not wait for it.
                Some(asked) => drop(scope.spawn({
                    let asked = asked.to_owned();
                    move || answer(&asked)
                })),
                None => println!("{line}"),
            }
        }
    });
    let ended = node.wait().unwrap();
    assert!(ended.success(), "{suite}: {ended}; its servers said:\n{}", servers.said());
}

#[test]
fn voters_get_through_on_their_phones_whatever_happens() {
    run("phones", Journal::Embedded, &Value::Null);
}

#[test]
fn voters_get_through_on_kafka() {
    let kafka = testkit::Kafka::start(1);
    run("kafka", Journal::Kafka(kafka.bootstrap()), &Value::Null);
}

/// Writes the pictures of the documentation: `cargo test -p weir --test pages -- --ignored`.
#[test]
#[ignore = "writes into docs/"]
fn screenshots() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    run("screenshots", Journal::Embedded, &json!({ "docs": docs }));
}
