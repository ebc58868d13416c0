//! A client can send back the metadata that it was shown: nothing changes, and nothing is written.

use serde_json::{Value, json};

use super::support::client::Answer;
use super::support::proxy::before_glance;
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, Upstream};

const ID: &str = "36a71c26-de94-5f09-9e67-cdc245586d89";

/// Properties of every kind that a Glance or a compatible service can have.
const PROPERTIES: &str = r#"
    "image_type": "snapshot", "kernel_id": null, "ramdisk_id": "None", "empty": "", "num": 5, "long": 20150609163747649098,
    "float": 1.10, "flag": true, "list": ["x", null], "quoted": "['x', None]", "odd": "a\u0001\r\n\u010d <&>",
    "block_device_mapping": "[{\"boot_index\": 0, \"guest_format\": null, \"volume_size\": 20150609163747649098, \"x\": 1.10}]",
    "mappings": [{"virtual": "ami", "device": "it's"}]"#;

/// A Glance with one image, which does not keep changes, and a proxy in front of it.
async fn with(properties: &str, compat: &str) -> (Upstream, Proxy) {
    let image = format!(r#"{{"id": "{ID}", "status": "active", {properties}}}"#);
    let glance = Upstream::start(move |seen: &Seen| match seen.line().split(' ').next() {
        Some("GET" | "PATCH") => Reply::json(image.clone()),
        _ => Reply::new("405 No", &[], ""),
    })
    .await;
    let more = format!("[compat]\n{compat}");
    let proxy = Proxy::start(&before_glance(glance.address, &more)).await;
    (glance, proxy)
}

async fn ask(proxy: &Proxy, line: &str, kind: &str, body: &[u8]) -> Answer {
    let head = format!(
        "{} HTTP/1.1\r\nHost: a\r\nAccept: {kind}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        line.replace("ID", ID),
        body.len()
    );
    let mut client = proxy.client().await;
    client.send([head.as_bytes(), body].concat()).await;
    client.answer().await
}

/// Returns the patches that Glance received.
fn patches(glance: &Upstream) -> Vec<Value> {
    let seen = glance.seen();
    let patches = seen.iter().filter(|seen| seen.line().starts_with("PATCH"));
    patches
        .map(|seen| serde_json::from_slice(&seen.body).unwrap())
        .collect()
}

const OLD: [&str; 5] = [
    "release = \"icehouse\"",
    "release = \"kilo\"",
    "release = \"icehouse\"\nliteral = true",
    "release = \"kilo\"\nliteral = true",
    "release = \"kilo\"\nblock_device_mapping = \"keep\"",
];

#[tokio::test]
async fn json_that_was_shown_changes_nothing() {
    const ALL: &str = "/v2/demo/images/ID/metadata";
    const JSON: &str = "application/json";
    for compat in OLD {
        let (glance, proxy) = with(PROPERTIES, compat).await;
        let shown = ask(&proxy, &format!("GET {ALL}"), JSON, b"").await;
        assert_eq!(shown.status(), 200);
        for method in ["POST", "PUT"] {
            let answer = ask(&proxy, &format!("{method} {ALL}"), JSON, &shown.body).await;
            assert_eq!(answer.status(), 200, "{compat} {}", answer.text());
            assert_eq!(answer.text(), shown.text(), "{compat} {method}");
        }
        let metadata: Value = serde_json::from_slice(&shown.body).unwrap();
        for key in metadata["metadata"].as_object().unwrap().keys() {
            let line = format!("{ALL}/{key}");
            let shown = ask(&proxy, &format!("GET {line}"), JSON, b"").await;
            let answer = ask(&proxy, &format!("PUT {line}"), JSON, &shown.body).await;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, shown.text()),
                "{key}"
            );
        }
        // With other white space, as by a client that has parsed it. No string here contains anything like a separator.
        assert_eq!(patches(&glance), [] as [Value; 0], "{compat}");
        if compat.contains("keep") {
            continue;
        }
        let compact = shown.text().replace("\": ", "\":").replace(", \"", ",\"");
        assert_ne!(compact, shown.text());
        let answer = ask(&proxy, &format!("PUT {ALL}"), JSON, compact.as_bytes()).await;
        assert_eq!(answer.text(), shown.text(), "{compat}");
        assert_eq!(patches(&glance), [] as [Value; 0], "{compat}");
    }
}

