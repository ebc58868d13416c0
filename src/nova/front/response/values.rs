//! The values that Nova shows differently from Glance, independent of the encoding. Both encodings use them.

use std::borrow::Cow;

use serde_json::value::RawValue;

use crate::model::{Image, Properties, Size, Value};
use crate::nova::compat::{Compat, DiskConfigNull, SizeNull};
use crate::nova::front::request::date;

/// Properties with JSON in a string, which Nova decodes (`nova/image/glance.py`, `_convert`).
const HOLD_JSON: [&str; 2] = ["block_device_mapping", "mappings"];

/// Returns the JSON in a property's string, if Nova decodes the property and the string is JSON.
pub(crate) fn held_json<'v>(
    compat: &Compat,
    key: &str,
    value: &'v Value<'_>,
) -> Option<Cow<'v, str>> {
    if !may_hold_json(compat, key) {
        return None;
    }
    let is_string = match value {
        Value::Raw(raw) => raw.get().starts_with('"'),
        Value::Text(_) => true,
    };
    let held = value.text().filter(|_| is_string)?;
    serde_json::from_str::<&RawValue>(&held).ok()?;
    Some(held)
}

/// Returns all properties as one JSON text, if they were read in that form and Nova would write it unchanged.
pub(crate) fn as_written<'p>(compat: &Compat, properties: &Properties<'p>) -> Option<&'p str> {
    let written = properties.as_written()?;
    let mut keys = properties.iter().map(|(key, _)| key);
    (!keys.any(|key| may_hold_json(compat, key))).then_some(written)
}

fn may_hold_json(compat: &Compat, key: &str) -> bool {
    compat.decode_mappings && is_decoded(key)
}

/// Whether Nova decodes the property.
pub(crate) fn is_decoded(key: &str) -> bool {
    HOLD_JSON.contains(&key)
}

/// Returns the value of `OS-EXT-IMG-SIZE:size` in bytes; `None` is null.
pub(crate) fn size(compat: &Compat, size: Size) -> Option<i64> {
    match size {
        Size::Absent => None,
        Size::Null => (compat.size_null == SizeNull::Zero).then_some(0),
        Size::Bytes(bytes) => Some(bytes),
    }
}

/// Returns a time in the release's form.
pub(crate) fn time<'t>(compat: &Compat, written: &'t str) -> Cow<'t, str> {
    if compat.utc_times {
        date::in_utc(written)
    } else {
        date::shown(written)
    }
}

/// Returns the value of `OS-DCF:diskConfig`, if the image has it: `oslo_utils.strutils.bool_from_string` of the
/// property.
pub(crate) fn disk_config(compat: &Compat, image: &Image<'_>) -> Option<&'static str> {
    const TRUE: [&str; 6] = ["1", "t", "true", "on", "y", "yes"];
    let Some(word) = image.property("auto_disk_config")?.text() else {
        return (compat.disk_config_null == DiskConfigNull::Manual).then_some("MANUAL");
    };
    let word = word.trim();
    let auto = TRUE.iter().any(|yes| word.eq_ignore_ascii_case(yes));
    Some(if auto { "AUTO" } else { "MANUAL" })
}
