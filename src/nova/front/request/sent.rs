//! The values of a metadata write: the text to store for each, and whether it equals what the client was shown.

use bytes::{BufMut, BytesMut};

use crate::model::{SentValue, Value};
use crate::nova::compat::Compat;
use crate::nova::encoding::Encoding;
use crate::nova::front::response::{text, values};
use crate::webob::python::{PyJson, strip};

/// Properties that Nova does not pass on if they are empty or `None`.
const IDS: [&str; 2] = ["kernel_id", "ramdisk_id"];

/// Returns the value to store for a value that a client sends.
///
/// Glance stores texts. Properties that Nova decodes for display are stored as JSON (`nova/image/glance.py`,
/// `_convert_to_string`); an XML client sees their Python notation and sends the same back. Lists and objects in any
/// other property are stored as JSON too: Nova stored their Python notation, which no other program reads. Numbers and
/// booleans are stored in Python's notation. Null goes to Glance as null, which accepts it only for properties whose
/// schema allows it.
/// elsewhere.
pub(crate) fn wanted(compat: &Compat, key: &str, value: PyJson, encoding: Encoding) -> SentValue {
    let is_decoded = values::is_decoded(key);
    let value = match value {
        PyJson::Text(text) if is_decoded && encoding == Encoding::Xml => spelled(text),
        value => value,
    };
    let text = match &value {
        PyJson::Text(_) => None,
        PyJson::Null if !is_decoded => None,
        PyJson::Bool(_) | PyJson::Number(_) if !is_decoded => Some(value.plain()),
        _ => Some(json(&value)),
    };
    match value {
        PyJson::Text(text) if compat.quirks.dropped_ids && is_no_id(key, &text) => {
            SentValue::Ignored(text)
        }
        PyJson::Text(text) => SentValue::Text(text),
        value => SentValue::Json {
            sent: json(&value),
            text,
        },
    }
}

/// Reads a text in Python's notation, or returns the text itself. JSON text stays as it is.
fn spelled(text: String) -> PyJson {
    if PyJson::read(text.as_bytes()).is_some() {
        return PyJson::Text(text);
    }
    PyJson::literal(&text).unwrap_or(PyJson::Text(text))
}

/// Whether Nova leaves the property out of what it writes (`nova/image/glance.py`, `_convert_to_v2`).
fn is_no_id(key: &str, text: &str) -> bool {
    let text = strip(text);
    IDS.contains(&key) && (text.is_empty() || text.eq_ignore_ascii_case("none"))
}

/// Whether the JSON that a client sends equals what the client is shown of the property.
pub(crate) fn is_shown(key: &str, held: &Value<'_>, sent: &str) -> bool {
    let held = match held {
        Value::Raw(raw) if !raw.get().starts_with('"') => Some(raw.get().into()),
        _ if values::is_decoded(key) => held.text(),
        _ => None,
    };
    let read = |text: &str| PyJson::read(text.as_bytes());
    let held = held.and_then(|held| read(&held));
    held.is_some_and(|held| read(sent).is_some_and(|sent| held.means(&sent)))
}

/// Writes a value like Python's `json.dumps`, except that numbers keep their original notation.
fn json(value: &PyJson) -> String {
    let mut out = BytesMut::new();
    write(&mut out, value);
    // The output is ASCII.
    String::from_utf8_lossy(&out).into_owned()
}

fn write(out: &mut BytesMut, value: &PyJson) {
    match value {
        PyJson::Null => out.extend_from_slice(b"null"),
        PyJson::Bool(true) => out.extend_from_slice(b"true"),
        PyJson::Bool(false) => out.extend_from_slice(b"false"),
        PyJson::Number(written) => out.extend_from_slice(written.as_bytes()),
        PyJson::Text(plain) => text::string(out, plain),
        PyJson::List(items) => {
            out.put_u8(b'[');
            for (at, item) in items.iter().enumerate() {
                comma(out, at);
                write(out, item);
            }
            out.put_u8(b']');
        }
        PyJson::Object(members) => {
            out.put_u8(b'{');
            for (at, (name, value)) in members.iter().enumerate() {
                comma(out, at);
                text::string(out, name);
                out.extend_from_slice(b": ");
                write(out, value);
            }
            out.put_u8(b'}');
        }
    }
}

