//! JSON values in Python's reading and notation. Error messages about a body quote its values in the form of `repr`.

use std::collections::HashMap;
use std::fmt::Write as _;

mod literal;
mod read;

/// Any JSON value.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the names are JSON's own")]
pub(crate) enum PyJson {
    Null,
    Bool(bool),
    /// The number as it was written, because a float would lose digits.
    Number(String),
    Text(String),
    List(Vec<PyJson>),
    /// The members in the order of the text. A repeated name has its first place and its last value, as in a `dict`.
    Object(Vec<(String, PyJson)>),
}

impl PyJson {
    /// Reads a whole text; `None` if it is not JSON. Unlike in Python, a string must be valid Unicode, `NaN` is not a
    /// number, and values may be nested at most 128 levels deep.
    #[must_use]
    pub(crate) fn read(text: &[u8]) -> Option<Self> {
        read::json(text)
    }

    /// Reads a value in Python's notation, such as `[{'a': None}]`; `None` if the text is not such a value.
    #[must_use]
    pub(crate) fn literal(text: &str) -> Option<Self> {
        literal::read(text)
    }

    /// Whether two values are equal, like Python's `==`: numbers are compared by value, and the order of members does
    /// not matter.
    #[must_use]
    pub(crate) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Number(one), Self::Number(two)) => {
                one == two || decimal(one).is_some_and(|one| Some(one) == decimal(two))
            }
            (Self::List(one), Self::List(two)) => {
                one.len() == two.len() && one.iter().zip(two).all(|(one, two)| one.means(two))
            }
            (Self::Object(one), Self::Object(two)) => {
                let two: HashMap<_, _> = two.iter().map(|(name, value)| (name, value)).collect();
                let same = |(name, value): &(String, Self)| {
                    two.get(name).is_some_and(|other| value.means(other))
                };
                one.len() == two.len() && one.iter().all(same)
            }
            (one, two) => one == two,
        }
    }

    /// Returns the text of Python's `repr`.
    #[must_use]
    pub(crate) fn repr(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    /// Returns the text of Python's `str`, which for a string is the string itself.
    #[must_use]
    pub(crate) fn plain(&self) -> String {
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
            Self::Number(written) => number(out, written),
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

/// Returns the texts in Python's quotes, separated by commas.
pub(crate) fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let mut out = String::new();
    for (at, text) in texts.enumerate() {
        comma(&mut out, at);
        quoted(&mut out, text);
    }
    out
}

/// Removes blanks at both ends like `str.strip()`. Python's blanks include four separators that Unicode's property does
/// not.
#[must_use]
pub(crate) fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&c))
}

fn comma(out: &mut String, at: usize) {
    if at > 0 {
        out.push_str(", ");
    }
}

