use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;

use super::{ACCEPT_PATCH, MEDIA_TYPES, Patch, PatchDraft, Step, UUID, WantedValue, draft, read};
use crate::model::attributes::ID_PROPERTIES;
use crate::model::steps::PatchOutcome;

fn own(text: &str) -> String {
    text.to_owned()
}

fn patch(properties: Vec<Step>) -> Patch {
    Patch {
        properties,
        ..Patch::default()
    }
}

#[test]
fn steps_on_attributes_wait_for_the_image() {
    let read = |draft, body: &str| {
        let patch = read(draft, body.as_bytes()).unwrap();
        assert!(patch.properties.is_empty());
        let step = patch.attributes.into_iter().next().unwrap();
        (step.name, step.wanted)
    };
    for (value, wanted) in [
        ("null", WantedValue::Null),
        ("false", WantedValue::Flag(false)),
        ("5", WantedValue::Number(5)),
        ("99999999999999999999", WantedValue::Other),
        ("1.5", WantedValue::Other),
        (r#""x""#, WantedValue::Text(own("x"))),
        (r#"["a"]"#, WantedValue::Texts(vec![own("a")])),
        (r#"["a", 1]"#, WantedValue::Other),
        ("{}", WantedValue::Other),
    ] {
        for op in ["add", "replace"] {
            let body = format!(r#"[{{"op": "{op}", "path": "/name", "value": {value}}}]"#);
            assert_eq!(read(PatchDraft::Ten, &body), (own("name"), wanted.clone()));
        }
        let body = format!(r#"[{{"add": "/min_ram", "value": {value}}}]"#);
        assert_eq!(
            read(PatchDraft::Four, &body),
            (own("min_ram"), WantedValue::New)
        );
    }
    let gone = read(PatchDraft::Ten, r#"[{"op": "remove", "path": "/tags"}]"#);
    assert_eq!(gone, (own("tags"), WantedValue::Gone));
}

/// The messages of real Glances 32 and 33.
#[test]
fn bad_patches_are_refused_in_glances_words() {
    let ops = "It must be one of the following: add, remove, replace.";
    let schema = |value: &str| {
        format!(
            "Provided object does not match schema 'image': {value} is not of type 'string'\n\nFailed validating 'type' \
             in schema['additionalProperties']:\n    {{'type': 'string'}}\n\nOn instance['x']:\n    {value}"
        )
    };
    for (body, status, message) in [
        ("", 400, own("Body expected in request.")),
        ("{", 400, own("Malformed JSON in request body.")),
        ("\u{ff}", 400, own("Malformed JSON in request body.")),
        (
            r#"{"op": "add"}"#,
            400,
            own("Request body must be a JSON array of operation objects."),
        ),
        ("5", 400, own("Unexpected body type. Expected list/dict.")),
        (
            "null",
            400,
            own("Unexpected body type. Expected list/dict."),
        ),
        ("[5]", 400, own("Operations must be JSON objects.")),
        ("[null]", 400, own("Operations must be JSON objects.")),
        (
            "[{}]",
            400,
            format!("Unable to find `op` in JSON Schema change. {ops}"),
        ),
        (
            r#"[{"op": "add"}]"#,
            400,
            own("Unable to find 'path' in JSON Schema change"),
        ),
        (
            r#"[{"op": "ADD", "path": "/x"}]"#,
            400,
            format!("Invalid operation: `ADD`. {ops}"),
        ),
        (
            r#"[{"op": 5, "path": "/x"}]"#,
            400,
            format!("Invalid operation: `5`. {ops}"),
        ),
        (
            r#"[{"op": "move", "from": "/a", "path": "/x"}]"#,
            400,
            format!("Invalid operation: `move`. {ops}"),
        ),
        (
            r#"[{"op": "add", "path": "/x"}]"#,
            400,
            own("Operation \"add\" requires a member named \"value\"."),
        ),
        (
            r#"[{"op": "replace", "path": "/x"}]"#,
            400,
            own("Operation \"replace\" requires a member named \"value\"."),
        ),
        (
            r#"[{"op": "add", "path": "x", "value": "1"}]"#,
            400,
            own("Pointer `x` does not start with \"/\"."),
        ),
        (
            r#"[{"op": "add", "path": 5, "value": "1"}]"#,
            400,
            own("Pointer `5` does not start with \"/\"."),
        ),
        (
            r#"[{"op": "add", "path": "/x/y", "value": "1"}]"#,
            400,
            own("Invalid JSON pointer for this resource: '/x/y'"),
        ),
        (
            r#"[{"op": "add", "path": "/tags/y", "value": "1"}]"#,
            400,
            own("Invalid JSON pointer for this resource: '/tags/y'"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": 1}]"#,
            400,
            schema("1"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": null}]"#,
            400,
            schema("None"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": true}]"#,
            400,
            schema("True"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": ["1"]}]"#,
            400,
            schema("['1']"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": {"a": "b"}}]"#,
            400,
            schema("{'a': 'b'}"),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": 1.5}]"#,
            400,
            schema("1.5"),
        ),
        (
            r#"[{"op": "add", "path": "/os_distro", "value": null}]"#,
            400,
            own("Provided object does not match schema 'image': None is not of type 'string'"),
        ),
        (
            r#"[{"op": "add", "path": "/kernel_id", "value": "nokernel"}]"#,
            400,
            format!(
                "Provided object does not match schema 'image': 'nokernel' does not match '{UUID}'"
            ),
        ),
        (
            r#"[{"op": "add", "path": "/ramdisk_id", "value": 5}]"#,
            400,
            own("Provided object does not match schema 'image': 5 is not of type 'null', 'string'"),
        ),
        (
            r#"[{"op": "add", "path": "/kernel_id", "value": null}]"#,
            400,
            own("Property kernel_id cannot be null in Nova's image metadata."),
        ),
        (
            r#"[{"op": "add", "path": "/id", "value": "1"}]"#,
            403,
            own("Attribute 'id' is read-only."),
        ),
        (
            r#"[{"op": "remove", "path": "/id"}]"#,
            403,
            own("Attribute 'id' is read-only."),
        ),
        (
            r#"[{"op": "add", "path": "/locations/-", "value": {}}]"#,
            403,
            own("Attribute 'locations' is read-only."),
        ),
        (
            r#"[{"op": "add", "path": "/location", "value": "1"}]"#,
            403,
            own("Attribute 'location' is reserved."),
        ),
        (
            r#"[{"op": "add", "path": "/os_glance_x", "value": "1"}]"#,
            403,
            own("Attribute 'os_glance_x' is reserved."),
        ),
        (
            r#"[{"op": "remove", "path": "/os_glance_x"}]"#,
            403,
            own("Attribute 'os_glance_x' is reserved."),
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": 1}, {"op": "frob"}]"#,
            400,
            schema("1"),
        ),
    ] {
        let fault = read(PatchDraft::Ten, body.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.message),
            (status, message),
            "{body}"
        );
    }
    for (body, status, message) in [
        (
            r#"[{"frob": "/x"}]"#,
            400,
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
        ),
        (
            r#"[{"op": "add", "path": "/x", "value": "1"}]"#,
            400,
            "Operation objects must contain exactly one member named \"add\", \"remove\", or \"replace\".",
        ),
        (
            r#"[{"add": "/x", "replace": "/x", "value": "1"}]"#,
            400,
            "Operation objects must contain only one member named \"add\", \"remove\", or \"replace\".",
        ),
        (
            r#"[{"add": "/y"}]"#,
            400,
            "Operation \"add\" requires a member named \"value\".",
        ),
        (
            r#"[{"add": "y", "value": "1"}]"#,
            400,
            "Pointer `y` does not start with \"/\".",
        ),
        (
            r#"[{"add": "/status", "value": "1"}]"#,
            403,
            "Attribute 'status' is read-only.",
        ),
    ] {
        let fault = read(PatchDraft::Four, body.as_bytes()).unwrap_err();
        assert_eq!(
            (fault.status.as_u16(), fault.message.as_str()),
            (status, message),
            "{body}"
        );
    }
}

#[test]
fn steps_of_both_drafts_are_read() {
    let ten = br#"[{"op": "add", "path": "/a~1b", "value": "1", "extra": 0}, {"op": "replace", "path": "/t~0l", "value": ""},
        {"op": "remove", "path": "/x", "value": "ignored"}]"#;
    assert_eq!(
        read(PatchDraft::Ten, ten).unwrap(),
        patch(vec![
            Step::Set(own("a/b"), own("1")),
            Step::Replace(own("t~l"), own("")),
            Step::Remove(own("x")),
        ])
    );
    let four =
        br#"[{"add": "/a", "value": "1"}, {"replace": "/b", "value": "2"}, {"remove": "/c"}]"#;
    assert_eq!(
        read(PatchDraft::Four, four).unwrap(),
        patch(vec![
            Step::Create(own("a"), own("1")),
            Step::Replace(own("b"), own("2")),
            Step::Remove(own("c")),
        ])
    );
    assert_eq!(read(PatchDraft::Ten, b"[]").unwrap(), patch(vec![]));
    let id = br#"[{"op": "add", "path": "/kernel_id", "value": "2675a2ad-7f7b-50ec-9891-1d76cad89ab0"}]"#;
    assert!(read(PatchDraft::Ten, id).is_ok());
}

#[test]
fn the_media_type_selects_the_draft() {
    for (given, expected) in [
        (
            Some("application/openstack-images-v2.0-json-patch"),
            Ok(PatchDraft::Four),
        ),
        (
            Some("application/openstack-images-v2.1-json-patch"),
            Ok(PatchDraft::Ten),
        ),
        (
            Some("application/openstack-images-v2.1-json-patch; charset=utf-8"),
            Ok(PatchDraft::Ten),
        ),
        (
            Some("APPLICATION/OPENSTACK-IMAGES-V2.1-JSON-PATCH"),
            Err(
                "The request media type APPLICATION/OPENSTACK-IMAGES-V2.1-JSON-PATCH is not supported by this server.",
            ),
        ),
        (
            Some("application/json"),
            Err("The request media type application/json is not supported by this server."),
        ),
        (None, Err("The request names no media type.")),
    ] {
        let mut headers = HeaderMap::new();
        if let Some(given) = given {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(given));
        }
        match (draft(&headers), expected) {
            (Ok(draft), Ok(expected)) => assert_eq!(draft, expected),
            (Err(fault), Err(first)) => {
                assert_eq!(fault.status.as_u16(), 415);
                assert_eq!(
                    fault.message,
                    format!("{first}\nImage PATCH expects Content-Type one of: {ACCEPT_PATCH}")
                );
            }
            (found, _) => panic!("{given:?}: {found:?}"),
        }
    }
    let names: Vec<_> = MEDIA_TYPES.iter().map(|(name, _)| *name).collect();
    assert_eq!(names.join(", "), ACCEPT_PATCH);
}

#[test]
fn the_schema_requires_ids_in_the_same_properties() {
    let document: serde_json::Value = serde_json::from_str(include_str!(
        "../../../../../fixtures/glance/schema-image.json"
    ))
    .unwrap();
    for (name, about) in document["properties"].as_object().unwrap() {
        let is_id = about["is_base"] == false && about["pattern"] == UUID;
        assert_eq!(ID_PROPERTIES.contains(&name.as_str()), is_id, "{name}");
    }
}

fn on(steps: Vec<Step>) -> Result<PatchOutcome, String> {
    patch(steps)
        .on(["color", "shape"].into_iter())
        .map_err(|fault| format!("{} {}", fault.status.as_u16(), fault.message))
}

#[test]
fn steps_are_applied_one_after_the_other() {
    let outcome = |sets: &[(&str, &str)], removes: &[&str]| {
        Ok(PatchOutcome {
            sets: sets
                .iter()
                .map(|(key, value)| (own(key), own(value)))
                .collect(),
            removes: removes.iter().copied().map(own).collect(),
        })
    };
    let set = |key, value| Step::Set(own(key), own(value));
    let conflict = |what: &str| {
        Err(format!(
            "409 There was a conflict when trying to complete your request.\n{what}"
        ))
    };
    for (steps, expected) in [
        (vec![], outcome(&[], &[])),
        (
            vec![set("new", "1"), set("color", "2")],
            outcome(&[("new", "1"), ("color", "2")], &[]),
        ),
        (
            vec![set("new", "1"), Step::Replace(own("new"), own("2"))],
            outcome(&[("new", "2")], &[]),
        ),
        (
            vec![set("new", "1"), Step::Remove(own("new"))],
            outcome(&[], &[]),
        ),
        (
            vec![Step::Remove(own("color")), set("color", "2")],
            outcome(&[("color", "2")], &[]),
        ),
        (
            vec![set("color", "2"), Step::Remove(own("color"))],
            outcome(&[], &["color"]),
        ),
        (
            vec![Step::Create(own("new"), own("1"))],
            outcome(&[("new", "1")], &[]),
        ),
        (
            vec![Step::Create(own("color"), own("1"))],
            conflict("Property color already present."),
        ),
        (
            vec![Step::Replace(own("new"), own("1"))],
            conflict("Property new does not exist."),
        ),
        (
            vec![Step::Remove(own("new"))],
            conflict("Property new does not exist."),
        ),
        (
            vec![Step::Remove(own("color")), Step::Remove(own("color"))],
            conflict("Property color does not exist."),
        ),
    ] {
        assert_eq!(on(steps.clone()), expected, "{steps:?}");
    }
}

proptest! {
    #[test]
    fn no_body_panics(body in "\\PC{0,40}|\\[\\{\"(op|add|remove)\": ?\"[/~01a]{0,5}\"(, \"path\": \"[/~01a]{0,6}\")?\\}\\]") {
        for draft in [PatchDraft::Four, PatchDraft::Ten] {
            if let Ok(patch) = read(draft, body.as_bytes()) {
                let _ = patch.on(["a"].into_iter());
            }
        }
    }
}
