//! One image.

use std::borrow::Cow;
use std::ops::Deref;

use super::names::{PropertiesByName, PropertyName};
use super::status::Status;
use crate::json::Json;

/// An image, borrowed from the bytes it was read from.
///
/// Attributes that an upstream left out and attributes that are null are the same `None` (Glance up to 2014.2
/// leaves null attributes out), but for `size`, where Nova tells the two apart. Custom properties keep the order
/// in which they were read.
#[derive(Clone, Debug, Default)]
#[allow(
    missing_docs,
    reason = "each field is the Glance v2 attribute of that name; units are Glance's"
)]
pub struct Image<'a> {
    pub id: Cow<'a, str>,
    pub name: Option<Cow<'a, str>>,
    pub status: Status,
    pub visibility: Option<Cow<'a, str>>,
    pub protected: bool,
    pub os_hidden: bool,
    pub owner: Option<Cow<'a, str>>,
    pub size: Size,
    pub virtual_size: Option<i64>,
    pub min_ram: i64,
    pub min_disk: i64,
    pub checksum: Option<Cow<'a, str>>,
    pub os_hash_algo: Option<Cow<'a, str>>,
    pub os_hash_value: Option<Cow<'a, str>>,
    pub container_format: Option<Cow<'a, str>>,
    pub disk_format: Option<Cow<'a, str>>,
    /// As written by the upstream: ISO 8601, with or without fraction and zone.
    pub created_at: Option<Cow<'a, str>>,
    /// As written by the upstream: ISO 8601, with or without fraction and zone.
    pub updated_at: Option<Cow<'a, str>>,
    /// A JSON array of strings.
    pub tags: Option<Json<'a>>,
    pub direct_url: Option<Json<'a>>,
    pub locations: Option<Json<'a>>,
    pub stores: Option<Json<'a>>,
    /// Everything that is no base attribute, in the order of the upstream's reply.
    pub properties: Properties<'a>,
}

/// Custom properties, in their order.
#[derive(Clone, Debug, Default)]
pub struct Properties<'a> {
    items: Vec<(Cow<'a, str>, Value<'a>)>,
    written: Option<&'a str>,
}

/// The size of an image's data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Size {
    /// The upstream did not say.
    #[default]
    Absent,
    /// The upstream said null: no data yet.
    Null,
    /// Bytes.
    Bytes(i64),
}

/// The value of a custom property.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// JSON text as the upstream wrote it; usually a string, sometimes null, rarely anything else.
    Raw(Json<'a>),
    /// A string that did not come from JSON, or was made here.
    Text(Cow<'a, str>),
}

impl<'a> Image<'a> {
    /// The value of a custom property.
    #[must_use]
    pub fn property(&self, key: &str) -> Option<&Value<'a>> {
        self.properties
            .iter()
            .find(|(name, _)| PropertyName(name) == PropertyName(key))
            .map(|(_, value)| value)
    }

    /// The custom properties by name, for whoever looks up many.
    #[must_use]
    pub fn by_name(&self) -> PropertiesByName<'_, Value<'_>> {
        PropertiesByName::of(&self.properties)
    }

    /// Whether the image carries the tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        let Some(raw) = self.tags else { return false };
        // `Cow` inside a collection cannot borrow, and tags are looked at only where a query names one.
        serde_json::from_str::<Vec<String>>(raw.get())
            .is_ok_and(|tags| tags.iter().any(|is| is == tag))
    }
}

impl<'a> Properties<'a> {
    /// Properties, and the text that they were read from where that is theirs alone: as Python's `json.dumps` writes
    /// them, all of it printable ASCII, `"a": "1", "b": null`.
    #[must_use]
    pub fn read(items: Vec<(Cow<'a, str>, Value<'a>)>, written: Option<&'a str>) -> Self {
        Self { items, written }
    }

    /// That text.
    #[must_use]
    pub fn as_written(&self) -> Option<&'a str> {
        self.written
    }
}

impl<'a> From<Vec<(Cow<'a, str>, Value<'a>)>> for Properties<'a> {
    fn from(items: Vec<(Cow<'a, str>, Value<'a>)>) -> Self {
        Self::read(items, None)
    }
}

impl<'a> FromIterator<(Cow<'a, str>, Value<'a>)> for Properties<'a> {
    fn from_iter<I: IntoIterator<Item = (Cow<'a, str>, Value<'a>)>>(items: I) -> Self {
        Vec::from_iter(items).into()
    }
}

impl<'a> Deref for Properties<'a> {
    type Target = [(Cow<'a, str>, Value<'a>)];

    fn deref(&self) -> &Self::Target {
        &self.items
    }
}

impl Value<'_> {
    /// The value as text: a string's content, another value's JSON; `None` for null.
    #[must_use]
    pub fn text(&self) -> Option<Cow<'_, str>> {
        let raw = match self {
            Self::Text(text) => return Some(Cow::Borrowed(text)),
            Self::Raw(raw) => raw.get(),
        };
        match raw.as_bytes() {
            b"null" => None,
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
                Some(Cow::Borrowed(&raw[1..raw.len() - 1]))
            }
            [b'"', ..] => serde_json::from_str::<String>(raw).ok().map(Cow::Owned),
            _ => Some(Cow::Borrowed(raw)),
        }
    }

    /// Whether the value is JSON null.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Raw(raw) if raw.get() == "null")
    }
}
