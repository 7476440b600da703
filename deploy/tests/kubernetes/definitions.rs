//! The definitions of custom resources, read from TypeScript declarations that are made from the Go
//! types of whoever defines them: one file a type, with one interface or one alias in it.
//!
//! Only the forms that those files use are known; another one is an error, not a pass. What belongs
//! to Kubernetes itself is checked with its own types.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscalerBehavior;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde_json::Value;

use crate::kinds::same;

/// The definitions of one group and version.
pub(crate) struct Definitions(PathBuf);

/// One type: its fields if it has any, or what it is another name for.
struct Definition {
    text: String,
    /// The files of the types it names.
    files: BTreeMap<String, String>,
}

struct Field {
    name: String,
    is_required: bool,
    is: String,
}

impl Definitions {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// Says what in `value` is not as the type of this name has it.
    pub(crate) fn check(&self, name: &str, value: &Value) -> Result<(), String> {
        let definition = self.read(name)?;
        if let Some(alias) = definition.alias(name) {
            return self.is(&definition, alias, value);
        }
        let object = value.as_object().ok_or_else(|| format!("not a {name}: {value}"))?;
        let fields = self.fields(name)?;
        for key in object.keys() {
            if !fields.iter().any(|(field, _)| field.name == *key) {
                return Err(format!("{key}: {name} has no such field"));
            }
        }
        for (Field { name: field, is_required, is }, home) in &fields {
            match object.get(field) {
                None if *is_required => return Err(format!("{name} has no {field}")),
                None => {}
                Some(value) => {
                    self.is(home, is, value).map_err(|problem| format!("{field}: {problem}"))?
                }
            }
        }
        Ok(())
    }

    fn read(&self, name: &str) -> Result<Definition, String> {
        let path = self.0.join(format!("{name}.d.ts"));
        let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
        Ok(Definition::new(&text))
    }

    /// The fields of a type and of those that it extends, each with where it is defined.
    fn fields(&self, name: &str) -> Result<Vec<(Field, Definition)>, String> {
        let definition = self.read(name)?;
        let (extended, fields) = definition.interface(name)?;
        let mut all = Vec::new();
        for extended in extended {
            // `TypeMeta` is the two fields that every object repeats.
            if let Some(file) = definition.files.get(&extended) {
                all.extend(self.fields(file)?);
            } else if extended != "TypeMeta" {
                return Err(format!("{name} extends {extended}, which is unknown"));
            }
        }
        for field in fields {
            all.push((field, self.read(name)?));
        }
        Ok(all)
    }

    /// Says why a value is not of a type that `home` names.
    fn is(&self, home: &Definition, is: &str, value: &Value) -> Result<(), String> {
        let wrong = || format!("{value} is not {is}");
        let all = |good: bool| if good { Ok(()) } else { Err(wrong()) };
        if let Some(item) = is.strip_prefix("Array<").and_then(|rest| rest.strip_suffix('>')) {
            let items = value.as_array().ok_or_else(wrong)?;
            return items.iter().try_for_each(|value| self.is(home, item, value));
        }
        if let Some(item) = is.strip_prefix("{ [key: string]: ") {
            let item = item.strip_suffix("; }").ok_or_else(wrong)?;
            let mut values = value.as_object().ok_or_else(wrong)?.iter();
            return values.try_for_each(|(key, value)| {
                self.is(home, item, value).map_err(|problem| format!("{key}: {problem}"))
            });
        }
        if is.starts_with('"') {
            let mut literals = is.split(" | ").map(|literal| literal.trim_matches('"'));
            return all(literals.any(|literal| *value == *literal));
        }
        match is {
            "string" => all(value.is_string()),
            "number" => all(value.is_number()),
            "boolean" => all(value.is_boolean()),
            named => match home.files.get(named) {
                Some(file) => self.check(file, value),
                None => of_kubernetes(named, value),
            },
        }
    }
}

/// A type of Kubernetes itself.
fn of_kubernetes(name: &str, value: &Value) -> Result<(), String> {
    match name {
        "IIoK8sApimachineryPkgApisMetaV1ObjectMeta" => same::<ObjectMeta>(value),
        "IIoK8sApimachineryPkgApisMetaV1LabelSelector" => same::<LabelSelector>(value),
        "IIoK8sApimachineryPkgUtilIntstrIntOrString" => same::<IntOrString>(value),
        "IIoK8sApiAutoscalingV2HorizontalPodAutoscalerBehavior" => {
            same::<HorizontalPodAutoscalerBehavior>(value)
        }
        _ => Err(format!("the type {name} is not known here")),
    }
}

impl Definition {
    fn new(declarations: &str) -> Self {
        let (mut text, mut rest) = (String::new(), declarations);
        while let Some((before, comment)) = rest.split_once("/*") {
            text.push_str(before);
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
        }
        text.push_str(rest);
        let imports = text.lines().filter_map(|line| line.strip_prefix("import { "));
        let files = imports.filter_map(|import| {
            let (name, from) = import.split_once(" } from \"./")?;
            Some((name.to_owned(), from.strip_suffix(".js\";")?.to_owned()))
        });
        Self { files: files.collect(), text }
    }

    fn alias(&self, name: &str) -> Option<&str> {
        let (_, after) = self.text.split_once(&format!("export type I{name} = "))?;
        after.split_once(";\n").map(|(is, _)| is)
    }

    /// What the interface extends, and its own fields.
    fn interface(&self, name: &str) -> Result<(Vec<String>, Vec<Field>), String> {
        let inside = || {
            let (_, after) = self.text.split_once(&format!("export interface I{name} "))?;
            let (extends, after) = after.split_once("{\n")?;
            Some((extends, after.split_once("\n}\n")?.0))
        };
        let (extends, body) = inside().ok_or_else(|| format!("{name} is not an interface"))?;
        let extends = extends.trim().trim_start_matches("extends ");
        let extended = extends.split(", ").filter(|name| !name.is_empty()).map(str::to_owned);
        let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
        // A field begins with its name in quotes, behind the semicolon of the one before.
        let fields = format!(" {words}").replace("; \"", ";\n \"");
        let fields = fields.lines().map(|line| {
            let (name, is) = line.trim().split_once(": ").ok_or_else(|| line.to_owned())?;
            let is_required = !name.ends_with('?');
            let name = name.trim_end_matches('?').trim_matches('"').to_owned();
            Ok(Field { name, is_required, is: is.trim_end_matches(';').to_owned() })
        });
        Ok((extended.collect(), fields.collect::<Result<_, String>>()?))
    }
}
