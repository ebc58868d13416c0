//! Reads the query string of a list.

use std::collections::HashSet;

use http::StatusCode;

use super::pairs::Pair;
use crate::model::query::{NumberField, NumberTest, Relation, TextField, TimeField};
use crate::model::{Fault, Predicate, Query, Reason, Status, time};
use crate::nova::compat::{Compat, MinFilter, StatusFilter};
use crate::nova::tables::{Meaning, PARAMETERS, PROPERTY_PREFIX, STATUSES, parameter};

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
mod tests {
    use proptest::prelude::*;

    use super::read;
    use crate::model::query::{NumberField, NumberTest, Relation, TextField, TimeField};
    use crate::model::{Fault, Predicate, Query, time};
    use crate::nova::compat::{Compat, MinFilter, StatusFilter};
    use crate::nova::front::pairs;

    fn query(text: &str) -> Result<Query, Fault> {
        read(&pairs::parse(text)?, &Compat::default())
    }

    fn predicates(text: &str) -> Vec<Predicate> {
        query(text).unwrap().predicates
    }

    fn text(field: TextField, any_of: &[&str]) -> Predicate {
        Predicate::Text(
            field,
            any_of.iter().map(|word| (*word).to_owned()).collect(),
        )
    }

    fn property(key: &str, value: &str) -> Predicate {
        Predicate::Property(key.to_owned(), value.to_owned())
    }

    fn since(at: &str) -> Predicate {
        let at = time::parse(at).unwrap();
        Predicate::Time(TimeField::UpdatedAt, Relation::Gte, at)
    }

    #[test]
    fn names() {
        for (asked, name) in [
            ("name=st+active", "st active"),
            ("name=", ""),
            ("name", ""),
            ("name=in:a%2Cb", "in:a,b"),
            ("name=%zz", "%zz"),
            ("name=cirros-uec&name=duplicate", "duplicate"),
        ] {
            assert_eq!(predicates(asked), [text(TextField::Name, &[name])]);
        }
    }

    #[test]
    fn novas_status_words_find_what_is_shown_so() {
        for (asked, words) in [
            ("ACTIVE", &["active"][..]),
            ("SAVING", &["queued", "saving"]),
            ("DELETED", &["deleted", "pending_delete"]),
            ("ERROR", &["killed"]),
            ("UNKNOWN", &["deactivated", "uploading", "importing"]),
            ("saving", &["saving"]),
            ("Active", &["active"]),
            ("QUEUED", &["queued"]),
            ("PENDING_DELETE", &["pending_delete"]),
            ("garbage", &["garbage"]),
            ("", &[""]),
        ] {
            let asked = format!("status={asked}");
            assert_eq!(predicates(&asked), [text(TextField::Status, words)]);
        }
        let literal = Compat {
            status_filter: StatusFilter::Literal,
            ..Compat::default()
        };
        let pairs = pairs::parse("status=SAVING").unwrap();
        assert_eq!(
            read(&pairs, &literal).unwrap().predicates,
            [text(TextField::Status, &["saving"])]
        );
    }

    #[test]
    fn changes_since_takes_what_glance_takes_and_repairs_a_raw_plus() {
        for (asked, at) in [
            ("2024-02-15T00%3A00%3A00Z", "2024-02-15T00:00:00Z"),
            ("2024-02-15T00%3A00%3A00%2B02%3A00", "2024-02-14T22:00:00Z"),
            ("2024-02-15T00:00:00+02:00", "2024-02-14T22:00:00Z"),
            ("2024-02-15T00:00:00+0200", "2024-02-14T22:00:00Z"),
            ("2024-02-15+00:00:00+02", "2024-02-14T22:00:00Z"),
            ("2024-02-15+07:30", "2024-02-15T07:30:00Z"),
            ("2024-02-14T19:00:00-05:00", "2024-02-15T00:00:00Z"),
            ("2024", "2024-01-01T00:00:00Z"),
            ("garbage&changes-since=2024", "2024-01-01T00:00:00Z"),
        ] {
            assert_eq!(predicates(&format!("changes-since={asked}")), [since(at)]);
        }
        for bad in [
            "garbage",
            "",
            "0",
            "1707955200",
            "gte:2024",
            "2024-02-30",
            "+2024",
            "2024-02-15T00:00:00z",
            "2024-03-05T24:00:00Z",
            "2024&changes-since=x",
        ] {
            let fault = query(&format!("changes-since={bad}")).unwrap_err();
            assert_eq!(fault.status, 400);
            assert!(fault.message.contains("changes-since") && fault.message.contains("ISO 8601"));
        }
        assert_eq!(
            query("changes-since=garbage").unwrap_err().message,
            "Invalid input for query parameters changes-since. Value: garbage. 'garbage' is not an ISO 8601 date and time"
        );
    }

