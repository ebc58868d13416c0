//! Requests to Nova that write.

use bytes::Bytes;
use http::Method;

use super::call::segment;
use crate::model::attributes::is_base_property;
use crate::model::{Content, Edit, Exchange, ImageId, Setting};

/// The request that ends one image.
pub(super) fn delete(root: &str, id: &ImageId) -> Exchange {
    Exchange {
        method: Method::DELETE,
        target: format!("{root}/images/{id}"),
        content: None,
    }
}

/// The requests of an edit: one that gives values, which Nova merges into the metadata that is there, then one for each
/// key that goes, then a look at what has become of the image.
///
/// The values go first: what Nova does not accept of them it refuses before anything is done.
pub(super) fn change(root: &str, id: &ImageId, edit: &Edit) -> Vec<Exchange> {
    let merge = (!edit.set.is_empty()).then(|| Exchange {
        method: Method::POST,
        target: format!("{root}/images/{id}/metadata"),
        content: Some(Content {
            kind: "application/json",
            bytes: metadata(&edit.set),
        }),
    });
    let removals = edit.remove.iter().map(|key| Exchange {
        method: Method::DELETE,
        target: format!("{root}/images/{id}/metadata/{}", segment(key)),
        content: None,
    });
    let look = Exchange::get(format!("{root}/images/{id}"));
    merge.into_iter().chain(removals).chain([look]).collect()
}

/// Whether Nova's metadata cannot hold a key, or not as such. It takes letters, digits and few signs
/// (`nova/api/openstack/compute/schemas/image_metadata.py`), and flattens what is called like an attribute onto the
/// image. In a path a slash would begin another segment, and up to Mitaka what follows a dot at the end chooses the
/// reply's format.
pub(super) fn reserves(key: &str) -> bool {
    const MAX_LEN: usize = 255;
    let sayable = |byte: u8| byte.is_ascii_alphanumeric() || b"-_:. ".contains(&byte);
    is_base_property(key.trim())
        || !(1..=MAX_LEN).contains(&key.len())
        || !key.bytes().all(sayable)
        || key.bytes().all(|byte| byte == b'.')
        || [".json", ".xml"].iter().any(|format| key.ends_with(format))
}

fn metadata(settings: &[Setting]) -> Bytes {
    let quoted = |text: &str| serde_json::to_string(text).unwrap_or_default();
    let items: Vec<_> = settings
        .iter()
        .map(|setting| format!("{}:{}", quoted(&setting.key), quoted(&setting.value)))
        .collect();
    Bytes::from(format!("{{\"metadata\":{{{}}}}}", items.join(",")))
}

#[cfg(test)]
mod tests {
    use super::{change, delete, reserves};
    use crate::model::{Edit, ImageId, Setting};

    fn edit(remove: &[&str], set: &[(&str, &str)]) -> Edit {
        Edit {
            remove: remove.iter().map(|key| (*key).to_owned()).collect(),
            set: set
                .iter()
                .map(|(key, value)| Setting {
                    key: (*key).to_owned(),
                    value: (*value).to_owned(),
                    existed: false,
                })
                .collect(),
        }
    }

    fn asked(edit: &Edit) -> Vec<String> {
        let id = ImageId::parse("x").unwrap();
        change("/v2/A", &id, edit)
            .into_iter()
            .map(|exchange| {
                let content = exchange.content.map(|content| {
                    assert_eq!(content.kind, "application/json");
                    String::from_utf8(content.bytes.to_vec()).unwrap()
                });
                format!(
                    "{} {} {}",
                    exchange.method,
                    exchange.target,
                    content.unwrap_or_default()
                )
            })
            .collect()
    }

    #[test]
    fn values_first_then_removals_then_a_look() {
        assert_eq!(
            asked(&edit(&["a b", "trait:X"], &[("b", "\"é\n"), ("a", "")])),
            [
                r#"POST /v2/A/images/x/metadata {"metadata":{"b":"\"é\n","a":""}}"#,
                "DELETE /v2/A/images/x/metadata/a%20b ",
                "DELETE /v2/A/images/x/metadata/trait%3AX ",
                "GET /v2/A/images/x ",
            ]
        );
        assert_eq!(
            asked(&edit(&["a"], &[])),
            ["DELETE /v2/A/images/x/metadata/a ", "GET /v2/A/images/x "]
        );
        let id = ImageId::parse("x").unwrap();
        let exchange = delete("/v2.1", &id);
        assert_eq!(
            (exchange.method.as_str(), &*exchange.target),
            ("DELETE", "/v2.1/images/x")
        );
    }

    #[test]
    fn what_metadata_cannot_hold() {
        let long = "k".repeat(256);
        for key in [
            "",
            "name",
            " name",
            "visibility",
            "a/b",
            "é",
            "a$",
            ".",
            "..",
            "a.json",
            &long,
        ] {
            assert!(reserves(key), "{key}");
        }
        for key in [
            "a",
            "trait:CUSTOM_X",
            "os.distro",
            "hw_disk_bus",
            "Name",
            " ",
            &long[..255],
        ] {
            assert!(!reserves(key), "{key}");
        }
    }
}
