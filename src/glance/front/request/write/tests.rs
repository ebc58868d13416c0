use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::write;
use crate::glance::front::unoffered;
use crate::model::change::Change;
use crate::model::steps::{Step, Steps};
use crate::model::{Call, Fault, PendingCall, Reason, Recognized, RequestHead};

const TEN: &str = "application/openstack-images-v2.1-json-patch";

fn headers(kind: Option<&'static str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("accept", HeaderValue::from_static("application/json"));
    if let Some(kind) = kind {
        headers.insert("content-type", HeaderValue::from_static(kind));
    }
    headers
}

fn written(method: &Method, path: &str, headers: &HeaderMap) -> Option<Recognized> {
    write(head(method, path, headers))
}

fn head<'r>(method: &'r Method, path: &'r str, headers: &'r HeaderMap) -> RequestHead<'r> {
    RequestHead {
        method,
        path,
        query: None,
        headers,
    }
}

fn text(response: Response<Bytes>) -> String {
    String::from_utf8(response.into_body().to_vec()).unwrap()
}

fn patch(path: &str) -> PendingCall {
    match written(&Method::PATCH, path, &headers(Some(TEN))) {
        Some(Recognized::NeedsBody(pending)) => pending,
        other => panic!("{path} is a patch: {other:?}"),
    }
}

#[test]
fn a_deletion_is_complete_without_a_body() {
    let written = written(&Method::DELETE, "/v2.9/images/70a599e0", &headers(None));
    let Some(Recognized::Call(asked)) = written else {
        panic!("a deletion");
    };
    assert!(matches!(&asked.call, Call::Delete(id) if id.as_str() == "70a599e0"));
    assert_eq!(asked.responder.operation(), "delete-image");
    let done = asked.responder.deleted();
    assert_eq!(done.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        done.headers().get("content-type"),
        None,
        "clients read what is called JSON"
    );
    let gone = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "gone");
    assert!(text(asked.responder.fault(&gone)).contains("Failed to find image 70a599e0 to delete"));
}

#[test]
fn a_patch_is_complete_with_its_body() {
    let draft = patch("/v2/images/70a599e0");
    assert_eq!(draft.image.as_str(), "70a599e0");
    assert_eq!(draft.responder.operation(), "update-image");
    let responder = std::sync::Arc::clone(&draft.responder);
    let call = draft
        .complete(br#"[{"op": "add", "path": "/a", "value": "1"}]"#)
        .unwrap()
        .call;
    let steps = Steps {
        properties: vec![Step::Set("a".to_owned(), "1".to_owned())],
        ..Steps::default()
    };
    let Call::Change(id, change) = &call else {
        panic!("a change");
    };
    assert_eq!((id.as_str(), change), ("70a599e0", &Change::Steps(steps)));
    let fault = patch("/v2/images/70a599e0").complete(b"{").unwrap_err();
    assert_eq!(fault.message, "Malformed JSON in request body.");
    let gone = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "gone");
    assert!(text(responder.fault(&gone)).contains("No image found with ID 70a599e0"));
    let conflict = Fault::client(
        StatusCode::CONFLICT,
        Reason::NoProperty,
        "There was a conflict when trying to complete your request.\nProperty nope does not exist.",
    );
    assert_eq!(
        text(responder.fault(&conflict)),
        r#"{"message": "There was a conflict when trying to complete your request.<br /><br />\nProperty nope does not exist.\n\n", "code": "409 Conflict", "title": "Conflict"}"#
    );
}

#[test]
fn invalid_writes_are_refused() {
    let unsupported = "The request media type application/json is not supported by this server.";
    for (method, path, kind, status, said) in [
        (
            Method::PATCH,
            "/v2/images/a",
            Some("application/json"),
            415,
            unsupported,
        ),
        (
            Method::PATCH,
            "/v2/images/a%20b",
            Some("application/json"),
            415,
            unsupported,
        ),
        (
            Method::PATCH,
            "/v2/images/a",
            None,
            415,
            "Image PATCH expects Content-Type one of",
        ),
        (
            Method::PATCH,
            "/v2/images/a%20b",
            Some(TEN),
            404,
            "No image found with ID a b",
        ),
        (
            Method::DELETE,
            "/v2/images/a%20b",
            None,
            404,
            "Failed to find image a b to delete",
        ),
    ] {
        let Some(Recognized::Refused(refused)) = written(&method, path, &headers(kind)) else {
            panic!("{method} {path} is refused");
        };
        let reply = refused.responder.fault(&refused.fault);
        assert_eq!(reply.status().as_u16(), status, "{method} {path}");
        assert_eq!(reply.headers().contains_key("accept-patch"), status == 415);
        assert!(text(reply).contains(said), "{said}");
    }
}

#[test]
fn other_methods_and_paths_are_not_writes() {
    for (method, path) in [
        (Method::POST, "/v2/images"),
        (Method::DELETE, "/v2/images"),
        (Method::PATCH, "/v2/images/a/tags/b"),
        (Method::DELETE, "/v2/images/a/"),
        (Method::GET, "/v2/images/a"),
        (Method::DELETE, "/images/a"),
    ] {
        assert!(
            written(&method, path, &headers(None)).is_none(),
            "{method} {path}"
        );
    }
}

#[test]
fn an_unsupported_resource_is_refused_by_name() {
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
        let headers = headers(None);
        let refused = unoffered(head(&method, path, &headers));
        let reply = refused.responder.fault(&refused.fault);
        assert_eq!(reply.status().as_u16(), status, "{path}");
        assert_eq!(reply.headers().contains_key("allow"), status == 405);
        assert!(text(reply).contains(said), "{path}");
    }
}