    #[test]
    fn minimums_are_equalities_unless_set_otherwise() {
        let is = |asked: &str| predicates(&format!("minRam={asked}")).remove(0);
        for (asked, number) in [
            ("64", 64),
            ("%2064", 64),
            ("064", 64),
            ("64.0", 64),
            ("+6.4e1", 64),
            ("0", 0),
            ("-1", -1),
        ] {
            let expected = Predicate::Number(NumberField::MinRam, NumberTest::Is(number));
            assert_eq!(is(&asked.replace('+', "%2B")), expected, "{asked}");
        }
        for asked in [
            "abc", "", "1.5", "gte:64", "true", "0x40", "inf", "nan", "64a", "1_0",
        ] {
            assert_eq!(is(asked), Predicate::Nothing, "{asked}");
        }
        assert_eq!(
            predicates("minDisk=3"),
            [Predicate::Number(NumberField::MinDisk, NumberTest::Is(3))]
        );
        let at_least = Compat {
            min_filter: MinFilter::AtLeast,
            ..Compat::default()
        };
        for (asked, expected) in [
            (
                "minRam=3",
                Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(3)),
            ),
            (
                "minRam=1.5",
                Predicate::Number(NumberField::MinRam, NumberTest::AtLeast(2)),
            ),
            ("minRam=x", Predicate::Nothing),
        ] {
            let pairs = pairs::parse(asked).unwrap();
            assert_eq!(read(&pairs, &at_least).unwrap().predicates, [expected]);
        }
    }

    #[test]
    fn a_server_is_named_by_id_or_link() {
        for (asked, id) in [
            ("aaaaaaaa-1111", "aaaaaaaa-1111"),
            (
                "http://127.0.0.1:8774/v2/x/servers/aaaaaaaa-1111",
                "aaaaaaaa-1111",
            ),
            (
                "http%3A%2F%2Fx%2Fservers%2Faaaaaaaa-1111%2F",
                "aaaaaaaa-1111",
            ),
            ("http://x/servers/aaaaaaaa-1111?a=b/c", "aaaaaaaa-1111"),
            ("%2Fservers%2Faaaaaaaa-1111", "aaaaaaaa-1111"),
            ("a/b/c", "c"),
            ("/", ""),
            ("", ""),
        ] {
            for name in ["server", "property-instance_uuid"] {
                let asked = format!("{name}={asked}");
                assert_eq!(
                    predicates(&asked),
                    [property("instance_uuid", id)],
                    "{asked}"
                );
            }
        }
    }

    #[test]
    fn properties_lose_exactly_their_prefix() {
        for (asked, key, value) in [
            ("property-os_distro=ubuntu", "os_distro", "ubuntu"),
            ("property-property-x=xx", "property-x", "xx"),
            ("property--dash=d1", "-dash", "d1"),
            (
                "property-trait%3ACUSTOM_X=required",
                "trait:CUSTOM_X",
                "required",
            ),
            (
                "property-kl%C3%AD%C4%8D=unicode%20key",
                "klíč",
                "unicode key",
            ),
            ("property-name=duplicate", "name", "duplicate"),
            ("property-visibility=all", "visibility", "all"),
            ("type=snapshot", "image_type", "snapshot"),
            (
                "property-image_type=backup&type=snapshot",
                "image_type",
                "snapshot",
            ),
            (
                "type=snapshot&property-image_type=backup",
                "image_type",
                "backup",
            ),
        ] {
            assert_eq!(predicates(asked), [property(key, value)], "{asked}");
        }
        assert_eq!(predicates("property-=x"), [Predicate::Nothing]);
    }

    #[test]
    fn unknown_parameters_are_ignored_and_order_is_kept() {
        assert_eq!(
            predicates(
                "visibility=community&owner=x&sort_key=name&tag=a&min_ram=1&=x&PROPERTY-a=b&Name=x&_method=DELETE"
            ),
            []
        );
        assert_eq!(
            predicates("type=a&name=b&minDisk=1&name=c"),
            [
                property("image_type", "a"),
                Predicate::Number(NumberField::MinDisk, NumberTest::Is(1)),
                text(TextField::Name, &["c"]),
            ]
        );
    }

    #[test]
    fn limits_and_markers() {
        for (asked, limit) in [
            ("", None),
            ("limit=5", Some(5)),
            ("limit=007", Some(7)),
            ("limit=2&limit=1", Some(1)),
            ("limit=1;name=x", Some(1)),
            ("&&limit=1&&", Some(1)),
            ("limit=99999999999999999999999", Some(u64::MAX)),
        ] {
            assert_eq!(query(asked).unwrap().limit, limit, "{asked}");
        }
        for (asked, marker) in [
            ("marker=", None),
            ("marker=x%20y", Some("x y")),
            ("marker=a&marker=b", Some("b")),
            ("marker=a&marker=", None),
        ] {
            assert_eq!(query(asked).unwrap().marker.as_deref(), marker, "{asked}");
        }
        for fine in ["page_size=5", "page_size=5000&offset=1", "offset=3&limit=2"] {
            assert!(query(fine).is_ok(), "{fine}");
        }
    }

    #[test]
    fn wrong_numbers_are_refused_in_novas_words() {
        let pattern = "does not match '^[0-9]*$'";
        for (asked, message) in [
            ("limit=abc", format!("limit. Value: abc. 'abc' {pattern}")),
            ("limit=-1", format!("limit. Value: -1. '-1' {pattern}")),
            ("limit=%205", format!("limit. Value:  5. ' 5' {pattern}")),
            ("limit=1.0", format!("limit. Value: 1.0. '1.0' {pattern}")),
            (
                "limit=%EF%BC%91",
                format!("limit. Value: １. '１' {pattern}"),
            ),
            (
                "limit=1%26name=x",
                format!("limit. Value: 1&name=x. '1&name=x' {pattern}"),
            ),
            ("limit=a'b", format!("limit. Value: a'b. \"a'b\" {pattern}")),
            (
                "limit=a'%22",
                format!("limit. Value: a'\". 'a\\'\"' {pattern}"),
            ),
            (
                "limit=%01%0a%C2%A0",
                format!("limit. Value: \u{1}\n\u{a0}. '\\x01\\n\\xa0' {pattern}"),
            ),
            (
                "limit=0",
                "limit. Value: 0. 0 is less than the minimum of 1".to_owned(),
            ),
            (
                "limit=00",
                "limit. Value: 00. 0 is less than the minimum of 1".to_owned(),
            ),
            (
                "limit=",
                "limit. Value: . '' should be non-empty".to_owned(),
            ),
            ("limit", "limit. Value: . '' should be non-empty".to_owned()),
            (
                "limit=1&limit=abc",
                format!("limit. Value: abc. 'abc' {pattern}"),
            ),
            (
                "limit=abc&limit=1",
                format!("limit. Value: abc. 'abc' {pattern}"),
            ),
            (
                "page_size=0",
                "page_size. Value: 0. 0 is less than the minimum of 1".to_owned(),
            ),
            (
                "offset=0&limit=2",
                "offset. Value: 0. 0 is less than the minimum of 1".to_owned(),
            ),
            (
                "offset=x&page_size=0&limit=1",
                "page_size. Value: 0. 0 is less than the minimum of 1".to_owned(),
            ),
        ] {
            let expected = format!("Invalid input for query parameters {message}");
            assert_eq!(query(asked).unwrap_err().message, expected, "{asked}");
        }
    }

    proptest! {
        #[test]
        fn no_query_panics(asked in "\\PC{0,60}") {
            let _ = query(&asked);
        }

        #[test]
        fn no_value_panics(name in "name|status|changes-since|server|type|minRam|limit|marker|property-x", value in "\\PC{0,20}|[0-9TZ: +.eE/-]{0,25}") {
            for compat in [Compat::default(), Compat { min_filter: MinFilter::AtLeast, ..Compat::default() }] {
                let _ = read(&[(name.clone(), value.clone())], &compat);
            }
        }
    }
}
