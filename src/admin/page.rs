//! The page for people: three files, which ask for `/status` every few seconds.

use bytes::Bytes;
use http::header::CONTENT_SECURITY_POLICY;
use http::{HeaderValue, Response, StatusCode};

use super::reply::typed;

/// Only what comes from this listener is run, and nothing that stands in the page itself.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-ancestors 'none'; \
     base-uri 'none'; form-action 'none'",
);

/// A file of the page.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct PageFile {
    media_type: &'static str,
    content: &'static str,
}

pub(super) static INDEX: PageFile = PageFile {
    media_type: "text/html; charset=utf-8",
    content: include_str!("page/index.html"),
};

pub(super) static SCRIPT: PageFile = PageFile {
    media_type: "text/javascript; charset=utf-8",
    content: include_str!("page/page.js"),
};

pub(super) static STYLE: PageFile = PageFile {
    media_type: "text/css; charset=utf-8",
    content: include_str!("page/page.css"),
};

impl PageFile {
    pub(super) fn reply(&self) -> Response<Bytes> {
        let mut reply = typed(StatusCode::OK, self.media_type, self.content);
        let headers = reply.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, POLICY);
        reply
    }
}
