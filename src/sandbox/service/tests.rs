use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use super::answer;
use crate::sandbox::Store;

fn ask(store: &Store, method: &Method, target: &str, headers: &[(&str, &str)]) -> (u16, String) {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(
            name.parse::<HeaderName>().unwrap(),
            HeaderValue::from_str(value).unwrap(),
        );
    }
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    let response = answer(&mut store.clone(), method, path, query, &map, &[]);
    let status = response.status().as_u16();
    (
        status,
        String::from_utf8(response.into_body().to_vec()).unwrap(),
    )
}

fn get(store: &Store, target: &str) -> Value {
    let (status, body) = ask(
        store,
        &Method::GET,
        target,
        &[("accept", "application/json")],
    );
    assert_eq!(status, 200, "{target}: {body}");
    serde_json::from_str(&body).unwrap()
}

fn ids(page: &Value) -> Vec<String> {
    let images = page["images"].as_array().unwrap();
    images
        .iter()
        .map(|image| image["id"].as_str().unwrap().to_owned())
        .collect()
}

fn shares() -> Store {
    Store::from_json(
        r#"{"images": [
            {"id": "own", "owner": "p", "visibility": "private", "status": "active"},
            {"id": "own-hidden", "owner": "p", "os_hidden": true, "status": "active"},
            {"id": "own-killed", "owner": "p", "status": "killed"},
            {"id": "own-pending-delete", "owner": "p", "status": "pending_delete"},
            {"id": "own-community", "owner": "p", "visibility": "community", "status": "active"},
            {"id": "public", "owner": "q", "visibility": "public", "status": "active"},
            {"id": "community", "owner": "q", "visibility": "community", "status": "active"},
            {"id": "accepted", "owner": "q", "visibility": "shared", "status": "active"},
            {"id": "pending", "owner": "q", "visibility": "shared", "status": "active"},
            {"id": "other", "owner": "q", "visibility": "shared", "status": "active"},
            {"id": "private", "owner": "q", "visibility": "private", "status": "active"}],
          "members": {"accepted": {"p": "accepted"}, "pending": {"p": "pending"}, "private": {"p": "accepted"}},
          "tokens": {"p": {"project": "p"}, "root": {"project": "r", "admin": true}}}"#,
    )
    .unwrap()
}

#[test]
fn who_lists_what() {
    let store = shares();
    let listed = |token: &str, query: &str| {
        let (status, body) = ask(
            &store,
            &Method::GET,
            &format!("/v2/images?sort=id:asc{query}"),
            &[("x-auth-token", token)],
        );
        assert_eq!(status, 200);
        ids(&serde_json::from_str(&body).unwrap()).join(" ")
    };
    assert_eq!(
        listed("p", ""),
        "accepted own own-community own-pending-delete public"
    );
    assert_eq!(
        listed("p", "&visibility=community"),
        "community own-community"
    );
    assert_eq!(
        listed("p", "&visibility=shared"),
        "accepted own-pending-delete"
    );
    assert_eq!(
        listed("p", "&visibility=shared&member_status=all"),
        "accepted own-pending-delete pending"
    );
    assert_eq!(
        listed("p", "&member_status=pending"),
        "own own-community own-pending-delete pending public"
    );
    assert_eq!(listed("p", "&os_hidden=true"), "own-hidden");
    assert_eq!(listed("p", "&visibility=private"), "own");
    assert_eq!(
        listed("p", "&visibility=all"),
        "accepted community own own-community own-pending-delete public"
    );
    assert_eq!(
        listed("root", ""),
        "accepted other own own-pending-delete pending private public"
    );
}

