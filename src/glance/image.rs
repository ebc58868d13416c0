//! The image object of Glance v2, read.
//!
//! Both halves of the dialect read it: the back from an upstream's replies, the sandbox's store from its file. The
//! reader borrows what it can and takes what it gets: an attribute of an unexpected type is read as what it
//! plainly means (`"64"` is 64) or as absent, so that an image of odd types does not spoil a list. What is no JSON, or
//! no Unicode, still does: no Glance can have written it.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::model::{Image, Size, Status, Value};

/// Reads one image object.
///
/// # Errors
/// When the bytes are not UTF-8, not a JSON object, or the object has no `id`; the text is for the log.
pub fn read(json: &[u8]) -> Result<Image<'_>, String> {
    // One pass over the bytes here spares serde_json a check per string.
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    let Wire(image) = serde_json::from_str(text).map_err(|error| error.to_string())?;
    if image.id.is_empty() {
        return Err("the image has no id".to_owned());
    }
    Ok(image)
}

/// Reads the image object that a text begins with, and says how long it is. `None` when it is not all there, or is none:
/// then [`read`] says what is wrong with it.
#[must_use]
pub fn read_first(text: &str) -> Option<(Image<'_>, usize)> {
    let mut objects = serde_json::Deserializer::from_str(text).into_iter::<Wire<'_>>();
    let Wire(image) = objects.next()?.ok()?;
    (!image.id.is_empty()).then(|| (image, objects.byte_offset()))
}

struct Wire<'a>(Image<'a>);

impl<'de> Deserialize<'de> for Wire<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ImageVisitor).map(Wire)
    }
}

struct ImageVisitor;

impl<'de> Visitor<'de> for ImageVisitor {
    type Value = Image<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Image<'de>, M::Error> {
        let mut image = Image {
            properties: Vec::with_capacity(24),
            ..Image::default()
        };
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "id" => image.id = text(&mut map)?.unwrap_or_default(),
                "name" => image.name = text(&mut map)?,
                "status" => {
                    let word = text(&mut map)?;
                    image.status = word.map_or(Status::Other, |word| Status::from_word(&word));
                }
                "visibility" => image.visibility = text(&mut map)?,
                "protected" => image.protected = flag(&mut map)?,
                "os_hidden" => image.os_hidden = flag(&mut map)?,
                "owner" => image.owner = text(&mut map)?,
                "size" => image.size = number(&mut map)?.map_or(Size::Null, Size::Bytes),
                "virtual_size" => image.virtual_size = number(&mut map)?,
                "min_ram" => image.min_ram = number(&mut map)?.unwrap_or(0),
                "min_disk" => image.min_disk = number(&mut map)?.unwrap_or(0),
                "checksum" => image.checksum = text(&mut map)?,
                "os_hash_algo" => image.os_hash_algo = text(&mut map)?,
                "os_hash_value" => image.os_hash_value = text(&mut map)?,
                "container_format" => image.container_format = text(&mut map)?,
                "disk_format" => image.disk_format = text(&mut map)?,
                "created_at" => image.created_at = text(&mut map)?,
                "updated_at" => image.updated_at = text(&mut map)?,
                "tags" => image.tags = Some(map.next_value()?),
                "direct_url" => image.direct_url = Some(map.next_value()?),
                "locations" => image.locations = Some(map.next_value()?),
                "stores" => image.stores = Some(map.next_value()?),
                // Minted anew by whoever writes an image.
                "self" | "file" | "schema" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    let value: &'de RawValue = map.next_value()?;
                    image.properties.push((name, Value::Raw(value)));
                }
            }
        }
        Ok(image)
    }
}

fn text<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<Cow<'de, str>>, M::Error> {
    map.next_value::<Text<'de>>().map(|Text(value)| value)
}

fn number<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<i64>, M::Error> {
    map.next_value::<Number>().map(|Number(value)| value)
}

fn flag<'de, M: MapAccess<'de>>(map: &mut M) -> Result<bool, M::Error> {
    let Text(value) = map.next_value()?;
    Ok(value.is_some_and(|word| word.eq_ignore_ascii_case("true")))
}

/// A whole number, or text that is one; a fraction is dropped, everything else is absent.
struct Number(Option<i64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<i64>, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<i64>, E> {
        Ok(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a float out of range saturates, which is as near as it gets"
    )]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<i64>, E> {
        Ok(value.is_finite().then_some(value as i64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<i64>, E> {
        let text = text.trim();
        text.parse().map_or_else(
            |_| text.parse().map_or(Ok(None), |value| self.visit_f64(value)),
            |value| Ok(Some(value)),
        )
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Option<i64>, S::Error> {
        IgnoredAny.visit_seq(seq).map(|_| None)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Option<i64>, M::Error> {
        IgnoredAny.visit_map(map).map(|_| None)
    }
}

/// A member's name, borrowed unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(TextVisitor)
            .map(|Text(name)| Self(name.unwrap_or_default()))
    }
}

/// Any value as text: strings as they are, numbers and booleans as written, everything else as absent.
struct Text<'a>(Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(if value {
            "true"
        } else {
            "false"
        }))))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Text<'de>, S::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Text(None))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Text<'de>, M::Error> {
        IgnoredAny.visit_map(map).map(|_| Text(None))
    }
}

#[cfg(test)]
mod tests {
    use super::read;
    use crate::model::{Size, Status};

    #[test]
    fn borrows_and_keeps_the_order_of_properties() {
        let json = r#"{"zeta": "1", "id": "a", "alpha": null, "name": "caf\u00e9", "status": "active", "size": 5,
            "min_ram": 64, "protected": true, "tags": ["x", "y"], "self": "/v2/images/a", "mapping": [{"a": 1}]}"#;
        let image = read(json.as_bytes()).unwrap();
        assert_eq!(image.id, "a");
        assert!(matches!(image.id, std::borrow::Cow::Borrowed(_)));
        assert_eq!(image.name.as_deref(), Some("café"));
        assert_eq!(
            (image.status, image.size, image.min_ram),
            (Status::Active, Size::Bytes(5), 64)
        );
        assert!(image.protected && image.has_tag("y") && !image.has_tag("z"));
        let keys: Vec<_> = image.properties.iter().map(|(key, _)| &**key).collect();
        assert_eq!(keys, ["zeta", "alpha", "mapping"]);
        assert!(image.property("alpha").unwrap().is_null());
        assert_eq!(
            image.property("mapping").unwrap().text().as_deref(),
            Some(r#"[{"a": 1}]"#)
        );
    }

    #[test]
    fn odd_types_are_read_as_what_they_mean() {
        let image = read(
            br#"{"id": 7, "name": 1.5, "status": ["active"], "min_ram": "64", "min_disk": {}, "size": "x", "protected": "True"}"#,
        )
        .unwrap();
        assert_eq!(
            (&*image.id, image.name.as_deref(), image.status),
            ("7", Some("1.5"), Status::Other)
        );
        assert_eq!(
            (image.min_ram, image.min_disk, image.size),
            (64, 0, Size::Null)
        );
        assert!(image.protected);
        assert_eq!(
            read(br#"{"id": "a", "name": null}"#).unwrap().size,
            Size::Absent
        );
    }

    #[test]
    fn what_is_no_image_is_an_error() {
        for bad in [
            &b"{}"[..],
            b"[]",
            b"null",
            b"{\"id\": \"\"}",
            b"{\"id\": \"a\"",
            b"\xff",
            b"{\"id\":\"\xff\"}",
        ] {
            assert!(read(bad).is_err());
        }
    }
}
