//! Reading of Glance v2's image object.
//!
//! The backend reads it from an upstream's replies, the sandbox's store from its file. The reader borrows text where it
//! can. It is tolerant: an attribute of an unexpected type is read by its obvious meaning (`"64"` is 64) or as absent,
//! so that one image with odd types does not make a list fail. Text that is not JSON or not Unicode is an error,
//! because no Glance writes it.

use crate::json::{Malformed, Run, members};
use crate::model::{Image, Properties, Size, Status, Value};

/// Reads one image object.
///
/// # Errors
/// If the bytes are not UTF-8, are not a JSON object, or the object has no `id`. The text is for the log.
pub fn read(json: &[u8]) -> Result<Image<'_>, String> {
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    let text = text.trim_matches([' ', '\t', '\n', '\r']);
    let (image, length) = read_first(text).map_err(|error| error.to_string())?;
    if length < text.len() {
        return Err(Malformed { at: length }.to_string());
    }
    if image.id.is_empty() {
        return Err("the image has no id".to_owned());
    }
    Ok(image)
}

/// Reads the image object at the beginning of a text, and returns it with its length in bytes. Its `id` may be missing.
///
/// # Errors
/// If the text does not begin with a complete JSON object.
pub(crate) fn read_first(text: &str) -> Result<(Image<'_>, usize), Malformed> {
    let mut image = Image::default();
    let (mut properties, mut run) = (Vec::with_capacity(24), Run::default());
    let object = members(text, |member| {
        let name = member.name()?;
        match &*name {
            "id" => image.id = member.text()?.unwrap_or_default(),
            "name" => image.name = member.text()?,
            "status" => {
                let word = member.text()?;
                image.status = word.map_or(Status::Other, |word| Status::from_word(&word));
            }
            "visibility" => image.visibility = member.text()?,
            "protected" => image.protected = member.flag(),
            "os_hidden" => image.os_hidden = member.flag(),
            "owner" => image.owner = member.text()?,
            "size" => image.size = member.number().map_or(Size::Null, Size::Bytes),
            "virtual_size" => image.virtual_size = member.number(),
            "min_ram" => image.min_ram = member.number().unwrap_or(0),
            "min_disk" => image.min_disk = member.number().unwrap_or(0),
            "checksum" => image.checksum = member.text()?,
            "os_hash_algo" => image.os_hash_algo = member.text()?,
            "os_hash_value" => image.os_hash_value = member.text()?,
            "container_format" => image.container_format = member.text()?,
            "disk_format" => image.disk_format = member.text()?,
            "created_at" => image.created_at = member.text()?,
            "updated_at" => image.updated_at = member.text()?,
            "tags" => image.tags = Some(member.value()),
            "direct_url" => image.direct_url = Some(member.value()),
            "locations" => image.locations = Some(member.value()),
            "stores" => image.stores = Some(member.value()),
            // The responder writes these anew for every image.
            "self" | "file" | "schema" => {}
            _ => {
                run.add(member);
                properties.push((name, Value::Raw(member.value())));
            }
        }
        Ok(())
    })?;
    image.properties = Properties::read(properties, run.text(object));
    Ok((image, object.length))
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
    fn adjacent_properties_keep_their_text() {
        for (json, written) in [
            (
                r#"{"b": "1", "a": null, "id": "i"}"#,
                Some(r#""b": "1", "a": null"#),
            ),
            (r#"{"b": "1", "id": "i", "a": null}"#, None),
            (r#"{"b": "č", "id": "i"}"#, None),
        ] {
            let image = read(json.as_bytes()).unwrap();
            assert_eq!(image.properties.as_written(), written, "{json}");
        }
    }

    #[test]
    fn values_of_odd_types_are_read_by_their_meaning() {
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
    fn text_that_is_not_an_image_is_an_error() {
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
