//! Requests to Nova that write.

use bytes::Bytes;
use http::{Method, StatusCode};
use percent_encoding::utf8_percent_encode;
use serde::Serialize;
use serde::ser::{SerializeMap as _, Serializer};

use super::call::{self, SEGMENT, SUFFIXES};
use crate::model::attributes::is_base_property;
use crate::model::change::PropertyUpdate;
use crate::model::{Content, Edit, Fault, ImageId, Reason, UpstreamRequest};

/// Returns the request that deletes one image.
pub(super) fn delete(root: &str, id: &ImageId) -> UpstreamRequest {
    bare(Method::DELETE, call::image(root, id))
}

/// Returns the requests of an edit. One request sets all values. Each removed key needs a request of its own, because
/// Nova has no other way that keeps the other items. The last request reads the image, because the replies to the
/// others do not contain it.
pub(super) fn change(root: &str, id: &ImageId, edit: &Edit) -> Vec<UpstreamRequest> {
    let metadata = format!("{}/metadata", call::image(root, id));
    let mut exchanges = Vec::with_capacity(edit.remove.len() + 2);
    if !edit.set.is_empty() {
        let body = Body {
            metadata: Metadata(&edit.set),
        };
        exchanges.push(UpstreamRequest {
            method: Method::POST,
            target: metadata.clone(),
            content: Some(Content {
                kind: "application/json",
                bytes: Bytes::from(serde_json::to_vec(&body).unwrap_or_default()),
            }),
        });
    }
    exchanges.extend(edit.remove.iter().map(|key| {
        let key = utf8_percent_encode(key, SEGMENT);
        bare(Method::DELETE, format!("{metadata}/{key}"))
    }));
    exchanges.push(call::show(root, id));
    exchanges
}

/// Whether the Glance behind the Nova reserves the property's name for itself.
pub(super) fn reserves(key: &str) -> bool {
    key.starts_with("os_glance_")
}

/// Checks that an edit is possible and allowed. An impossible edit is reported first, because no setting can allow it.
pub(super) fn vet(edit: &Edit, is_allowed: bool) -> Result<(), Fault> {
    let set = edit.set.iter().map(|setting| &setting.key);
    if let Some(key) = set.chain(&edit.remove).find(|key| !holds(key)) {
        let message = format!(
            "Property {key} cannot be stored in Nova's image metadata: a name there is 1 to 255 letters, digits, blanks \
             or marks of -_:. that is not the name of an attribute and does not end with .json or .xml."
        );
        return Err(Fault::client(
            StatusCode::BAD_REQUEST,
            Reason::BadRequest,
            message,
        ));
    }
    if is_allowed {
        return Ok(());
    }
    let message = "Properties cannot be changed here: some Novas make a shared image private when its metadata is \
                   written. An operator can allow it with nova.allow_metadata_writes.";
    Err(Fault::proxy(
        StatusCode::FORBIDDEN,
        Reason::NotOffered,
        message,
    ))
}

/// Whether Nova's metadata can hold a property of this name. The schema of newer releases allows letters, digits and a
/// few marks, at most 255 (`nova/api/validation/parameter_types.py`, `metadata`). The Glance behind the Nova strips
/// blanks and then takes the name of an attribute for the attribute itself. In a path, a name of dots alone is a step
/// and not a key, and up to Mitaka a suffix chooses the encoding of the reply.
fn holds(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:. ".contains(&byte);
    (1..=255).contains(&key.len())
        && key.bytes().all(allowed)
        && !key.bytes().all(|byte| byte == b'.')
        && !SUFFIXES.iter().any(|suffix| key.ends_with(suffix))
        && !is_base_property(key.trim())
}

fn bare(method: Method, target: String) -> UpstreamRequest {
    UpstreamRequest {
        method,
        target,
        content: None,
    }
}

#[derive(Serialize)]
struct Body<'e> {
    metadata: Metadata<'e>,
}

/// The items of an edit that have a value, as a JSON object.
struct Metadata<'e>(&'e [PropertyUpdate]);

impl Serialize for Metadata<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for PropertyUpdate { key, value, .. } in self.0 {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

#[cfg(test)]
mod tests {
    use super::{Edit, ImageId, PropertyUpdate, change, delete, holds, reserves, vet};

    #[test]
    fn an_edit_is_one_post_then_a_delete_for_each_key_then_a_get() {
        let id = ImageId::parse("abc").unwrap();
        let set = |key: &str, value: &str| PropertyUpdate {
            key: key.to_owned(),
            value: Some(value.to_owned()),
            existed: false,
        };
        let edit = Edit {
            remove: vec!["a b".to_owned(), "trait:X".to_owned()],
            set: vec![set("os_distro", "\"č\""), set("x", "")],
        };
        let lines: Vec<_> = change("/v2.1/p", &id, &edit)
            .iter()
            .map(|exchange| {
                let body = exchange
                    .content
                    .as_ref()
                    .map(|content| content.bytes.clone());
                let body = String::from_utf8(body.unwrap_or_default().to_vec()).unwrap();
                format!("{} {} {body}", exchange.method, exchange.target)
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"POST /v2.1/p/images/abc/metadata {"metadata":{"os_distro":"\"č\"","x":""}}"#,
                "DELETE /v2.1/p/images/abc/metadata/a%20b ",
                "DELETE /v2.1/p/images/abc/metadata/trait%3AX ",
                "GET /v2.1/p/images/abc ",
            ]
        );
        assert_eq!(delete("/v2", &id).target, "/v2/images/abc");
        // Up to Mitaka this would delete the image abc.
        let other = ImageId::parse("abc.json").unwrap();
        assert!(!delete("/v2", &other).target.contains("abc"));
    }

    #[test]
    fn a_property_name_that_nova_cannot_hold_is_refused() {
        let long = "x".repeat(256);
        for key in [
            "", "name", " name", "é", "a/b", "a$", ".", "..", "a.json", "a.xml", &long,
        ] {
            assert!(!holds(key), "{key}");
            let edit = Edit {
                remove: vec![key.to_owned()],
                ..Edit::default()
            };
            for is_allowed in [true, false] {
                let fault = vet(&edit, is_allowed).unwrap_err();
                let said = fault.message;
                assert_eq!(fault.status.as_u16(), 400, "{key}");
                assert!(said.contains(&format!("Property {key} cannot")), "{said}");
                assert!(!said.contains("reserved") && !said.contains("allow_metadata"));
            }
        }
        for key in ["os_distro", "trait:CUSTOM_X", "a b", "1.2-3"] {
            assert!(holds(key) && !reserves(key), "{key}");
            let edit = Edit {
                remove: vec![key.to_owned()],
                ..Edit::default()
            };
            assert!(vet(&edit, true).is_ok(), "{key}");
            let fault = vet(&edit, false).unwrap_err();
            assert_eq!(fault.status.as_u16(), 403, "{key}");
        }
        assert!(reserves("os_glance_x"));
    }
}
