//! JSON values as Python's `unicode()` shows them, which is what Nova's XML holds where a value is no string.
//!
//! A string is itself, null is `None`, booleans are `True` and `False`, and a list is shown as Python source:
//! `[{'boot_index': 0}]`. Dictionaries keep the order in which they were read; Python 2 has none.

use std::fmt::{self, Write as _};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// The value of a JSON text as Python's `unicode()` shows it.
pub(super) fn shown(json: &str) -> String {
    let mut out = String::new();
    let mut reader = serde_json::Deserializer::from_str(json);
    let seed = Shown {
        out: &mut out,
        lead: "",
        depth: 0,
    };
    match seed.deserialize(&mut reader) {
        Ok(()) => out,
        // Nothing that came in a reply that could be read, but for nesting without end: shown as it is.
        Err(_) => json.to_owned(),
    }
}

/// Writes a value behind `lead`: at depth 0 as `unicode()` shows it, further down as `repr()` does.
struct Shown<'o> {
    out: &'o mut String,
    lead: &'static str,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Shown<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Shown<'_> {
    fn put<E: Error>(self, shown: impl fmt::Display) -> Result<(), E> {
        write!(self.out, "{}{shown}", self.lead).map_err(E::custom)
    }
}

impl<'de> Visitor<'de> for Shown<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.put("None")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.put(if value { "True" } else { "False" })
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.put(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.put(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.put(format_args!("{value:?}"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.out.push_str(self.lead);
        if self.depth == 0 {
            self.out.push_str(value);
        } else {
            quoted(self.out, value);
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { out, lead, depth } = self;
        out.push_str(lead);
        out.push('[');
        let mut lead = "";
        while let Some(()) = items.next_element_seed(Shown {
            out: &mut *out,
            lead,
            depth: depth + 1,
        })? {
            lead = ", ";
        }
        out.push(']');
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let Self { out, lead, depth } = self;
        out.push_str(lead);
        out.push('{');
        let mut separator = "";
        while let Some(key) = items.next_key::<String>()? {
            out.push_str(separator);
            quoted(out, &key);
            items.next_value_seed(Shown {
                out: &mut *out,
                lead: ": ",
                depth: depth + 1,
            })?;
            separator = ", ";
        }
        out.push('}');
        Ok(())
    }
}

/// A string as `repr()` shows it: in double quotes only where it holds single ones and no double ones.
fn quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c.is_control() => {
                let _infallible = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn values_are_shown_as_python_shows_them() {
        for (json, unicode) in [
            ("null", "None"),
            ("true", "True"),
            ("false", "False"),
            ("5", "5"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("1.50", "1.5"),
            ("100000.0", "100000.0"),
            (r#""text 'and' \"é\"""#, "text 'and' \"é\""),
            (r#""""#, ""),
            ("[]", "[]"),
            ("{}", "{}"),
            (r#"[{"boot_index": 0}]"#, "[{'boot_index': 0}]"),
            (
                r#"[null, true, "", [1, "a"], {"b": false, "a": {}}]"#,
                "[None, True, '', [1, 'a'], {'b': False, 'a': {}}]",
            ),
            (
                r#"["it's", "\"", "'\"", "é\n\t\\\u0001\u007f"]"#,
                r#"["it's", '"', '\'"', 'é\n\t\\\x01\x7f']"#,
            ),
        ] {
            assert_eq!(shown(json), unicode, "{json}");
        }
    }

    #[test]
    fn nesting_without_end_is_shown_as_it_is() {
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert_eq!(shown(&deep), deep);
    }
}
