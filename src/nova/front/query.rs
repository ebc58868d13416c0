//! Reads the query string of a list.

use std::collections::HashSet;

use http::StatusCode;

use crate::model::query::{NumberField, NumberTest, Relation, TextField, TimeField};
use crate::model::{Fault, Predicate, Query, Reason, Status, time};
use crate::nova::compat::{Compat, MinFilter, StatusFilter};
use crate::nova::tables::{Meaning, PARAMETERS, PROPERTY_PREFIX, STATUSES, parameter};
use crate::webob::query::Pair;

/// Reads what a list is asked for. Of a parameter that is repeated the last value counts, but every value of a
/// number is validated; unknown parameters are ignored.
///
/// # Errors
/// When a number or the time of `changes-since` is wrong.
pub(super) fn read(pairs: &[Pair], compat: &Compat) -> Result<Query, Fault> {
    validate_numbers(pairs)?;
    let mut query = Query::default();
    let mut seen = HashSet::new();
    for (name, value) in pairs.iter().rev() {
        let Some(row) = parameter(name) else { continue };
        if !seen.insert(slot(row.meaning, name)) {
            continue;
        }
        let predicate = match row.meaning {
            Meaning::Limit => {
                // A number beyond 64 bits is beyond any list.
                query.limit = Some(value.parse().unwrap_or(u64::MAX));
                continue;
            }
            Meaning::Marker => {
                query.marker = Some(value.clone()).filter(|marker| !marker.is_empty());
                continue;
            }
            Meaning::Validated => continue,
            Meaning::Name => Predicate::Text(TextField::Name, vec![value.clone()]),
            Meaning::Status => Predicate::Text(TextField::Status, statuses(value, compat)),
            Meaning::ChangesSince => changes_since(value)?,
            Meaning::Server => server(value),
            Meaning::Type => Predicate::Property(IMAGE_TYPE.to_owned(), value.clone()),
            Meaning::MinRam => minimum(NumberField::MinRam, value, compat),
            Meaning::MinDisk => minimum(NumberField::MinDisk, value, compat),
            Meaning::Property => property(name, value),
        };
        query.predicates.push(predicate);
    }
    query.predicates.reverse();
    Ok(query)
}

const INSTANCE_UUID: &str = "instance_uuid";
const IMAGE_TYPE: &str = "image_type";

/// What a parameter sets: `server` and `type` are other names for two metadata filters.
fn slot(meaning: Meaning, name: &str) -> &str {
    match meaning {
        Meaning::Server => "property-instance_uuid",
        Meaning::Type => "property-image_type",
        _ => name,
    }
}

/// Nova validates in the order of its schema, and each parameter in the order of its values.
fn validate_numbers(pairs: &[Pair]) -> Result<(), Fault> {
    let numbers = PARAMETERS
        .iter()
        .filter(|row| matches!(row.meaning, Meaning::Limit | Meaning::Validated));
    for row in numbers {
        for (_, value) in pairs.iter().filter(|(name, _)| name == row.name) {
            validate_number(row.name, value)?;
        }
    }
    Ok(())
}

/// The words of `jsonschema` on Nova's `positive_integer`.
fn validate_number(name: &str, value: &str) -> Result<(), Fault> {
    let wrong = if value.is_empty() {
        "'' should be non-empty".to_owned()
    } else if !value.bytes().all(|b| b.is_ascii_digit()) {
        format!("{} does not match '^[0-9]*$'", repr(value))
    } else if value.bytes().all(|b| b == b'0') {
        "0 is less than the minimum of 1".to_owned()
    } else {
        return Ok(());
    };
    Err(invalid(name, value, &wrong))
}

fn invalid(name: &str, value: &str, wrong: &str) -> Fault {
    let message = format!("Invalid input for query parameters {name}. Value: {value}. {wrong}");
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, message)
}

