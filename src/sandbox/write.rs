//! Writes: deleting an image, and patching its custom properties.
//!
//! Checks happen in Glance's order: the patch, whether the image exists, whether the caller owns it, each operation,
//! and the number of properties. The image's other attributes cannot be changed.

use std::borrow::Cow;
use std::collections::HashMap;

use http::HeaderMap;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::{Deserialize, Deserializer};
use serde_json::value::{RawValue, to_raw_value};

use super::store::{Held, Store, StoreCaller, StoredProperties};
use super::visible::{owned, visible};
use crate::glance::tables::{OBJECT_ATTRIBUTES, RESERVED_PREFIX, is_base_property};
use crate::model::{Fault, ImageId, Reason, Value};
use crate::webob::python::strip;

/// The media type of a patch.
const PATCH: &str = "application/openstack-images-v2.1-json-patch";

/// The maximum number of custom properties (Glance: `image_property_quota`).
const MAX_PROPERTIES: usize = 128;

/// One operation of a patch, as it was sent.
#[derive(Deserialize)]
struct Raw<'r> {
    #[serde(borrow)]
    op: Cow<'r, str>,
    #[serde(borrow)]
    path: Cow<'r, str>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'r RawValue>,
}

/// Reads a value that is present, which may be null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// One operation on a custom property.
enum Operation {
    Remove(String),
    Add(String, Box<RawValue>),
    Replace(String, Box<RawValue>),
}

/// Deletes an image (`glance/api/v2/images.py`, `delete`).
pub(super) fn delete(store: &mut Store, caller: &StoreCaller, id: &ImageId) -> Result<(), Fault> {
    let held = seen(store, caller, id).ok_or_else(|| {
        let message = format!("Failed to find image {id} to delete");
        Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, message)
    })?;
    may(caller, &held, "delete_image")?;
    if held.image.protected {
        let message = format!("Image {id} is protected and cannot be deleted.");
        return Err(forbidden(message));
    }
    store.remove(id.as_str());
    Ok(())
}

/// Patches an image (`glance/api/v2/images.py`, `update`).
pub(super) fn patch(
    store: &mut Store,
    caller: &StoreCaller,
    id: &ImageId,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), Fault> {
    let operations = read(headers, body)?;
    let held = seen(store, caller, id).ok_or_else(|| {
        let message = format!("No image found with ID {id}");
        Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, message)
    })?;
    may(caller, &held, "modify_image")?;
    let mut patched = Patched::new(properties(&held));
    let before = patched.items.len();
    for operation in operations {
        patched.apply(operation)?;
    }
    let properties = patched.into_properties();
    let counted = properties
        .iter()
        .filter(|(key, _)| !key.starts_with(RESERVED_PREFIX));
    let count = counted.count();
    if count > MAX_PROPERTIES && properties.len() > before {
        let message = format!(
            "The limit has been exceeded on the number of allowed image properties. Attempted: {count}, Maximum: \
             {MAX_PROPERTIES}"
        );
        return Err(Fault::client(
            StatusCode::PAYLOAD_TOO_LARGE,
            Reason::PropertyQuota,
            message,
        ));
    }
    store.set_properties(id.as_str(), properties);
    Ok(())
}

fn seen<'s>(store: &'s Store, caller: &StoreCaller, id: &ImageId) -> Option<Held<'s>> {
    store
        .image(id.as_str())
        .filter(|held| visible(caller, held))
}

/// Checks the default policies: only the owner's project and administrators may write, and of these only callers who
/// are not readers.
fn may(caller: &StoreCaller, held: &Held<'_>, action: &str) -> Result<(), Fault> {
    if caller.admin || (owned(caller, held) && !caller.reader) {
        return Ok(());
    }
    Err(forbidden(format!(
        "You are not authorized to complete {action} action."
    )))
}

/// Copies an image's custom properties for editing.
fn properties(held: &Held<'_>) -> StoredProperties {
    let own = |value: &Value<'_>| match value {
        Value::Raw(json) => json.to_raw(),
        Value::Text(text) => to_raw_value(text).unwrap_or_else(|_| RawValue::NULL.to_owned()),
    };
    let held = held.image.properties.iter();
    held.map(|(key, value)| (key.to_string(), own(value)))
        .collect()
}

/// An image's custom properties while they are patched. An empty slot is a removed property.
struct Patched {
    items: Vec<Option<(String, Box<RawValue>)>>,
    places: HashMap<String, usize>,
}

