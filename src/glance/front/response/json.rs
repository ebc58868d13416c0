//! The image object in Glance's order with Python's separators: custom properties first, then the attributes.

use std::borrow::Cow;

use bytes::BytesMut;

use crate::glance::tables::SCHEMA_PROPERTIES;
use crate::model::{Image, Size, Value};

/// Writes one image (`glance/api/v2/images.py`, `ResponseSerializer._format_image`). `locations`, `direct_url` and
/// `stores` appear only if the image has them. All other attributes always appear, as null if the image has none.
pub(crate) fn image(image: &Image<'_>, out: &mut BytesMut) {
    let mut object = Object::open(out);
    for (key, value) in image.properties.iter() {
        object.key(key);
        property(key, value, object.out);
    }
    object.text("name", image.name.as_deref());
    object.text("disk_format", image.disk_format.as_deref());
    object.text("container_format", image.container_format.as_deref());
    object.text("visibility", image.visibility.as_deref());
    object.number("size", size(image.size));
    object.number("virtual_size", image.virtual_size);
    object.text("status", Some(image.status.word()));
    object.text("checksum", image.checksum.as_deref());
    object.flag("protected", image.protected);
    object.number("min_ram", Some(image.min_ram));
    object.number("min_disk", Some(image.min_disk));
    object.text("owner", image.owner.as_deref());
    object.flag("os_hidden", image.os_hidden);
    object.text("os_hash_algo", image.os_hash_algo.as_deref());
    object.text("os_hash_value", image.os_hash_value.as_deref());
    object.text("id", Some(&image.id));
    object.text("created_at", image.created_at.as_deref());
    object.text("updated_at", image.updated_at.as_deref());
    for (name, raw) in [
        ("locations", image.locations),
        ("direct_url", image.direct_url),
    ] {
        if let Some(raw) = raw {
            object.raw(name, raw.get());
        }
    }
    object.raw("tags", image.tags.map_or("[]", |tags| tags.get()));
    object.text("self", Some(&format!("/v2/images/{}", image.id)));
    object.text("file", Some(&format!("/v2/images/{}/file", image.id)));
    object.text("schema", Some("/v2/schemas/image"));
    if let Some(stores) = image.stores {
        object.raw("stores", stores.get());
    }
    out.extend_from_slice(b"}");
}

/// Writes text as a JSON string: plain UTF-8, with the escapes of Python's `json`.
pub(crate) fn string(text: &str, out: &mut BytesMut) {
    if text
        .bytes()
        .any(|byte| matches!(byte, b'"' | b'\\' | 0..=0x1f))
    {
        out.extend_from_slice(quoted(text).as_bytes());
    } else {
        out.reserve(text.len() + 2);
        out.extend_from_slice(b"\"");
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(b"\"");
    }
}

/// Returns text as a JSON string.
pub(crate) fn quoted(text: &str) -> String {
    serde_json::Value::String(text.to_owned()).to_string()
}

/// An object that is being written, after its opening brace.
struct Object<'o> {
    out: &'o mut BytesMut,
    empty: bool,
}

impl<'o> Object<'o> {
    fn open(out: &'o mut BytesMut) -> Self {
        out.extend_from_slice(b"{");
        Self { out, empty: true }
    }

    fn key(&mut self, name: &str) {
        if !self.empty {
            self.out.extend_from_slice(b", ");
        }
        self.empty = false;
        string(name, self.out);
        self.out.extend_from_slice(b": ");
    }

    fn raw(&mut self, name: &str, json: &str) {
        self.key(name);
        self.out.extend_from_slice(json.as_bytes());
    }

    fn text(&mut self, name: &str, text: Option<&str>) {
        match text {
            Some(text) => {
                self.key(name);
                string(text, self.out);
            }
            None => self.raw(name, "null"),
        }
    }

    fn number(&mut self, name: &str, number: Option<i64>) {
        match number {
            Some(number) => self.raw(name, &number.to_string()),
            None => self.raw(name, "null"),
        }
    }

    fn flag(&mut self, name: &str, value: bool) {
        self.raw(name, if value { "true" } else { "false" });
    }
}

fn size(size: Size) -> Option<i64> {
    match size {
        Size::Bytes(bytes) => Some(bytes),
        Size::Null | Size::Absent => None,
    }
}

/// Writes the value of a custom property.
fn property(key: &str, value: &Value<'_>, out: &mut BytesMut) {
    match value {
        Value::Raw(raw) if raw.get().starts_with('"') && !raw.get().contains("\\u") => {
            out.extend_from_slice(raw.get().as_bytes());
        }
        _ => match shown(key, value) {
            Some(text) => string(&text, out),
            None => out.extend_from_slice(b"null"),
        },
    }
}

/// Returns the value of a custom property as clients see it; `None` is null. Glance shows a string: null stays null
/// only in properties that the schema names, and any other JSON value is shown as its text.
pub(crate) fn shown<'v>(key: &str, value: &'v Value<'_>) -> Option<Cow<'v, str>> {
    if value.is_null() && SCHEMA_PROPERTIES.contains(&key) {
        return None;
    }
    Some(value.text().unwrap_or(Cow::Borrowed("")))
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::image;
    use crate::glance::image::read;

    fn round(json: &str) -> String {
        let mut out = BytesMut::new();
        image(&read(json.as_bytes()).unwrap(), &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn glances_own_object_is_written_back_byte_for_byte() {
        let json = concat!(
            r#"{"kernel_id": null, "popis": "český ✓", "bdm": "[{\"a\": 1}]", "name": "tab\t\"é\"", "disk_format": "raw", "#,
            r#""container_format": "bare", "visibility": "shared", "size": 16, "virtual_size": null, "status": "active", "#,
            r#""checksum": "45ed", "protected": false, "min_ram": 0, "min_disk": 1, "owner": "a1fa", "os_hidden": false, "#,
            r#""os_hash_algo": "sha512", "os_hash_value": "2f5f", "id": "dfd9", "created_at": "2024-01-20T12:00:00Z", "#,
            r#""updated_at": "2024-03-05T00:00:00Z", "locations": [{"url": "u", "metadata": {}}], "direct_url": "file:///x", "#,
            r#""tags": ["a", "příznak"], "self": "/v2/images/dfd9", "file": "/v2/images/dfd9/file", "#,
            r#""schema": "/v2/schemas/image", "stores": "fs"}"#
        );
        assert_eq!(round(json), json);
    }

    #[test]
    fn properties_are_strings() {
        let written = round(
            r#"{"id": "a", "nothing": null, "ramdisk_id": null, "n": 17, "mapping": [{"x": "y"}], "esc": "\u00e9"}"#,
        );
        assert!(written.starts_with(
            r#"{"nothing": "", "ramdisk_id": null, "n": "17", "mapping": "[{\"x\": \"y\"}]", "esc": "é", "name": null, "#
        ));
        assert!(written.contains(r#""size": null"#) && written.contains(r#""tags": []"#));
    }
}
