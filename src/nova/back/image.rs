//! Reads Nova's image as Glance would show it.
//!
//! The reader understands the detailed view of every release and of vendors: fields may be missing, null, or of odd
//! types. For fields that Nova does not report, fixed rules give a value. Lists, filters and shows use the same rules.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use super::tables::{OWNERS, PRIVATE_TYPES, StatusReading, reading};
use super::{NovaBackend, NovaImageSettings};
use crate::json::Json;
use crate::json::lenient::{Name, Text, number, text};
use crate::model::attributes::is_base_property;
use crate::model::query::Visibility;
use crate::model::{Fault, Image, Reason, Size, Status, Value};

pub(super) mod fit;
mod member;

use member::{Metadata, Server};

/// Reads one element of a detailed list.
pub(super) fn listed<'a>(element: &'a [u8], back: &'a NovaBackend) -> Result<Image<'a>, Fault> {
    let received: ReceivedImage<'a> = parse(element)?;
    received.image(back)
}

/// Reads the reply to a show. A deleted image is answered with 404.
pub(super) fn shown<'a>(body: &'a [u8], back: &'a NovaBackend) -> Result<Image<'a>, Fault> {
    let Wrapped(received) = parse(body)?;
    let image = received.image(back)?;
    if image.status == Status::Deleted {
        let message = format!("No image found with ID {}", image.id);
        return Err(Fault::upstream(
            StatusCode::NOT_FOUND,
            Reason::NoImage,
            message,
        ));
    }
    Ok(image)
}

fn parse<'a, T: Deserialize<'a>>(json: &'a [u8]) -> Result<T, Fault> {
    // One check of the whole text here saves serde_json a check for each string.
    let text = std::str::from_utf8(json).map_err(|error| unreadable(error.to_string()))?;
    serde_json::from_str(text).map_err(|error| unreadable(error.to_string()))
}

fn unreadable(detail: impl Into<String>) -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The compute service sent an image that the proxy cannot read.",
    )
    .with_detail(detail)
}

/// The image as Nova sent it.
#[derive(Default)]
struct ReceivedImage<'a> {
    id: Cow<'a, str>,
    name: Option<Cow<'a, str>>,
    status: Option<Cow<'a, str>>,
    progress: Option<i64>,
    size: Size,
    min_ram: i64,
    min_disk: i64,
    created: Option<Cow<'a, str>>,
    updated: Option<Cow<'a, str>>,
    metadata: Vec<(Cow<'a, str>, Json<'a>)>,
    server: Option<Cow<'a, str>>,
    disk_config: Option<Cow<'a, str>>,
}

impl<'a> ReceivedImage<'a> {
    fn image(self, back: &'a NovaBackend) -> Result<Image<'a>, Fault> {
        if self.id.is_empty() {
            return Err(unreadable("the image has no id"));
        }
        let settings: &'a NovaImageSettings = &back.settings;
        let status = status(self.status.as_deref(), self.progress, self.size, settings);
        let caller = back.caller.as_deref();
        let owner = self.owner();
        let private = self.is_private(owner.as_deref(), caller);
        let owner = owner.or_else(|| caller.filter(|_| private).map(Cow::Borrowed));
        let visibility = if private {
            Visibility::Private
        } else {
            settings.visibility
        };
        let (created_at, updated_at) = fit::times(self.created, self.updated);
        Ok(Image {
            id: self.id,
            name: self.name.map(fit::name),
            status,
            visibility: Some(Cow::Borrowed(visibility.word())),
            owner,
            size: size(self.size, status),
            min_ram: self.min_ram.max(0),
            min_disk: self.min_disk.max(0),
            container_format: settings.container_format.as_deref().map(Cow::Borrowed),
            disk_format: settings.disk_format.as_deref().map(Cow::Borrowed),
            created_at: Some(created_at),
            updated_at: Some(updated_at),
            properties: properties(self.metadata, self.server, self.disk_config.as_deref()).into(),
            ..Image::default()
        })
    }

    /// Whether the image is private to the caller. If owner and caller are both known, it is private if they are the
    /// same; another project's image that the caller can see is not private. Otherwise snapshots and backups count as
    /// the caller's own.
    fn is_private(&self, owner: Option<&str>, caller: Option<&str>) -> bool {
        match (owner, caller) {
            (Some(owner), Some(caller)) => owner == caller,
            _ => self.is_snapshot(),
        }
    }

    fn is_snapshot(&self) -> bool {
        self.server.is_some()
            || self.metadata_text("instance_uuid").is_some()
            || self
                .metadata_text("image_type")
                .is_some_and(|kind| PRIVATE_TYPES.contains(&&*kind))
    }

    fn owner(&self) -> Option<Cow<'a, str>> {
        OWNERS
            .iter()
            .filter_map(|key| self.metadata_text(key))
            .find(|owner| !owner.is_empty() && owner.len() <= fit::MAX_TEXT)
    }

