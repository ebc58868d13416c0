//! Faults in Glance's form: WebOb's error pages.

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};

use crate::glance::front::request::patch;
use crate::model::Fault;
use crate::webob::page::Form;

/// WebOb's explanation of every 401, whatever the reason.
const UNAUTHORIZED: &str = "This server could not verify that you are authorized to access the document you \
                            requested. Either you supplied the wrong credentials (e.g., bad password), or your \
                            browser does not understand how to supply the credentials required.";

/// The header that lists the media types for PATCH (RFC 5789, section 3.1).
const ACCEPT_PATCH: HeaderName = HeaderName::from_static("accept-patch");

/// The form of a fault that the client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorFormat {
    form: Form,
    /// A reply to `HEAD` has no body.
    head: bool,
}

impl ErrorFormat {
    /// Reads the form from the request.
    pub(crate) fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            form: Form::accepted(headers),
            head: method == Method::HEAD,
        }
    }
}

/// Writes the whole reply. `allow` is the value of the header of a 405.
pub(crate) fn write(
    format: ErrorFormat,
    fault: &Fault,
    allow: Option<&'static str>,
) -> Response<Bytes> {
    let (kind, body) = page(format, fault);
    let mut response = Response::new(body);
    *response.status_mut() = fault.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    if fault.status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
        headers.insert(ACCEPT_PATCH, HeaderValue::from_static(patch::ACCEPT_PATCH));
    }
    for challenge in &fault.challenges {
        headers.append(WWW_AUTHENTICATE, challenge.clone());
    }
    if let Some(seconds) = &fault.retry_after {
        headers.insert(RETRY_AFTER, seconds.clone());
    }
    response
}

/// Returns content type and body.
fn page(format: ErrorFormat, fault: &Fault) -> (&'static str, Bytes) {
    if format.head {
        return (Form::Html.content_type(), Bytes::new());
    }
    let message = match fault.status {
        StatusCode::UNAUTHORIZED => UNAUTHORIZED,
        _ => &fault.message,
    };
    (
        format.form.content_type(),
        format.form.page(fault.status, message).into(),
    )
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
    use http::{HeaderMap, HeaderValue, Method, StatusCode};

    use super::{ErrorFormat, write};
    use crate::model::Fault;

    fn page(accept: &'static str, fault: &Fault) -> (String, String) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let response = write(ErrorFormat::of(&Method::GET, &headers), fault, None);
        assert_eq!(response.status(), fault.status);
        (
            response.headers()[CONTENT_TYPE]
                .to_str()
                .unwrap()
                .to_owned(),
            String::from_utf8(response.into_body().to_vec()).unwrap(),
        )
    }

    #[test]
    fn a_fault_carries_its_headers_and_page() {
        let mut fault = Fault::no_route();
        fault.status = StatusCode::UNAUTHORIZED;
        fault
            .challenges
            .push(HeaderValue::from_static("Keystone uri=\"u\""));
        fault.retry_after = Some(HeaderValue::from_static("7"));
        let format = ErrorFormat::of(&Method::HEAD, &HeaderMap::new());
        let response = write(format, &fault, Some("GET"));
        assert_eq!(response.headers()["www-authenticate"], "Keystone uri=\"u\"");
        assert_eq!(response.headers()["retry-after"], "7");
        assert_eq!(response.headers()[ALLOW], "GET");
        assert!(response.body().is_empty(), "a reply to HEAD");
        assert!(
            page("application/json", &fault)
                .1
                .contains("could not verify")
        );
        fault.status = StatusCode::PAYLOAD_TOO_LARGE;
        assert!(
            page("application/json", &fault)
                .1
                .contains("413 Request Entity Too Large")
        );
    }
}