#[test]
fn who_sees_what() {
    let store = shares();
    for (id, seen) in [
        ("own-killed", true),
        ("own-hidden", true),
        ("community", true),
        ("pending", true),
        ("other", false),
        ("private", false),
        ("nowhere", false),
    ] {
        let status = ask(
            &store,
            &Method::GET,
            &format!("/v2/images/{id}"),
            &[("x-auth-token", "p")],
        )
        .0;
        assert_eq!(status == 200, seen, "{id}");
        let root = ask(
            &store,
            &Method::GET,
            &format!("/v2/images/{id}"),
            &[("x-auth-token", "root")],
        )
        .0;
        assert_eq!(root == 200, id != "nowhere", "{id}");
    }
}

#[test]
fn a_token_is_asked_for_where_glance_does() {
    let store = shares();
    for (target, status) in [
        ("/", 300),
        ("/versions", 200),
        ("/v1/images", 300),
        ("/v2", 401),
        ("/v2/images", 401),
        ("/v2/nonsense", 401),
        ("/v2/schemas/image", 401),
    ] {
        assert_eq!(ask(&store, &Method::GET, target, &[]).0, status, "{target}");
        assert_eq!(
            ask(&store, &Method::GET, target, &[("x-auth-token", "?")]).0,
            status,
            "{target}"
        );
    }
    assert_eq!(ask(&store, &Method::OPTIONS, "/v2/images", &[]).0, 200);
    assert_eq!(
        ask(
            &store,
            &Method::GET,
            "/v2/images",
            &[("x-storage-token", "p")]
        )
        .0,
        200
    );
    let (_, body) = ask(
        &store,
        &Method::GET,
        "/v2/images",
        &[("accept", "application/json")],
    );
    assert!(body.contains("401 Unauthorized") && body.contains("could not verify"));
}

#[test]
fn images_are_all_that_is_written() {
    let store = Store::demo();
    assert_eq!(ask(&store, &Method::POST, "/v2/images", &[]).0, 403);
    assert_eq!(ask(&store, &Method::PUT, "/v2/images/x/file", &[]).0, 403);
    assert_eq!(ask(&store, &Method::DELETE, "/v2/images/x", &[]).0, 404);
    assert_eq!(ask(&store, &Method::GET, "/v2/images/x/file", &[]).0, 404);
    assert_eq!(ask(&store, &Method::GET, "/v2/foo", &[]).0, 404);
}

