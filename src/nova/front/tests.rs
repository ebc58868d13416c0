//! Tests of whole requests, from the request line to the reply. The expected texts are those of recorded exchanges with
//! nova 34.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;

use super::{NovaContext, NovaFrontend, Passes, read};
use crate::model::{
    Call, Fault, Frontend, Image, ImageId, ListEnd, PassThrough, Reason, Recognized, RequestHead,
    Rewrite, Size, Status, Value,
};
use crate::nova::compat::{Compat, Microversion};

const ID: &str = "36a71c26-de94-5f09-9e67-cdc245586d89";
const ROUTING_404: &str = r#"{"message": "The resource could not be found.<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#;

fn context() -> NovaContext {
    NovaContext {
        base: "http://127.0.0.1:28774".to_owned(),
        compat: Arc::new(Compat {
            alternate_base: "http://127.0.0.1:29292".to_owned(),
            max_microversion: Microversion::NOVA_34,
            ..Compat::default()
        }),
        caller: None,
    }
}

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        let value = HeaderValue::from_str(value).unwrap();
        headers.append(HeaderName::from_static(name), value);
    }
    headers
}

fn get(target: &str, lines: &[(&'static str, &str)]) -> Recognized {
    let target = target.replace("ID", ID);
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target.as_str(), None),
    };
    read(
        &context(),
        RequestHead {
            method: &Method::GET,
            path,
            query,
            headers: &headers(lines),
        },
    )
}