#[tokio::test]
async fn xml_that_was_shown_changes_nothing() {
    const ALL: &str = "/v2/demo/images/ID/metadata";
    const XML: &str = "application/xml";
    for compat in [
        "release = \"icehouse\"",
        "release = \"icehouse\"\nliteral = true",
        "release = \"icehouse\"\nxml_null = \"omit\"",
        "release = \"kilo\"\nxml = \"legacy\"",
        "release = \"modern\"\nxml = \"all\"",
    ] {
        let (glance, proxy) = with(PROPERTIES, compat).await;
        let shown = ask(&proxy, &format!("GET {ALL}"), XML, b"").await;
        for digits in [
            "<meta key=\"long\">20150609163747649098</meta>",
            "'volume_size': 20150609163747649098",
        ] {
            assert!(shown.text().contains(digits), "{}", shown.text());
        }
        for method in ["POST", "PUT"] {
            let answer = ask(&proxy, &format!("{method} {ALL}"), XML, &shown.body).await;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, shown.text()),
                "{compat}"
            );
        }
        for key in [
            "block_device_mapping",
            "mappings",
            "kernel_id",
            "odd",
            "flag",
            "list",
        ] {
            let line = format!("{ALL}/{key}");
            let shown = ask(&proxy, &format!("GET {line}"), XML, b"").await;
            let answer = ask(&proxy, &format!("PUT {line}"), XML, &shown.body).await;
            assert_eq!(
                (answer.status(), answer.text()),
                (200, shown.text()),
                "{key}"
            );
        }
        assert_eq!(patches(&glance), [] as [Value; 0], "{compat}");
    }
}

/// A client that reads XML edits values that Python formatted.
#[tokio::test]
async fn xml_that_was_edited_is_stored_as_json() {
    let (glance, proxy) = with(PROPERTIES, "release = \"icehouse\"").await;
    let line = "/v2/demo/images/ID/metadata/block_device_mapping";
    let shown = ask(&proxy, &format!("GET {line}"), "application/xml", b"").await;
    let edited = shown.text().replace("'boot_index': 0", "'boot_index': 1");
    assert_ne!(edited, shown.text());
    let line = format!("PUT {line}");
    let answer = ask(&proxy, &line, "application/xml", edited.as_bytes()).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let bdm = r#"[{"boot_index": 1, "guest_format": null, "volume_size": 20150609163747649098, "x": 1.1}]"#;
    let add = json!([{"op": "add", "path": "/block_device_mapping", "value": bdm}]);
    assert_eq!(patches(&glance), [add]);
}

#[tokio::test]
async fn changed_values_are_stored_in_their_usual_form() {
    for compat in &OLD[..4] {
        let (glance, proxy) = with(PROPERTIES, compat).await;
        let body = r#"{"metadata": {"block_device_mapping": [{"boot_index": 1, "guest_format": null, "id": 20150609163747649098}],
            "mappings": null, "jid": 20150609163747649098, "f": 1.10, "kernel_id": null, "empty": null, "list": ["y", null]}}"#;
        let line = "POST /v2/demo/images/ID/metadata";
        let answer = ask(&proxy, line, "application/json", body.as_bytes()).await;
        assert_eq!(answer.status(), 200, "{compat} {}", answer.text());
        let bdm = r#"[{"boot_index": 1, "guest_format": null, "id": 20150609163747649098}]"#;
        assert_eq!(
            patches(&glance),
            [json!([
                {"op": "add", "path": "/block_device_mapping", "value": bdm},
                {"op": "add", "path": "/mappings", "value": "null"},
                {"op": "add", "path": "/jid", "value": "20150609163747649098"},
                {"op": "add", "path": "/f", "value": "1.1"},
                {"op": "add", "path": "/empty", "value": null},
                {"op": "add", "path": "/list", "value": "[\"y\", null]"},
            ])],
            "{compat}"
        );
    }
}

