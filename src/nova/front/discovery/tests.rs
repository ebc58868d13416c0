use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::find;
use crate::model::RequestHead;
use crate::nova::compat::{Compat, Microversion, Release};
use crate::nova::front::NovaContext;
use crate::webob::urlmap::collapsed;

fn context() -> NovaContext {
    NovaContext {
        base: "http://127.0.0.1:28774".to_owned(),
        compat: Arc::new(Compat {
            max_microversion: Microversion::NOVA_34,
            ..Compat::default()
        }),
        caller: None,
    }
}

fn document(
    context: &NovaContext,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Bytes>> {
    let path = &collapsed(path);
    let head = RequestHead {
        method,
        path,
        query: None,
        headers,
    };
    let found = find(&context.compat, method, path)?;
    Some(found.document(context, head).reply)
}

fn get(path: &str) -> Option<(u16, String)> {
    document(&context(), &Method::GET, path, &HeaderMap::new()).map(|reply| {
        let body = String::from_utf8(reply.body().to_vec()).unwrap();
        (reply.status().as_u16(), body)
    })
}

#[test]
fn the_root_lists_the_versions() {
    let expected = concat!(
        r#"{"versions": [{"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "", "#,
        r#""updated": "2025-07-04T12:00:00Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/"}]}, "#,
        r#"{"id": "v2.1", "status": "CURRENT", "version": "2.104", "min_version": "2.1", "#,
        r#""updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/"}]}]}"#,
    );
    for path in ["/", ""] {
        assert_eq!(get(path), Some((200, expected.to_owned())));
    }
}

#[test]
fn a_version_describes_itself() {
    let expected = concat!(
        r#"{"version": {"id": "v2.1", "status": "CURRENT", "version": "2.104", "min_version": "2.1", "#,
        r#""updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/"}, "#,
        r#"{"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}], "media-types": "#,
        r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]}}"#,
    );
    for path in ["/v2.1", "/v2.1/", "/v2.1/A/", "//v2.1//", "/v2.1/A//"] {
        assert_eq!(get(path), Some((200, expected.to_owned())), "{path}");
    }
    let (_, old) = get("/v2/").unwrap();
    assert!(
        old.starts_with(r#"{"version": {"id": "v2.0", "status": "DEPRECATED", "version": "", "#)
    );
    assert!(old.ends_with(r#"compute+json;version=2"}]}}"#));
    for path in ["/v2.1/A", "/v2.1/servers/", "/v2/A/nothing", "/v2/detail"] {
        assert_eq!(get(path), None, "{path}");
    }
}

#[test]
fn other_roots_offer_choices() {
    let expected = concat!(
        r#"{"choices": [{"id": "v2.0", "status": "DEPRECATED", "#,
        r#""links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/v3"}], "media-types": "#,
        r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}]}, "#,
        r#"{"id": "v2.1", "status": "CURRENT", "#,
        r#""links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/v3"}], "media-types": "#,
        r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]}]}"#,
    );
    assert_eq!(get("/v3/"), Some((300, expected.to_owned())));
    for path in ["/versions", "/images", "/v1.1/", "/A/images/x"] {
        assert_eq!(get(path).map(|(status, _)| status), Some(300), "{path}");
    }
}

#[test]
fn a_version_document_has_microversion_headers_and_the_root_has_none() {
    let asked = |value| {
        let name = HeaderName::from_static("x-openstack-nova-api-version");
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    };
    let reply = document(&context(), &Method::GET, "/v2.1/", &asked("2.36")).unwrap();
    assert_eq!(reply.headers()["openstack-api-version"], "compute 2.36");
    let reply = document(&context(), &Method::GET, "/v2.1/", &asked("2.999")).unwrap();
    assert_eq!(reply.status(), 406);
    for path in ["/", "/v2/"] {
        let reply = document(&context(), &Method::GET, path, &asked("2.999")).unwrap();
        assert_eq!(reply.status(), 200);
        assert!(!reply.headers().contains_key("openstack-api-version"));
    }
    assert!(document(&context(), &Method::POST, "/", &HeaderMap::new()).is_none());
}

/// Returns the release's reply: status, `Location` and body.
fn of(release: Release, path: &str) -> (u16, String, Value) {
    let context = NovaContext {
        compat: Arc::new(Compat::of(release)),
        ..context()
    };
    let reply = document(&context, &Method::GET, path, &HeaderMap::new()).unwrap();
    let location = reply.headers().get("location");
    let location = location.map_or("", |place| place.to_str().unwrap());
    let body = serde_json::from_slice(reply.body()).unwrap_or_default();
    (reply.status().as_u16(), location.to_owned(), body)
}

#[test]
fn icehouse_has_one_version() {
    let (status, _, list) = of(Release::Icehouse, "/");
    assert_eq!(status, 200);
    assert_eq!(
        list,
        json!({"versions": [{
            "id": "v2.0", "status": "CURRENT", "updated": "2011-01-21T11:33:21Z",
            "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/"}],
        }]})
    );
    for path in ["/v2/", "/v1.1/", "/v2/A/"] {
        let (status, _, one) = of(Release::Icehouse, path);
        assert_eq!((status, &one["version"]["id"]), (200, &json!("v2.0")));
        assert_eq!(one["version"]["links"].as_array().unwrap().len(), 3);
        assert_eq!(one["version"]["media-types"][0]["base"], "application/xml");
    }
    for path in ["/v2", "/v1.1"] {
        let (status, place, _) = of(Release::Icehouse, path);
        assert_eq!(
            (status, place),
            (302, format!("http://127.0.0.1:28774{path}/"))
        );
    }
    let (status, _, choices) = of(Release::Icehouse, "/foo");
    assert_eq!(status, 300);
    assert_eq!(
        choices["choices"][0]["links"][0]["href"],
        "http://127.0.0.1:28774/v2/foo"
    );
}

#[test]
fn before_nova_32_the_old_version_is_supported() {
    for (release, max) in [
        (Release::Kilo, "2.3"),
        (Release::Mitaka, "2.25"),
        (Release::Antelope, "2.35"),
    ] {
        let (_, _, list) = of(release, "/");
        assert_eq!(list["versions"][0]["status"], "SUPPORTED");
        assert_eq!(list["versions"][0]["updated"], "2011-01-21T11:33:21Z");
        assert_eq!(list["versions"][1]["version"], max);
    }
}

proptest! {
    #[test]
    fn every_document_is_json_in_ascii(path in "/\\PC{0,30}") {
        if let Some((_, body)) = get(&path) {
            prop_assert!(body.is_ascii());
            prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
        }
    }
}
