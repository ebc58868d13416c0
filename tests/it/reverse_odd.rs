//! Glance v2 clients in front of an unusual Nova: values of other types, owners that are shown or not, and writes that
//! change nothing.

use serde_json::{Value, json};

use super::support::client::Answer;
use super::support::pages::{id, parameter};
use super::support::reverse::{ask, before, get, ids, json_of, numbered};
use super::support::upstream::Seen;
use super::support::{Proxy, Reply, fixture, schema};

/// A Nova with these images, newest first.
fn holding(images: Vec<Value>) -> impl Fn(&Seen) -> Reply + Send + Sync + 'static {
    move |seen| {
        if !seen.target().contains("/images/detail") {
            let wanted = |image: &&Value| seen.target().ends_with(image["id"].as_str().unwrap());
            let image = images.iter().find(wanted).unwrap();
            return Reply::json(json!({ "image": image }).to_string());
        }
        let behind = parameter(seen, "marker").map(|marker| {
            images
                .iter()
                .position(|image| image["id"] == marker)
                .unwrap()
                + 1
        });
        let page: Vec<_> = images.iter().skip(behind.unwrap_or(0)).collect();
        Reply::json(json!({ "images": page }).to_string())
    }
}

#[tokio::test]
async fn replies_are_checked_against_the_served_schemas() {
    let (_nova, proxy) = before("", holding(Vec::new())).await;
    for (name, document) in [("image", &*schema::IMAGE), ("images", &*schema::IMAGES)] {
        let served = get(&proxy, &format!("/v2/schemas/{name}")).await;
        assert_eq!(json_of(&served), *document);
        assert_eq!(
            served.text(),
            fixture(&format!("glance/schema-{name}.json"))
        );
    }
    // A reply that does not match is detected.
    for odd in [
        json!({"created_at": null}),
        json!({"x": 1}),
        json!({"size": 1.5}),
        json!({"visibility": "x"}),
    ] {
        assert!(schema::fits(&schema::IMAGE, &odd).is_err(), "{odd}");
    }
}

#[tokio::test]
async fn every_field_matches_the_schema_whatever_nova_sends() {
    let long = "é".repeat(300);
    let odd = [
        json!(null),
        json!(true),
        json!(-1),
        json!(0),
        json!(1.5),
        json!(9_223_372_036_854_775_807_u64),
        json!(18_446_744_073_709_551_615_u64),
        json!(1e300),
        json!(""),
        json!("x"),
        json!("17"),
        json!(" "),
        json!(long),
        json!("\u{0}\u{1f}\"\\"),
        json!("2014-10-05T08:56:40.123+0000"),
        json!("2023-02-30T00:00:00Z"),
        json!([]),
        json!(["a", null]),
        json!({}),
        json!({"id": null, "a": [1]}),
    ];
    let fields = [
        "name",
        "status",
        "progress",
        "created",
        "updated",
        "minRam",
        "minDisk",
        "OS-EXT-IMG-SIZE:size",
        "metadata",
        "server",
        "OS-DCF:diskConfig",
        "links",
        "tenant_id",
        "other",
    ];
    let items = [
        "kernel_id",
        "ramdisk_id",
        "instance_uuid",
        "architecture",
        "os_distro",
        "description",
        "owner_id",
        "project_id",
        "image_type",
        "auto_disk_config",
        "cinder_encryption_key_deletion_policy",
        "name",
        "tags",
        "self",
        "visibility",
        "block_device_mapping",
        "own",
        "é \"",
    ];
    let sound = |number: usize| {
        json!({
            "id": id(number), "name": "n", "status": "ACTIVE", "progress": 100, "minRam": 0, "minDisk": 0,
            "created": "2024-05-06T00:00:00Z", "updated": "2024-05-06T00:00:00Z", "OS-EXT-IMG-SIZE:size": 1,
            "metadata": {}, "links": [],
        })
    };
    let mut images = Vec::new();
    for value in &odd {
        for field in fields {
            let mut image = sound(images.len());
            image[field] = value.clone();
            images.push(image);
        }
        for item in items {
            let mut image = sound(images.len());
            image["metadata"][item] = value.clone();
            images.push(image);
        }
    }
    // Also an image with only an id.
    images.push(json!({"id": id(images.len())}));
    let (count, all) = (images.len(), images.clone());
    for more in [
        "",
        "trusted_order = false\nproject = \"p\"\npending_delete = true",
    ] {
        let (_nova, proxy) = before(more, holding(images.clone())).await;
        // The client checks each reply against the schema.
        let list = get(&proxy, "/v2/images?limit=1000").await;
        assert_eq!(ids(&list).len(), count, "no image is lost");
        let listed = json_of(&list)["images"].clone();
        let mut client = proxy.client().await;
        for (told, listed) in all.iter().zip(listed.as_array().unwrap()) {
            if more.is_empty() {
                let shown = ask(
                    &mut client,
                    &format!("GET /v2/images/{}", told["id"].as_str().unwrap()),
                )
                .await;
                assert_eq!(json_of(&shown), *listed, "{told}");
            }
        }
    }
}

