//! The numbers in a list's query, `limit`, `page_size` and `offset`, with the checks of each release.

use super::invalid;
use crate::model::{Fault, Reason};
use crate::nova::compat::{Compat, LimitCheck};
use crate::nova::tables::{Meaning, PARAMETERS};
use crate::webob::python::{self, repr};
use crate::webob::query::Pair;

use http::StatusCode;

/// The parameter that limits a list.
const LIMIT: &str = "limit";
/// The parameter that releases up to Kilo do not check.
const OFFSET: &str = "offset";

/// Checks every number of a query, in Nova's order.
///
/// # Errors
/// 400 for the first invalid number, with the release's message.
pub(crate) fn check(pairs: &[Pair], compat: &Compat) -> Result<(), Fault> {
    let numbers = PARAMETERS
        .iter()
        .filter(|row| matches!(row.meaning, Meaning::Limit | Meaning::Validated));
    for row in numbers {
        let mut values = pairs.iter().filter(|(name, _)| name == row.name);
        match compat.limit_check {
            // The schema describes arrays, so each value of a repeated parameter is checked.
            LimitCheck::Schema => {
                values.try_for_each(|(_, value)| against_schema(row.name, value, compat))?;
            }
            LimitCheck::Param if row.name == OFFSET => {}
            _ => {
                if let Some((_, value)) = values.next_back() {
                    as_python(row.name, value, compat.limit_check)?;
                }
            }
        }
    }
    Ok(())
}

/// Returns the `limit` of a query whose numbers are valid. A number above 64 bits is read as the largest possible.
pub(crate) fn limit(pairs: &[Pair]) -> Option<u64> {
    let (_, value) = pairs.iter().rfind(|(name, _)| name == LIMIT)?;
    integer(value).map(|number| u64::try_from(number).unwrap_or(0))
}

/// Checks like Nova's schema `positive_integer`, with the messages of `jsonschema`.
fn against_schema(name: &str, value: &str, compat: &Compat) -> Result<(), Fault> {
    let digits = super::without_line_end(value, compat);
    let wrong = if value.is_empty() {
        "'' should be non-empty".to_owned()
    } else if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        format!("{} does not match '^[0-9]*$'", repr(value))
    } else if digits.bytes().all(|b| b == b'0') {
        "0 is less than the minimum of 1".to_owned()
    } else {
        return Ok(());
    };
    Err(invalid(name, value, &wrong))
}

/// Checks like the releases that call `int`, with their messages (`nova/api/openstack/common.py`).
fn as_python(name: &str, value: &str, check: LimitCheck) -> Result<(), Fault> {
    let message = match (integer(value), check) {
        (Some(0..), _) => return Ok(()),
        (None, LimitCheck::Param) => format!("{name} param must be an integer"),
        (Some(_), LimitCheck::Param) => format!("{name} param must be positive"),
        (None, _) => format!("Invalid input received: {name} must be an integer"),
        (Some(_), _) => format!("Invalid input received: {name} must be >= 0"),
    };
    Err(Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::BadQuery,
        message,
    ))
}

/// Reads what Python's `int` reads: blanks around the number, a sign, single underscores between digits, and digits of
/// any script. Numbers above 64 bits are read as the largest possible.
fn integer(text: &str) -> Option<i128> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut number = 0_u64;
    for group in digits.split('_') {
        if group.is_empty() {
            return None;
        }
        for c in group.chars() {
            let digit = u64::from(python::digit(c)?);
            number = number.saturating_mul(10).saturating_add(digit);
        }
    }
    Some(sign * i128::from(number))
}

#[cfg(test)]
mod tests {
    use super::{check, integer};
    use crate::nova::compat::{Compat, Release};

    #[test]
    fn integers_are_read_as_python_reads_them() {
        for (text, is) in [
            ("5", Some(5)),
            (" +5\n", Some(5)),
            ("1_0", Some(10)),
            ("\u{ff11}\u{ff10}", Some(10)),
            ("\u{663}\u{660}", Some(30)),
            ("\u{1d7ff}", Some(9)),
            ("\u{b2}", None),
            ("\u{1d800}", None),
            ("/", None),
            ("-0", Some(0)),
            ("99999999999999999999", Some(i128::from(u64::MAX))),
            ("-1", Some(-1)),
            ("", None),
            ("_1", None),
            ("1__0", None),
            ("1.0", None),
            ("0x5", None),
            ("- 1", None),
        ] {
            assert_eq!(integer(text), is, "{text:?}");
        }
    }

    #[test]
    fn each_release_has_its_own_words() {
        let said = |release, query: &str| {
            let pairs = crate::webob::query::parse(query).unwrap();
            check(&pairs, &Compat::of(release))
                .err()
                .map_or("fine".to_owned(), |fault| fault.message)
        };
        for (release, query, expected) in [
            (
                Release::Icehouse,
                "limit=abc",
                "limit param must be an integer",
            ),
            (
                Release::Icehouse,
                "limit=-1",
                "limit param must be positive",
            ),
            (
                Release::Kilo,
                "page_size=x",
                "page_size param must be an integer",
            ),
            (Release::Kilo, "offset=x", "fine"),
            (Release::Icehouse, "limit=0", "fine"),
            (Release::Icehouse, "limit=x&limit=2", "fine"),
            (
                Release::Mitaka,
                "limit=",
                "Invalid input received: limit must be an integer",
            ),
            (
                Release::Antelope,
                "limit=-1",
                "Invalid input received: limit must be >= 0",
            ),
            (
                Release::Antelope,
                "offset=x",
                "Invalid input received: offset must be an integer",
            ),
            (Release::Antelope, "limit= 1_0", "fine"),
            (
                Release::Antelope,
                "offset=x&page_size=y&limit=z",
                "Invalid input received: limit must be an integer",
            ),
            (
                Release::Modern,
                "limit=0",
                "Invalid input for query parameters limit. Value: 0. 0 is less than the minimum of 1",
            ),
            (
                Release::Modern,
                "limit=x&limit=2",
                "Invalid input for query parameters limit. Value: x. 'x' does not match '^[0-9]*$'",
            ),
        ] {
            assert_eq!(said(release, query), expected, "{release:?} {query}");
        }
    }
}
