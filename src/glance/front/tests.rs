use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Method, Response};

use super::{GlanceContext, GlanceListSettings, needs_token, read};
use crate::model::{Call, Document, Fault, Image, ListEnd, Reason, Recognized, RequestHead};

fn reading_with(settings: GlanceListSettings, method: &Method, target: &str) -> Option<Recognized> {
    let context = GlanceContext {
        base: "http://glance:9292".to_owned(),
        settings: Arc::new(settings),
    };
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    read(
        &context,
        RequestHead {
            method,
            path,
            query,
            headers: &headers,
        },
    )
}

fn reading(method: &Method, target: &str) -> Option<Recognized> {
    reading_with(GlanceListSettings::default(), method, target)
}

fn text(response: Response<bytes::Bytes>) -> String {
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

/// Returns the end of a list of `count` images whose last image is `last`.
fn envelope(settings: GlanceListSettings, target: &str, count: u64, last: &str) -> String {
    let Some(Recognized::Call(asked)) = reading_with(settings, &Method::GET, target) else {
        panic!("{target} is a list");
    };
    let mut out = BytesMut::new();
    asked.responder.list_open(&mut out);
    asked.responder.list_close(
        &ListEnd {
            count,
            last: Some(last).filter(|_| count > 0),
        },
        &mut out,
    );
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn links_are_written_as_in_glance() {
    let real = || GlanceListSettings {
        keep_repeats: false,
        ..GlanceListSettings::default()
    };
    for (target, count, expected) in [
        (
            "/v2/images",
            3,
            r#""first": "/v2/images", "schema": "/v2/schemas/images"}"#,
        ),
        (
            "/v2.9/images",
            25,
            r#""first": "/v2/images", "schema": "/v2/schemas/images", "next": "/v2/images?marker=L"}"#,
        ),
        (
            "/v2/images?limit=0",
            0,
            r#""first": "/v2/images?limit=0", "schema": "/v2/schemas/images"}"#,
        ),
        (
            "/v2/images?tag=a&marker=x&limit=%201&tag=b~/*:",
            1,
            concat!(
                r#""first": "/v2/images?tag=b~%2F%2A%3A&limit=+1", "schema": "/v2/schemas/images", "#,
                r#""next": "/v2/images?tag=b~%2F%2A%3A&limit=+1&marker=L"}"#
            ),
        ),
    ] {
        assert_eq!(
            envelope(real(), target, count, "L"),
            format!("{{\"images\": [], {expected}"),
            "{target}"
        );
    }
    assert_eq!(
        envelope(
            GlanceListSettings::default(),
            "/v2/images?tag=a&limit=1&tag=b",
            1,
            "L"
        ),
        concat!(
            r#"{"images": [], "first": "/v2/images?tag=a&limit=1&tag=b", "schema": "/v2/schemas/images", "#,
            r#""next": "/v2/images?tag=a&limit=1&tag=b&marker=L"}"#
        ),
        "a front for clients loses no tag"
    );
}

#[test]
fn each_method_and_path_is_recognised() {
    for (method, target, expected) in [
        (Method::GET, "/v2/images", "mine"),
        (Method::GET, "/v2/images/70a599e0", "mine"),
        (Method::GET, "/v2/images/a%20b", "404"),
        (Method::GET, "/v2/images/..", "404"),
        (Method::GET, "/v2/images/%2e%2e", "404"),
        (Method::GET, "/v2/images?limit=x", "400"),
        (Method::POST, "/v2/images", "elsewhere"),
        (Method::PUT, "/v2/images", "405"),
        (Method::HEAD, "/v2/images", "405"),
        (Method::HEAD, "/v2/images/70a599e0", "405"),
        (Method::PATCH, "/v2/images/70a599e0", "elsewhere"),
        (Method::DELETE, "/v2/images/70a599e0", "elsewhere"),
        (Method::POST, "/v2/images/70a599e0", "405"),
        (Method::POST, "/v2/schemas/image", "405"),
        (Method::GET, "/v2/schemas/image", "200"),
        (Method::GET, "/v2/images/", "404"),
        (Method::GET, "/v2/", "404"),
        (Method::GET, "/v2", "302"),
        (Method::GET, "/versions", "200"),
        (Method::GET, "/", "300"),
        (Method::GET, "/v1/images", "300"),
        (Method::GET, "/v2/images/70a599e0/file", "elsewhere"),
        (Method::OPTIONS, "/v2/images", "200"),
    ] {
        let got = match reading(&method, target) {
            None => "elsewhere".to_owned(),
            Some(Recognized::Call(_)) => "mine".to_owned(),
            Some(Recognized::NeedsBody(_)) => "pending".to_owned(),
            Some(Recognized::PassThrough(_)) => "passed on".to_owned(),
            Some(Recognized::Reply(document)) => document.reply.status().as_str().to_owned(),
            Some(Recognized::Refused(refused)) => {
                let response = refused.responder.fault(&refused.fault);
                assert_eq!(
                    response.headers().contains_key("allow"),
                    response.status() == 405
                );
                response.status().as_str().to_owned()
            }
        };
        assert_eq!(got, expected, "{method} {target}");
    }
    assert!(needs_token("/v2/images") && needs_token("/v2"));
    assert!(!needs_token("/") && !needs_token("/versions") && !needs_token("/v1/images"));
}

#[test]
fn refusals_name_the_requested_resource() {
    let Some(Recognized::Call(asked)) = reading(&Method::GET, "/v2/images/70a599e0") else {
        panic!("an image");
    };
    assert!(matches!(&asked.call, Call::Show(id) if id.as_str() == "70a599e0"));
    assert_eq!(asked.responder.operation(), "show-image");
    let gone = Fault::upstream(
        http::StatusCode::NOT_FOUND,
        Reason::NoImage,
        "Image not found.",
    );
    assert!(
        text(asked.responder.fault(&gone))
            .starts_with(r#"{"message": "No image found with ID 70a599e0<br />"#)
    );

    let Some(Recognized::Refused(refused)) = reading(&Method::PUT, "/v2/images/70a599e0") else {
        panic!("refused");
    };
    let response = refused.responder.fault(&refused.fault);
    assert_eq!(response.headers()["allow"], "GET, PATCH, DELETE");
    assert_eq!(
        text(response),
        r#"{"message": "The method PUT is not allowed for this resource. <br /><br />\n", "code": "405 Method Not Allowed", "title": "Method Not Allowed"}"#
    );
}

#[test]
fn documents_are_served_unless_the_request_has_a_body() {
    let Some(Recognized::Reply(Document {
        reply: response, ..
    })) = reading(&Method::GET, "/")
    else {
        panic!("versions");
    };
    let versions: serde_json::Value = serde_json::from_str(&text(response)).unwrap();
    assert_eq!(versions["versions"][0]["status"], "CURRENT");
    assert_eq!(
        versions["versions"][18]["links"][0]["href"],
        "http://glance:9292/v2/"
    );

    let mut headers = HeaderMap::new();
    headers.insert("content-length", HeaderValue::from_static("7"));
    let context = GlanceContext {
        base: String::new(),
        settings: Arc::default(),
    };
    let with_body = read(
        &context,
        RequestHead {
            method: &Method::GET,
            path: "/v2/schemas/image",
            query: None,
            headers: &headers,
        },
    );
    assert!(matches!(with_body, Some(Recognized::Refused(refused)) if refused.fault.status == 400));
}

#[test]
fn shown_and_listed_images_are_written_alike() {
    let Some(Recognized::Call(asked)) = reading(&Method::GET, "/v2/images/a") else {
        panic!("an image");
    };
    let image = Image {
        id: "a".into(),
        ..Image::default()
    };
    let shown: serde_json::Value =
        serde_json::from_str(&text(asked.responder.show(&image).unwrap())).unwrap();
    assert_eq!(shown["self"], "/v2/images/a");
    let mut out = BytesMut::new();
    asked.responder.list_item(&image, 0, &mut out);
    asked.responder.list_item(&image, 1, &mut out);
    let two: Vec<serde_json::Value> =
        serde_json::from_slice(&[b"[", &out[..], b"]"].concat()).unwrap();
    assert_eq!(two, [shown.clone(), shown]);
}
