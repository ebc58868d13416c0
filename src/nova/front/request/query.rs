//! Reading of the query string of a list.

use std::collections::HashSet;

use http::StatusCode;

use crate::model::query::{NumberField, NumberTest, Relation, TextField, TimeField, Verbatim};
use crate::model::{Fault, Predicate, Query, Reason, Status, time};
use crate::nova::compat::{Compat, MinFilter, StatusFilter};
use crate::nova::tables::{Meaning, PROPERTY_PREFIX, STATUSES, parameter};
use crate::webob::python::repr;
use crate::webob::query::Pair;

mod number;

/// Returns the `limit` that the client gave, in a query that [`read`] accepted.
pub(crate) fn asked_limit(pairs: &[Pair]) -> Option<u64> {
    number::limit(pairs)
}

/// Reads the query of a list. The last value of a repeated parameter counts, but every value of a number is validated.
/// Unknown parameters are ignored.
///
/// # Errors
/// 400 if a number or the time of `changes-since` is invalid.
pub(crate) fn read(pairs: &[Pair], compat: &Compat) -> Result<Query, Fault> {
    number::check(pairs, compat)?;
    let mut query = Query {
        // In releases that accept 0, it means no limit.
        limit: number::limit(pairs)
            .filter(|limit| *limit > 0)
            .or(compat.default_limit),
        ..Query::default()
    };
    let mut seen = HashSet::new();
    for (name, value) in pairs.iter().rev() {
        let Some(row) = parameter(name) else { continue };
        if !seen.insert(slot(row.meaning, name)) {
            continue;
        }
        let predicate = match row.meaning {
            Meaning::Marker => {
                query.marker = marker(value, compat);
                continue;
            }
            Meaning::Limit | Meaning::Validated => continue,
            Meaning::Name if compat.quirks.name_operators => {
                Predicate::Verbatim(Verbatim::Name, value.clone())
            }
            Meaning::Name => Predicate::Text(TextField::Name, vec![value.clone()]),
            Meaning::Status => status(value, compat),
            Meaning::ChangesSince if compat.quirks.raw_changes_since => {
                Predicate::Verbatim(Verbatim::UpdatedSince, value.clone())
            }
            Meaning::ChangesSince => changes_since(value, compat)?,
            Meaning::Server => server(value, compat),
            Meaning::Type => Predicate::Property(IMAGE_TYPE.to_owned(), value.clone()),
            Meaning::MinRam => minimum(NumberField::MinRam, value, compat),
            Meaning::MinDisk => minimum(NumberField::MinDisk, value, compat),
            Meaning::Property => property(name, value, compat),
        };
        query.predicates.push(predicate);
    }
    query.predicates.reverse();
    Ok(query)
}

const INSTANCE_UUID: &str = "instance_uuid";
const IMAGE_TYPE: &str = "image_type";

/// Returns the name of the filter that a parameter sets: `server` and `type` are other names for two metadata filters.
fn slot(meaning: Meaning, name: &str) -> &str {
    match meaning {
        Meaning::Server => "property-instance_uuid",
        Meaning::Type => "property-image_type",
        _ => name,
    }
}

fn invalid(name: &str, value: &str, wrong: &str) -> Fault {
    let message = format!("Invalid input for query parameters {name}. Value: {value}. {wrong}");
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, message)
}

/// Reads the marker. Nova writes it unescaped into the upstream's URL, so there it ends at `&` or `#`. The rest is
/// dropped and never becomes a parameter. If nothing is left, the marker is empty, and no image has an empty id. Nova
/// ignores a marker that the client sent empty.
fn marker(value: &str, compat: &Compat) -> Option<String> {
    let whole = if compat.quirks.odd_input {
        value.split(['&', '#']).next().unwrap_or_default()
    } else {
        value
    };
    (!value.is_empty()).then(|| whole.to_owned())
}

/// Selects Glance statuses. Nova's own words are mapped in upper or lower case: Nova lower-cases what it receives, and
/// vendors document lower case (Huawei: `saving`, which is also shown for queued images). Every other word is a status
/// of Glance.
fn status(value: &str, compat: &Compat) -> Predicate {
    let lowered = value.to_lowercase();
    if compat.status_filter == StatusFilter::Literal {
        return Predicate::Verbatim(Verbatim::Status, lowered);
    }
    let shown_so: Vec<_> = STATUSES
        .iter()
        .filter(|(status, word, _)| word.eq_ignore_ascii_case(value) && *status != Status::Other)
        .map(|(status, _, _)| status.word().to_owned())
        .collect();
    let words = if shown_so.is_empty() {
        vec![lowered]
    } else {
        shown_so
    };
    Predicate::Text(TextField::Status, words)
}

/// Removes a newline that Python's `$` allows at the end of a number or a time.
fn without_line_end<'v>(value: &'v str, compat: &Compat) -> &'v str {
    match value.strip_suffix('\n') {
        Some(rest) if compat.quirks.odd_input => rest,
        _ => value,
    }
}

fn changes_since(value: &str, compat: &Compat) -> Result<Predicate, Fault> {
    let written = without_line_end(value, compat);
    let at = time::parse(written)
        .or_else(|| time::parse(&with_plus(written)?))
        .ok_or_else(|| {
            let wrong = format!("{} is not an ISO 8601 date and time", repr(value));
            invalid("changes-since", value, &wrong)
        })?;
    let relation = if compat.changes_after {
        Relation::Gt
    } else {
        Relation::Gte
    };
    Ok(Predicate::Time(TimeField::UpdatedAt, relation, at))
}

/// Replaces the last blank by `+`. The blank was the `+` of an offset that the client did not encode.
fn with_plus(value: &str) -> Option<String> {
    let (clock, offset) = value.rsplit_once(' ')?;
    let is_offset = !offset.is_empty() && offset.bytes().all(|b| b.is_ascii_digit() || b == b':');
    is_offset.then(|| format!("{clock}+{offset}"))
}

/// Selects the snapshots of a server, which is named by its id or by a link to it.
fn server(value: &str, compat: &Compat) -> Predicate {
    let id = match value.rsplit_once('/') {
        Some((_, behind)) if compat.quirks.server_after_slash => behind,
        Some(_) => {
            let path = value.split(['?', '#']).next().unwrap_or_default();
            let path = path.trim_end_matches('/');
            path.rsplit('/').next().unwrap_or_default()
        }
        None => value,
    };
    Predicate::Property(INSTANCE_UUID.to_owned(), id.to_owned())
}

/// Selects by a custom property. Only the exact prefix is removed. Nova 14 and later strip every leading letter that
/// occurs in it, so that `property-os_distro` queries Glance for `s_distro` (`nova/image/glance.py`,
/// `_extract_query_params_v2`). The rest is always the name of a property, never another parameter of Glance.
fn property(name: &str, value: &str, compat: &Compat) -> Predicate {
    let key = name.strip_prefix(PROPERTY_PREFIX).map(|key| {
        if compat.quirks.mangled_property_keys {
            key.trim_start_matches(|c| PROPERTY_PREFIX.contains(c))
        } else {
            key
        }
    });
    match key {
        Some(INSTANCE_UUID) => server(value, compat),
        // No property has an empty name.
        None | Some("") => Predicate::Nothing,
        Some(key) => Predicate::Property(key.to_owned(), value.to_owned()),
    }
}

/// Compares a minimum. In Nova, Glance's database decides what is a number; these are sqlite's rules.
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
    reason = "a number out of range saturates, and no image has such a value"
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

#[cfg(test)]
mod tests;
