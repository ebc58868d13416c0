//! Requests to Glance that write.

use bytes::Bytes;
use http::Method;
use serde::Serialize;

use crate::glance::tables;
use crate::model::{Content, Edit, ImageId, UpstreamRequest};
use crate::webob::python::strip;

/// The media type of Glance's own JSON patch in which `add` overwrites a property that exists
/// (`glance/api/v2/images.py`, `_do_add`).
const PATCH: &str = "application/openstack-images-v2.1-json-patch";

/// An operation of a patch. Glance also knows `replace`, which is not needed, but not `test`.
#[derive(Serialize)]
#[serde(tag = "op", rename_all = "lowercase")]
enum Operation<'e> {
    Remove {
        path: String,
    },
    Add {
        path: String,
        value: Option<&'e str>,
    },
}

/// Returns the request that deletes one image.
pub(super) fn delete(id: &ImageId) -> UpstreamRequest {
    UpstreamRequest {
        method: Method::DELETE,
        target: format!("/v2/images/{id}"),
        content: None,
    }
}

/// Returns the patch for an edit. It names custom properties only, so that it cannot undo what another writer meanwhile
/// does to the image's visibility, tags or other properties.
///
/// A value is always written with `add`. With `replace`, a property that another writer has just removed would cause a
/// conflict, and the client wants the value to be there in any case.
pub(super) fn change(id: &ImageId, edit: &Edit) -> UpstreamRequest {
    let removals = edit
        .remove
        .iter()
        .map(|key| Operation::Remove { path: pointer(key) });
    let settings = edit.set.iter().map(|setting| Operation::Add {
        path: pointer(&setting.key),
        value: setting.value.as_deref(),
    });
    let operations: Vec<_> = removals.chain(settings).collect();
    let bytes = serde_json::to_vec(&operations).unwrap_or_default();
    UpstreamRequest {
        method: Method::PATCH,
        target: format!("/v2/images/{id}"),
        content: Some(Content {
            kind: PATCH,
            bytes: Bytes::from(bytes),
        }),
    }
}

/// Returns a JSON pointer to a member (RFC 6901, section 3).
fn pointer(key: &str) -> String {
    format!("/{}", key.replace('~', "~0").replace('/', "~1"))
}

/// Whether Glance reserves the name. Glance strips blanks from a pointer, so ` name` means the same as `name`.
pub(super) fn reserves(key: &str) -> bool {
    let key = strip(key);
    tables::is_base_property(key)
        || tables::OBJECT_ATTRIBUTES.contains(&key)
        || key.starts_with(tables::RESERVED_PREFIX)
        || (key.starts_with("__") && key.ends_with("__"))
}

/// Whether a pointer can name the property. Images can be created with property names that begin or end with a blank,
/// but Glance strips the blank from a pointer, so a patch would change the property without the blank.
pub(super) fn reaches(key: &str) -> bool {
    strip(key) == key
}

#[cfg(test)]
mod tests {
    use super::{change, delete, reserves};
    use crate::model::{Edit, ImageId, PropertyUpdate};

    fn set(key: &str, value: &str) -> PropertyUpdate {
        PropertyUpdate {
            key: key.to_owned(),
            value: Some(value.to_owned()),
            existed: false,
        }
    }

    #[test]
    fn a_patch_names_the_properties_and_nothing_else() {
        let id = ImageId::parse("x").unwrap();
        let edit = Edit {
            remove: vec!["a/b".to_owned(), "~".to_owned()],
            set: vec![set("~1", "\"č\u{1f40e}\n"), set("", "")],
        };
        let exchange = change(&id, &edit);
        assert_eq!(
            (exchange.method.as_str(), &*exchange.target),
            ("PATCH", "/v2/images/x")
        );
        let content = exchange.content.unwrap();
        assert_eq!(content.kind, "application/openstack-images-v2.1-json-patch");
        assert_eq!(
            std::str::from_utf8(&content.bytes).unwrap(),
            concat!(
                r#"[{"op":"remove","path":"/a~1b"},{"op":"remove","path":"/~0"},"#,
                r#"{"op":"add","path":"/~01","value":"\"č🐎\n"},{"op":"add","path":"/","value":""}]"#
            )
        );
        let exchange = delete(&id);
        assert_eq!(
            (exchange.method.as_str(), exchange.content),
            ("DELETE", None)
        );
    }

    #[test]
    fn reserved_names_are_recognised_as_glance_reads_them() {
        for key in [
            "name",
            "visibility",
            "tags",
            "location",
            "deleted",
            "image_id",
            "member",
            "os_glance_x",
            "os_glance_",
            "__class__",
            " name",
            "status\n",
            "\u{1c}visibility",
            "\u{a0}os_glance_x\u{1f}",
            "extra_properties",
        ] {
            assert!(reserves(key), "{key}");
        }
        for key in [
            "Name",
            "os_distro",
            "kernel_id",
            "properties",
            "",
            "_",
            "x__",
            "locations2",
        ] {
            assert!(!reserves(key), "{key}");
        }
    }
}
