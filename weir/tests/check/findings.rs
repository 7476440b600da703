//! The findings of a `weir check --json`, and what tests say of them.

#![allow(dead_code, reason = "each test crate uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a test says where it fails by panicking")]

use serde_json::Value;

use crate::kit::{Ran, weir};

/// What a check found, its shape compared.
#[derive(Debug)]
pub(crate) struct Findings {
    ran: Ran,
    list: Vec<Value>,
    pub(crate) errors: u64,
    pub(crate) warnings: u64,
}

/// Runs a check to its end.
pub(crate) fn check(args: &[&str]) -> Findings {
    let ran = weir(&[args, &["--json"]].concat());
    let json: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| {
        let ran = &ran;
        panic!("{error}: {ran:?}")
    });
    let list = json["findings"].as_array().unwrap().clone();
    for finding in &list {
        let keys: Vec<_> = finding.as_object().unwrap().keys().map(String::as_str).collect();
        match finding["level"].as_str().unwrap() {
            "ok" => assert_eq!(keys, ["found", "level", "what"]),
            "warning" | "error" => assert_eq!(keys, ["fix", "found", "level", "what"]),
            other => panic!("{other}"),
        }
    }
    let [errors, warnings] = ["errors", "warnings"].map(|of| json[of].as_u64().unwrap());
    let count = |level| list.iter().filter(|finding| finding["level"] == level).count() as u64;
    assert_eq!((errors, warnings), (count("error"), count("warning")));
    assert_eq!(json["exit_code"].as_i64(), ran.code.map(i64::from));
    Findings { ran, list, errors, warnings }
}

impl Findings {
    pub(crate) fn ends_with(&self, code: i32) {
        assert_eq!(self.ran.code, Some(code), "{self:#?}");
        assert!(!self.ran.stderr.contains("panicked"), "{self:#?}");
        assert_eq!(code == 0, self.errors == 0, "{self:#?}");
    }

    fn has(&self, level: &str, what: &str, found: &str, fix: &str) {
        let is_it = |finding: &Value| {
            let has = |key: &str, text| finding[key].as_str().unwrap_or("").contains(text);
            finding["level"] == level
                && finding["what"] == what
                && has("found", found)
                && has("fix", fix)
        };
        assert!(self.list.iter().any(is_it), "no {level} {what}: {found}; {fix} in {self:#?}");
    }

    pub(crate) fn ok(&self, what: &str, found: &str) {
        self.has("ok", what, found, "");
    }

    pub(crate) fn warning(&self, what: &str, found: &str, fix: &str) {
        self.has("warning", what, found, fix);
    }

    pub(crate) fn error(&self, what: &str, found: &str, fix: &str) {
        self.has("error", what, found, fix);
    }
}
