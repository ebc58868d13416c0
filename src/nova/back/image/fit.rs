//! Adapts values from Nova and vendors to the schema that Glance clients check images against.
//!
//! Some clients reject a whole list because of one image that does not fit. A value that does not fit is therefore
//! replaced by the closest value that the schema allows, or by the schema's value for "nothing".

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::json::Json;
use crate::model::attributes::{DELETION_POLICIES, DELETION_POLICY, ID_PROPERTIES, is_uuid};
use crate::model::{Size, Value, time};

/// The maximum length of a name and of an owner, in characters.
pub(crate) const MAX_TEXT: usize = 255;

/// The time that is shown if there is none: no client can read an image without its times.
const NEVER: &str = "1970-01-01T00:00:00Z";

/// Returns the times of creation and of the last change. If one of them is missing or unreadable, both are the other
/// one.
pub(super) fn times<'a>(
    created: Option<Cow<'a, str>>,
    updated: Option<Cow<'a, str>>,
) -> (Cow<'a, str>, Cow<'a, str>) {
    match (created.and_then(instant), updated.and_then(instant)) {
        (Some(created), Some(updated)) => (created, updated),
        (Some(at), None) | (None, Some(at)) => (at.clone(), at),
        (None, None) => (Cow::Borrowed(NEVER), Cow::Borrowed(NEVER)),
    }
}

/// Returns an instant in Glance's form: UTC, whole seconds, `Z`.
fn instant(written: Cow<'_, str>) -> Option<Cow<'_, str>> {
    if is_certain(&written) {
        return Some(written);
    }
    let at = read(written.trim())?;
    // Before 1970 the fraction is negative, so the second must be rounded down.
    let second = at.as_second() - i64::from(at.subsec_nanosecond() < 0);
    let text = time::write(Timestamp::from_second(second).ok()?);
    (time::is_normal(&text) && time::parse(&text).is_some()).then_some(Cow::Owned(text))
}

/// Whether the text has Glance's form and certainly names an instant: its day of the month is one that every month has.
fn is_certain(written: &str) -> bool {
    time::is_normal(written)
        && written.get(..4).is_some_and(|year| year > "0000")
        && (written.get(5..7)).is_some_and(|month| ("01"..="12").contains(&month))
        && (written.get(8..10)).is_some_and(|day| ("01"..="28").contains(&day))
        && written.get(11..13).is_some_and(|hour| hour < "24")
        && written.get(14..16).is_some_and(|minute| minute < "60")
        && written.get(17..19).is_some_and(|second| second < "60")
}

/// Reads every form in which services and vendors write an instant: those that Glance reads, RFC 3339, the date of an
/// HTTP header, and seconds or milliseconds since 1970.
fn read(text: &str) -> Option<Timestamp> {
    let plain = || {
        let text = text.to_ascii_uppercase();
        let text = text.strip_suffix("UTC").unwrap_or(&text);
        let text = text.strip_suffix("GMT").unwrap_or(text).trim_end();
        time::parse(&text.replace(" +", "+").replace(" -", "-"))
    };
    time::parse(text)
        .or_else(|| epoch(text))
        .or_else(|| text.parse().ok())
        .or_else(plain)
        .or_else(|| rfc2822::parse(text).ok().map(|at| at.timestamp()))
}

fn epoch(text: &str) -> Option<Timestamp> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(whole) && digits(fraction)) {
        return None;
    }
    match whole.len() {
        9 | 10 => Timestamp::from_second(whole.parse().ok()?).ok(),
        12 | 13 => Timestamp::from_millisecond(whole.parse().ok()?).ok(),
        _ => None,
    }
}

