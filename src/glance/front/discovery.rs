//! Replies that depend only on the path: schema documents, version lists, and the redirect to `/v2/`.

use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::glance::tables::VERSIONS;

/// The schema documents of Glance 32 and 33, byte for byte.
const SCHEMAS: &[(&str, &str)] = &[
    (
        "image",
        include_str!("../../../fixtures/glance/schema-image.json"),
    ),
    (
        "images",
        include_str!("../../../fixtures/glance/schema-images.json"),
    ),
    (
        "member",
        include_str!("../../../fixtures/glance/schema-member.json"),
    ),
    (
        "members",
        include_str!("../../../fixtures/glance/schema-members.json"),
    ),
];

/// Returns the schema document of this name.
pub(crate) fn schema(name: &str) -> Option<&'static str> {
    crate::glance::tables::lookup(SCHEMAS, name)
}

pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// Returns the list of versions, each under `base`. The first one of the table is the current one.
pub(crate) fn versions(status: StatusCode, base: &str) -> Response<Bytes> {
    let base = base.replace('\\', "%5C").replace('"', "%22");
    let mut text = String::from("{\"versions\": [");
    for (at, id) in VERSIONS.iter().enumerate() {
        let (separator, standing) = match at {
            0 => ("", "CURRENT"),
            _ => (", ", "SUPPORTED"),
        };
        let _infallible = write!(
            text,
            "{separator}{{\"id\": \"{id}\", \"status\": \"{standing}\", \
             \"links\": [{{\"rel\": \"self\", \"href\": \"{base}/v2/\"}}]}}"
        );
    }
    text.push_str("]}");
    json(status, text)
}

/// Returns the redirect for `/v2`.
pub(crate) fn redirect(base: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf8"),
    );
    if let Ok(location) = HeaderValue::from_str(&format!("{base}/v2/")) {
        headers.insert(LOCATION, location);
    }
    response
}

/// Whether the request announces a body.
pub(crate) fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING)
        || headers
            .get(CONTENT_LENGTH)
            .is_some_and(|length| length.as_bytes() != b"0")
}
