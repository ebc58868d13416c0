//! The body of a metadata write, checked as Nova did before it had schemas: up to Kilo, and not under `/v2.1`
//! (`nova/api/openstack/compute/image_metadata.py` and `common.py`, `check_img_metadata_properties_quota`).
//!
//! Values may have any type; [`super::sent`] decides what to store for them.

use super::body::{Items, wrong};
use crate::model::Fault;
use crate::nova::tables::Act;
use crate::webob::python::PyJson;

/// The maximum length of a key, in characters.
const MAX_CHARS: usize = 255;

/// Reads the items. `key` is the key in the path.
///
/// # Errors
/// 400 with Nova's message for the first mistake.
pub(crate) fn items(body: PyJson, act: Act, key: Option<&str>) -> Result<Items, Fault> {
    let member = act.member().unwrap_or_default();
    let PyJson::Object(mut members) = body else {
        return Err(wrong(NOT_UNDERSTOOD.to_owned()));
    };
    let found = members.iter().position(|(name, _)| name == member);
    let held = match (found, act) {
        (Some(at), _) => members.swap_remove(at).1,
        (None, Act::Merge) => return Ok(Items::new()),
        // Nova would read the missing member as empty metadata and delete all that the image has.
        (None, _) => return Err(wrong("Incorrect request body format".to_owned())),
    };
    let PyJson::Object(items) = held else {
        return Err(wrong("Invalid image metadata".to_owned()));
    };
    if act == Act::SetItem {
        only(&items, key.unwrap_or_default())?;
    }
    for (name, _) in &items {
        check_key(name)?;
    }
    Ok(items)
}

/// WebOb's message for a body that is not an object.
const NOT_UNDERSTOOD: &str = "The server could not comply with the request since it is either malformed or otherwise \
                              incorrect.";

fn only(items: &[(String, PyJson)], key: &str) -> Result<(), Fault> {
    if items.iter().all(|(name, _)| name != key) {
        return Err(wrong("Request body and URI mismatch".to_owned()));
    }
    if items.len() > 1 {
        return Err(wrong("Request body contains too many items".to_owned()));
    }
    Ok(())
}

fn check_key(name: &str) -> Result<(), Fault> {
    if name.is_empty() {
        return Err(wrong("Image metadata key cannot be blank".to_owned()));
    }
    if name.chars().count() > MAX_CHARS {
        return Err(wrong("Image metadata key too long".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::items;
    use crate::nova::front::request::body::json;
    use crate::nova::tables::Act;

    fn read(act: Act, body: &str) -> Result<Vec<(String, String)>, String> {
        json(body.as_bytes())
            .and_then(|body| items(body, act, Some("k")))
            .map(|items| {
                let plain = items.into_iter().map(|(key, value)| (key, value.plain()));
                plain.collect()
            })
            .map_err(|fault| {
                assert_eq!(fault.status, 400);
                fault.message
            })
    }

    #[test]
    fn values_may_be_anything() {
        let body = r#"{"metadata": {"a": 1, "b": null, "c": true, "d": [1, "x"], "e": "é", "a/b?": ""}, "x": 1}"#;
        let texts = [
            ("a", "1"),
            ("b", "None"),
            ("c", "True"),
            ("d", "[1, 'x']"),
            ("e", "é"),
            ("a/b?", ""),
        ];
        let texts: Vec<_> = texts
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        for act in [Act::Merge, Act::Replace] {
            assert_eq!(read(act, body), Ok(texts.clone()));
        }
        assert_eq!(read(Act::Merge, "{}"), Ok(Vec::new()));
        assert_eq!(read(Act::Replace, r#"{"metadata": {}}"#), Ok(Vec::new()));
        let item = vec![("k".to_owned(), "5".to_owned())];
        assert_eq!(read(Act::SetItem, r#"{"meta": {"k": 5}}"#), Ok(item));
    }

    #[test]
    fn mistakes_are_reported_in_novas_words() {
        let long = format!(r#"{{"metadata": {{"{}": "x"}}}}"#, "ž".repeat(256));
        for (act, body, says) in [
            (Act::Merge, "", "The server could not comply"),
            (Act::Merge, "[]", "The server could not comply"),
            (Act::Merge, r#"{"metadata": [1]}"#, "Invalid image metadata"),
            (
                Act::Replace,
                r#"{"metadata": "x"}"#,
                "Invalid image metadata",
            ),
            (Act::Replace, "{}", "Incorrect request body format"),
            (Act::SetItem, "{}", "Incorrect request body format"),
            (
                Act::SetItem,
                r#"{"meta": {}}"#,
                "Request body and URI mismatch",
            ),
            (
                Act::SetItem,
                r#"{"meta": {"a": "1", "b": "2"}}"#,
                "Request body and URI mismatch",
            ),
            (
                Act::SetItem,
                r#"{"meta": {"a": "1", "k": "2"}}"#,
                "Request body contains too many items",
            ),
            (
                Act::Merge,
                r#"{"metadata": {"": "x"}}"#,
                "Image metadata key cannot be blank",
            ),
            (Act::Merge, &long, "Image metadata key too long"),
        ] {
            let message = read(act, body).unwrap_err();
            assert!(message.starts_with(says), "{body}: {message}");
        }
    }
}
