//! The names of metrics in an expression of PromQL, and the names there are: what processes export
//! by `docs/metrics.md`, what rules record, and what Prometheus adds.
//!
//! The grammar is not checked here; a real Prometheus does that. Never here: a name that only a
//! dashboard knows.

use std::collections::{BTreeMap, BTreeSet};

use deploy::metrics::Metric;

/// What Prometheus adds of its own.
const OWN: [&str; 2] = ["up", "ALERTS"];

/// Words that are neither names nor called.
const WORDS: [&str; 7] = ["and", "or", "unless", "bool", "offset", "inf", "nan"];

/// Words between what adds up and what is added up.
const GROUPING: [&str; 2] = ["by ", "without "];

/// Words that a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// All names that an expression may use.
pub(crate) fn known() -> BTreeSet<String> {
    let metrics = deploy::metrics::documented();
    let exported = metrics.iter().flat_map(|(name, metric)| exported(name, metric));
    let own = OWN.map(str::to_owned).into_iter();
    exported.chain(recorded().into_keys()).chain(own).collect()
}

/// The names under which a metric's series are exported.
pub(crate) fn exported(name: &str, metric: &Metric) -> Vec<String> {
    if metric.kind == "histogram" {
        ["bucket", "sum", "count"].map(|part| format!("{name}_{part}")).to_vec()
    } else {
        vec![name.to_owned()]
    }
}

/// What rules record, with the expression.
pub(crate) fn recorded() -> BTreeMap<String, String> {
    let file = deploy::yaml("deploy/prometheus/rules/recording.yml").remove(0);
    let groups = file["groups"].as_array().unwrap();
    let rules = groups.iter().flat_map(|group| group["rules"].as_array().unwrap());
    let rule = |rule: &serde_json::Value| {
        let field = |name: &str| Some(rule[name].as_str()?.to_owned());
        Some((field("record")?, field("expr")?))
    };
    rules.filter_map(rule).collect()
}

/// The names of metrics in an expression.
pub(crate) fn names(expr: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let mut rest = expr;
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = after(&rest[1..], '"');
        } else if first == '{' {
            rest = after_matchers(&rest[1..]);
        } else if first == '[' {
            rest = after(rest, ']');
        } else if is_inner(first) {
            let (word, left) = rest.split_at(rest.find(|c| !is_inner(c)).unwrap_or(rest.len()));
            rest = left;
            let next = left.trim_start();
            if BEFORE_LABELS.contains(&word) {
                rest = if next.starts_with('(') { after(next, ')') } else { left };
            } else if !is_called(next) && !is_word(word) {
                names.insert(word.to_owned());
            }
        } else {
            rest = &rest[first.len_utf8()..];
        }
    }
    names
}

fn is_inner(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':' || c == '.'
}

/// Whether what comes before is a function, or adds up.
fn is_called(next: &str) -> bool {
    next.starts_with('(') || GROUPING.iter().any(|word| next.starts_with(word))
}

/// Not a name: a word of the language, or a number.
fn is_word(word: &str) -> bool {
    WORDS.contains(&word.to_lowercase().as_str()) || word.starts_with(|c: char| c.is_ascii_digit())
}

fn after(text: &str, end: char) -> &str {
    text.split_once(end).map_or("", |(_, rest)| rest)
}

/// A brace in a quoted value ends nothing.
fn after_matchers(text: &str) -> &str {
    let mut quoted = false;
    for (at, c) in text.char_indices() {
        quoted ^= c == '"';
        if c == '}' && !quoted {
            return &text[at + 1..];
        }
    }
    ""
}

#[test]
fn names_are_told_from_labels_functions_numbers_and_words() {
    let expr = r#"sum by (le, a) (rate(m_bucket{x=~"y|}"}[$__rate_interval])) / 60 > 0
        or on (b) group_left () max(p:m:max offset 5m) unless label_replace(up, "q", "r", "", "")"#;
    assert_eq!(names(expr), BTreeSet::from(["m_bucket", "p:m:max", "up"].map(str::to_owned)));
    assert_eq!(names("time() - 1.5e3"), BTreeSet::new());
}