    /// Returns the text of a metadata item, or `None` if there is no such item.
    fn metadata_text(&self, key: &str) -> Option<Cow<'a, str>> {
        let (_, raw) = self.metadata.iter().find(|(name, _)| name == key)?;
        let raw: &'a str = raw.get();
        serde_json::from_str::<Text<'a>>(raw)
            .ok()
            .and_then(|Text(text)| text)
    }
}

fn status(
    word: Option<&str>,
    progress: Option<i64>,
    size: Size,
    settings: &NovaImageSettings,
) -> Status {
    match reading(word.unwrap_or_default()) {
        StatusReading::Is(status) => status,
        StatusReading::AtProgress(at, there, elsewhere) => {
            if progress == Some(at) {
                there
            } else {
                elsewhere
            }
        }
        StatusReading::WithData(with, without) => match size {
            Size::Bytes(1..) => with,
            Size::Bytes(_) | Size::Null | Size::Absent => without,
        },
        StatusReading::Gone if settings.pending_delete => Status::PendingDelete,
        StatusReading::Gone => Status::Deleted,
    }
}

/// Nova writes 0 for null, which is the size of every image that has no data yet.
fn size(received: Size, status: Status) -> Size {
    match received {
        Size::Bytes(0) if status != Status::Active => Size::Null,
        received => received,
    }
}

/// Turns metadata into custom properties. An item with the name of an attribute is left out, because a client would
/// take it for the attribute. Nova derives two fields from properties, the server of a snapshot and whether its disk is
/// partitioned automatically. They become properties again if those are missing.
fn properties<'a>(
    metadata: Vec<(Cow<'a, str>, Json<'a>)>,
    server: Option<Cow<'a, str>>,
    disk_config: Option<&str>,
) -> Vec<(Cow<'a, str>, Value<'a>)> {
    let mut properties: Vec<_> = metadata
        .into_iter()
        .filter(|(key, _)| !is_base_property(key))
        .filter_map(|(key, raw)| fit::property(&key, raw).map(|value| (key, value)))
        .collect();
    let disk_config = match disk_config {
        Some("AUTO") => Some("True"),
        Some("MANUAL") => Some("False"),
        _ => None,
    };
    let derived = [
        ("instance_uuid", server),
        ("auto_disk_config", disk_config.map(Cow::Borrowed)),
    ];
    for (key, value) in derived {
        if let Some(value) = value
            && !properties.iter().any(|(name, _)| name == key)
        {
            properties.push((Cow::Borrowed(key), Value::Text(value)));
        }
    }
    properties
}

impl<'de> Deserialize<'de> for ReceivedImage<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ReceivedImageVisitor)
    }
}

struct ReceivedImageVisitor;

impl<'de> Visitor<'de> for ReceivedImageVisitor {
    type Value = ReceivedImage<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an image object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ReceivedImage<'de>, M::Error> {
        let mut received = ReceivedImage::default();
        while let Some(Name(name)) = map.next_key()? {
            match &*name {
                "id" => received.id = text(&mut map)?.unwrap_or_default(),
                "name" => received.name = text(&mut map)?,
                "status" => received.status = text(&mut map)?,
                "progress" => received.progress = number(&mut map)?,
                "OS-EXT-IMG-SIZE:size" => received.size = fit::size(number(&mut map)?),
                "minRam" => received.min_ram = number(&mut map)?.unwrap_or(0),
                "minDisk" => received.min_disk = number(&mut map)?.unwrap_or(0),
                "created" => received.created = text(&mut map)?,
                "updated" => received.updated = text(&mut map)?,
                "metadata" => {
                    let Metadata(items) = map.next_value()?;
                    received.metadata = items;
                }
                "server" => {
                    let Server(id) = map.next_value()?;
                    received.server = id;
                }
                "OS-DCF:diskConfig" => received.disk_config = text(&mut map)?,
                // Links name the upstream, and Glance has no place for what vendors add.
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(received)
    }
}

/// The reply to a show: `{"image": {...}}`.
struct Wrapped<'a>(ReceivedImage<'a>);

impl<'de> Deserialize<'de> for Wrapped<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(WrappedVisitor).map(Self)
    }
}

struct WrappedVisitor;

impl<'de> Visitor<'de> for WrappedVisitor {
    type Value = ReceivedImage<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with an image")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ReceivedImage<'de>, M::Error> {
        let mut received = None;
        while let Some(Name(name)) = map.next_key()? {
            if name == "image" {
                received = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        received.ok_or_else(|| M::Error::custom("the reply has no member `image`"))
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod round_tests;