/// Returns a string in the form of Python's `repr`.
#[must_use]
pub(crate) fn repr(text: &str) -> String {
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

/// Whether Python's `repr` writes the character without an escape. Except for quotes, Rust's own escaping makes the
/// same choice within a text.
fn is_printable(c: char) -> bool {
    matches!(c, '\'' | '"') || ['a', c].iter().collect::<String>().escape_debug().count() == 2
}

/// Writes a number like Python's `repr`. Python's integers have any number of digits, so they stay as written. A number
/// with a point or an exponent is a float, and Nova shows and stores its shortest text: `1.1` for `1.10`, `100000.0`
/// for `1e5`.
fn number(out: &mut String, written: &str) {
    match written.parse::<f64>() {
        Ok(number) if written.contains(['.', 'e', 'E']) => float(out, number),
        _ if written == "-0" => out.push('0'),
        _ => out.push_str(written),
    }
}

/// Writes Python's shortest text of a float: with an exponent from 1e16 on and below 1e-4.
fn float(out: &mut String, number: f64) {
    if number.is_infinite() {
        out.push_str(if number > 0.0 { "inf" } else { "-inf" });
        return;
    }
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

/// Returns the value of a number: its sign, its digits without zeros at both ends, and the power of ten of the last
/// digit. `None` if the exponent does not fit into 64 bits.
fn decimal(written: &str) -> Option<(bool, String, i64)> {
    let (mantissa, exponent) = written.split_once(['e', 'E']).unwrap_or((written, "0"));
    let exponent: i64 = exponent.parse().ok()?;
    let (is_negative, mantissa) = match mantissa.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, mantissa),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    let digits = all.trim_end_matches('0');
    let dropped = i64::try_from(all.len() - digits.len()).ok()?;
    let digits = digits.trim_start_matches('0');
    if digits.is_empty() {
        return Some((false, String::new(), 0));
    }
    let last = exponent
        .checked_sub(i64::try_from(fraction.len()).ok()?)?
        .checked_add(dropped)?;
    Some((is_negative, digits.to_owned(), last))
}

/// Returns the value of a decimal digit of any script, as Python's `int` reads it (general category Nd).
#[must_use]
pub(crate) fn digit(c: char) -> Option<u32> {
    let code = u32::from(c);
    let zero = ZEROS.get(ZEROS.partition_point(|zero| *zero <= code).checked_sub(1)?)?;
    Some(code - zero).filter(|digit| *digit < 10)
}

/// The zeros of Unicode 14.0. Each is followed by its other nine digits.
#[rustfmt::skip]
const ZEROS: [u32; 66] = [
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66,
    0xde6, 0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
    0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
    0xff10, 0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0,
    0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60, 0x16ac0,
    0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
];

#[cfg(test)]
mod tests {
    use super::PyJson;

    #[test]
    fn values_are_written_as_in_python() {
        for (json, repr) in [
            ("null", "None"),
            ("[true, false, -7, 12]", "[True, False, -7, 12]"),
            (
                "[1.0, 1.5, -0.0, 1e15, 1e16, 1.5e-5, 0.0001, 1e300]",
                "[1.0, 1.5, -0.0, 1000000000000000.0, 1e+16, 1.5e-05, 0.0001, 1e+300]",
            ),
            (
                "[20150609163747649098, -123456789012345678901234567890, -0, 9007199254740993]",
                "[20150609163747649098, -123456789012345678901234567890, 0, 9007199254740993]",
            ),
            (
                "[1.10, 1e5, 1E-07, 0.1000000000000000055511151231257827, 1e999, -1e999]",
                "[1.1, 100000.0, 1e-07, 0.1, inf, -inf]",
            ),
            (r#"{"a": [], "b": {}, "a": 1}"#, "{'a': 1, 'b': {}}"),
            (r#""it's""#, "\"it's\""),
            (r#""it's \"x\"""#, r#"'it\'s "x"'"#),
            (
                r#""\\ \n\r\t \u0000\u001f\u007f \u00a0\u200b \ue000 é e\u0301 日 🐎""#,
                r"'\\ \n\r\t \x00\x1f\x7f \xa0\u200b \ue000 é é 日 🐎'",
            ),
        ] {
            let value = PyJson::read(json.as_bytes()).unwrap();
            assert_eq!(value.repr().replace("e\u{301}", "é"), repr, "{json}");
        }
        assert_eq!(PyJson::read(br#""it's""#).unwrap().plain(), "it's");
        assert_eq!(PyJson::read(b"[\"x\"]").unwrap().plain(), "['x']");
    }

    #[test]
    fn text_that_is_not_json_is_not_read() {
        let deep = "[".repeat(100_000);
        for text in ["", "{", "{} x", "NaN", "\"\\ud800\"", "'a'", &deep] {
            assert_eq!(PyJson::read(text.as_bytes()), None, "{text:.20}");
        }
        assert_eq!(PyJson::read(b"\"\xff\""), None);
    }

    #[test]
    fn values_are_compared_by_their_meaning() {
        let read = |text: &str| PyJson::read(text.as_bytes()).unwrap();
        for (one, two, same) in [
            (r#"[{"a":1,"b":null}]"#, r#"[ {"b": null, "a": 1} ]"#, true),
            (r#"{"a": 1}"#, r#"{"a": 1, "b": 1}"#, false),
            (r#"{"a": 1, "b": 2}"#, r#"{"a": 2, "b": 1}"#, false),
            ("[1, 2]", "[2, 1]", false),
            ("[1]", "[1, 1]", false),
            ("1", "1.0", true),
            ("100", "1e2", true),
            ("0", "-0.00", true),
            ("1.10", "11e-1", true),
            ("-1", "1", false),
            ("1", "10", false),
            ("20150609163747649098", "20150609163747649099", false),
            ("20150609163747649098", "20150609163747649098.0", true),
            ("1e99999999999999999999", "1e99999999999999999999", true),
            ("1e99999999999999999999", "2", false),
            ("null", "false", false),
            (r#""1""#, "1", false),
            (r#""\u00e9""#, r#""é""#, true),
        ] {
            assert_eq!(read(one).means(&read(two)), same, "{one} {two}");
            assert_eq!(read(two).means(&read(one)), same, "{two} {one}");
        }
    }
}
