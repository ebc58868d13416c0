//! Replies of the admin listener.

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

/// A reply of this media type.
pub(super) fn typed(
    status: StatusCode,
    media_type: &'static str,
    content: impl Into<Bytes>,
) -> Response<Bytes> {
    let mut reply = Response::new(content.into());
    *reply.status_mut() = status;
    let media_type = HeaderValue::from_static(media_type);
    reply.headers_mut().insert(CONTENT_TYPE, media_type);
    reply
}

/// A reply in words, which end with a line break for those who read them in a terminal.
pub(super) fn text(status: StatusCode, content: impl Into<Bytes>) -> Response<Bytes> {
    typed(status, "text/plain; charset=utf-8", content)
}

/// A reply for programs.
pub(super) fn json(status: StatusCode, content: &impl Serialize) -> Response<Bytes> {
    match serde_json::to_string_pretty(content) {
        Ok(written) => typed(status, "application/json", written + "\n"),
        // A map with keys that are not text, of which there is none.
        Err(error) => text(StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")),
    }
}

/// A reply that says it in the status alone.
pub(super) fn no_content() -> Response<Bytes> {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
}
