//! What an expression of Prometheus names: metrics with the labels they are matched by, and the
//! labels that it groups or joins by.
//!
//! No parser: promtool has found the expression well formed before. Never here: what a name means.

/// Words that are no metric. Functions are told by the parenthesis that follows them, aggregations
/// by that or by `by` and `without`.
const WORDS: [&str; 8] = ["and", "or", "unless", "bool", "offset", "inf", "nan", "atan2"];
/// Words that a list of labels follows.
const LISTS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// What an expression names.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// Each metric with the labels of its matchers.
    pub(crate) metrics: Vec<(String, Vec<String>)>,
    /// What it groups or joins by.
    pub(crate) labels: Vec<String>,
}

/// Reads an expression.
pub(crate) fn named(expr: &str) -> Named {
    let tokens = tokens(expr);
    let mut found = Named::default();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at).map(String::as_str);
        if !token.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
            continue;
        }
        if is_list(token) && next == Some("(") {
            let list = until(&tokens[at..], ")");
            at += list.len();
            found.labels.extend(words(list));
        } else if next == Some("{") {
            let matchers = until(&tokens[at..], "}");
            at += matchers.len();
            found.metrics.push((token.clone(), words(matchers)));
        } else if next != Some("(")
            && !is_word(token)
            && next != Some("by")
            && next != Some("without")
        {
            found.metrics.push((token.clone(), Vec::new()));
        }
    }
    found
}

fn is_word(token: &str) -> bool {
    WORDS.contains(&token.to_lowercase().as_str()) || is_list(token)
}

fn is_list(token: &str) -> bool {
    LISTS.contains(&token)
}

fn until<'a>(tokens: &'a [String], end: &str) -> &'a [String] {
    let length = tokens.iter().position(|token| token == end).unwrap_or(tokens.len());
    &tokens[..length]
}

fn words(tokens: &[String]) -> Vec<String> {
    let is_word = |token: &&String| token.starts_with(|c: char| c.is_alphabetic() || c == '_');
    tokens.iter().filter(is_word).cloned().collect()
}

/// Names, numbers with their units, and single other characters; no text in quotes.
fn tokens(expr: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut rest = expr.trim_start();
    while let Some(first) = rest.chars().next() {
        let in_word = |c: char| c.is_ascii_alphanumeric() || "_:.".contains(c);
        let length = if first == '"' || first == '\'' {
            let text = &rest[1..];
            2 + text.find(first).unwrap_or(text.len().saturating_sub(1))
        } else if in_word(first) {
            rest.find(|c| !in_word(c)).unwrap_or(rest.len())
        } else {
            first.len_utf8()
        };
        let (token, after) = rest.split_at(length);
        if !token.starts_with(['"', '\'']) {
            tokens.push(token.to_owned());
        }
        rest = after.trim_start();
    }
    tokens
}

#[test]
fn what_an_expression_names_is_found() {
    let found = named(
        "sum by (a, b) (rate(x_total{c=\"by (no)\",d!~'e'}[5m] offset 1h)) \
         unless on (a) z:y:max == bool 1e3 and time() - t > +Inf",
    );
    let metric = |name: &str, labels: &[&str]| {
        (name.to_owned(), labels.iter().map(|label| (*label).to_owned()).collect())
    };
    let metrics = vec![metric("x_total", &["c", "d"]), metric("z:y:max", &[]), metric("t", &[])];
    assert_eq!(found, Named { metrics, labels: ["a", "b", "a"].map(str::to_owned).to_vec() });
}