/// The Glance statuses that are meant. Only Nova's own words, in capitals, are mapped; every other spelling is
/// Glance's word once it is lower-cased, which is all that Nova's code does.
fn statuses(value: &str, compat: &Compat) -> Vec<String> {
    let shown_so: Vec<_> = STATUSES
        .iter()
        .filter(|(status, word, _)| *word == value && *status != Status::Other)
        .map(|(status, _, _)| status.word().to_owned())
        .collect();
    match compat.status_filter {
        StatusFilter::Mapped if !shown_so.is_empty() => shown_so,
        StatusFilter::Mapped | StatusFilter::Literal => vec![value.to_lowercase()],
    }
}

fn changes_since(value: &str) -> Result<Predicate, Fault> {
    let at = time::parse(value)
        .or_else(|| time::parse(&with_plus(value)?))
        .ok_or_else(|| {
            let wrong = format!("{} is not an ISO 8601 date and time", repr(value));
            invalid("changes-since", value, &wrong)
        })?;
    Ok(Predicate::Time(TimeField::UpdatedAt, Relation::Gte, at))
}

/// The value with its last blank made the `+` of an offset, which it was before the client forgot to encode it.
fn with_plus(value: &str) -> Option<String> {
    let (clock, offset) = value.rsplit_once(' ')?;
    let is_offset = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_digit() || b == b':');
    is_offset.then(|| format!("{clock}+{offset}"))
}

/// A server is named by its id or by a link to it.
fn server(value: &str) -> Predicate {
    let id = match value.rsplit_once('/') {
        Some(_) => {
            let path = value.split(['?', '#']).next().unwrap_or_default();
            let path = path.trim_end_matches('/');
            path.rsplit('/').next().unwrap_or_default()
        }
        None => value,
    };
    Predicate::Property(INSTANCE_UUID.to_owned(), id.to_owned())
}

/// Exactly the prefix is cut. Nova up to now strips every leading letter that occurs in it, so that
/// `property-os_distro` asks Glance for `s_distro` (`nova/image/glance.py`, `_extract_query_params_v2`).
fn property(name: &str, value: &str) -> Predicate {
    match name.strip_prefix(PROPERTY_PREFIX) {
        Some(INSTANCE_UUID) => server(value),
        // No property has an empty name.
        None | Some("") => Predicate::Nothing,
        Some(key) => Predicate::Property(key.to_owned(), value.to_owned()),
    }
}

/// Glance's database decides what is a number there; this is what sqlite takes for one.
fn minimum(field: NumberField, value: &str, compat: &Compat) -> Predicate {
    let test = match compat.min_filter {
        MinFilter::Equal => {
            whole(value, |number| (number.fract() == 0.0).then_some(number)).map(NumberTest::Is)
        }
        MinFilter::AtLeast => whole(value, |number| Some(number.ceil())).map(NumberTest::AtLeast),
    };
    test.map_or(Predicate::Nothing, |test| Predicate::Number(field, test))
}

#[allow(
    clippy::cast_possible_truncation,
    reason = "a number out of range saturates, and no image is there"
)]
fn whole(value: &str, round: impl FnOnce(f64) -> Option<f64>) -> Option<i64> {
    let digits = value.trim_matches([' ', '\t', '\n', '\r', '\u{b}', '\u{c}']);
    if let Ok(number) = digits.parse() {
        return Some(number);
    }
    let numeric = |b: u8| b.is_ascii_digit() || b"+-.eE".contains(&b);
    if !digits.bytes().all(numeric) {
        return None;
    }
    let number = digits
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    round(number).map(|number| number as i64)
}

/// A string as Python's `repr` shows it.
fn repr(text: &str) -> String {
    use std::fmt::Write as _;

    let quote = if text.contains('\'') && !text.contains('"') {
        '"'
    } else {
        '\''
    };
    let mut out = String::with_capacity(text.len() + 2);
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => out.extend(['\\', c]),
            c if c != ' ' && (c.is_control() || c.is_whitespace()) => {
                // Writing to a string cannot fail.
                let _ = match u32::from(c) {
                    code @ 0..=0xff => write!(out, "\\x{code:02x}"),
                    code => write!(out, "\\u{code:04x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests;
