//! As much of JSON Schema as the OpenAPI document uses. A keyword that is not known here fails the
//! test, so that the document cannot promise what is not checked.

use serde_json::Value;

/// What of `value` does not fit `schema`, with its place.
pub(crate) fn check(document: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    for (keyword, wanted) in schema.as_object().unwrap() {
        match keyword.as_str() {
            "$ref" => wrong.extend(check(document, resolve(document, wanted), value, at)),
            "type" if !is_a(wanted, value) => wrong.push(format!("{at} is no {wanted}: {value}")),
            // Of what may be null and is.
            "required" if value.is_null() => {}
            "required" => {
                let missing = wanted.as_array().unwrap().iter();
                let missing = missing.filter(|key| value.get(key.as_str().unwrap()).is_none());
                wrong.extend(missing.map(|key| format!("{at} lacks {key}")));
            }
            "properties" => {
                for (key, schema) in wanted.as_object().unwrap() {
                    if let Some(value) = value.get(key) {
                        wrong.extend(check(document, schema, value, &format!("{at}.{key}")));
                    }
                }
            }
            "additionalProperties" => {
                let known = &schema["properties"];
                let keys = value.as_object().into_iter().flat_map(|object| object.keys());
                let unknown = keys.filter(|key| known.get(key).is_none());
                wrong.extend(unknown.map(|key| format!("{at} has {key}")));
            }
            "items" => {
                for (value, i) in value.as_array().unwrap().iter().zip(0..) {
                    wrong.extend(check(document, wanted, value, &format!("{at}[{i}]")));
                }
            }
            "enum" if !wanted.as_array().unwrap().contains(value) => {
                wrong.push(format!("{at} is none of {wanted}: {value}"));
            }
            "minimum" if value.as_f64() < wanted.as_f64() => wrong.push(format!("{at} is too low")),
            "maximum" if value.as_f64() > wanted.as_f64() => {
                wrong.push(format!("{at} is too high"));
            }
            "type" | "enum" | "minimum" | "maximum" => {}
            // Notes, and what is only asked of requests.
            "description" | "format" | "pattern" | "examples" | "minItems" | "uniqueItems" => {}
            other => wrong.push(format!("{at}: the keyword {other} is not checked")),
        }
    }
    wrong
}

/// What a `$ref` points to.
pub(crate) fn resolve<'a>(document: &'a Value, reference: &Value) -> &'a Value {
    let pointer = reference.as_str().unwrap().strip_prefix('#').unwrap();
    document.pointer(pointer).unwrap_or_else(|| panic!("{reference} points nowhere"))
}

fn is_a(wanted: &Value, value: &Value) -> bool {
    let is = |name: &Value| match name.as_str().unwrap() {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        other => panic!("the type {other} is not known"),
    };
    wanted.as_array().map_or_else(|| is(wanted), |names| names.iter().any(is))
}
