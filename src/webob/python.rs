//! JSON as Python reads it, and as Python words it: messages about a body quote what is wrong with `repr`.

use std::fmt::Write as _;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are JSON's own")]
pub enum Json {
    Null,
    Bool(bool),
    Integer(i128),
    Float(f64),
    Text(String),
    List(Vec<Json>),
    /// In the order of the text; of a name that is there twice, the first place and the last value, as in a `dict`.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads a whole text; `None` when it is no JSON. Unlike Python, a number must be finite, a string must be
    /// Unicode, and nesting ends at 128 levels.
    #[must_use]
    pub fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok()
    }

    /// The text of Python's `repr`.
    #[must_use]
    pub fn repr(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// The text of Python's `str`: of a string the string itself.
    #[must_use]
    pub fn plain(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            _ => self.repr(),
        }
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Null => out.push_str("None"),
            Self::Bool(true) => out.push_str("True"),
            Self::Bool(false) => out.push_str("False"),
            Self::Integer(number) => {
                let _ = write!(out, "{number}");
            }
            Self::Float(number) => float(out, *number),
            Self::Text(text) => quoted(out, text),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    comma(out, at);
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (at, (name, value)) in members.iter().enumerate() {
                    comma(out, at);
                    quoted(out, name);
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }
}

/// The texts in Python's quotes, with commas between them.
pub fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut out = String::new();
    for (at, text) in texts.enumerate() {
        comma(&mut out, at);
        quoted(&mut out, text);
    }
    out
}

/// The text less the blanks at either end, as `str.strip()` leaves it. Python counts four separators among the blanks
/// that Unicode's property leaves out.
#[must_use]
pub fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push_str(", ");
    }
}

/// A string as Python's `repr` shows it.
#[must_use]
pub fn repr(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    quoted(&mut out, text);
    out
}

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
            _ if c == quote => {
                out.push('\\');
                out.push(c);
            }
            _ if is_printable(c) => out.push(c),
            _ => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
        }
    }
    out.push(quote);
}

/// What Rust's own escaping leaves alone within a text is what Python's does, quotes aside.
fn is_printable(c: char) -> bool {
    matches!(c, '\'' | '"') || ['a', c].iter().collect::<String>().escape_debug().count() == 2
}

/// Python's shortest text: with an exponent from 1e16 on and below 1e-4.
fn float(out: &mut String, number: f64) {
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let _ = if (-4..16).contains(&exponent) {
        let whole = if number.fract() == 0.0 { ".0" } else { "" };
        write!(out, "{number}{whole}")
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(out, "{digits}e{sign}{:02}", exponent.unsigned_abs())
    };
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Json;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Float(value))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<Json, S::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element()? {
            items.push(item);
        }
        Ok(Json::List(items))
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Json, M::Error> {
        let mut members: Vec<(String, Json)> = Vec::new();
        let mut places = std::collections::HashMap::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            let place = *places.entry(name.clone()).or_insert(members.len());
            match members.get_mut(place) {
                Some((_, held)) => *held = value,
                None => members.push((name, value)),
            }
        }
        Ok(Json::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::Json;

    #[test]
    fn values_are_worded_as_python_words_them() {
        for (json, repr) in [
            ("null", "None"),
            ("[true, false, -7, 12]", "[True, False, -7, 12]"),
            (
                "[1.0, 1.5, -0.0, 1e15, 1e16, 1.5e-5, 0.0001, 1e300]",
                "[1.0, 1.5, -0.0, 1000000000000000.0, 1e+16, 1.5e-05, 0.0001, 1e+300]",
            ),
            (r#"{"a": [], "b": {}, "a": 1}"#, "{'a': 1, 'b': {}}"),
            (r#""it's""#, "\"it's\""),
            (r#""it's \"x\"""#, r#"'it\'s "x"'"#),
            (
                r#""\\ \n\r\t \u0000\u001f\u007f \u00a0\u200b \ue000 é e\u0301 日 🐎""#,
                r"'\\ \n\r\t \x00\x1f\x7f \xa0\u200b \ue000 é é 日 🐎'",
            ),
        ] {
            let value = Json::read(json.as_bytes()).unwrap();
            assert_eq!(value.repr().replace("e\u{301}", "é"), repr, "{json}");
        }
        assert_eq!(Json::read(br#""it's""#).unwrap().plain(), "it's");
        assert_eq!(Json::read(b"[\"x\"]").unwrap().plain(), "['x']");
    }

    #[test]
    fn what_is_no_json() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} x", "NaN", "\"\\ud800\"", "1e999", "'a'", &deep] {
            assert_eq!(Json::read(text.as_bytes()), None, "{text:.20}");
        }
        assert_eq!(Json::read(b"\"\xff\""), None);
    }
}