#[tokio::test]
async fn formats_are_values_of_the_schema() {
    let image = json!({"id": id(0), "status": "ACTIVE"});
    let (_nova, proxy) = before(
        "disk_format = \"qcow2\"\ncontainer_format = \"bare\"",
        holding(vec![image]),
    )
    .await;
    let list = json_of(&get(&proxy, "/v2/images").await);
    let image = &list["images"][0];
    assert_eq!(
        (&image["disk_format"], &image["container_format"]),
        (&json!("qcow2"), &json!("bare"))
    );
}

/// Users of terraform and packer share golden images between their projects as snapshots.
#[tokio::test]
async fn filters_treat_a_snapshot_of_another_owner_as_it_is_shown() {
    let image = |number, metadata: Value| json!({"id": id(number), "status": "ACTIVE", "metadata": metadata});
    let images = vec![
        image(
            0,
            json!({"image_type": "snapshot", "instance_uuid": "u", "owner_id": "proj2"}),
        ),
        image(
            1,
            json!({"image_type": "snapshot", "instance_uuid": "u", "owner_id": "proj1"}),
        ),
        image(2, json!({"image_type": "snapshot", "instance_uuid": "u"})),
        image(3, json!({"owner_id": "proj2"})),
        image(4, json!({})),
    ];
    for (more, other) in [
        ("project = \"proj1\"", "public"),
        ("project = \"proj1\"\nvisibility = \"shared\"", "shared"),
    ] {
        let (_nova, proxy) = before(more, holding(images.clone())).await;
        let found = get(&proxy, &format!("/v2/images?visibility={other}")).await;
        assert_eq!(ids(&found), numbered([0, 3, 4]), "{more}");
        let found = get(&proxy, "/v2/images?visibility=private").await;
        assert_eq!(ids(&found), numbered([1, 2]), "{more}");
        let found = get(
            &proxy,
            &format!("/v2/images?visibility={other}&owner=proj2"),
        )
        .await;
        assert_eq!(ids(&found), numbered([0, 3]), "{more}");
        let shown = json_of(&get(&proxy, &format!("/v2/images/{}", id(0))).await);
        assert_eq!(
            (&shown["visibility"], &shown["owner"]),
            (&json!(other), &json!("proj2"))
        );
    }
    // Without a known caller, the proxy cannot tell whose snapshots they are.
    let (_nova, proxy) = before("", holding(images)).await;
    let found = get(&proxy, "/v2/images?visibility=private").await;
    assert_eq!(ids(&found), numbered([0, 1, 2]));
}

