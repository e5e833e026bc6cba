//! Whether a document is as a JSON schema says: the words of draft 2020-12 that `docs/report.schema.json` uses. A word
//! that is not known here fails, so that none is passed over.

use serde_json::Value;

/// Words that say nothing about what is valid.
const NOTES: [&str; 8] = ["$defs", "$schema", "default", "description", "format", "maximum", "minimum", "title"];

/// What is wrong with `document`, at which place; nothing, if it is as `schema` says.
pub fn faults(root: &Value, document: &Value) -> Vec<String> {
    check(root, root, document, "")
}

fn check(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
    let schema = match schema {
        Value::Bool(true) => return Vec::new(),
        Value::Bool(false) => return vec![format!("{at}: nothing is allowed here")],
        Value::Object(words) => words,
        other => panic!("no schema: {other}"),
    };
    let mut faults = Vec::new();
    let fails = |schema: &Value| check(root, schema, value, at);
    for (word, rule) in schema {
        match word.as_str() {
            "$ref" => {
                let pointer = rule.as_str().and_then(|text| text.strip_prefix('#')).expect("a reference within");
                faults.extend(fails(root.pointer(pointer).unwrap_or_else(|| panic!("{rule} is nowhere"))));
            }
            "allOf" => faults.extend(list(rule).iter().flat_map(&fails)),
            "anyOf" | "oneOf" => {
                let each: Vec<Vec<String>> = list(rule).iter().map(&fails).collect();
                if !each.iter().any(Vec::is_empty) {
                    faults.push(format!("{at}: none of {word}: {each:?}"));
                }
            }
            "not" if fails(rule).is_empty() => faults.push(format!("{at}: is what it must not be")),
            "not" => {}
            "const" if value != rule => faults.push(format!("{at}: {value} is not {rule}")),
            "const" => {}
            "enum" if !list(rule).contains(value) => faults.push(format!("{at}: {value} is none of {rule}")),
            "enum" => {}
            "type" => {
                let wanted = if rule.is_array() { list(rule).to_vec() } else { vec![rule.clone()] };
                if !wanted.iter().any(|name| is_of(value, name.as_str().expect("a type"))) {
                    faults.push(format!("{at}: {value} is no {rule}"));
                }
            }
            "pattern" => {
                let pattern = regex::Regex::new(rule.as_str().expect("a pattern")).expect("a pattern");
                if value.as_str().is_some_and(|text| !pattern.is_match(text)) {
                    faults.push(format!("{at}: {value} is not {rule}"));
                }
            }
            "required" => {
                let has = |key: &&Value| value.get(key.as_str().expect("a key")).is_some();
                let lacks = list(rule).iter().filter(|key| value.is_object() && !has(key));
                faults.extend(lacks.map(|key| format!("{at}: {key} is missing")));
            }
            "properties" => {
                for (key, rule) in rule.as_object().expect("properties") {
                    if let Some(value) = value.get(key) {
                        faults.extend(check(root, rule, value, &format!("{at}/{key}")));
                    }
                }
            }
            "items" => {
                for (number, value) in value.as_array().into_iter().flatten().enumerate() {
                    faults.extend(check(root, rule, value, &format!("{at}/{number}")));
                }
            }
            note => assert!(NOTES.contains(&note), "the word {note:?} of a schema is not known here"),
        }
    }
    faults
}

fn list(rule: &Value) -> &[Value] {
    rule.as_array().expect("a list")
}

fn is_of(value: &Value, name: &str) -> bool {
    match name {
        "array" => value.is_array(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "null" => value.is_null(),
        "number" => value.is_number(),
        "object" => value.is_object(),
        "string" => value.is_string(),
        other => panic!("no type: {other}"),
    }
}
