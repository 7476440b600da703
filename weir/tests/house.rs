//! The house rules that a program can check: file headers, sizes, words, and where crates may be
//! used. CONTRIBUTING.md has the rules; a failure here names file and line.
#![expect(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

const CRATES: [&str; 10] = [
    "ballot",
    "journal",
    "ingest",
    "aggregator",
    "imitation",
    "weir",
    "testkit",
    "loadtest",
    "benches",
    "deploy",
];
const LINES_MAX: usize = 300;
const COLUMNS_MAX: usize = 100;

/// Words that mean something else here, or nothing: the word, and what to say instead.
const RESERVED: [(&str, &str); 4] = [
    ("watermark", "frontier; the watermark is the broker's"),
    ("fn get_", "the noun alone"),
    ("commit_offset", "commit"),
    ("todo!(", "the thing itself"),
];

/// A crate, and the only paths that may name it.
const CONFINED: [(&str, &[&str]); 4] = [
    ("dashmap::", &["aggregator/src/dedup.rs"]),
    ("SystemTime::now", &["journal/src/clock.rs"]),
    ("redb::", &["journal/src/embedded", "ingest/src/wechat/follows"]),
    ("rdkafka::", &["journal/src/kafka"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every Rust file of the workspace, with its path from the root.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = CRATES.iter().map(|name| root().join(name)).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    assert!(found.len() > 50, "the sources were not found");
    found
}

#[test]
fn every_file_opens_with_what_it_owns_and_is_short() {
    let mut wrong = Vec::new();
    for (name, text) in sources() {
        if !text.starts_with("//!") {
            wrong.push(format!("{name}: opens without //!"));
        }
        if text.lines().count() > LINES_MAX {
            wrong.push(format!("{name}: {} lines", text.lines().count()));
        }
        for (number, line) in (1..).zip(text.lines()) {
            if line.chars().count() > COLUMNS_MAX {
                wrong.push(format!("{name}:{number}: {} columns", line.chars().count()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn reserved_words_are_not_used_and_confined_crates_stay_where_they_are() {
    let mut wrong = Vec::new();
    for (name, text) in sources().iter().filter(|(name, _)| name != "weir/tests/house.rs") {
        for (number, line) in (1..).zip(text.lines()) {
            for (word, instead) in RESERVED {
                if line.contains(word) {
                    wrong.push(format!("{name}:{number}: {word}: say {instead}"));
                }
            }
            for (user, homes) in CONFINED {
                // A bench also measures what was not chosen.
                let is_aside = name.contains("/tests/") || name.starts_with("benches/benches/");
                let is_home = homes.iter().any(|home| name.starts_with(home));
                if line.contains(user) && !is_home && !is_aside {
                    wrong.push(format!("{name}:{number}: {user} belongs in {homes:?}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_pure_crate_has_no_runtime_and_the_dedup_module_no_async() {
    let manifest = fs::read_to_string(root().join("ballot/Cargo.toml")).unwrap();
    for runtime in ["tokio", "hyper", "tracing", "rdkafka", "redb"] {
        assert!(!manifest.contains(runtime), "ballot/ imports {runtime}");
    }
    let dedup = fs::read_to_string(root().join("aggregator/src/dedup.rs")).unwrap();
    let code = dedup.lines().filter(|line| !line.trim_start().starts_with("//"));
    assert!(!code.clone().any(|line| line.contains("async ") || line.contains(".await")));
}

#[test]
fn no_path_of_a_machine_is_in_the_tree() {
    for (name, text) in sources() {
        for place in ["/home/", "/root/", "/work/"] {
            assert!(name == "weir/tests/house.rs" || !text.contains(place), "{name}: {place}");
        }
    }
}
