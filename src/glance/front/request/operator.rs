//! Operators before filter values, and their operands.

use crate::model::time;

/// Why a list after `in:` cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadQuotes {
    /// An opening quote is in the middle of a value.
    NoCommaBefore,
    /// A closing quote is in the middle of a value.
    NoCommaAfter,
    /// A quote is not closed.
    NotClosed,
}

impl BadQuotes {
    /// Returns Glance's message (`glance/common/utils.py`, `validate_quotes`).
    pub(crate) fn message(self, value: &str) -> String {
        let why = match self {
            Self::NoCommaBefore => "There is no comma before opening quotation mark.",
            Self::NoCommaAfter => "There is no comma after closing quotation mark.",
            Self::NotClosed => "The quote is not closed.",
        };
        format!("Invalid filter value {value}. {why}")
    }
}

/// Splits a filter value at the first colon into operator and operand, unless the whole value is an instant. Without a
/// colon the operator is `eq` (`glance/common/utils.py`, `split_filter_op`).
pub(crate) fn split(value: &str) -> (&str, &str) {
    match value.split_once(':') {
        Some((operator, operand)) if time::parse(value).is_none() => (operator, operand),
        _ => ("eq", value),
    }
}

/// Reads the values of an `in:` list, which are separated by commas and may be in double quotes. A quote after a
/// backslash does not end the value, and the backslash stays in the value (`split_filter_value_for_quotes`).
pub(crate) fn list(value: &str) -> Result<Vec<String>, BadQuotes> {
    check_quotes(value.as_bytes())?;
    let mut values = Vec::new();
    let mut rest = value;
    while !rest.is_empty() {
        let (one, after) = quoted(rest).unwrap_or_else(|| plain(rest));
        values.push(one.to_owned());
        rest = after;
    }
    Ok(values)
}

fn check_quotes(value: &[u8]) -> Result<(), BadQuotes> {
    let mut inside = false;
    let mut previous = None;
    for (at, byte) in value.iter().enumerate() {
        if *byte == b'"' && previous != Some(b'\\') {
            if !inside && previous.is_some_and(|byte| byte != b',') {
                return Err(BadQuotes::NoCommaBefore);
            }
            if inside && value.get(at + 1).is_some_and(|byte| *byte != b',') {
                return Err(BadQuotes::NoCommaAfter);
            }
            inside = !inside;
        }
        previous = Some(*byte);
    }
    if inside {
        return Err(BadQuotes::NotClosed);
    }
    Ok(())
}

/// Returns a value in quotes and the text after its comma.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let inner = text.strip_prefix('"')?;
    let mut escaped = false;
    let end = inner.find(|c| {
        let ends = c == '"' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    })?;
    let after = inner.get(end + 1..)?;
    Some((inner.get(..end)?, after.strip_prefix(',').unwrap_or(after)))
}

/// Returns a value without quotes and the text after its comma.
fn plain(text: &str) -> (&str, &str) {
    text.split_once(',').unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{BadQuotes, list, split};

    #[test]
    fn the_first_colon_ends_the_operator_unless_the_value_is_an_instant() {
        assert_eq!(split("active"), ("eq", "active"));
        assert_eq!(split("in:a,b"), ("in", "a,b"));
        assert_eq!(split("eq:Ubuntu: 14.04"), ("eq", "Ubuntu: 14.04"));
        assert_eq!(split(":x"), ("", "x"));
        assert_eq!(
            split("2011-01-03T01:02:03Z"),
            ("eq", "2011-01-03T01:02:03Z")
        );
        assert_eq!(
            split("gte:2011-01-03T01:02:03Z"),
            ("gte", "2011-01-03T01:02:03Z")
        );
    }

    #[test]
    fn lists_are_read_with_and_without_quotes() {
        let cases: &[(&str, &[&str])] = &[
            ("", &[]),
            ("a", &["a"]),
            ("a,b", &["a", "b"]),
            ("a,", &["a"]),
            (",a,,b", &["", "a", "", "b"]),
            (r#""a,b",c"#, &["a,b", "c"]),
            (r#"a,"b c""#, &["a", "b c"]),
            (r#""""#, &[""]),
            (r#""a\"b",c"#, &[r#"a\"b"#, "c"]),
        ];
        for (value, values) in cases {
            assert_eq!(list(value).unwrap(), *values, "{value}");
        }
        for (value, why) in [
            (r#""queued"#, BadQuotes::NotClosed),
            (r#"que"ued""#, BadQuotes::NoCommaBefore),
            (r#""a"b"#, BadQuotes::NoCommaAfter),
            (r#"a,"b"#, BadQuotes::NotClosed),
        ] {
            assert_eq!(list(value), Err(why), "{value}");
        }
        assert_eq!(
            BadQuotes::NotClosed.message("\"a"),
            "Invalid filter value \"a. The quote is not closed."
        );
    }

    proptest! {
        #[test]
        fn a_list_never_panics(value in "\\PC{0,20}|[\",\\\\ab]{0,12}") {
            let _ = list(&value);
            let _ = split(&value);
        }

        #[test]
        fn quoted_values_read_back(values in proptest::collection::vec("[^\"\\\\]{1,8}", 1..5)) {
            let written: Vec<String> = values.iter().map(|value| format!("\"{value}\"")).collect();
            prop_assert_eq!(list(&written.join(",")).unwrap(), values);
        }
    }
}
