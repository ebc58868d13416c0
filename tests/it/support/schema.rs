//! Checks replies against the schema documents that Glance clients get: every keyword in them that a reply can violate.

use std::sync::LazyLock;

use regex_lite::Regex;
use serde_json::Value;

use super::client::Answer;
use super::fixture;

/// The documents that are served as `/v2/schemas/image` and `/v2/schemas/images`.
pub static IMAGE: LazyLock<Value> = LazyLock::new(|| document("glance/schema-image.json"));
pub static IMAGES: LazyLock<Value> = LazyLock::new(|| document("glance/schema-images.json"));

fn document(name: &str) -> Value {
    serde_json::from_str(&fixture(name)).unwrap()
}

/// Panics if a reply with an image or a list of images does not match its document.
pub fn check(answer: &Answer) {
    let is_json = answer.header("content-type") == Some("application/json");
    if answer.status() != 200 || !is_json {
        return;
    }
    let Ok(body) = serde_json::from_slice::<Value>(&answer.body) else {
        panic!("the reply is not JSON: {}", answer.text());
    };
    let (document, images) = match body["schema"].as_str() {
        Some("/v2/schemas/images") => (&IMAGES, body["images"].as_array().unwrap().as_slice()),
        Some("/v2/schemas/image") => (&IMAGE, std::slice::from_ref(&body)),
        _ => return,
    };
    if let Err(wrong) = fits(document, &body) {
        panic!("the reply does not match its schema: {wrong}: {body:#}");
    }
    for image in images {
        for name in ["created_at", "updated_at"] {
            let time = image[name].as_str().unwrap();
            assert!(TIME.is_match(time), "{name}: {time}");
        }
    }
}

/// Glance's own form, which the document does not require but strict clients do.
static TIME: LazyLock<Regex> =
    LazyLock::new(|| Regex::new(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$").unwrap());

/// Describes how a value violates the schema.
pub fn fits(schema: &Value, value: &Value) -> Result<(), String> {
    for (keyword, rule) in schema.as_object().unwrap() {
        let fits = match keyword.as_str() {
            "name" | "description" | "readOnly" | "writeOnly" | "is_base" | "links" => true,
            "type" => is_of(rule, value),
            "enum" => rule.as_array().unwrap().contains(value),
            "maxLength" => length(value).is_none_or(|length| length <= rule.as_u64().unwrap()),
            "minLength" => length(value).is_none_or(|length| length >= rule.as_u64().unwrap()),
            "pattern" => value
                .as_str()
                .is_none_or(|text| Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)),
            "required" => value.as_object().is_none_or(|members| {
                let mut names = rule.as_array().unwrap().iter();
                names.all(|name| members.contains_key(name.as_str().unwrap()))
            }),
            "items" => {
                for item in value.as_array().into_iter().flatten() {
                    fits(rule, item)?;
                }
                true
            }
            "properties" => {
                for (name, member) in value.as_object().into_iter().flatten() {
                    if let Some(rule) = rule.get(name) {
                        fits(rule, member).map_err(|wrong| format!("{name}: {wrong}"))?;
                    }
                }
                true
            }
            "additionalProperties" => {
                let others = value.as_object().into_iter().flatten();
                for (name, member) in
                    others.filter(|(name, _)| schema["properties"].get(name).is_none())
                {
                    match rule {
                        Value::Bool(allowed) if *allowed => {}
                        Value::Bool(_) => return Err(format!("{name} is not allowed")),
                        rule => fits(rule, member).map_err(|wrong| format!("{name}: {wrong}"))?,
                    }
                }
                true
            }
            other => panic!("unknown keyword: {other}"),
        };
        if !fits {
            return Err(format!("{value} is against {keyword} {rule}"));
        }
    }
    Ok(())
}

fn length(value: &Value) -> Option<u64> {
    value.as_str().map(|text| text.chars().count() as u64)
}

fn is_of(kinds: &Value, value: &Value) -> bool {
    let is = |kind: &Value| match kind.as_str().unwrap() {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("unknown type: {other}"),
    };
    kinds
        .as_array()
        .map_or_else(|| is(kinds), |kinds| kinds.iter().any(is))
}
