//! The Grafana dashboards under `deploy/grafana/dashboards`: their panels, and every query that
//! they send to Prometheus, be it for a panel, a variable or an annotation.
//!
//! Queries are told as they stand in the file; [`substituted`] makes of them what Grafana would
//! send. Never here: what a dashboard should look like, which the tests say.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

/// Where they are.
pub const FOLDER: &str = "deploy/grafana/dashboards";

/// The variable of the data source, as a reference to a data source says it.
pub const DATA_SOURCE: &str = "${datasource}";

/// A dashboard.
#[derive(Debug, Clone)]
pub struct Dashboard {
    /// Its file's name, without `.json`.
    pub name: String,
    /// What the file says.
    pub text: String,
    /// The same, parsed.
    pub json: Value,
}

/// A query to Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// The dashboard's name.
    pub dashboard: String,
    /// The title of the panel, or the name of the variable or annotation.
    pub of: String,
    /// The expression, with variables in it.
    pub expr: String,
}

/// All of them, by name.
///
/// # Panics
/// If the folder or a file cannot be read, or is no JSON.
#[must_use]
pub fn all() -> Vec<Dashboard> {
    let folder = fs::read_dir(crate::path(FOLDER));
    let entries = folder.unwrap_or_else(|error| panic!("{FOLDER}: {error}"));
    let names = entries
        .flatten()
        .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".json")?.to_owned()));
    names.collect::<BTreeSet<_>>().into_iter().map(Dashboard::read).collect()
}

impl Dashboard {
    fn read(name: String) -> Self {
        let file = format!("{FOLDER}/{name}.json");
        let text = crate::text(&file);
        let json = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{file}: {error}"));
        Self { name, text, json }
    }

    /// Its panels, those in rows that are folded among them, without the rows.
    #[must_use]
    pub fn panels(&self) -> Vec<&Value> {
        let mut panels = Vec::new();
        for panel in list(&self.json["panels"]) {
            if panel["type"] == "row" {
                panels.extend(list(&panel["panels"]));
            } else {
                panels.push(panel);
            }
        }
        panels
    }

    /// The queries of its panels.
    #[must_use]
    pub fn panel_queries(&self) -> Vec<Query> {
        let of_panel = |panel: &Value| {
            let title = text(&panel["title"]);
            let targets = list(&panel["targets"]).iter();
            targets.map(move |target| (title.clone(), text(&target["expr"]))).collect::<Vec<_>>()
        };
        self.queries(self.panels().into_iter().flat_map(of_panel))
    }

    /// The queries of its annotations.
    #[must_use]
    pub fn annotation_queries(&self) -> Vec<Query> {
        let annotations = list(&self.json["annotations"]["list"]).iter();
        let asking = annotations.filter(|annotation| annotation.get("expr").is_some());
        self.queries(asking.map(|asking| (text(&asking["name"]), text(&asking["expr"]))))
    }

    /// The queries of its variables: a selector, of which Grafana takes the values of a label.
    ///
    /// # Panics
    /// If a query is not `label_values(SELECTOR, LABEL)`.
    #[must_use]
    pub fn variable_queries(&self) -> Vec<Query> {
        let variables = list(&self.json["templating"]["list"]).iter();
        let asking = variables.filter(|variable| variable["type"] == "query");
        self.queries(asking.map(|asking| {
            let query = text(&asking["query"]["query"]);
            let inner = query.strip_prefix("label_values(").and_then(|rest| rest.strip_suffix(')'));
            let Some((selector, _label)) = inner.and_then(|inner| inner.rsplit_once(',')) else {
                panic!("{}: {query}", self.name);
            };
            (text(&asking["name"]), selector.to_owned())
        }))
    }

    fn queries(&self, found: impl Iterator<Item = (String, String)>) -> Vec<Query> {
        let dashboard = &self.name;
        found.map(|(of, expr)| Query { dashboard: dashboard.clone(), of, expr }).collect()
    }

    /// The names of its variables.
    #[must_use]
    pub fn variables(&self) -> BTreeSet<String> {
        list(&self.json["templating"]["list"]).iter().map(|one| text(&one["name"])).collect()
    }
}

/// The names of the variables that a text uses: `$name` and `${name}`.
#[must_use]
pub fn variables_used(text: &str) -> BTreeSet<String> {
    let starts = text.match_indices('$').map(|(at, _)| &text[at + 1..]);
    let name = |rest: &str| {
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>()
    };
    starts.map(name).filter(|name| !name.is_empty()).collect()
}

/// An expression with values for its variables. A name that begins with another's comes first.
#[must_use]
pub fn substituted(expr: &str, values: &[(&str, &str)]) -> String {
    let replace = |expr: String, (name, value): &(&str, &str)| {
        expr.replace(&format!("${{{name}}}"), value).replace(&format!("${name}"), value)
    };
    values.iter().fold(expr.to_owned(), replace)
}

/// The entries of a list; none if it is not one.
#[must_use]
pub fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A text; empty if it is not one.
#[must_use]
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_found_and_replaced_in_both_ways_of_writing_them() {
        let expr = "rate(x{a=~\"$a\",b=\"${b}\"}[$__rate_interval])";
        assert_eq!(
            variables_used(expr),
            BTreeSet::from(["a", "b", "__rate_interval"].map(Into::into))
        );
        let values = [("__rate_interval", "15s"), ("a", ".*"), ("b", "c")];
        assert_eq!(substituted(expr, &values), "rate(x{a=~\".*\",b=\"c\"}[15s])");
    }

    #[test]
    fn a_dashboard_tells_the_queries_of_panels_variables_and_annotations() {
        let json = serde_json::json!({
            "panels": [
                {"type": "stat", "title": "A", "targets": [{"expr": "a"}]},
                {"type": "row", "panels": [
                    {"type": "stat", "title": "B", "targets": [{"expr": "b"}]},
                ]},
            ],
            "templating": {"list": [
                {"name": "v", "type": "query", "query": {"query": "label_values(c{d=\"e\"}, f)"}},
                {"name": "w", "type": "datasource", "query": "prometheus"},
            ]},
            "annotations": {"list": [{"name": "n", "expr": "g"}, {"name": "by hand"}]},
        });
        let dashboard = Dashboard { name: "d".to_owned(), text: String::new(), json };
        let told = |queries: Vec<Query>| -> Vec<String> {
            queries.into_iter().map(|query| format!("{} {}", query.of, query.expr)).collect()
        };
        assert_eq!(told(dashboard.panel_queries()), ["A a", "B b"]);
        assert_eq!(told(dashboard.variable_queries()), ["v c{d=\"e\"}"]);
        assert_eq!(told(dashboard.annotation_queries()), ["n g"]);
        assert_eq!(dashboard.variables(), BTreeSet::from(["v", "w"].map(Into::into)));
    }
}
