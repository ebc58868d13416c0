//! Faults in the words of Nova and of the software in front of it.
//!
//! There are three forms. Nova's own is a JSON object with one named member, or an XML element of that name. WebOb
//! answers a path that Nova does not route, in the form that the client accepts. keystonemiddleware answers a missing
//! or wrong token.

use std::borrow::Cow;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::{text, xml};
use crate::model::{Fault, Reason, Source};
use crate::nova::compat::Compat;
use crate::nova::encoding::Encoding;
use crate::nova::tables::{View, fault_name};
use crate::webob::page::{self, Form};

/// Nova's message for an image that does not exist or that the caller may not see.
pub(crate) const NO_IMAGE: &str = "Image not found.";
/// WebOb's message, which Nova uses for everything else that does not exist.
pub(crate) const NOT_FOUND: &str = "The resource could not be found.";

/// How an upstream's error message reaches the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wording {
    /// Unchanged.
    AsIs,
    /// After the status, with HTML entities, as glanceclient extracts it from Glance's page.
    Quoted,
    /// Replaced by Nova's own message, which names the image.
    NotAuthorized,
    /// Replaced by Nova's own message for an image that the caller may not delete, whatever the reason.
    NotDeletable,
}

/// The wording by view and status. Without a row, the message is passed on unchanged. For lists Nova passes on the
/// reason; for a forbidden image it only says that it is forbidden.
const WORDINGS: &[(View, StatusCode, Wording)] = &[
    (View::Gone, StatusCode::FORBIDDEN, Wording::NotDeletable),
    (
        View::ItemGone,
        StatusCode::FORBIDDEN,
        Wording::NotAuthorized,
    ),
    (View::Brief, StatusCode::BAD_REQUEST, Wording::Quoted),
    (View::Brief, StatusCode::FORBIDDEN, Wording::Quoted),
    (View::Detailed, StatusCode::BAD_REQUEST, Wording::Quoted),
    (View::Detailed, StatusCode::FORBIDDEN, Wording::Quoted),
    (View::Image, StatusCode::BAD_REQUEST, Wording::Quoted),
    (View::Image, StatusCode::FORBIDDEN, Wording::NotAuthorized),
    (
        View::Metadata,
        StatusCode::FORBIDDEN,
        Wording::NotAuthorized,
    ),
    (
        View::MetadataItem,
        StatusCode::FORBIDDEN,
        Wording::NotAuthorized,
    ),
];

/// Returns the message for the client. `view` and `image` are those of the request.
pub(crate) fn message<'f>(
    fault: &'f Fault,
    view: Option<View>,
    image: Option<&str>,
) -> Cow<'f, str> {
    match fault.reason {
        Reason::NoImage => return Cow::Borrowed(NO_IMAGE),
        Reason::PropertyQuota => return Cow::Borrowed("Image metadata limit exceeded"),
        Reason::NoProperty if view == Some(View::ItemGone) => {
            return Cow::Borrowed("Invalid metadata key");
        }
        Reason::NoProperty | Reason::MicroversionCeiling => return Cow::Borrowed(NOT_FOUND),
        _ => {}
    }
    let text = if fault.message.is_empty() {
        fault.status.canonical_reason().unwrap_or_default()
    } else {
        &fault.message
    };
    let is_refusal = fault.source == Source::Upstream && fault.reason == Reason::UpstreamRefused;
    let wording = WORDINGS
        .iter()
        .find(|(of, status, _)| is_refusal && Some(*of) == view && *status == fault.status)
        .map_or(Wording::AsIs, |(_, _, wording)| *wording);
    match (wording, image) {
        (Wording::Quoted, _) => {
            Cow::Owned(format!("HTTP {}: {}", fault.status, page::escape(text)))
        }
        (Wording::NotAuthorized, Some(image)) => Cow::Owned(not_authorized(image)),
        (Wording::NotDeletable, _) => Cow::Borrowed("You are not allowed to delete the image."),
        _ => Cow::Borrowed(text),
    }
}

/// Returns Nova's message for an action that only the image's owner may do.
pub(crate) fn not_authorized(image: &str) -> String {
    format!("Not authorized for image {image}.")
}

/// Writes a fault in Nova's form (`nova/api/openstack/wsgi.py`, `Fault`). The caller adds the microversion headers.
pub(crate) fn nova(
    fault: &Fault,
    message: &str,
    compat: &Compat,
    encoding: Encoding,
) -> Response<Bytes> {
    match encoding {
        Encoding::Json => json(fault, message, compat),
        Encoding::Xml => xml(fault, message),
    }
}