/// Cuts a name that is too long.
pub(super) fn name(name: Cow<'_, str>) -> Cow<'_, str> {
    if name.len() <= MAX_TEXT {
        return name;
    }
    let end = name.char_indices().nth(MAX_TEXT).map(|(at, _)| at);
    match (end, name) {
        (None, name) => name,
        (Some(end), Cow::Borrowed(name)) => Cow::Borrowed(&name[..end]),
        (Some(end), Cow::Owned(mut name)) => {
            name.truncate(end);
            Cow::Owned(name)
        }
    }
}

/// Reads a size. Vendors write -1 for an unknown size.
pub(super) fn size(told: Option<i64>) -> Size {
    told.filter(|size| *size >= 0)
        .map_or(Size::Null, Size::Bytes)
}

/// Returns the value of a custom property; `None` if the schema has no value that could replace it.
pub(super) fn property<'a>(key: &str, raw: Json<'a>) -> Option<Value<'a>> {
    let value = Value::Raw(raw);
    if ID_PROPERTIES.contains(&key) {
        let is_id = value.text().is_some_and(|text| is_uuid(&text));
        return Some(if is_id { value } else { Value::Raw(Json::NULL) });
    }
    if key == DELETION_POLICY {
        let is_known = value
            .text()
            .is_some_and(|text| DELETION_POLICIES.contains(&&*text));
        return is_known.then_some(value);
    }
    Some(if value.is_null() {
        Value::Text(Cow::Borrowed(""))
    } else {
        value
    })
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::{NEVER, name, times};

    #[test]
    fn every_form_of_a_time_is_shown_in_glances_form() {
        for (written, shown) in [
            ("2014-10-05T08:56:40Z", "2014-10-05T08:56:40Z"),
            ("2014-10-05T08:56:40.123+0000", "2014-10-05T08:56:40Z"),
            ("2014-10-05T08:56:40.999999Z", "2014-10-05T08:56:40Z"),
            ("2014-10-05T08:56:40.000000", "2014-10-05T08:56:40Z"),
            ("2014-10-05T08:56:40", "2014-10-05T08:56:40Z"),
            ("2014-10-05 08:56:40", "2014-10-05T08:56:40Z"),
            ("2014-10-05 08:56:40 +0200", "2014-10-05T06:56:40Z"),
            ("2014-10-05 08:56:40 UTC", "2014-10-05T08:56:40Z"),
            ("2014-10-05t08:56:40z", "2014-10-05T08:56:40Z"),
            ("2014-10-05T08:56:40-05:00", "2014-10-05T13:56:40Z"),
            (" 2014-10-05T08:56Z ", "2014-10-05T08:56:00Z"),
            ("20141005T085640Z", "2014-10-05T08:56:40Z"),
            ("2014-10-05", "2014-10-05T00:00:00Z"),
            ("Sun, 05 Oct 2014 08:56:40 GMT", "2014-10-05T08:56:40Z"),
            ("Sun, 05 Oct 2014 10:56:40 +0200", "2014-10-05T08:56:40Z"),
            ("1412499400", "2014-10-05T08:56:40Z"),
            ("1412499400.75", "2014-10-05T08:56:40Z"),
            ("1412499400123", "2014-10-05T08:56:40Z"),
            ("2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"),
            ("2024-12-31T23:59:59Z", "2024-12-31T23:59:59Z"),
            ("1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59Z"),
            // Not an instant, though some have the form of one.
            ("2023-02-29T00:00:00Z", NEVER),
            ("2024-13-01T00:00:00Z", NEVER),
            ("2024-01-01T24:00:00Z", NEVER),
            ("0000-01-01T00:00:00Z", NEVER),
            ("yesterday", NEVER),
            ("", NEVER),
            ("-1", NEVER),
            ("99999999999999999999", NEVER),
        ] {
            let (created, updated) = times(Some(Cow::Borrowed(written)), None);
            assert_eq!((&*created, &*updated), (shown, shown), "{written:?}");
        }
        let at = |text| Some(Cow::Borrowed(text));
        let both = times(at("never"), at("2014-10-05T08:56:40Z"));
        assert_eq!(
            both.0, "2014-10-05T08:56:40Z",
            "the other one stands for it"
        );
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        let long = "é".repeat(300);
        let cut = "é".repeat(255);
        assert_eq!(name(Cow::Borrowed(&long)), cut);
        assert_eq!(name(Cow::Owned(long.clone())), cut);
        assert_eq!(name(Cow::Borrowed(&cut)), cut);
    }
}