#[tokio::test]
async fn literal_mode_ignores_ids_that_are_none() {
    let bare = r#""a": "1""#;
    let with_id = r#""a": "1", "kernel_id": "155d900f-4e14-4e4c-a73d-069cbf4541e6""#;
    for release in ["modern", "antelope"] {
        for properties in [bare, with_id] {
            let compat = format!("release = \"{release}\"\nliteral = true");
            let (glance, proxy) = with(properties, &compat).await;
            let shown: Value = serde_json::from_str(&format!("{{{properties}}}")).unwrap();
            for (line, body, said) in [
                (
                    "POST /v2.1/images/ID/metadata",
                    json!({"metadata": {"kernel_id": "", "ramdisk_id": "None"}}),
                    json!({"metadata": shown}),
                ),
                (
                    "PUT /v2.1/images/ID/metadata",
                    json!({"metadata": {"kernel_id": " none ", "a": "1"}}),
                    json!({"metadata": {"kernel_id": " none ", "a": "1"}}),
                ),
                (
                    "PUT /v2.1/images/ID/metadata/kernel_id",
                    json!({"meta": {"kernel_id": ""}}),
                    json!({"meta": {"kernel_id": ""}}),
                ),
            ] {
                let body = body.to_string();
                let answer = ask(&proxy, line, "application/json", body.as_bytes()).await;
                assert_eq!(answer.status(), 200, "{line} {}", answer.text());
                let is: Value = serde_json::from_slice(&answer.body).unwrap();
                assert_eq!(is, said, "{line}");
            }
            assert_eq!(patches(&glance), [] as [Value; 0]);
        }
    }
    // Without literal mode, Glance gets the word.
    for compat in [
        "release = \"modern\"",
        "literal = true\nkernel_id = \"written\"",
    ] {
        let (glance, proxy) = with(bare, compat).await;
        let body = br#"{"metadata": {"kernel_id": ""}}"#;
        ask(
            &proxy,
            "POST /v2.1/images/ID/metadata",
            "application/json",
            body,
        )
        .await;
        let add = json!([{"op": "add", "path": "/kernel_id", "value": ""}]);
        assert_eq!(patches(&glance), [add], "{compat}");
    }
}

/// A Glance client in front of a Nova, which shows null where Glance has a string.
#[tokio::test]
async fn a_patch_of_what_was_shown_changes_nothing() {
    let image = json!({"image": {"id": ID, "name": "n", "status": "ACTIVE", "metadata": {
        "a": null, "b": [1, {"x": null}], "c": "t", "d": true}}});
    let nova = Upstream::start(move |_| Reply::json(image.to_string())).await;
    let config = format!(
        "[[listen]]\naddress = \"127.0.0.1:0\"\nspeaks = \"glance\"\n[nova]\nendpoints = [\"http://{}\"]\n\
         allow_metadata_writes = true",
        nova.address
    );
    let proxy = Proxy::start(&config).await;
    let shown = ask(&proxy, "GET /v2/images/ID", "application/json", b"").await;
    let shown: Value = serde_json::from_slice(&shown.body).unwrap();
    let steps: Vec<_> = ["a", "b", "c", "d"]
        .iter()
        .map(|key| json!({"op": "replace", "path": format!("/{key}"), "value": shown[key]}))
        .collect();
    let body = Value::from(steps).to_string();
    let kind = "application/openstack-images-v2.1-json-patch";
    let answer = ask(&proxy, "PATCH /v2/images/ID", kind, body.as_bytes()).await;
    assert_eq!(answer.status(), 200, "{}", answer.text());
    let is: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(is, shown);
    let seen = nova.seen();
    assert!(seen.iter().all(|seen| seen.line().starts_with("GET")));
}
