//! The body of a metadata write, checked by Nova's schema (`nova/api/openstack/compute/schemas/image_metadata.py`). The
//! messages are those of jsonschema.

use http::StatusCode;

use crate::model::{Fault, Reason};
use crate::nova::tables::Act;
use crate::webob::python::{PyJson, listed};

/// The items of a body, in its order. Keys are unique.
pub(crate) type Items = Vec<(String, PyJson)>;

/// The maximum length of a key and of a value, in characters.
const MAX_CHARS: usize = 255;

/// The pattern of valid keys, as Nova's messages quote it.
const KEYS: &str = "'^[a-zA-Z0-9-_:. ]{1,255}$'";

/// Reads a body that must be JSON.
///
/// # Errors
/// 400 if the body is not JSON. An empty body is Python's `None`.
pub(crate) fn json(bytes: &[u8]) -> Result<PyJson, Fault> {
    if bytes.is_empty() {
        return Ok(PyJson::Null);
    }
    PyJson::read(bytes).ok_or_else(|| wrong("Malformed request body".to_owned()))
}

/// Reads the items. `strict` selects the checks of `/v2.1`. Under `/v2`, unknown members are ignored, and so are
/// invalid keys if all keys are invalid (`nova/api/validation/validators.py`, `_soft_validate_additional_properties`).
///
/// # Errors
/// 400 for the first mistake, in jsonschema's order.
pub(crate) fn items(body: PyJson, act: Act, strict: bool) -> Result<Items, Fault> {
    let member = act.member().unwrap_or_default();
    let PyJson::Object(members) = body else {
        return Err(wrong(no_object(&body)));
    };
    let Some((_, value)) = members.iter().find(|(name, _)| name == member) else {
        return Err(wrong(format!("'{member}' is a required property")));
    };
    let PyJson::Object(held) = value else {
        return Err(invalid(member, value, &no_object(value)));
    };
    values(held)?;
    keys(held, strict).map_err(|why| invalid(member, value, &why))?;
    if act == Act::SetItem {
        exactly_one(held, value).map_err(|why| invalid(member, value, &why))?;
    }
    if strict {
        let others = members.iter().map(|(name, _)| &**name);
        no_others(others.filter(|name| *name != member).collect())?;
    }
    Ok(held.clone())
}

fn values(items: &[(String, PyJson)]) -> Result<(), Fault> {
    // The value is checked under every key, though Nova skips it under an invalid one: Glance accepts only strings.
    for (key, value) in items {
        let PyJson::Text(text) = value else {
            let why = format!("{} is not of type 'string'", value.repr());
            return Err(invalid(key, value, &why));
        };
        if is_key(key) && text.chars().count() > MAX_CHARS {
            return Err(invalid(
                key,
                value,
                &format!("{} is too long", value.repr()),
            ));
        }
    }
    Ok(())
}

fn keys(items: &[(String, PyJson)], strict: bool) -> Result<(), String> {
    let names = items.iter().map(|(key, _)| &**key);
    let mut bad: Vec<&str> = names.filter(|key| !is_key(key)).collect();
    if bad.is_empty() || (!strict && bad.len() == items.len()) {
        return Ok(());
    }
    // Under `/v2` Nova names them in the order of a set, which is random.
    bad.sort_unstable();
    let one = bad.len() == 1;
    let bad = listed(bad.into_iter());
    Err(if strict {
        let verb = if one { "does" } else { "do" };
        format!("{bad} {verb} not match any of the regexes: {KEYS}")
    } else {
        unexpected(&bad, one)
    })
}

/// Python's `$` allows a newline after the last character.
fn is_key(text: &str) -> bool {
    let text = text.strip_suffix('\n').unwrap_or(text);
    (1..=MAX_CHARS).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b':' | b'.' | b' '))
}

fn exactly_one(items: &[(String, PyJson)], value: &PyJson) -> Result<(), String> {
    match items.len() {
        0 => Err(format!("{} should be non-empty", value.repr())),
        1 => Ok(()),
        _ => Err(format!("{} has too many properties", value.repr())),
    }
}

fn no_others(mut others: Vec<&str>) -> Result<(), Fault> {
    if others.is_empty() {
        return Ok(());
    }
    others.sort_unstable();
    let one = others.len() == 1;
    Err(wrong(unexpected(&listed(others.into_iter()), one)))
}

fn unexpected(names: &str, one: bool) -> String {
    let verb = if one { "was" } else { "were" };
    format!("Additional properties are not allowed ({names} {verb} unexpected)")
}

fn no_object(value: &PyJson) -> String {
    format!("{} is not of type 'object'", value.repr())
}

fn invalid(field: &str, value: &PyJson, why: &str) -> Fault {
    let value = value.plain();
    wrong(format!(
        "Invalid input for field/attribute {field}. Value: {value}. {why}"
    ))
}

/// Returns the fault for a body that Nova does not accept.
pub(crate) fn wrong(message: String) -> Fault {
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadBody, message)
}

