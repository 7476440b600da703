//! The objects that kustomize makes of a folder, and how tests find their way in them.
//!
//! What is looked for and not there is a failed test that names it.

use std::process::Command;
use std::sync::OnceLock;

use serde::Deserialize as _;
use serde_json::Value;

use crate::packages::{kubectl, run};

/// The folders with a `kustomization.yaml`.
pub(crate) const FOLDERS: [&str; 2] = ["base", "mine"];

/// What one folder is built to.
#[derive(Debug)]
pub(crate) struct Built {
    pub(crate) folder: &'static str,
    pub(crate) objects: Vec<Value>,
}

/// What all folders are built to, each once.
pub(crate) fn built() -> &'static [Built] {
    static BUILT: OnceLock<Vec<Built>> = OnceLock::new();
    BUILT.get_or_init(|| FOLDERS.into_iter().map(Built::new).collect())
}

impl Built {
    fn new(folder: &'static str) -> Self {
        let path = deploy::path("deploy/kubernetes").join(folder);
        let text = run(Command::new(kubectl()).args(["kustomize", "."]), &path);
        let documents = serde_norway::Deserializer::from_slice(&text);
        let objects = documents.map(|document| Value::deserialize(document).unwrap()).collect();
        Self { folder, objects }
    }

    pub(crate) fn of_kind(&self, kind: &'static str) -> impl Iterator<Item = &Value> + Clone {
        self.objects.iter().filter(move |object| object["kind"] == kind)
    }

    pub(crate) fn object(&self, kind: &'static str, name: &str) -> &Value {
        let mut found = self.of_kind(kind).filter(|object| object["metadata"]["name"] == name);
        found.next().unwrap_or_else(|| panic!("{}: there is no {kind} {name}", self.folder))
    }

    /// What makes pods: its object, and the pods' template.
    pub(crate) fn workloads(&self) -> Vec<(&Value, &Value)> {
        let makers = self.objects.iter().filter(|object| !object["spec"]["template"].is_null());
        makers.map(|maker| (maker, &maker["spec"]["template"])).collect()
    }

    /// The only container of each of them, and the template that it is in.
    pub(crate) fn containers(&self) -> Vec<(&Value, &Value)> {
        let workloads = self.workloads().into_iter();
        let of = workloads.map(|(_, template)| {
            assert!(template["spec"]["initContainers"].is_null(), "one more to look at");
            let [container] = list(&template["spec"]["containers"]) else { panic!("{template}") };
            (container, template)
        });
        of.collect()
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("not a string: {value}"))
}

pub(crate) fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("not a number: {value}"))
}

/// A list; what is not there is an empty one.
pub(crate) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A container's argument `--name=VALUE`.
pub(crate) fn argument<'a>(container: &'a Value, name: &str) -> &'a str {
    let given = list(&container["args"]).iter().map(text);
    let mut values = given.filter_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
    values.next().unwrap_or_else(|| panic!("{}: no {name}", container["name"]))
}

/// Whether a selector (`matchLabels` and `In`) selects what has these labels.
pub(crate) fn selects(selector: &Value, labels: &Value) -> bool {
    let known = ["matchLabels", "matchExpressions"];
    let map = selector.as_object().unwrap();
    assert!(map.keys().all(|key| known.contains(&key.as_str())), "{selector}");
    let expressions = list(&selector["matchExpressions"]).iter().all(|expression| {
        assert_eq!(expression["operator"], "In", "{selector}");
        list(&expression["values"]).contains(&labels[text(&expression["key"])])
    });
    expressions && selector.get("matchLabels").is_none_or(|wanted| has_labels(wanted, labels))
}

/// Whether `labels` has all of `wanted`, which is not empty.
pub(crate) fn has_labels(wanted: &Value, labels: &Value) -> bool {
    let wanted = wanted.as_object().unwrap();
    assert!(!wanted.is_empty(), "this selects everything");
    wanted.iter().all(|(key, value)| labels[key] == *value)
}