impl Patched {
    fn new(properties: StoredProperties) -> Self {
        let keys = properties.iter().zip(0..);
        Self {
            places: keys.map(|((key, _), at)| (key.clone(), at)).collect(),
            items: properties.into_iter().map(Some).collect(),
        }
    }

    fn apply(&mut self, operation: Operation) -> Result<(), Fault> {
        match operation {
            Operation::Add(key, value) => {
                let at = *self.places.entry(key.clone()).or_insert(self.items.len());
                match self.items.get_mut(at) {
                    Some(held) => *held = Some((key, value)),
                    None => self.items.push(Some((key, value))),
                }
            }
            Operation::Replace(key, value) => {
                let at = self.places.get(&key).copied();
                let held = at.and_then(|at| self.items.get_mut(at));
                let held = held.ok_or_else(|| missing(&key))?;
                *held = Some((key, value));
            }
            Operation::Remove(key) => {
                let at = self.places.remove(&key);
                let held = at.and_then(|at| self.items.get_mut(at));
                *held.ok_or_else(|| missing(&key))? = None;
            }
        }
        Ok(())
    }

    fn into_properties(self) -> StoredProperties {
        self.items.into_iter().flatten().collect()
    }
}

fn missing(key: &str) -> Fault {
    Fault::client(
        StatusCode::CONFLICT,
        Reason::NoProperty,
        format!("Property {key} does not exist."),
    )
}

fn read(headers: &HeaderMap, body: &[u8]) -> Result<Vec<Operation>, Fault> {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    if kind != Some(PATCH) {
        return Err(Fault::client(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Reason::BadBody,
            format!("Image PATCH expects Content-Type one of: {PATCH}"),
        ));
    }
    let raw: Vec<Raw<'_>> = serde_json::from_slice(body)
        .map_err(|_| bad("Request body must be a JSON array of operation objects.".to_owned()))?;
    raw.into_iter().map(operation).collect()
}

fn operation(raw: Raw<'_>) -> Result<Operation, Fault> {
    let Raw { op, path, value } = raw;
    let key = member(&path)?;
    if OBJECT_ATTRIBUTES.contains(&&*key) || key.starts_with(RESERVED_PREFIX) {
        return Err(forbidden(format!("Attribute '{key}' is reserved.")));
    }
    if is_base_property(&key) {
        return Err(forbidden(format!("Attribute '{key}' is read-only.")));
    }
    if op == "remove" {
        return Ok(Operation::Remove(key));
    }
    let value = value.ok_or_else(|| {
        bad(format!(
            "Operation \"{op}\" requires a member named \"value\"."
        ))
    })?;
    text(&key, value)?;
    match &*op {
        "add" => Ok(Operation::Add(key, value.to_owned())),
        "replace" => Ok(Operation::Replace(key, value.to_owned())),
        _ => Err(bad(format!(
            "Invalid operation: `{op}`. It must be one of the following: add, remove, replace."
        ))),
    }
}

/// Returns the member that a pointer names, without spaces around it (`_decode_json_pointer`).
fn member(path: &str) -> Result<String, Fault> {
    let Some(name) = path.strip_prefix('/') else {
        return Err(bad(format!("Pointer `{path}` does not start with \"/\".")));
    };
    if name.contains('/') {
        return Err(bad(format!(
            "Invalid JSON pointer for this resource: '{path}'"
        )));
    }
    Ok(strip(&name.replace("~1", "/").replace("~0", "~")).to_owned())
}

/// The custom properties that the schema allows to be null.
const NULLABLE: [&str; 2] = ["kernel_id", "ramdisk_id"];

/// Checks a value: it must be a string, and MySQL's `utf8` cannot store four-byte characters (`no_4byte_params`).
fn text(key: &str, value: &RawValue) -> Result<(), Fault> {
    if value.get() == "null" && NULLABLE.contains(&key) {
        return Ok(());
    }
    let Ok(text) = serde_json::from_str::<String>(value.get()) else {
        let value = value.get();
        return Err(bad(format!(
            "Provided object does not match schema 'image': {value} is not of type 'string'"
        )));
    };
    if text.chars().chain(key.chars()).any(|c| c.len_utf8() == 4) {
        return Err(bad(
            "Property names and values can't contain 4 byte unicode.".to_owned(),
        ));
    }
    Ok(())
}

fn bad(message: String) -> Fault {
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadBody, message)
}

fn forbidden(message: String) -> Fault {
    Fault::client(StatusCode::FORBIDDEN, Reason::UpstreamRefused, message)
}
