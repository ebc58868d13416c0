//! An image and its custom properties.

use std::borrow::Cow;
use std::ops::Deref;

use super::names::{PropertiesByName, PropertyName};
use super::status::Status;
use crate::json::Json;

/// An image, borrowed from the bytes it was read from.
///
/// Both an attribute that the upstream left out and a null attribute are `None`, because Glance up to 2014.2 leaves
/// null attributes out. Only `size` distinguishes the two, because Nova does. Custom properties keep the order in which
/// they were read.
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
    /// Every member that is not a base attribute, in the order of the upstream's reply.
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
    /// The upstream left it out.
    #[default]
    Absent,
    /// The upstream sent null: there is no data yet.
    Null,
    /// The size in bytes.
    Bytes(i64),
}

/// The value of a custom property.
#[derive(Clone, Debug)]
pub enum Value<'a> {
    /// JSON text as the upstream wrote it: usually a string, sometimes null, rarely anything else.
    Raw(Json<'a>),
    /// A string that does not come from JSON, or that the proxy made.
    Text(Cow<'a, str>),
}

impl<'a> Image<'a> {
    /// Returns the value of a custom property.
    #[must_use]
    pub(crate) fn property(&self, key: &str) -> Option<&Value<'a>> {
        self.properties
            .iter()
            .find(|(name, _)| PropertyName(name) == PropertyName(key))
            .map(|(_, value)| value)
    }

    /// Indexes the custom properties by name, for looking up many of them.
    #[must_use]
    pub(crate) fn by_name(&self) -> PropertiesByName<'_, Value<'_>> {
        PropertiesByName::of(&self.properties)
    }

    /// Whether the image has the tag.
    #[must_use]
    pub(crate) fn has_tag(&self, tag: &str) -> bool {
        let Some(raw) = self.tags else { return false };
        // `Cow` in a collection cannot borrow, and tags are read only for a query that names one.
        serde_json::from_str::<Vec<String>>(raw.get())
            .is_ok_and(|tags| tags.iter().any(|is| is == tag))
    }
}

impl<'a> Properties<'a> {
    /// Builds properties from their items and, if the properties were adjacent in the JSON, from the text of all of
    /// them. The text must have the form of Python's `json.dumps` and be printable ASCII, such as `"a": "1", "b":
    /// null`.
    #[must_use]
    pub(crate) fn read(items: Vec<(Cow<'a, str>, Value<'a>)>, written: Option<&'a str>) -> Self {
        Self { items, written }
    }

    /// Returns the text of all properties, see [`Properties::read`].
    #[must_use]
    pub(crate) fn as_written(&self) -> Option<&'a str> {
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
    /// Returns the value as text: the content of a string, the JSON of another value, and `None` for null.
    #[must_use]
    pub(crate) fn text(&self) -> Option<Cow<'_, str>> {
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
    pub(crate) fn is_null(&self) -> bool {
        matches!(self, Self::Raw(raw) if raw.get() == "null")
    }
}
