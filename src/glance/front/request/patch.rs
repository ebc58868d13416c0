//! The body of `PATCH /v2/images/{id}`: a JSON patch in the draft that its media type names.
//!
//! The order of checks and the messages are Glance's (`glance/api/v2/images.py`, `RequestDeserializer.update`). A
//! change of an attribute that Nova cannot make is refused with the attribute's name, because Nova can change custom
//! properties only.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::pointer;
use crate::glance::tables::{SCHEMA_PROPERTIES, is_reserved, lookup};
pub(crate) use crate::model::attribute_step::{AttributeStep, WantedValue};
use crate::model::attributes::{ID_PROPERTIES, is_base_property, is_uuid};
pub(crate) use crate::model::steps::{Step, Steps as Patch};
use crate::model::{Fault, Reason};
use crate::webob::python::PyJson;

/// The media types of a patch, with the draft of JSON patch that each one stands for.
pub(crate) const MEDIA_TYPES: &[(&str, PatchDraft)] = &[
    (
        "application/openstack-images-v2.0-json-patch",
        PatchDraft::Four,
    ),
    (
        "application/openstack-images-v2.1-json-patch",
        PatchDraft::Ten,
    ),
];

/// A draft of JSON patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PatchDraft {
    /// `{"add": "/key", "value": "..."}`. Adding a property that exists is an error.
    Four,
    /// `{"op": "add", "path": "/key", "value": "..."}`. Adding a property that exists overwrites it.
    Ten,
}

/// Returns the draft that the request's media type names.
///
/// # Errors
/// 415 for a missing or any other media type.
pub(crate) fn draft(headers: &HeaderMap) -> Result<PatchDraft, Fault> {
    let given = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let given = given.map(|value| value.split(';').next().unwrap_or_default().trim());
    if let Some(draft) = given.and_then(|given| lookup(MEDIA_TYPES, given)) {
        return Ok(draft);
    }
    let known: Vec<_> = MEDIA_TYPES.iter().map(|(name, _)| *name).collect();
    let known = known.join(", ");
    let given = match given {
        Some(given) => format!("The request media type {given} is not supported by this server."),
        None => "The request names no media type.".to_owned(),
    };
    Err(Fault::client(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::MediaType,
        format!("{given}\nImage PATCH expects Content-Type one of: {known}"),
    ))
}

/// The value of `Accept-Patch` in a 415.
pub(crate) const ACCEPT_PATCH: &str =
    "application/openstack-images-v2.0-json-patch, application/openstack-images-v2.1-json-patch";

/// Reads the body of a patch.
///
/// # Errors
/// 400 if it is not a patch of that draft or a property cannot hold its value; 403 for an attribute that the client may
/// not change.
pub(crate) fn read(draft: PatchDraft, body: &[u8]) -> Result<Patch, Fault> {
    if body.is_empty() {
        return Err(bad("Body expected in request."));
    }
    let steps = match PyJson::read(body) {
        Some(PyJson::List(steps)) => steps,
        Some(PyJson::Object(_)) => {
            return Err(bad(
                "Request body must be a JSON array of operation objects.",
            ));
        }
        Some(_) => return Err(bad("Unexpected body type. Expected list/dict.")),
        None => return Err(bad("Malformed JSON in request body.")),
    };
    let mut patch = Patch::default();
    for raw in &steps {
        match step(draft, raw)? {
            Read::Property(step) => patch.properties.push(step),
            Read::Attribute(step) => patch.attributes.push(step),
        }
    }
    Ok(patch)
}

/// One step, already checked.
enum Read {
    Property(Step),
    Attribute(AttributeStep),
}

fn step(draft: PatchDraft, raw: &PyJson) -> Result<Read, Fault> {
    let PyJson::Object(members) = raw else {
        return Err(bad("Operations must be JSON objects."));
    };
    let members = Members(members);
    let (op, pointer) = match draft {
        PatchDraft::Four => four(&members)?,
        PatchDraft::Ten => ten(&members)?,
    };
    let path = pointer::read(&pointer.plain()).map_err(bad)?;
    let root = path.first().map(String::as_str).unwrap_or_default();
    if path.len() != 1 && root != "locations" {
        let path = path.join("/");
        return Err(bad(format!(
            "Invalid JSON pointer for this resource: '/{path}'"
        )));
    }
    let value = match op {
        Op::Remove => None,
        Op::Add | Op::Replace => Some(members.get("value").ok_or_else(|| {
            bad(format!(
                "Operation \"{}\" requires a member named \"value\".",
                op.word()
            ))
        })?),
    };
    if SETTABLE.contains(&root) {
        let wanted = match (op, draft, value) {
            (Op::Add, PatchDraft::Four, _) => WantedValue::New,
            (_, _, Some(value)) => wanted(value),
            (_, _, None) => WantedValue::Gone,
        };
        let name = root.to_owned();
        return Ok(Read::Attribute(AttributeStep { name, wanted }));
    }
    if is_base_property(root) {
        return Err(forbidden(format!("Attribute '{root}' is read-only.")));
    }
    if is_reserved(root) {
        return Err(forbidden(format!("Attribute '{root}' is reserved.")));
    }
    let key = root.to_owned();
    let Some(value) = value else {
        return Ok(Read::Property(Step::Remove(key)));
    };
    let value = text(root, value)?;
    Ok(Read::Property(match (op, draft) {
        (Op::Replace, _) => Step::Replace(key, value),
        (_, PatchDraft::Four) => Step::Create(key, value),
        (_, PatchDraft::Ten) => Step::Set(key, value),
    }))
}

