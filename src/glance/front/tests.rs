use std::sync::Arc;

use bytes::BytesMut;
use http::{HeaderMap, HeaderValue, Method, Response};

use super::{Ground, Reading, Settings, Writes, needs_token, read, unoffered};
use crate::model::{Call, Change, Face, Fault, Image, ImageId, ListEnd, Reason, Step};

fn reading_with(settings: Settings, method: &Method, target: &str) -> Reading {
    let ground = Ground {
        base: "http://glance:9292".to_owned(),
        settings: Arc::new(settings),
    };
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    let (path, query) = match target.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (target, None),
    };
    read(&ground, method, path, query, &headers)
}

fn reading(method: &Method, target: &str) -> Reading {
    reading_with(Settings::default(), method, target)
}

fn text(response: Response<bytes::Bytes>) -> String {
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

/// The envelope of a list of `count` images that ends with the image `last`.
fn envelope(settings: Settings, target: &str, count: u64, last: &str) -> String {
    let Reading::Mine(asked) = reading_with(settings, &Method::GET, target) else {
        panic!("{target} is a list");
    };
    let mut out = BytesMut::new();
    asked.face.list_open(&mut out);
    asked.face.list_close(
        &ListEnd {
            count,
            last: Some(last).filter(|_| count > 0),
        },
        &mut out,
    );
    String::from_utf8(out.to_vec()).unwrap()
}

#[test]
fn links_as_glance_writes_them() {
    let real = || Settings {
        keep_repeats: false,
        ..Settings::default()
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
            Settings::default(),
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
fn each_method_and_path_has_its_reading() {
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
            Reading::Mine(_) => "mine".to_owned(),
            Reading::Draft(_) => "draft".to_owned(),
            Reading::Elsewhere => "elsewhere".to_owned(),
            Reading::Answer(response) => response.status().as_str().to_owned(),
            Reading::Refused(refused) => {
                let response = refused.face.fault(&refused.fault);
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
fn refusals_name_what_was_asked() {
    let Reading::Mine(asked) = reading(&Method::GET, "/v2/images/70a599e0") else {
        panic!("an image");
    };
    assert!(matches!(&asked.call, Call::Show(id) if id.as_str() == "70a599e0"));
    assert_eq!(asked.face.operation(), "show-image");
    let gone = Fault::upstream(
        http::StatusCode::NOT_FOUND,
        Reason::NoImage,
        "Image not found.",
    );
    assert!(
        text(asked.face.fault(&gone))
            .starts_with(r#"{"message": "No image found with ID 70a599e0<br />"#)
    );

    let Reading::Refused(refused) = reading(&Method::PUT, "/v2/images/70a599e0") else {
        panic!("refused");
    };
    let response = refused.face.fault(&refused.fault);
    assert_eq!(response.headers()["allow"], "GET, PATCH, DELETE");
    assert_eq!(
        text(response),
        r#"{"message": "The method PUT is not allowed for this resource. <br /><br />\n", "code": "405 Method Not Allowed", "title": "Method Not Allowed"}"#
    );
}

#[test]
fn documents() {
    let Reading::Answer(response) = reading(&Method::GET, "/") else {
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
    let ground = Ground {
        base: String::new(),
        settings: Arc::default(),
    };
    let with_body = read(&ground, &Method::GET, "/v2/schemas/image", None, &headers);
    assert!(matches!(with_body, Reading::Refused(refused) if refused.fault.status == 400));
}

#[test]
fn an_image_is_written_whole() {
    let Reading::Mine(asked) = reading(&Method::GET, "/v2/images/a") else {
        panic!("an image");
    };
    let image = Image {
        id: "a".into(),
        ..Image::default()
    };
    let shown: serde_json::Value =
        serde_json::from_str(&text(asked.face.show(&image).unwrap())).unwrap();
    assert_eq!(shown["self"], "/v2/images/a");
    let mut out = BytesMut::new();
    asked.face.list_item(&image, 0, &mut out);
    asked.face.list_item(&image, 1, &mut out);
    let two: Vec<serde_json::Value> =
        serde_json::from_slice(&[b"[", &out[..], b"]"].concat()).unwrap();
    assert_eq!(two, [shown.clone(), shown]);
}

/// A request that writes, with the media type of a patch or without one.
fn writing(writes: Writes, method: &Method, target: &str, kind: Option<&'static str>) -> Reading {
    let ground = Ground {
        base: String::new(),
        settings: Arc::new(Settings {
            writes,
            ..Settings::default()
        }),
    };
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    if let Some(kind) = kind {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    read(&ground, method, target, None, &headers)
}

const TEN: &str = "application/openstack-images-v2.1-json-patch";

#[test]
fn deletions_and_patches_as_far_as_they_are_allowed() {
    let id = || ImageId::parse("70a599e0").unwrap();
    for writes in [Writes::Deletes, Writes::All] {
        let path = "/v2/images/70a599e0";
        let Reading::Mine(asked) = writing(writes, &Method::DELETE, path, None) else {
            panic!("a deletion");
        };
        assert_eq!(asked.call, Call::Delete(id()));
        assert_eq!(asked.face.operation(), "delete-image");
        let done = asked.face.deleted();
        assert_eq!(
            (done.status().as_u16(), done.headers().get("content-type")),
            (204, None)
        );
        let gone = Fault::client(http::StatusCode::NOT_FOUND, Reason::NoImage, "gone");
        assert!(text(asked.face.fault(&gone)).contains("Failed to find image 70a599e0 to delete"));
        let Reading::Mine(asked) = writing(writes, &Method::GET, path, None) else {
            panic!("a show");
        };
        assert_eq!(asked.call, Call::Show(id()));
    }
    for (writes, target, kind, status, said) in [
        (
            Writes::Deletes,
            "/v2/images/70a599e0",
            Some(TEN),
            403,
            "nova.allow_metadata_writes",
        ),
        (
            Writes::All,
            "/v2/images/70a599e0",
            Some("application/json"),
            415,
            "The request media type application/json is not supported",
        ),
        (
            Writes::All,
            "/v2/images/70a599e0",
            None,
            415,
            "Image PATCH expects Content-Type one of",
        ),
        (
            Writes::All,
            "/v2/images/a%20b",
            Some(TEN),
            404,
            "No image found with ID a b",
        ),
    ] {
        let Reading::Refused(refused) = writing(writes, &Method::PATCH, target, kind) else {
            panic!("{target} is refused");
        };
        let reply = refused.face.fault(&refused.fault);
        assert_eq!(reply.status().as_u16(), status);
        assert_eq!(reply.headers().contains_key("accept-patch"), status == 415);
        assert!(text(reply).contains(said), "{said}");
    }
    let bad = writing(Writes::All, &Method::DELETE, "/v2/images/a%20b", None);
    let Reading::Refused(refused) = bad else {
        panic!("no image has this id");
    };
    assert!(
        text(refused.face.fault(&refused.fault)).contains("Failed to find image a b to delete")
    );
}

#[test]
fn a_patch_is_complete_with_its_body() {
    let path = "/v2/images/70a599e0";
    let Reading::Draft(draft) = writing(Writes::All, &Method::PATCH, path, Some(TEN)) else {
        panic!("a patch");
    };
    assert_eq!(draft.image().as_str(), "70a599e0");
    let call = draft
        .complete(br#"[{"op": "add", "path": "/a", "value": "1"}]"#)
        .unwrap();
    let steps = vec![Step::Set("a".to_owned(), "1".to_owned())];
    let Call::Change(id, change) = &call else {
        panic!("a change");
    };
    assert_eq!((id.as_str(), change), ("70a599e0", &Change::Steps(steps)));
    let fault = draft.complete(b"{").unwrap_err();
    assert_eq!(fault.message, "Malformed JSON in request body.");
    let asked = draft.with(call);
    assert_eq!(asked.face.operation(), "update-image");
    let conflict = Fault::client(
        http::StatusCode::CONFLICT,
        Reason::NoProperty,
        "There was a conflict when trying to complete your request.\nProperty nope does not exist.",
    );
    assert_eq!(
        text(asked.face.fault(&conflict)),
        r#"{"message": "There was a conflict when trying to complete your request.<br /><br />\nProperty nope does not exist.\n\n", "code": "409 Conflict", "title": "Conflict"}"#
    );
}

#[test]
fn what_is_not_offered_is_refused_by_name() {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    for (method, path, status, said) in [
        (Method::POST, "/v2/images", 403, "the creation of images"),
        (
            Method::PUT,
            "/v2.9/images/a/file",
            403,
            "the upload of image data",
        ),
        (
            Method::GET,
            "/v2/images/a/stage",
            405,
            "The method GET is not allowed",
        ),
        (Method::GET, "/v2/nowhere", 404, "could not be found"),
    ] {
        let refused = unoffered(&method, path, &headers);
        let reply = refused.face.fault(&refused.fault);
        assert_eq!(reply.status().as_u16(), status, "{path}");
        assert_eq!(reply.headers().contains_key("allow"), status == 405);
        assert!(text(reply).contains(said), "{path}");
    }
}