/// Returns the fault for a body that cannot be read, with the reason.
pub(crate) fn malformed(why: &str) -> Fault {
    wrong(format!("Malformed request body: {why}."))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{items, json};
    use crate::nova::tables::Act;

    fn read(act: Act, strict: bool, body: &str) -> Result<Vec<(String, String)>, String> {
        json(body.as_bytes())
            .and_then(|body| items(body, act, strict))
            .map(|items| {
                let plain = items.into_iter().map(|(key, value)| (key, value.plain()));
                plain.collect()
            })
            .map_err(|fault| {
                assert_eq!(fault.status, 400);
                fault.message
            })
    }

    fn refusal(act: Act, strict: bool, body: &str) -> String {
        read(act, strict, body).unwrap_err()
    }

    #[test]
    fn good_bodies_are_items_in_their_order() {
        let own = |items: &[(&str, &str)]| {
            let own = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
            items.iter().map(own).collect::<Vec<_>>()
        };
        for (body, expected) in [
            (r#"{"metadata": {}}"#, &[][..]),
            (
                r#"{"metadata": {"b": "1", "a": "", "b": "2"}}"#,
                &[("b", "2"), ("a", "")],
            ),
            (
                r#"{"metadata": {"A-z_0:. 9": "\u010d🐎"}}"#,
                &[("A-z_0:. 9", "č🐎")],
            ),
            (r#"{"metadata": {"a\n": "x"}}"#, &[("a\n", "x")]),
        ] {
            for strict in [true, false] {
                assert_eq!(read(Act::Merge, strict, body), Ok(own(expected)), "{body}");
            }
        }
        let odd = r#"{"metadata": {"a/b": "x", "": "y", "č": "z"}, "x": 1}"#;
        let lax = own(&[("a/b", "x"), ("", "y"), ("č", "z")]);
        assert_eq!(read(Act::Replace, false, odd), Ok(lax));
        let longest = "ž".repeat(255);
        assert!(
            read(
                Act::Merge,
                true,
                &format!(r#"{{"metadata": {{"a": "{longest}"}}}}"#)
            )
            .is_ok()
        );
        assert_eq!(
            read(Act::SetItem, true, r#"{"meta": {"a": "1"}}"#),
            Ok(own(&[("a", "1")]))
        );
    }

    #[test]
    fn bad_bodies_are_refused_in_jsonschemas_order_and_words() {
        for (body, message) in [
            ("", "None is not of type 'object'"),
            ("{", "Malformed request body"),
            ("[]", "[] is not of type 'object'"),
            ("\"x\"", "'x' is not of type 'object'"),
            ("{}", "'metadata' is a required property"),
            (
                r#"{"meta": {"a": "1"}}"#,
                "'metadata' is a required property",
            ),
            (
                r#"{"metadata": "x"}"#,
                "Invalid input for field/attribute metadata. Value: x. 'x' is not of type 'object'",
            ),
            (
                r#"{"metadata": {"a/b": "x", "c": 1, "d": 2}, "x": 1}"#,
                "Invalid input for field/attribute c. Value: 1. 1 is not of type 'string'",
            ),
            (
                r#"{"metadata": {"jid": 20150609163747649098}}"#,
                "Invalid input for field/attribute jid. Value: 20150609163747649098. 20150609163747649098 is not of type 'string'",
            ),
            (
                r#"{"metadata": {"v": 1.10}}"#,
                "Invalid input for field/attribute v. Value: 1.1. 1.1 is not of type 'string'",
            ),
            (
                r#"{"metadata": {"a": {"b": "c"}}}"#,
                "Invalid input for field/attribute a. Value: {'b': 'c'}. {'b': 'c'} is not of type 'string'",
            ),
            (
                r#"{"metadata": {"c/d": "x", "a/b": "1"}, "x": 1}"#,
                "Invalid input for field/attribute metadata. Value: {'c/d': 'x', 'a/b': '1'}. 'a/b', 'c/d' do not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'",
            ),
            (
                r#"{"y": 1, "metadata": {}, "x": 1}"#,
                "Additional properties are not allowed ('x', 'y' were unexpected)",
            ),
        ] {
            assert_eq!(refusal(Act::Merge, true, body), message);
        }
        assert_eq!(
            refusal(
                Act::Replace,
                false,
                r#"{"metadata": {"a/b": "x", "good": "1"}}"#
            ),
            "Invalid input for field/attribute metadata. Value: {'a/b': 'x', 'good': '1'}. Additional properties are not allowed ('a/b' was unexpected)"
        );
        assert!(
            refusal(Act::Merge, false, r#"{"metadata": {"a/b": 1}}"#)
                .contains("not of type 'string'")
        );
        let (long, key) = ("v".repeat(256), "k".repeat(256));
        assert!(
            refusal(
                Act::Merge,
                true,
                &format!(r#"{{"metadata": {{"a": "{long}"}}}}"#)
            )
            .ends_with("' is too long")
        );
        assert!(
            refusal(
                Act::Merge,
                true,
                &format!(r#"{{"metadata": {{"{key}": ""}}}}"#)
            )
            .contains("regexes")
        );
        for (body, end) in [
            (r#"{"meta": {}}"#, "{} should be non-empty"),
            (
                r#"{"meta": {"a": "1", "b": "2"}}"#,
                "{'a': '1', 'b': '2'} has too many properties",
            ),
            (
                r#"{"metadata": {"a": "1"}}"#,
                "'meta' is a required property",
            ),
        ] {
            assert!(refusal(Act::SetItem, true, body).ends_with(end), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics_and_items_are_unique(body in r#"(\{|\}|\[|\]|"metadata"|"a"|"\PC"|:|,|1|null| ){0,20}"#) {
            if let Ok(items) = read(Act::Merge, false, &body) {
                let mut keys: Vec<_> = items.iter().map(|(key, _)| key).collect();
                keys.sort();
                keys.dedup();
                prop_assert_eq!(keys.len(), items.len());
            }
        }
    }
}