/// The attributes that Glance lets clients change. Whether a step changes one is decided when the image is known.
const SETTABLE: &[&str] = &[
    "name",
    "visibility",
    "protected",
    "os_hidden",
    "owner",
    "tags",
    "container_format",
    "disk_format",
    "min_ram",
    "min_disk",
];

fn wanted(value: &PyJson) -> WantedValue {
    match value {
        PyJson::Null => WantedValue::Null,
        PyJson::Bool(flag) => WantedValue::Flag(*flag),
        PyJson::Number(written) => written
            .parse()
            .map_or(WantedValue::Other, WantedValue::Number),
        PyJson::Text(text) => WantedValue::Text(text.clone()),
        PyJson::List(items) => {
            let texts = items.iter().map(|item| match item {
                PyJson::Text(text) => Some(text.clone()),
                _ => None,
            });
            texts
                .collect::<Option<_>>()
                .map_or(WantedValue::Other, WantedValue::Texts)
        }
        PyJson::Object(_) => WantedValue::Other,
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Op {
    Add,
    Remove,
    Replace,
}

const OPS: &[(&str, Op)] = &[
    ("add", Op::Add),
    ("remove", Op::Remove),
    ("replace", Op::Replace),
];

impl Op {
    fn word(self) -> &'static str {
        crate::glance::tables::word(OPS, &self)
    }
}

struct Members<'j>(&'j [(String, PyJson)]);

impl<'j> Members<'j> {
    fn get(&self, name: &str) -> Option<&'j PyJson> {
        self.0
            .iter()
            .find(|(is, _)| is == name)
            .map(|(_, value)| value)
    }
}

/// Reads operation and pointer of `{"op": "add", "path": "/key"}`.
fn ten<'j>(members: &Members<'j>) -> Result<(Op, &'j PyJson), Fault> {
    const KNOWN: &str = "It must be one of the following: add, remove, replace.";
    let op = members.get("op").ok_or_else(|| {
        bad(format!(
            "Unable to find `op` in JSON Schema change. {KNOWN}"
        ))
    })?;
    let known = match op {
        PyJson::Text(word) => lookup(OPS, word),
        _ => None,
    };
    let known =
        known.ok_or_else(|| bad(format!("Invalid operation: `{}`. {KNOWN}", op.plain())))?;
    let path = members
        .get("path")
        .ok_or_else(|| bad("Unable to find 'path' in JSON Schema change"))?;
    Ok((known, path))
}

/// Reads operation and pointer of `{"add": "/key"}`.
fn four<'j>(members: &Members<'j>) -> Result<(Op, &'j PyJson), Fault> {
    let mut found = OPS
        .iter()
        .filter_map(|(word, op)| Some((*op, members.get(word)?)));
    match (found.next(), found.next()) {
        (Some(found), None) => Ok(found),
        (Some(_), Some(_)) => Err(bad(
            "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".",
        )),
        _ => Err(bad(
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
        )),
    }
}

/// Returns the text for a custom property. The schema allows an id or null in two of them, but Nova's metadata cannot
/// store null.
fn text(key: &str, value: &PyJson) -> Result<String, Fault> {
    let is_id = ID_PROPERTIES.contains(&key);
    let wrong = match value {
        PyJson::Text(text) if is_id && !is_uuid(text) => {
            format!("{} does not match '{UUID}'", value.repr())
        }
        PyJson::Text(text) => return Ok(text.clone()),
        PyJson::Null if is_id => {
            return Err(bad(format!(
                "Property {key} cannot be null in Nova's image metadata."
            )));
        }
        _ if is_id => format!("{} is not of type 'null', 'string'", value.repr()),
        _ => format!("{} is not of type 'string'", value.repr()),
    };
    let sentence = format!("Provided object does not match schema 'image': {wrong}");
    if SCHEMA_PROPERTIES.contains(&key) {
        // Glance appends the whole part of its schema here, which helps no client.
        return Err(bad(sentence));
    }
    Err(bad(format!(
        "{sentence}\n\nFailed validating 'type' in schema['additionalProperties']:\n    {{'type': 'string'}}\n\n\
         On instance[{}]:\n    {}",
        PyJson::Text(key.to_owned()).repr(),
        value.repr()
    )))
}

const UUID: &str =
    "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$";

fn bad(message: impl Into<String>) -> Fault {
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadRequest, message)
}

fn forbidden(message: String) -> Fault {
    Fault::client(StatusCode::FORBIDDEN, Reason::ReservedKey, message)
}

#[cfg(test)]
mod tests;