fn comma(out: &mut BytesMut, at: usize) {
    if at > 0 {
        out.extend_from_slice(b", ");
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{is_shown, wanted};
    use crate::model::{SentValue, Value};
    use crate::nova::compat::{Compat, Release};
    use crate::nova::encoding::Encoding;
    use crate::webob::python::PyJson;

    fn stored(key: &str, value: &str) -> Option<String> {
        let value = PyJson::read(value.as_bytes()).unwrap();
        let wanted = wanted(&Compat::of(Release::Icehouse), key, value, Encoding::Json);
        wanted.value().map(str::to_owned)
    }

    #[test]
    fn every_value_is_stored_as_a_text_that_other_programs_can_read() {
        for (value, text) in [
            ("1", Some("1")),
            ("20150609163747649098", Some("20150609163747649098")),
            ("-0", Some("0")),
            ("1.10", Some("1.1")),
            ("1e5", Some("100000.0")),
            ("null", None),
            ("true", Some("True")),
            (r#"[1,"x",null]"#, Some(r#"[1, "x", null]"#)),
            (r#"{"a": {"b":"é\n"}}"#, Some(r#"{"a": {"b": "\u00e9\n"}}"#)),
            (r#""é""#, Some("é")),
            (r#""""#, Some("")),
        ] {
            assert_eq!(stored("x", value).as_deref(), text, "{value}");
        }
    }

    #[test]
    fn a_property_that_is_shown_decoded_is_stored_as_json() {
        for key in ["block_device_mapping", "mappings"] {
            for (value, text) in [
                (
                    r#"[{"boot_index":0,"size":20150609163747649098,"x":1.10,"n":null,"é":true}]"#,
                    r#"[{"boot_index": 0, "size": 20150609163747649098, "x": 1.10, "n": null, "\u00e9": true}]"#,
                ),
                ("null", "null"),
                ("1.10", "1.10"),
                ("false", "false"),
                (r#""[1]""#, "[1]"),
            ] {
                assert_eq!(stored(key, value).as_deref(), Some(text), "{value}");
            }
        }
    }

    #[test]
    fn xml_values_are_read_in_pythons_notation() {
        for (key, text, stored) in [
            (
                "mappings",
                "[{'a': None, 'b': 'č'}]",
                r#"[{"a": null, "b": "\u010d"}]"#,
            ),
            ("mappings", "None", "null"),
            ("mappings", r#"[{"a": null}]"#, r#"[{"a": null}]"#),
            ("mappings", "no value", "no value"),
            ("x", "[{'a': None}]", "[{'a': None}]"),
        ] {
            let compat = Compat::of(Release::Icehouse);
            let wanted = wanted(&compat, key, PyJson::Text(text.to_owned()), Encoding::Xml);
            assert_eq!(wanted.value(), Some(stored), "{text}");
        }
    }

    #[test]
    fn sent_json_equals_the_shown_value_if_it_means_the_same() {
        let raw = |json: &'static str| Value::Raw(serde_json::from_str(json).unwrap());
        let text = |text: &'static str| Value::Text(Cow::Borrowed(text));
        for (key, held, sent, same) in [
            (
                "mappings",
                text(r#"[{"a":1,"b":null}]"#),
                r#"[{"b": null, "a": 1}]"#,
                true,
            ),
            ("mappings", raw(r#""[{\"a\": 1}]""#), r#"[{"a": 1}]"#, true),
            ("mappings", raw(r#"[{"a": 1}]"#), r#"[{"a": 1}]"#, true),
            ("mappings", text("no JSON"), "[1]", false),
            ("mappings", raw("null"), "null", true),
            ("mappings", text("null"), "null", true),
            ("mappings", text("[1]"), "[2]", false),
            ("x", text("[1]"), "[1]", false),
            ("x", raw("[1]"), "[1.0]", true),
            ("x", raw("true"), "true", true),
            ("x", raw("null"), "null", true),
            ("x", raw(r#""null""#), "null", false),
            (
                "x",
                raw("20150609163747649098"),
                "20150609163747649099",
                false,
            ),
        ] {
            assert_eq!(is_shown(key, &held, sent), same, "{key} {held:?} {sent}");
        }
    }

    #[test]
    fn empty_ids_are_skipped_only_in_literal_mode() {
        let literal = Compat::default().literal();
        let old = Compat::of(Release::Icehouse).literal();
        let of = |compat: &Compat, key: &str, text: &str| {
            wanted(compat, key, PyJson::Text(text.to_owned()), Encoding::Json)
        };
        for key in ["kernel_id", "ramdisk_id"] {
            for text in ["", " ", "None", "none", " NONE\n"] {
                let ignored = SentValue::Ignored(text.to_owned());
                assert_eq!(of(&literal, key, text), ignored, "{text:?}");
                assert_eq!(of(&Compat::default(), key, text), SentValue::from(text));
                assert_eq!(of(&old, key, text), SentValue::from(text));
            }
            assert_eq!(of(&literal, key, "nokernel"), SentValue::from("nokernel"));
        }
        assert_eq!(of(&literal, "kernel", ""), SentValue::from(""));
    }
}
