//! `docker-compose.yml` as an engine sees it: merges done, variables at their defaults.
//!
//! Only what the file uses is understood; anything else is a failed test, never ignored.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// Where the file is.
pub const FILE: &str = "docker-compose.yml";

/// The whole file.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn document() -> Value {
    let document = crate::yaml(FILE).pop();
    interpolated(merged(&document.unwrap_or_else(|| panic!("{FILE} is empty"))))
}

/// The services of a file, by name.
///
/// # Panics
/// If it has none.
#[must_use]
pub fn services(document: &Value) -> BTreeMap<String, Service> {
    let services = document["services"].as_object();
    let services = services.unwrap_or_else(|| panic!("{FILE}: services: not a table"));
    let service = |(name, value): (&String, &Value)| {
        (name.clone(), Service { name: name.clone(), value: value.clone() })
    };
    services.iter().map(service).collect()
}

/// A service of the file.
#[derive(Debug, Clone)]
pub struct Service {
    /// Its name, which is its host name.
    pub name: String,
    /// All that the file says of it.
    pub value: Value,
}

/// Something of the host, or a named volume, in a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mount {
    /// A path of the host if it begins with a dot, else the name of a volume.
    pub source: String,
    /// Where it is in the container.
    pub target: String,
    /// Whether the container may only read it.
    pub read_only: bool,
}

impl Service {
    /// A list of texts; empty if it is not given.
    ///
    /// # Panics
    /// If it is something else.
    #[must_use]
    pub fn list(&self, field: &str) -> Vec<String> {
        texts(&self.name, field, &self.value[field])
    }

    /// Its arguments: the entry point, if the file gives one, and the command.
    #[must_use]
    pub fn command(&self) -> Vec<String> {
        [self.list("entrypoint"), self.list("command")].concat()
    }

    /// The command that tells whether it is healthy; `None` if the file says that none does.
    ///
    /// # Panics
    /// If it is not given as words.
    #[must_use]
    pub fn health_check(&self) -> Option<Vec<String>> {
        let check = &self.value["healthcheck"];
        if check["disable"] == true {
            return None;
        }
        let words = texts(&self.name, "healthcheck.test", &check["test"]);
        match words.split_first() {
            Some((first, rest)) if first == "CMD" => Some(rest.to_vec()),
            Some(_) | None => panic!("{FILE}: {}: healthcheck.test: give CMD", self.name),
        }
    }

    /// Its environment.
    ///
    /// # Panics
    /// If it is not a table of texts.
    #[must_use]
    pub fn environment(&self) -> BTreeMap<String, String> {
        let empty = Map::new();
        let table = self.value["environment"].as_object().unwrap_or(&empty);
        let text = |(name, value): (&String, &Value)| {
            let text = value.as_str().map(str::to_owned);
            let wrong = || panic!("{FILE}: {}: {name}: not a text", self.name);
            (name.clone(), text.unwrap_or_else(wrong))
        };
        table.iter().map(text).collect()
    }

    /// What is mounted into it.
    ///
    /// # Panics
    /// If one is not `source:target` or `source:target:ro`.
    #[must_use]
    pub fn mounts(&self) -> Vec<Mount> {
        let mount = |text: &String| {
            let (source, target, read_only) = match *text.split(':').collect::<Vec<_>>() {
                [source, target] => (source, target, false),
                [source, target, "ro"] => (source, target, true),
                _ => panic!("{FILE}: {}: volumes: {text}", self.name),
            };
            Mount { source: source.to_owned(), target: target.to_owned(), read_only }
        };
        self.list("volumes").iter().map(mount).collect()
    }

    /// The services it waits for, and for what.
    #[must_use]
    pub fn waits_for(&self) -> BTreeMap<String, String> {
        let empty = Map::new();
        let table = self.value["depends_on"].as_object().unwrap_or(&empty);
        let condition = |(name, value): (&String, &Value)| {
            (name.clone(), value["condition"].as_str().unwrap_or_default().to_owned())
        };
        table.iter().map(condition).collect()
    }
}

fn texts(service: &str, field: &str, value: &Value) -> Vec<String> {
    let text = |value: &Value| {
        let text = value.as_str().map(str::to_owned);
        text.unwrap_or_else(|| panic!("{FILE}: {service}: {field}: not a text: {value}"))
    };
    match value {
        Value::Null => Vec::new(),
        Value::Array(values) => values.iter().map(text).collect(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => {
            panic!("{FILE}: {service}: {field}: not a list")
        }
    }
}

/// YAML's merge keys, `<<`, done: what a table says itself goes before what it merges.
fn merged(value: &Value) -> Value {
    match value {
        Value::Array(values) => Value::Array(values.iter().map(merged).collect()),
        Value::Object(table) => {
            let base = table.get("<<").map(merged);
            let mut whole = base.and_then(|base| base.as_object().cloned()).unwrap_or_default();
            let own = table.iter().filter(|(name, _)| *name != "<<");
            whole.extend(own.map(|(name, value)| (name.clone(), merged(value))));
            Value::Object(whole)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

/// Variables replaced by their defaults.
fn interpolated(value: Value) -> Value {
    match value {
        Value::String(text) => Value::String(expand(&text)),
        Value::Array(values) => Value::Array(values.into_iter().map(interpolated).collect()),
        Value::Object(table) => {
            let table = table.into_iter().map(|(name, value)| (name, interpolated(value)));
            Value::Object(table.collect())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn expand(text: &str) -> String {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('$') {
        expanded.push_str(before);
        rest = if let Some(after) = after.strip_prefix('$') {
            expanded.push('$');
            after
        } else {
            let variable = after.strip_prefix('{').and_then(|after| after.split_once('}'));
            let (variable, after) = variable.unwrap_or_else(|| panic!("{FILE}: {text}"));
            let default = variable.split_once(":-");
            expanded.push_str(default.unwrap_or_else(|| panic!("{FILE}: no default: {text}")).1);
            after
        };
    }
    expanded + rest
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_table_says_goes_before_what_it_merges_at_any_depth() {
        let value = json!({"<<": {"<<": {"a": 1, "b": 1}, "b": 2, "c": 2}, "c": 3});
        assert_eq!(merged(&value), json!({"a": 1, "b": 2, "c": 3}));
    }

    #[test]
    fn variables_have_defaults_and_two_dollars_are_one() {
        assert_eq!(expand("a ${B:-c} $$d"), "a c $d");
        assert_eq!(expand("${A:-}"), "");
    }
}
