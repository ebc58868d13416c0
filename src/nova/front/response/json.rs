//! Images in JSON, in Nova's form (`nova/api/openstack/compute/views/images.py`).

use bytes::{BufMut, BytesMut};

use super::links::Links;
use super::{text, values};
use crate::model::{Image, SentValue, Size, Value};
use crate::nova::compat::Compat;
use crate::nova::tables;

/// The settings and links that a view needs besides the image.
#[derive(Clone, Copy)]
pub(crate) struct JsonViews<'f> {
    pub compat: &'f Compat,
    pub links: &'f Links,
}

impl JsonViews<'_> {
    /// Writes an image of a brief list.
    pub(crate) fn brief(self, out: &mut BytesMut, image: &Image<'_>) {
        identity(out, image);
        out.extend_from_slice(b", \"links\": ");
        self.links.image(out, &image.id);
        out.put_u8(b'}');
    }

    /// Writes an image with all fields.
    pub(crate) fn detailed(self, out: &mut BytesMut, image: &Image<'_>) {
        identity(out, image);
        out.extend_from_slice(b", \"minRam\": ");
        text::number(out, image.min_ram);
        out.extend_from_slice(b", \"minDisk\": ");
        text::number(out, image.min_disk);
        out.extend_from_slice(b", \"metadata\": ");
        self.metadata(out, image);
        out.extend_from_slice(b", \"created\": ");
        self.time(out, image.created_at.as_deref());
        out.extend_from_slice(b", \"updated\": ");
        self.time(out, image.updated_at.as_deref());
        let (status, progress) = tables::shown(image.status);
        out.extend_from_slice(b", \"status\": ");
        text::string(out, status);
        out.extend_from_slice(b", \"progress\": ");
        text::number(out, progress.into());
        if self.compat.extension_size {
            out.extend_from_slice(b", \"OS-EXT-IMG-SIZE:size\": ");
            self.size(out, image.size);
        }
        out.extend_from_slice(b", \"links\": ");
        self.links.image(out, &image.id);
        self.server(out, image);
        if self.compat.extension_disk_config {
            self.disk_config(out, image);
        }
        out.put_u8(b'}');
    }

    /// Writes all metadata of an image.
    pub(crate) fn metadata(self, out: &mut BytesMut, image: &Image<'_>) {
        out.put_u8(b'{');
        if let Some(written) = values::as_written(self.compat, &image.properties) {
            out.extend_from_slice(written.as_bytes());
        } else {
            for (index, (key, value)) in image.properties.iter().enumerate() {
                if index > 0 {
                    out.extend_from_slice(b", ");
                }
                self.item(out, key, value);
            }
        }
        out.put_u8(b'}');
    }

    /// Writes one item of metadata, without braces.
    pub(crate) fn item(self, out: &mut BytesMut, key: &str, value: &Value<'_>) {
        text::string(out, key);
        out.extend_from_slice(b": ");
        match values::held_json(self.compat, key, value) {
            Some(held) => text::raw(out, held.trim()),
            None => plain(out, value),
        }
    }

    /// Writes metadata that was written: texts as they were sent, other values as the image has them now.
    pub(crate) fn written(
        self,
        out: &mut BytesMut,
        items: &[(String, SentValue)],
        image: &Image<'_>,
    ) {
        let properties = image.by_name();
        out.put_u8(b'{');
        for (index, (key, wanted)) in items.iter().enumerate() {
            if index > 0 {
                out.extend_from_slice(b", ");
            }
            if let (SentValue::Json { .. }, Some(value)) = (wanted, properties.get(key)) {
                self.item(out, key, value);
                continue;
            }
            text::string(out, key);
            out.extend_from_slice(b": ");
            match wanted.value() {
                Some(plain) => text::string(out, plain),
                None => out.extend_from_slice(b"null"),
            }
        }
        out.put_u8(b'}');
    }

    fn time(self, out: &mut BytesMut, written: Option<&str>) {
        match written {
            Some(written) => text::string(out, &values::time(self.compat, written)),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn size(self, out: &mut BytesMut, is: Size) {
        match values::size(self.compat, is) {
            Some(bytes) => text::number(out, bytes),
            None => out.extend_from_slice(b"null"),
        }
    }

    fn disk_config(self, out: &mut BytesMut, image: &Image<'_>) {
        if let Some(word) = values::disk_config(self.compat, image) {
            out.extend_from_slice(b", \"OS-DCF:diskConfig\": ");
            text::string(out, word);
        }
    }

    /// Writes the server of which the image is a snapshot, if it is one.
    fn server(self, out: &mut BytesMut, image: &Image<'_>) {
        let Some(value) = image.property("instance_uuid") else {
            return;
        };
        let Some(id) = value.text() else { return };
        out.extend_from_slice(b", \"server\": {\"id\": ");
        plain(out, value);
        out.extend_from_slice(b", \"links\": ");
        self.links.server(out, &id);
        out.put_u8(b'}');
    }
}

/// Writes the beginning that every view shares.
fn identity(out: &mut BytesMut, image: &Image<'_>) {
    out.extend_from_slice(b"{\"id\": ");
    text::string(out, &image.id);
    out.extend_from_slice(b", \"name\": ");
    match &image.name {
        Some(name) => text::string(out, name),
        None => out.extend_from_slice(b"null"),
    }
}

fn plain(out: &mut BytesMut, value: &Value<'_>) {
    match value {
        Value::Raw(raw) => text::raw(out, raw.get()),
        Value::Text(plain) => text::string(out, plain),
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::sync::Arc;

    use bytes::BytesMut;
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::JsonViews;
    use crate::json::{self, Run};
    use crate::model::{Image, Properties, Size, Status, Value};
    use crate::nova::compat::{AlternateStyle, Compat, Release};
    use crate::nova::encoding::Encoding;
    use crate::nova::front::NovaContext;
    use crate::nova::front::request::path::Place;
    use crate::nova::front::response::links::Links;
    use crate::nova::front::response::text;
    use crate::nova::tables::FIELDS;

    fn compat() -> Compat {
        Compat {
            alternate_style: AlternateStyle::None,
            ..Compat::default()
        }
    }

    fn written(compat: Compat, write: impl FnOnce(JsonViews<'_>, &mut BytesMut)) -> String {
        let context = NovaContext {
            base: "http://h".to_owned(),
            compat: Arc::new(compat),
            caller: None,
        };
        let place = Place {
            version: "v2",
            project: Some("A"),
        };
        let links = Links::new(&context, place, Encoding::Json);
        let mut out = BytesMut::new();
        let views = JsonViews {
            compat: &context.compat,
            links: &links,
        };
        write(views, &mut out);
        assert!(out.is_ascii());
        String::from_utf8(out.to_vec()).unwrap()
    }

    fn detailed(image: &Image<'_>) -> String {
        written(compat(), |views, out| views.detailed(out, image))
    }

    /// The detailed view of an image with one property.
    fn with(key: &str, value: &str) -> Json {
        let raw = serde_json::from_str(value).unwrap();
        let mut image = image();
        image.properties = vec![(Cow::Borrowed(key), Value::Raw(raw))].into();
        serde_json::from_str(&detailed(&image)).unwrap()
    }

    fn image() -> Image<'static> {
        Image {
            id: Cow::Borrowed("x"),
            name: Some(Cow::Borrowed("n")),
            status: Status::Active,
            size: Size::Bytes(1024),
            min_ram: 64,
            min_disk: 1,
            created_at: Some(Cow::Borrowed("2024-01-01T00:00:00Z")),
            updated_at: Some(Cow::Borrowed("2024-02-01T00:30:15.5Z")),
            ..Image::default()
        }
    }

    #[test]
    fn detailed_and_brief_images_are_written_byte_for_byte() {
        assert_eq!(
            detailed(&image()),
            concat!(
                r#"{"id": "x", "name": "n", "minRam": 64, "minDisk": 1, "metadata": {}, "created": "2024-01-01T00:00:00Z", "#,
                r#""updated": "2024-02-01T00:30:15Z", "status": "ACTIVE", "progress": 100, "OS-EXT-IMG-SIZE:size": 1024, "#,
                r#""links": [{"rel": "self", "href": "http://h/v2/A/images/x"}, {"rel": "bookmark", "href": "http://h/A/images/x"}]}"#,
            )
        );
        assert_eq!(
            written(compat(), |views, out| views.brief(out, &image())),
            concat!(
                r#"{"id": "x", "name": "n", "#,
                r#""links": [{"rel": "self", "href": "http://h/v2/A/images/x"}, {"rel": "bookmark", "href": "http://h/A/images/x"}]}"#,
            )
        );
    }

    #[test]
    fn fields_are_in_the_order_of_the_table() {
        let mut image = image();
        let keys = ["instance_uuid", "auto_disk_config"].into_iter();
        let property = |key| (Cow::Borrowed(key), Value::Text(Cow::Borrowed("true")));
        image.properties = keys.map(property).collect();
        let text = detailed(&image);
        let places: Vec<_> = FIELDS
            .iter()
            .map(|field| text.rfind(&format!(", \"{}\": ", field.name)).unwrap_or(0))
            .collect();
        // "links" and "id" also occur inside "server", so the order of "links" and "server" is checked separately.
        let (server, links) = (places[11], text.find(", \"links\": ").unwrap());
        assert!(places[9] < links && links < server && server < places[12]);
        let mut rest: Vec<_> = places[1..10].to_vec();
        rest.sort_unstable();
        assert_eq!(rest, places[1..10]);
        let object: serde_json::Map<String, Json> = serde_json::from_str(&text).unwrap();
        assert_eq!(object.len(), FIELDS.len());
    }

    #[test]
    fn absent_values_are_null_or_defaults() {
        let bare: Json = serde_json::from_str(&detailed(&Image {
            id: Cow::Borrowed("x"),
            ..Image::default()
        }))
        .unwrap();
        for field in ["name", "created", "updated", "OS-EXT-IMG-SIZE:size"] {
            assert_eq!(bare[field], Json::Null, "{field}");
        }
        assert_eq!(
            (&bare["minRam"], &bare["status"]),
            (&json!(0), &json!("UNKNOWN"))
        );
        assert!(bare.get("server").is_none() && bare.get("OS-DCF:diskConfig").is_none());
        let queued = Image {
            size: Size::Null,
            ..image()
        };
        assert!(detailed(&queued).contains(r#""OS-EXT-IMG-SIZE:size": 0"#));
    }

    #[test]
    fn metadata_values_are_passed_on_unchanged() {
        for value in [
            r#""""#,
            "null",
            "5",
            "1.5",
            "true",
            "[1]",
            r#"{"a": 1}"#,
            r#""čé""#,
        ] {
            let expected: Json = serde_json::from_str(value).unwrap();
            assert_eq!(with("p", value)["metadata"], json!({"p": expected}));
        }
    }

    #[test]
    fn mappings_are_decoded_when_they_hold_json() {
        for (value, shown) in [
            (r#""[{\"boot_index\": 0}]""#, json!([{"boot_index": 0}])),
            (r#"" {\"é\": \"\\u00e9\"} ""#, json!({"é": "é"})),
            (r#""""#, json!("")),
            (r#""{not json""#, json!("{not json")),
            (r#""[1] x""#, json!("[1] x")),
            ("[1]", json!([1])),
            ("null", json!(null)),
        ] {
            for key in ["block_device_mapping", "mappings"] {
                assert_eq!(with(key, value)["metadata"][key], shown, "{value}");
            }
        }
        let text = Value::Text(Cow::Borrowed("[1]"));
        let keep = Compat {
            decode_mappings: false,
            ..compat()
        };
        let kept = written(keep, |views, out| views.item(out, "mappings", &text));
        assert_eq!(kept, r#""mappings": "[1]""#);
        let decoded = written(compat(), |views, out| views.item(out, "mappings", &text));
        assert_eq!(decoded, r#""mappings": [1]"#);
    }

    #[test]
    fn snapshots_name_their_server() {
        let server = &with("instance_uuid", r#""aaaa""#)["server"];
        assert_eq!(server["id"], "aaaa");
        assert_eq!(server["links"][0]["href"], "http://h/v2/A/servers/aaaa");
        let number = &with("instance_uuid", "5")["server"];
        assert_eq!(number["id"], 5);
        assert_eq!(number["links"][1]["href"], "http://h/A/servers/5");
        assert_eq!(with("instance_uuid", r#""""#)["server"]["id"], "");
        assert!(with("instance_uuid", "null").get("server").is_none());
    }

    #[test]
    fn disk_config_reads_a_boolean_as_oslo_does() {
        for (value, shown) in [
            (r#"" TRUE ""#, "AUTO"),
            (r#""Y""#, "AUTO"),
            (r#""on""#, "AUTO"),
            ("true", "AUTO"),
            ("1", "AUTO"),
            (r#""Disabled""#, "MANUAL"),
            (r#""2""#, "MANUAL"),
            (r#""""#, "MANUAL"),
        ] {
            let written = with("auto_disk_config", value);
            assert_eq!(written["OS-DCF:diskConfig"], shown, "{value}");
        }
        assert!(
            with("auto_disk_config", "null")
                .get("OS-DCF:diskConfig")
                .is_none()
        );
    }

    #[test]
    fn icehouse_shows_nulls_and_utc() {
        let mut image = Image {
            size: Size::Null,
            updated_at: Some(Cow::Borrowed("2024-02-01T00:30:15.5+02:00")),
            ..image()
        };
        let null = serde_json::value::to_raw_value(&Json::Null).unwrap();
        let property = (
            Cow::Borrowed("auto_disk_config"),
            Value::Raw((&*null).into()),
        );
        image.properties = vec![property].into();
        let by = |release| {
            let text = written(Compat::of(release), |views, out| {
                views.detailed(out, &image);
            });
            serde_json::from_str::<Json>(&text).unwrap()
        };
        let (old, new) = (by(Release::Icehouse), by(Release::Modern));
        for (field, then, now) in [
            ("OS-EXT-IMG-SIZE:size", json!(null), json!(0)),
            ("OS-DCF:diskConfig", json!("MANUAL"), json!(null)),
            (
                "updated",
                json!("2024-01-31T22:30:15Z"),
                json!("2024-02-01T00:30:15+02:00"),
            ),
        ] {
            assert_eq!((&old[field], &new[field]), (&then, &now), "{field}");
        }
        assert_eq!(by(Release::Kilo)["OS-EXT-IMG-SIZE:size"], Json::Null);
    }

    #[test]
    fn extensions_can_be_left_out() {
        let mut image = image();
        let value = Value::Text(Cow::Borrowed("true"));
        image.properties = vec![(Cow::Borrowed("auto_disk_config"), value)].into();
        let bare = Compat {
            extension_size: false,
            extension_disk_config: false,
            ..compat()
        };
        let text = written(bare, |views, out| views.detailed(out, &image));
        assert!(!text.contains("OS-"));
    }

    proptest! {
        /// Copying the properties unchanged gives the same bytes as writing them one by one.
        #[test]
        fn properties_are_copied_only_if_that_makes_no_difference(
            properties in proptest::collection::vec(("k[a-z]{1,4}|\\PC{0,5}|mappings", "\\PC{0,9}|[\\x00-\\x7f]{0,9}|\\[1\\]"), 0..6),
            between in "(, )|(, )|(, )|( ?,\n?)",
            colon in "(: )|(: )|(: )|( ?:\n?)",
            is_ascii: bool,
        ) {
            let quoted = |text: &str| {
                let mut out = BytesMut::new();
                if is_ascii {
                    text::string(&mut out, text);
                    String::from_utf8(out.to_vec()).unwrap()
                } else {
                    serde_json::to_string(text).unwrap()
                }
            };
            let members = properties.iter().map(|(key, value)| format!("{}{colon}{}", quoted(key), quoted(value)));
            let members = members.collect::<Vec<_>>().join(&between);
            let all = format!("{{{members}}}");
            let (mut items, mut run) = (Vec::new(), Run::default());
            let object = json::members(&all, |member| {
                run.add(member);
                items.push((member.name()?, Value::Raw(member.value())));
                Ok(())
            });
            let written = run.text(object.unwrap());
            let shown = |written| {
                let properties = Properties::read(items.clone(), written);
                detailed(&Image { properties, ..image() })
            };
            prop_assert_eq!(shown(written), shown(None));
            let is_plain = is_ascii && between == ", " && colon == ": ";
            let no_names_escaped = properties.iter().all(|(key, _)| quoted(key).len() == key.len() + 2);
            if is_plain && no_names_escaped {
                prop_assert_eq!(written, Some(&*members));
            }
        }

        #[test]
        fn images_are_written_as_json_in_ascii(
            id in "\\PC{0,9}",
            name in proptest::option::of("\\PC*|[\\x00-\\x7f]{0,9}"),
            updated in proptest::option::of("\\PC{0,20}"),
            key in "\\PC{0,9}|instance_uuid|mappings|auto_disk_config",
            value in "\\PC{0,20}",
            number in any::<i64>(),
        ) {
            let raw = serde_json::value::to_raw_value(&value).unwrap();
            let image = Image {
                id: Cow::Borrowed(&id),
                name: name.as_deref().map(Cow::Borrowed),
                updated_at: updated.as_deref().map(Cow::Borrowed),
                size: Size::Bytes(number),
                properties: vec![(Cow::Borrowed(&*key), Value::Raw((&*raw).into()))].into(),
                ..Image::default()
            };
            let json: Json = serde_json::from_str(&detailed(&image)).unwrap();
            prop_assert_eq!(&json["id"], &json!(id));
            prop_assert_eq!(&json["name"], &json!(name));
            prop_assert_eq!(&json["OS-EXT-IMG-SIZE:size"], &json!(number));
            if key != "mappings" {
                prop_assert_eq!(&json["metadata"][&key], &json!(value));
            }
        }
    }
}