#[test]
fn the_demo_shows_every_status_visibility_and_feature() {
    let store = Store::demo();
    let page = get(&store, "/v2/images?limit=1000&visibility=all");
    let listed = page["images"].as_array().unwrap();
    let some =
        |what: &str, test: &dyn Fn(&Value) -> bool| assert!(listed.iter().any(test), "{what}");
    for status in [
        "queued",
        "saving",
        "active",
        "pending_delete",
        "deactivated",
        "uploading",
        "importing",
    ] {
        some(status, &|image| image["status"] == status);
    }
    for visibility in ["public", "private", "shared", "community"] {
        some(visibility, &|image| image["visibility"] == visibility);
    }
    for value in ["True", "False", "disabled"] {
        some("auto_disk_config", &|image| {
            image["auto_disk_config"] == value
        });
    }
    some("a null name", &|image| image["name"].is_null());
    some("a name beyond ASCII", &|image| {
        image["name"].as_str().is_some_and(|name| !name.is_ascii())
    });
    some("a snapshot", &|image| {
        image["image_type"] == "snapshot" && image["instance_uuid"].is_string()
    });
    some("a null kernel", &|image| {
        image.get("kernel_id").is_some_and(Value::is_null)
    });
    some("direct_url", &|image| image["direct_url"].is_string());
    some("tags", &|image| {
        image["tags"].as_array().is_some_and(|tags| tags.len() > 1)
    });
    some("a trait", &|image| {
        image
            .as_object()
            .unwrap()
            .keys()
            .any(|key| key.starts_with("trait:"))
    });
    some("needs", &|image| {
        image["min_ram"] != 0 && image["min_disk"] != 0
    });
    some("a long value", &|image| {
        image
            .as_object()
            .unwrap()
            .values()
            .any(|value| value.as_str().is_some_and(|text| text.len() > 2000))
    });
    let mapping = |valid: bool| {
        move |image: &Value| {
            let mapping = image["block_device_mapping"].as_str();
            mapping.is_some_and(|text| serde_json::from_str::<Value>(text).is_ok() == valid)
        }
    };
    some("a block device mapping", &mapping(true));
    some("a broken block device mapping", &mapping(false));
    assert_eq!(
        get(&store, "/v2/images?os_hidden=true")["images"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert!(listed.iter().all(|image| image["status"] != "killed"));
    assert!(
        store
            .images()
            .any(|held| held.image.status == crate::model::Status::Killed)
    );
}

#[test]
fn pages_join_by_their_next_links() {
    let store = Store::demo().with_limits(7, 10);
    let whole = ids(&get(&Store::demo(), "/v2/images?limit=1000"));
    let (mut walked, mut target) = (Vec::new(), "/v2/images?limit=1000".to_owned());
    loop {
        let page = get(&store, &target);
        assert!(page["images"].as_array().unwrap().len() <= 10);
        walked.extend(ids(&page));
        match page.get("next").and_then(Value::as_str) {
            Some(next) => next.clone_into(&mut target),
            None => break,
        }
    }
    assert_eq!(walked, whole);
    assert_eq!(ids(&get(&store, "/v2/images")).len(), 7);
}

#[test]
fn patches_are_read_as_glance_reads_them() {
    let patch = |store: &mut Store, kind: &str, body: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_str(kind).unwrap());
        headers.insert("x-auth-token", HeaderValue::from_static("p"));
        let reply = answer(
            store,
            &Method::PATCH,
            "/v2/images/own",
            None,
            &headers,
            body.as_bytes(),
        );
        let text = String::from_utf8(reply.body().to_vec()).unwrap();
        (reply.status().as_u16(), text)
    };
    let kind = "application/openstack-images-v2.1-json-patch";
    let mut store = shares();
    for (body, status, said) in [
        (
            r#"[{"op": "add", "path": "/a~1b", "value": "x"}]"#,
            200,
            r#""a/b": "x""#,
        ),
        (
            r#"[{"op": "replace", "path": "/a~1b", "value": "y"}]"#,
            200,
            r#""a/b": "y""#,
        ),
        (
            r#"[{"op": "add", "path": "/ c ", "value": "z"}, {"op": "remove", "path": "/a~1b"}]"#,
            200,
            r#""c": "z""#,
        ),
        (
            r#"[{"op": "remove", "path": "/a~1b"}]"#,
            409,
            "Property a/b does not exist.",
        ),
        (
            r#"[{"op": "replace", "path": "/d", "value": "y"}]"#,
            409,
            "Property d does not exist.",
        ),
        (
            r#"[{"op": "add", "path": "/d", "value": 1}]"#,
            400,
            "is not of type",
        ),
        (
            r#"[{"op": "add", "path": "/d"}]"#,
            400,
            "requires a member named",
        ),
        (
            r#"[{"op": "test", "path": "/d", "value": "x"}]"#,
            400,
            "Invalid operation: `test`",
        ),
        (
            r#"[{"op": "add", "path": "d", "value": "x"}]"#,
            400,
            "does not start with",
        ),
        (
            r#"[{"op": "add", "path": "/d/e", "value": "x"}]"#,
            400,
            "Invalid JSON pointer",
        ),
        (
            r#"[{"op": "add", "path": "/os_glance_x", "value": "x"}]"#,
            403,
            "is reserved",
        ),
        (
            r#"[{"op": "replace", "path": "/status", "value": "x"}]"#,
            403,
            "is read-only",
        ),
        ("{}", 400, "must be a JSON array"),
    ] {
        let (got, text) = patch(&mut store, kind, body);
        assert_eq!(got, status, "{body}: {text}");
        assert!(text.contains(said), "{body}: {text}");
    }
    assert_eq!(patch(&mut store, "application/json", "[]").0, 415);
}
