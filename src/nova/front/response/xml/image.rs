//! Images and their metadata in XML (`nova/api/openstack/compute/images.py` of Icehouse, `make_image`, and `common.py`,
//! `MetadataTemplate`).

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::{ATOM, COMPUTE, DECLARATION, DISK_CONFIG, IMAGE_SIZE, attribute, declare, escape};
use crate::model::{Image, ListEnd, SentValue, Value};
use crate::nova::compat::{Compat, XmlNull};
use crate::nova::front::response::links::{Links, Next};
use crate::nova::front::response::{text as json, values};
use crate::webob::python::PyJson;

/// The settings and links that a view needs besides the image.
#[derive(Clone, Copy)]
pub(crate) struct XmlViews<'f> {
    pub compat: &'f Compat,
    pub links: &'f Links,
}

/// The text for a null attribute that is not left out.
const NONE: &str = "None";

impl XmlViews<'_> {
    /// Writes the beginning of a list. Its tag stays open until it is known whether the list is empty.
    pub(crate) fn list_open(self, out: &mut BytesMut, detailed: bool) {
        out.extend_from_slice(DECLARATION);
        out.extend_from_slice(b"<images");
        self.declarations(out, detailed);
    }

    /// Writes one image of a list.
    pub(crate) fn list_item(
        self,
        out: &mut BytesMut,
        image: &Image<'_>,
        index: u64,
        detailed: bool,
    ) {
        if index == 0 {
            out.put_u8(b'>');
        }
        out.extend_from_slice(b"<image");
        if detailed {
            self.detailed(out, image);
        } else {
            self.brief(out, image);
        }
        out.extend_from_slice(b"</image>");
    }

    /// Writes a document with one image.
    pub(crate) fn image(self, out: &mut BytesMut, image: &Image<'_>) {
        out.extend_from_slice(DECLARATION);
        out.extend_from_slice(b"<image");
        self.declarations(out, true);
        self.detailed(out, image);
        out.extend_from_slice(b"</image>");
    }

    /// Writes a document with all metadata of an image.
    pub(crate) fn metadata(self, out: &mut BytesMut, image: &Image<'_>) {
        out.extend_from_slice(DECLARATION);
        out.extend_from_slice(b"<metadata");
        declare(out, None, COMPUTE);
        items(out, self.unicodes(image));
    }

    /// Writes a document with one item of metadata.
    pub(crate) fn item(self, out: &mut BytesMut, key: &str, value: &Value<'_>) {
        text(out, key, &self.unicode(key, value));
    }

    /// Writes a document with metadata that was written: texts as they were sent, other values as the image has them
    /// now.
    pub(crate) fn written(
        self,
        out: &mut BytesMut,
        written: &[(String, SentValue)],
        image: &Image<'_>,
    ) {
        let properties = image.by_name();
        out.extend_from_slice(DECLARATION);
        out.extend_from_slice(b"<metadata");
        declare(out, None, COMPUTE);
        let texts = written
            .iter()
            .map(|(key, wanted)| (&**key, self.written_text(key, wanted, properties.get(key))));
        items(out, texts);
    }

    /// Writes a document with one item of metadata that was written.
    pub(crate) fn written_item(
        self,
        out: &mut BytesMut,
        key: &str,
        wanted: &SentValue,
        image: &Image<'_>,
    ) {
        text(
            out,
            key,
            &self.written_text(key, wanted, image.property(key)),
        );
    }

    /// Returns the text to show for a value that was written. `value` is the image's current value.
    fn written_text<'v>(
        self,
        key: &str,
        wanted: &'v SentValue,
        value: Option<&'v Value<'v>>,
    ) -> Cow<'v, str> {
        match (wanted, value) {
            (SentValue::Json { .. }, Some(value)) => self.unicode(key, value),
            (SentValue::Json { sent, .. }, None) => Cow::Owned(unicode(sent)),
            (SentValue::Text(plain) | SentValue::Ignored(plain), _) => Cow::Borrowed(plain),
        }
    }

    /// Whether this view shows a property as this text.
    pub(crate) fn is_shown(self, key: &str, value: &Value<'_>, text: &str) -> bool {
        escape::readable(&self.unicode(key, value)) == text
    }

    /// Writes the rest of an image in a brief list, from after `<image` up to its end tag.
    fn brief(self, out: &mut BytesMut, image: &Image<'_>) {
        self.optional(out, "name", image.name.as_deref());
        attribute(out, "id", &image.id);
        out.put_u8(b'>');
        self.links.image_xml(out, &image.id);
    }

    /// Writes the rest of an image with all fields, from after `<image` up to its end tag.
    fn detailed(self, out: &mut BytesMut, image: &Image<'_>) {
        let (status, progress) = crate::nova::tables::shown(image.status);
        attribute(out, "status", status);
        let time = |written| values::time(self.compat, written);
        let updated = image.updated_at.as_deref().map(time);
        self.optional(out, "updated", updated.as_deref());
        self.optional(out, "name", image.name.as_deref());
        let created = image.created_at.as_deref().map(time);
        self.optional(out, "created", created.as_deref());
        number(out, "minDisk", image.min_disk);
        number(out, "progress", progress.into());
        number(out, "minRam", image.min_ram);
        attribute(out, "id", &image.id);
        if self.compat.extension_size {
            match values::size(self.compat, image.size) {
                Some(size) => number(out, "OS-EXT-IMG-SIZE:size", size),
                None => self.optional(out, "OS-EXT-IMG-SIZE:size", None),
            }
        }
        if self.compat.extension_disk_config
            && let Some(disk_config) = values::disk_config(self.compat, image)
        {
            attribute(out, "OS-DCF:diskConfig", disk_config);
        }
        out.put_u8(b'>');
        self.server(out, image);
        out.extend_from_slice(b"<metadata");
        items(out, self.unicodes(image));
        self.links.image_xml(out, &image.id);
    }

    /// Writes the server of which the image is a snapshot, if it is one.
    fn server(self, out: &mut BytesMut, image: &Image<'_>) {
        let Some(id) = image.property("instance_uuid").and_then(Value::text) else {
            return;
        };
        out.extend_from_slice(b"<server");
        attribute(out, "id", &id);
        out.put_u8(b'>');
        self.links.server_xml(out, &id);
        out.extend_from_slice(b"</server>");
    }

    /// Returns the metadata of an image in the form of Python's `unicode()`.
    fn unicodes<'v>(self, image: &'v Image<'v>) -> impl Iterator<Item = (&'v str, Cow<'v, str>)> {
        let properties = image.properties.iter();
        properties.map(move |(key, value)| (&**key, self.unicode(key, value)))
    }

    /// Returns the value of an item in the form of Python's `unicode()`.
    fn unicode<'v>(self, key: &str, value: &'v Value<'v>) -> Cow<'v, str> {
        if let Some(held) = values::held_json(self.compat, key, value) {
            return Cow::Owned(unicode(&held));
        }
        match value {
            Value::Text(text) => Cow::Borrowed(text),
            Value::Raw(_) if value.is_null() => Cow::Borrowed(match self.compat.xml_null {
                XmlNull::None => NONE,
                XmlNull::Omit => "",
            }),
            Value::Raw(raw) if raw.get().starts_with('"') => value.text().unwrap_or_default(),
            Value::Raw(raw) => Cow::Owned(unicode(raw.get())),
        }
    }

    /// Writes an attribute that may be null.
    fn optional(self, out: &mut BytesMut, name: &str, value: Option<&str>) {
        match (value, self.compat.xml_null) {
            (Some(value), _) => attribute(out, name, value),
            (None, XmlNull::None) => attribute(out, name, NONE),
            (None, XmlNull::Omit) => {}
        }
    }

    /// Writes the namespaces of a root element, those of the extensions first.
    fn declarations(self, out: &mut BytesMut, detailed: bool) {
        if detailed && self.compat.extension_disk_config {
            declare(out, Some("OS-DCF"), DISK_CONFIG);
        }
        if detailed && self.compat.extension_size {
            declare(out, Some("OS-EXT-IMG-SIZE"), IMAGE_SIZE);
        }
        declare(out, Some("atom"), ATOM);
        declare(out, None, COMPUTE);
    }
}