async fn patch(proxy: &Proxy, target: &str, steps: &Value) -> Answer {
    let (mut client, body) = (proxy.client().await, steps.to_string());
    let kind = "application/openstack-images-v2.1-json-patch";
    let head = format!(
        "PATCH {target} HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    client.send(format!("{head}{body}")).await;
    client.answer().await
}

/// Some Novas make a shared image private when its metadata is written, so the proxy does not write by default. A step
/// that changes nothing needs no write: packer sets the visibility of each image that it has made.
#[tokio::test]
async fn steps_that_change_nothing_succeed_and_others_are_refused_by_name() {
    let image = json!({
        "id": id(0), "name": "n", "status": "ACTIVE", "minRam": 64,
        "metadata": {"image_type": "snapshot", "owner_id": "proj1", "os_distro": "ubuntu", "é": "1"},
    });
    let set = |key: &str, value: Value| json!({"op": "replace", "path": format!("/{key}"), "value": value});
    let closed = "nova.allow_metadata_writes";
    for writes in [false, true] {
        let more = format!("project = \"proj1\"\nallow_metadata_writes = {writes}");
        let (nova, proxy) = before(&more, holding(vec![image.clone()])).await;
        let target = format!("/v2/images/{}", id(0));
        let shown = json_of(&get(&proxy, &target).await);
        for steps in [
            json!([]),
            json!([set("visibility", json!("private"))]),
            json!([
                set("name", json!("n")),
                set("min_ram", json!(64)),
                set("tags", json!([]))
            ]),
            json!([
                set("protected", json!(false)),
                set("os_distro", json!("ubuntu"))
            ]),
            json!([set("é", json!("1"))]),
        ] {
            let same = patch(&proxy, &target, &steps).await;
            assert_eq!(same.status(), 200, "{writes} {steps}: {}", same.text());
            assert_eq!(json_of(&same), shown, "{steps}");
        }
        let closed = if writes { "" } else { closed };
        for (steps, status, said) in [
            (
                json!([set("visibility", json!("public"))]),
                403,
                "Attribute 'visibility' is read-only.",
            ),
            (
                json!([set("name", json!("m"))]),
                403,
                "Attribute 'name' is read-only.",
            ),
            (
                json!([set("name", json!(5))]),
                403,
                "Attribute 'name' is read-only.",
            ),
            (
                json!([set("status", json!("active"))]),
                403,
                "Attribute 'status' is read-only.",
            ),
            (
                json!([set("os_distro", json!("x")), set("tags", json!(["t"]))]),
                403,
                "Attribute 'tags' is read-only.",
            ),
            (
                json!([{"op": "remove", "path": "/name"}]),
                403,
                "Property name may not be removed.",
            ),
            (
                json!([set("missing", json!("x"))]),
                409,
                "Property missing does not exist.",
            ),
            (
                json!([set("é", json!("2"))]),
                400,
                "Property é cannot be stored in Nova's image metadata",
            ),
            (
                json!([{"op": "add", "path": "/a b$", "value": "2"}]),
                400,
                "Property a b$ cannot be stored",
            ),
        ] {
            let refused = patch(&proxy, &target, &steps).await;
            assert_eq!(refused.status(), status, "{steps}: {}", refused.text());
            assert!(refused.text().contains(said), "{steps}: {}", refused.text());
            for other in ["allow_metadata_writes", "reserved"] {
                assert!(
                    !refused.text().contains(other),
                    "{steps}: {}",
                    refused.text()
                );
            }
        }
        if !writes {
            let refused = patch(&proxy, &target, &json!([set("os_distro", json!("x"))])).await;
            assert_eq!(refused.status(), 403, "{}", refused.text());
            assert!(refused.text().contains(closed), "{}", refused.text());
        }
        let wrote = nova
            .seen()
            .iter()
            .any(|seen| !seen.line().starts_with("GET "));
        assert!(!wrote, "nothing may be written");
    }
}

#[tokio::test]
async fn a_healthcheck_needs_no_token_and_no_nova() {
    let (nova, proxy) = before("", holding(Vec::new())).await;
    let mut client = proxy.client().await;
    client
        .send("GET /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let well = client.answer().await;
    assert_eq!((well.status(), well.text()), (200, "OK"));
    assert_eq!(
        well.header("content-type"),
        Some("text/plain; charset=UTF-8")
    );
    let json = ask(&mut client, "GET /healthcheck?detailed=1").await;
    assert_eq!(
        json_of(&json),
        json!({"detailed": false, "reasons": ["OK"]})
    );
    // As oslo.middleware answers.
    client
        .send("HEAD /healthcheck HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    let head = client.head().await;
    assert!(head.starts_with("HTTP/1.1 204"), "{head}");
    let next = ask(&mut client, "GET /healthcheck").await;
    assert_eq!(next.status(), 200, "the connection stays usable");
    assert!(nova.seen().is_empty());
}