fn xml(fault: &Fault, message: &str) -> Response<Bytes> {
    let code = fault.status.as_u16();
    let body = xml::fault::body(fault_name(code), code, message, wait(fault));
    reply(fault, xml::fault::CONTENT_TYPE, body.freeze())
}

/// Returns the value of `Retry-After`, if the body repeats it.
fn wait(fault: &Fault) -> Option<&str> {
    let limited = matches!(
        fault.status,
        StatusCode::PAYLOAD_TOO_LARGE | StatusCode::TOO_MANY_REQUESTS
    );
    let wait = fault.retry_after.as_ref().filter(|_| limited)?;
    wait.to_str().ok()
}

fn json(fault: &Fault, message: &str, compat: &Compat) -> Response<Bytes> {
    let status = fault.status;
    let mut out = BytesMut::with_capacity(message.len() + 64);
    out.put_u8(b'{');
    text::string(&mut out, fault_name(status.as_u16()));
    out.extend_from_slice(b": {");
    if compat.message_first {
        out.extend_from_slice(b"\"message\": ");
        text::string(&mut out, message);
        out.extend_from_slice(b", ");
    }
    out.extend_from_slice(b"\"code\": ");
    text::number(&mut out, status.as_u16().into());
    if !compat.message_first {
        out.extend_from_slice(b", \"message\": ");
        text::string(&mut out, message);
    }
    if let Some(wait) = wait(fault) {
        out.extend_from_slice(b", \"retryAfter\": ");
        text::string(&mut out, wait);
    }
    out.extend_from_slice(b"}}");
    reply(fault, "application/json; charset=UTF-8", out.freeze())
}

/// Writes keystonemiddleware's reply to a missing or invalid token (`keystonemiddleware/auth_token/__init__.py`). It
/// does not support XML, so there the reply has the form of Nova's other faults.
pub(crate) fn unauthorized(fault: &Fault, encoding: Encoding) -> Response<Bytes> {
    const BODY: &str = concat!(
        r#"{"error": {"code": 401, "title": "Unauthorized", "#,
        r#""message": "The request you have made requires authentication."}}"#
    );
    const MESSAGE: &str = "The request you have made requires authentication.";
    if encoding == Encoding::Xml {
        return xml(fault, MESSAGE);
    }
    reply(
        fault,
        "application/json",
        Bytes::from_static(BODY.as_bytes()),
    )
}

/// Sets the status for too much metadata. Nova checks the quota before it calls Glance and answers with 403
/// (`nova/api/openstack/common.py`, `check_img_metadata_properties_quota`). Releases up to Icehouse answer with 413 and
/// a `Retry-After` of 0.
pub(crate) fn quota(fault: &Fault, compat: &Compat) -> Fault {
    let status = StatusCode::from_u16(compat.quota_status).unwrap_or(StatusCode::FORBIDDEN);
    let no_wait = HeaderValue::from_static("0");
    Fault {
        status,
        retry_after: (status == StatusCode::PAYLOAD_TOO_LARGE).then_some(no_wait),
        ..fault.clone()
    }
}

/// Chooses the form of [`no_route`]. WebOb before 1.6, which came after Mitaka, never wrote JSON.
pub(crate) fn form(headers: &HeaderMap, compat: &Compat) -> Form {
    if compat.plain_no_route {
        Form::accepted_before_1_6(headers)
    } else {
        Form::accepted(headers)
    }
}

/// Writes WebOb's reply to a path that Nova does not route.
pub(crate) fn no_route(fault: &Fault, form: Form) -> Response<Bytes> {
    reply(
        fault,
        form.content_type(),
        form.page(fault.status, NOT_FOUND).into(),
    )
}