/// Writes the end of a list.
pub(crate) fn list_close(out: &mut BytesMut, next: Option<&Next>, end: &ListEnd<'_>) {
    if end.count == 0 {
        out.extend_from_slice(b"/>");
        return;
    }
    if let Some(next) = next {
        next.write_xml(out, end.count, end.last);
    }
    out.extend_from_slice(b"</images>");
}

/// Writes a document with one item of metadata.
fn text(out: &mut BytesMut, key: &str, value: &str) {
    out.extend_from_slice(DECLARATION);
    out.extend_from_slice(b"<meta");
    declare(out, None, COMPUTE);
    meta(out, key, value);
}

/// Writes the items of metadata and the end of their element, whose tag is still open.
fn items<'v, T: AsRef<str>>(out: &mut BytesMut, items: impl Iterator<Item = (&'v str, T)>) {
    let mut empty = true;
    for (key, value) in items {
        if std::mem::take(&mut empty) {
            out.put_u8(b'>');
        }
        out.extend_from_slice(b"<meta");
        meta(out, key, value.as_ref());
    }
    out.extend_from_slice(if empty { b"/>" } else { b"</metadata>" });
}

/// Writes the rest of an item, from after `<meta`. An empty value still gets an end tag, because it is a text.
fn meta(out: &mut BytesMut, key: &str, value: &str) {
    attribute(out, "key", key);
    out.put_u8(b'>');
    escape::text(out, value);
    out.extend_from_slice(b"</meta>");
}

/// Returns a JSON value in the form of Python's `unicode()`. A value that is nested too deeply is returned unchanged.
pub(crate) fn unicode(json: &str) -> String {
    PyJson::read(json.as_bytes()).map_or_else(|| json.to_owned(), |value| value.plain())
}

fn number(out: &mut BytesMut, name: &str, value: i64) {
    out.put_u8(b' ');
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    json::number(out, value);
    out.put_u8(b'"');
}