/// Returns status, `OpenStack-API-Version`, `Content-Type` and body of a refusal.
fn refusal(target: &str, lines: &[(&'static str, &str)]) -> (u16, String, String, String) {
    let Recognized::Refused(refused) = get(target, lines) else {
        panic!("{target} is not refused");
    };
    let reply = refused.responder.fault(&refused.fault);
    let header = |name| {
        reply
            .headers()
            .get(name)
            .map_or("-", |value| value.to_str().unwrap())
            .to_owned()
    };
    (
        reply.status().as_u16(),
        header("openstack-api-version"),
        header("content-type"),
        String::from_utf8(reply.body().to_vec()).unwrap(),
    )
}

fn image() -> Image<'static> {
    let text = |text| Value::Text(Cow::Borrowed(text));
    Image {
        id: Cow::Borrowed(ID),
        name: Some(Cow::Borrowed("cirros")),
        status: Status::Active,
        size: Size::Bytes(1024),
        created_at: Some(Cow::Borrowed("2024-01-01T00:00:00Z")),
        updated_at: Some(Cow::Borrowed("2024-02-01T00:30:15Z")),
        properties: vec![
            (Cow::Borrowed("os_distro"), text("cirros")),
            (Cow::Borrowed("mappings"), text("[1]")),
        ]
        .into(),
        ..Image::default()
    }
}

fn shown(target: &str) -> Result<String, Fault> {
    let Recognized::Call(asked) = get(target, &[]) else {
        panic!("{target} is not ours");
    };
    assert_eq!(asked.call, Call::Show(ImageId::parse(ID).unwrap()));
    let reply = asked.responder.show(&image())?;
    assert_eq!(reply.headers()["content-type"], "application/json");
    Ok(String::from_utf8(reply.body().to_vec()).unwrap())
}

fn listed(target: &str, ids: &[&str]) -> String {
    let Recognized::Call(asked) = get(target, &[]) else {
        panic!("{target} is not ours");
    };
    assert!(matches!(asked.call, Call::List(_)));
    let mut out = BytesMut::new();
    asked.responder.list_open(&mut out);
    for (id, index) in ids.iter().zip(0..) {
        let image = Image {
            id: Cow::Borrowed(id),
            ..image()
        };
        asked.responder.list_item(&image, index, &mut out);
    }
    let end = ListEnd {
        count: ids.len().try_into().unwrap(),
        last: ids.last().copied(),
    };
    asked.responder.list_close(&end, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn an_image_and_its_metadata_are_shown_byte_for_byte() {
    let whole = shown("/v2/A/images/ID?limit=abc&_method=DELETE").unwrap();
    assert!(whole.starts_with(r#"{"image": {"id": "36a71c26-"#) && whole.ends_with("\"}]}}"));
    assert_eq!(
        shown("/v2/A/images/ID/metadata").unwrap(),
        r#"{"metadata": {"os_distro": "cirros", "mappings": [1]}}"#
    );
    assert_eq!(
        shown("/v2.1/images/ID/metadata/os_distro").unwrap(),
        r#"{"meta": {"os_distro": "cirros"}}"#
    );
    assert_eq!(
        shown("/v2.1/images/ID/metadata/mappings").unwrap(),
        r#"{"meta": {"mappings": [1]}}"#
    );
    let missing = shown("/v2.1/images/ID/metadata/status").unwrap_err();
    assert_eq!(
        (missing.status, missing.reason),
        (StatusCode::NOT_FOUND, Reason::NoProperty)
    );
}

#[test]
fn lists_are_written_byte_for_byte() {
    assert_eq!(listed("/v2/A/images", &[]), r#"{"images": []}"#);
    assert_eq!(
        listed("/v2/A/images?limit=2&foo=A", &["a", "b"]),
        concat!(
            r#"{"images": [{"id": "a", "name": "cirros", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/A/images/a"}, "#,
            r#"{"rel": "bookmark", "href": "http://127.0.0.1:28774/A/images/a"}, {"rel": "alternate", "#,
            r#""type": "application/vnd.openstack.image", "href": "http://127.0.0.1:29292/images/a"}]}, "#,
            r#"{"id": "b", "name": "cirros", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/A/images/b"}, "#,
            r#"{"rel": "bookmark", "href": "http://127.0.0.1:28774/A/images/b"}, {"rel": "alternate", "#,
            r#""type": "application/vnd.openstack.image", "href": "http://127.0.0.1:29292/images/b"}]}], "#,
            r#""images_links": [{"rel": "next", "href": "http://127.0.0.1:28774/v2/A/images?limit=2&marker=b"}]}"#,
        )
    );
    let detail = listed("/v2.1/images/detail?limit=1&name=duplicate", &["a"]);
    assert!(detail.contains("\"minRam\": 0"));
    assert!(detail.ends_with(
        r#""images_links": [{"rel": "next", "href": "http://127.0.0.1:28774/v2.1/images/detail?limit=1&name=duplicate&marker=a"}]}"#
    ));
}

#[test]
fn microversions_are_checked_before_everything_else() {
    let not_found =
        r#"{"itemNotFound": {"code": 404, "message": "The resource could not be found."}}"#;
    let version = "openstack-api-version";
    let json = "application/json; charset=UTF-8";
    for (target, asked, status, echoed, body) in [
        (
            "/v2.1/A/images?limit=abc",
            "compute 2.36",
            404,
            "compute 2.36",
            not_found,
        ),
        (
            "/v2.1/A/images/ID",
            "compute latest",
            404,
            "compute 2.104",
            not_found,
        ),
        (
            "/v2.1/A/images/a%20b",
            "compute 2.36",
            404,
            "compute 2.36",
            not_found,
        ),
        (
            "/v2.1/A/images/ID/metadata",
            "compute 2.39",
            404,
            "compute 2.39",
            not_found,
        ),
        (
            "/v2.1/A/images",
            "compute 2.999",
            406,
            "compute 2.999",
            r#"{"computeFault": {"code": 406, "message": "Version 2.999 is not supported by the API. Minimum is 2.1 and maximum is 2.104."}}"#,
        ),
        (
            "/v2.1/A/images/ID",
            "compute garbage",
            400,
            "-",
            r#"{"badRequest": {"code": 400, "message": "API Version String garbage is of invalid format. Must be of format MajorNum.MinorNum."}}"#,
        ),
        (
            "/v2.1/A/images?limit=abc",
            "compute 2.35",
            400,
            "compute 2.35",
            r#"{"badRequest": {"code": 400, "message": "Invalid input for query parameters limit. Value: abc. 'abc' does not match '^[0-9]*$'"}}"#,
        ),
    ] {
        let expected = (status, echoed.to_owned(), json.to_owned(), body.to_owned());
        assert_eq!(
            refusal(target, &[(version, asked)]),
            expected,
            "{target} {asked}"
        );
    }
    for target in [
        "/v2/A/images",
        "/v1.1/A/images",
        "/v2.1/A/images/ID/metadata/k",
    ] {
        let Recognized::Call(asked) = get(target, &[(version, "compute 2.38")]) else {
            panic!("{target}");
        };
        let echoed = asked.responder.list_head().headers().get(version).cloned();
        assert_eq!(echoed.is_some(), target.starts_with("/v2.1"), "{target}");
    }
}

#[test]
fn microversion_ceilings_can_be_ignored() {
    let mut context = context();
    context.compat = Arc::new(Compat {
        ignore_microversion: true,
        ..Compat::default()
    });
    let asked = headers(&[("openstack-api-version", "compute 2.90")]);
    let Recognized::Call(asked) = read(
        &context,
        RequestHead {
            method: &Method::GET,
            path: "/v2.1/images",
            query: None,
            headers: &asked,
        },
    ) else {
        panic!("refused");
    };
    let head = asked.responder.list_head();
    assert_eq!(head.headers()["openstack-api-version"], "compute 2.90");
}

#[test]
fn images_and_items_that_cannot_exist_get_novas_reply() {
    let json = [("accept", "application/json")];
    let no_image = r#"{"itemNotFound": {"code": 404, "message": "Image not found."}}"#;
    for target in [
        "/v2.1/A/images/a%20b",
        "/v2.1/A/images/%2e%2e",
        "/v2.1/A/images/ID%3Fx/metadata",
    ] {
        let (status, echoed, kind, body) = refusal(target, &json);
        assert_eq!(
            (status, &*echoed, &*body),
            (404, "compute 2.1", no_image),
            "{target}"
        );
        assert_eq!(kind, "application/json; charset=UTF-8");
    }
    let (status, _, _, body) = refusal("/v2/A/images/ID/metadata/%00", &json);
    let no_item =
        r#"{"itemNotFound": {"code": 404, "message": "The resource could not be found."}}"#;
    assert_eq!((status, &*body), (404, no_item));
    for target in [
        "/v2.1/images/",
        "/v2.1/A/images/ID/",
        "/v2.1/A/images/..%2fID",
        "/v2.1//images/",
        "/v2.1/./images",
    ] {
        let expected = (
            404,
            "-".to_owned(),
            "application/json".to_owned(),
            ROUTING_404.to_owned(),
        );
        assert_eq!(refusal(target, &json), expected, "{target}");
    }
}

#[test]
fn routing_404s_have_the_form_that_the_client_accepts() {
    let html = "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  The resource could not be found.<br /><br />\n\n\n\n </body>\n</html>";
    let plain = "404 Not Found\n\nThe resource could not be found.\n\n   ";
    for (lines, kind, body) in [
        (&[("accept", "*/*")][..], "text/html; charset=UTF-8", html),
        (
            &[("accept", "application/json;q=0.5")],
            "application/json",
            ROUTING_404,
        ),
        (
            &[("accept", "text/plain")],
            "text/plain; charset=UTF-8",
            plain,
        ),
        (&[], "text/plain; charset=UTF-8", plain),
    ] {
        let expected = (404, "-".to_owned(), kind.to_owned(), body.to_owned());
        assert_eq!(refusal("/v2.1/images/", lines), expected, "{lines:?}");
    }
}

#[test]
fn undecodable_queries_are_refused_by_every_operation() {
    for target in [
        "/v2/A/images?name=%E9",
        "/v2/A/images/detail?x=%ff",
        "/v2/A/images/ID?%ff",
        "/v2/A/images/ID/metadata?x=%ff",
    ] {
        let (status, _, _, body) = refusal(target, &[]);
        let expected =
            r#"{"badRequest": {"code": 400, "message": "Query string is not UTF-8 encoded"}}"#;
        assert_eq!((status, &*body), (400, expected), "{target}");
    }
}

#[test]
fn the_preferred_media_type_is_echoed() {
    let vendor = "application/vnd.openstack.compute+json";
    for (accept, kind) in [
        (vendor, vendor),
        ("application/xml", "application/json"),
        ("application/*", "application/json"),
        ("", "application/json"),
    ] {
        let Recognized::Call(asked) = get("/v2/A/images", &[("accept", accept)]) else {
            panic!("{accept}");
        };
        assert_eq!(asked.responder.list_head().headers()["content-type"], kind);
    }
}

#[test]
fn a_responder_for_faults_writes_them() {
    let front = NovaFrontend {
        compat: context().compat,
        passes: Some(Passes::default()),
    };
    let responder = front.faults(&Method::GET, &headers(&[("accept", "application/json")]));
    assert_eq!((responder.operation(), responder.project()), ("none", None));
    let fault = Fault::proxy(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamUnreachable,
        "No Nova.",
    );
    let reply = responder.fault(&fault);
    assert_eq!(
        reply.body(),
        r#"{"computeFault": {"code": 502, "message": "No Nova."}}"#
    );
    assert_eq!(responder.fault(&Fault::no_route()).body(), ROUTING_404);
}

#[test]
fn responders_name_operation_and_project_for_the_log() {
    let Recognized::Call(asked) = get("/v2.1/my%20project/images/detail", &[]) else {
        panic!("refused");
    };
    assert_eq!(asked.responder.operation(), "list-images-detail");
    assert_eq!(asked.responder.project(), Some("my%20project"));
}

proptest! {
    #[test]
    fn no_request_panics(path in "(/[a-z0-9.%]{0,9}){0,5}|/v2.1/images\\PC{0,20}", query in proptest::option::of("\\PC{0,40}"), version in "[ -~]{0,20}") {
        let headers = headers(&[("openstack-api-version", &version), ("accept", &version)]);
        match read(&context(), RequestHead { method: &Method::GET, path: &path, query: query.as_deref(), headers: &headers }) {
            Recognized::Call(asked) => {
                if let Call::Show(id) = asked.call {
                    prop_assert!(ImageId::parse(id.as_str()).is_some());
                }
            }
            Recognized::Refused(refused) => {
                let reply = refused.responder.fault(&refused.fault);
                prop_assert!(reply.status().is_client_error() && reply.body().is_ascii());
            }
            Recognized::NeedsBody(draft) => prop_assert!(false, "a GET has no body: {draft:?}"),
            Recognized::Reply(_) => prop_assert!(false, "Nova answers discovery"),
            Recognized::PassThrough(_) => {}
        }
    }
}

#[test]
fn a_request_with_a_method_in_its_query_is_never_passed_on() {
    let read = |method: Method, query: &str| {
        let path = "/v2.1/abc/images/70a599e0-31e7-49b7-b260-868f441e862b";
        read(
            &context(),
            RequestHead {
                method: &method,
                path,
                query: Some(query),
                headers: &HeaderMap::new(),
            },
        )
    };
    assert!(matches!(
        read(Method::GET, "_method=DELETE"),
        Recognized::Call(_)
    ));
    for query in ["_method=DELETE", "a=b;%5Fmethod=DELETE", "_method", "x=%ff"] {
        assert!(
            matches!(read(Method::POST, query), Recognized::Refused(_)),
            "{query}"
        );
    }
    assert!(matches!(
        read(Method::DELETE, "_method=GET"),
        Recognized::Refused(_)
    ));
    assert!(matches!(read(Method::DELETE, "a=b"), Recognized::Call(_)));
    assert!(matches!(
        read(Method::PATCH, "a=b"),
        Recognized::PassThrough(_)
    ));
}

#[test]
fn only_a_request_that_may_create_an_image_has_its_location_rewritten() {
    let rewrite = |rewrites_location, method: Method, path: &str| {
        let front = NovaFrontend {
            compat: context().compat,
            passes: Some(Passes { rewrites_location }),
        };
        let headers = HeaderMap::new();
        let head = RequestHead {
            method: &method,
            path: &front.lookup_path(path),
            query: None,
            headers: &headers,
        };
        match front.route(head, "https://c/compute").read(None) {
            Recognized::PassThrough(PassThrough { rewrite }) => rewrite,
            other => panic!("{other:?}"),
        }
    };
    let action = "/v2.1//p/servers/s/action";
    let images = "https://c/compute/v2.1/p/images".to_owned();
    assert_eq!(
        rewrite(true, Method::POST, action),
        Some(Rewrite::CreatedImage(images))
    );
    assert_eq!(rewrite(false, Method::POST, action), None);
    assert_eq!(rewrite(true, Method::GET, action), None);
    assert_eq!(rewrite(true, Method::POST, "/v2.1/p/servers"), None);
}