fn reply(fault: &Fault, content_type: &'static str, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = fault.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Some(wait) = &fault.retry_after {
        headers.insert(RETRY_AFTER, wait.clone());
    }
    for challenge in &fault.challenges {
        headers.append(WWW_AUTHENTICATE, challenge.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, StatusCode};

    use super::{message, nova, unauthorized};
    use crate::model::{Fault, Reason};
    use crate::nova::compat::{Compat, Release};
    use crate::nova::encoding::Encoding;
    use crate::nova::tables::View;

    fn refused(status: u16, text: &str) -> Fault {
        let status = StatusCode::from_u16(status).unwrap();
        Fault::upstream(status, Reason::UpstreamRefused, text)
    }

    #[test]
    fn refusals_are_worded_as_nova_words_them() {
        for (status, text, view, worded) in [
            (
                400,
                "Bad \"updated_at\" query filter format. Use ISO 8601 DateTime notation.",
                View::Detailed,
                "HTTP 400 Bad Request: Bad &quot;updated_at&quot; query filter format. Use ISO 8601 DateTime notation.",
            ),
            (
                400,
                "No image found with ID é",
                View::Brief,
                "HTTP 400 Bad Request: No image found with ID &#233;",
            ),
            (
                400,
                "Unable to filter by unknown operator 'gt'.",
                View::Brief,
                "HTTP 400 Bad Request: Unable to filter by unknown operator &#x27;gt&#x27;.",
            ),
            (
                403,
                "Forbidding request, image X not visible",
                View::Brief,
                "HTTP 403 Forbidden: Forbidding request, image X not visible",
            ),
            (403, "any", View::Image, "Not authorized for image I."),
            (
                403,
                "any",
                View::MetadataItem,
                "Not authorized for image I.",
            ),
            (
                403,
                "Image X is protected and cannot be deleted.",
                View::Gone,
                "You are not allowed to delete the image.",
            ),
            (403, "any", View::ItemGone, "Not authorized for image I."),
            (409, "In <use>", View::Image, "In <use>"),
            (409, "In <use>", View::Gone, "In <use>"),
            (413, "", View::Metadata, "Payload Too Large"),
        ] {
            let fault = refused(status, text);
            assert_eq!(message(&fault, Some(view), Some("I")), worded);
        }
        let own = Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, "as <is>");
        assert_eq!(message(&own, Some(View::Brief), None), "as <is>");
        assert_eq!(message(&refused(403, "as is"), None, None), "as is");
    }

    #[test]
    fn missing_things_have_novas_message() {
        let gone = Fault::client(StatusCode::NOT_FOUND, Reason::NoProperty, "any");
        let said = message(&gone, Some(View::ItemGone), None);
        assert_eq!(said, "Invalid metadata key");
        for (reason, sentence) in [
            (Reason::NoImage, "Image not found."),
            (Reason::NoProperty, "The resource could not be found."),
            (
                Reason::MicroversionCeiling,
                "The resource could not be found.",
            ),
        ] {
            let fault = Fault::upstream(StatusCode::NOT_FOUND, reason, "No image found with ID X");
            assert_eq!(message(&fault, Some(View::Image), None), sentence);
        }
    }

    #[test]
    fn faults_say_how_long_to_wait() {
        let mut fault = refused(429, "slow down");
        fault.retry_after = Some(HeaderValue::from_static("7"));
        let reply = nova(&fault, "slow down", &Compat::default(), Encoding::Json);
        assert_eq!(reply.headers()["retry-after"], "7");
        assert_eq!(
            reply.body(),
            r#"{"overLimit": {"code": 429, "message": "slow down", "retryAfter": "7"}}"#
        );
        fault.status = StatusCode::SERVICE_UNAVAILABLE;
        let reply = nova(&fault, "down", &Compat::default(), Encoding::Json);
        assert_eq!(reply.headers()["retry-after"], "7");
        assert_eq!(
            reply.body(),
            r#"{"serviceUnavailable": {"code": 503, "message": "down"}}"#
        );
    }

    #[test]
    fn an_overloaded_proxy_is_a_service_that_is_busy() {
        let fault = Fault::overloaded("image");
        for (encoding, body) in [
            (
                Encoding::Json,
                r#"{"serviceUnavailable": {"code": 503, "message": "The image service is busy. Try again."}}"#,
            ),
            (
                Encoding::Xml,
                "<serviceUnavailable code=\"503\" xmlns=\"http://docs.openstack.org/compute/api/v1.1\"><message>The image service is busy. Try again.</message></serviceUnavailable>",
            ),
        ] {
            let reply = nova(&fault, &fault.message, &Compat::default(), encoding);
            assert_eq!(reply.status(), 503);
            let wait = reply.headers()["retry-after"].to_str().unwrap();
            assert!(["1", "2", "3"].contains(&wait), "{wait}");
            assert_eq!(reply.body(), body);
        }
    }

    #[test]
    fn old_releases_name_the_message_first() {
        let fault = refused(404, "");
        let reply = nova(
            &fault,
            "gone",
            &Compat::of(Release::Icehouse),
            Encoding::Json,
        );
        assert_eq!(
            reply.body(),
            r#"{"itemNotFound": {"message": "gone", "code": 404}}"#
        );
    }

    #[test]
    fn the_reply_to_a_refused_token_has_glances_challenges() {
        let mut fault = refused(401, "anything");
        fault.challenges = vec![
            HeaderValue::from_static("Keystone uri=\"http://k/v3\""),
            HeaderValue::from_static("Other"),
        ];
        let reply = unauthorized(&fault, Encoding::Json);
        assert_eq!(
            reply.headers().get_all("www-authenticate").iter().count(),
            2
        );
        assert_eq!(
            reply.body(),
            r#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#
        );
    }
}
