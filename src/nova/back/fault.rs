//! Error replies of a Nova.

use http::StatusCode;

use crate::model::{Call, ErrorReply, Fault, Query, Reason};
use crate::webob::said::{self, worded};

/// The fault that an error reply means for the call.
///
/// If Nova's Glance refused, Nova says so in the message, under a status of its own: then Glance's status and Glance's
/// words count.
pub(super) fn read(call: &Call, reply: &ErrorReply<'_>) -> Fault {
    let text = said::message(reply.body);
    let (status, text) = behind(&text).unwrap_or((reply.status, text));
    let fault = match (status, call) {
        // Another client was faster. As a conflict, the change is tried again on the image as it is now.
        (StatusCode::NOT_FOUND, Call::Change(..)) if names_key(&text) => Fault::upstream(
            StatusCode::CONFLICT,
            Reason::UpstreamRefused,
            "A property that was to be removed is gone.",
        ),
        (StatusCode::NOT_FOUND, Call::Show(id) | Call::Delete(id) | Call::Change(id, _)) => {
            Fault::no_image(id.as_str())
        }
        (StatusCode::FORBIDDEN | StatusCode::PAYLOAD_TOO_LARGE, Call::Change(..))
            if names_quota(&text) =>
        {
            Fault::upstream(
                StatusCode::PAYLOAD_TOO_LARGE,
                Reason::PropertyQuota,
                "The limit has been exceeded on the number of allowed image properties.",
            )
        }
        (
            StatusCode::BAD_REQUEST,
            Call::List(Query {
                marker: Some(marker),
                ..
            }),
        ) if names_marker(&text) => Fault::no_marker(marker),
        _ => ErrorReply::fault_by_status("compute", status, worded(status, &text)),
    };
    reply.complete(fault, status, &text)
}

/// `HTTP 400 Bad Request: No image found with ID x`, which is how Nova passes on what its Glance answered; markup is
/// escaped, since it asks Glance for a page (`glanceclient`, `exc.py`).
fn behind(text: &str) -> Option<(StatusCode, String)> {
    let rest = text.strip_prefix("HTTP ")?;
    let (code, rest) = rest.split_once(' ')?;
    let status = StatusCode::from_bytes(code.as_bytes()).ok()?;
    let (_, words) = rest.split_once(": ")?;
    let is_refusal = status.is_client_error() || status.is_server_error();
    let words = said::unescape(words.trim());
    is_refusal.then(|| (status, said::plain(&words).into_owned()))
}

/// Whether Nova complains of the marker. Before Glance v2 it looked for the marker itself: `marker [x] not found`. Of one
/// that is too long for an id, Glance speaks as of any id.
fn names_marker(text: &str) -> bool {
    text.to_ascii_lowercase().contains("marker")
        || text.starts_with("No image found with ID ")
        || text.starts_with("Image with the given id ")
}

/// `Invalid metadata key`: there is none to remove.
fn names_key(text: &str) -> bool {
    text.contains("metadata key")
}

/// `Image metadata limit exceeded`, with 403 since Juno and 413 before.
fn names_quota(text: &str) -> bool {
    text.contains("metadata limit exceeded")
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::read;
    use crate::model::{Call, Change, ErrorReply, Fault, ImageId, Query, Reason};

    fn fault(call: &Call, status: u16, body: &str) -> Fault {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", HeaderValue::from_static("7"));
        headers.append(
            "www-authenticate",
            HeaderValue::from_static("Keystone uri=\"http://k\""),
        );
        let status = StatusCode::from_u16(status).unwrap();
        read(
            call,
            &ErrorReply {
                status,
                headers: &headers,
                body: body.as_bytes(),
            },
        )
    }

    fn list(marker: Option<&str>) -> Call {
        Call::List(Query {
            marker: marker.map(str::to_owned),
            ..Query::default()
        })
    }

    #[test]
    fn statuses_map_to_what_the_caller_can_act_on() {
        let list = list(None);
        let show = ImageId::parse("a").map(Call::Show).unwrap();
        for (call, upstream, ours, reason) in [
            (&list, 400, 400, Reason::UpstreamRefused),
            (&list, 401, 401, Reason::UpstreamRefused),
            (&list, 403, 403, Reason::UpstreamRefused),
            (&show, 404, 404, Reason::NoImage),
            (&list, 404, 502, Reason::UpstreamReply),
            (&list, 413, 413, Reason::UpstreamRefused),
            (&list, 429, 429, Reason::UpstreamRefused),
            (&list, 300, 502, Reason::UpstreamReply),
            (&list, 406, 502, Reason::UpstreamReply),
            (&show, 500, 502, Reason::UpstreamReply),
            (&list, 503, 503, Reason::UpstreamRefused),
            (&list, 504, 504, Reason::UpstreamTimeout),
        ] {
            let fault = fault(call, upstream, "secret of the operator");
            assert_eq!(
                (fault.status.as_u16(), fault.reason),
                (ours, reason),
                "{upstream}"
            );
            assert_eq!(
                fault.retry_after.as_ref().map(HeaderValue::as_bytes),
                Some(&b"7"[..])
            );
            assert_eq!(fault.challenges.len(), usize::from(ours == 401));
            assert_eq!(fault.answered.map(|status| status.as_u16()), Some(upstream));
            if fault.status.is_server_error() {
                assert!(
                    !fault.message.contains("secret"),
                    "an upstream's own failure is told to the log only"
                );
                assert!(fault.detail.is_some_and(|detail| detail.contains("secret")));
            }
        }
    }

    #[test]
    fn writes_are_refused_for_their_own_reasons() {
        let id = || ImageId::parse("a").unwrap();
        let change = Call::Change(id(), Change::Remove("k".to_owned()));
        let delete = Call::Delete(id());
        for (call, status, said, ours, reason) in [
            (&change, 404, "Image not found.", 404, Reason::NoImage),
            (
                &change,
                404,
                "Invalid metadata key",
                409,
                Reason::UpstreamRefused,
            ),
            (
                &change,
                403,
                "Image metadata limit exceeded",
                413,
                Reason::PropertyQuota,
            ),
            (
                &change,
                413,
                "Image metadata limit exceeded",
                413,
                Reason::PropertyQuota,
            ),
            (
                &change,
                403,
                "Not authorized for image a.",
                403,
                Reason::UpstreamRefused,
            ),
            (
                &change,
                400,
                "Invalid input for field/attribute",
                400,
                Reason::UpstreamRefused,
            ),
            (&delete, 404, "Image not found.", 404, Reason::NoImage),
            (
                &delete,
                403,
                "You are not allowed to delete the image.",
                403,
                Reason::UpstreamRefused,
            ),
            (&delete, 409, "in use", 409, Reason::UpstreamRefused),
        ] {
            let body = format!(r#"{{"fault": {{"code": {status}, "message": "{said}"}}}}"#);
            let fault = fault(call, status, &body);
            assert_eq!(
                (fault.status.as_u16(), fault.reason),
                (ours, reason),
                "{said}"
            );
        }
    }

    #[test]
    fn envelopes_are_reduced_to_their_words() {
        let show = ImageId::parse("a").map(Call::Show).unwrap();
        for (status, body, message) in [
            (
                404,
                r#"{"itemNotFound": {"code": 404, "message": "Image not found."}}"#,
                "No image found with ID a",
            ),
            (404, "<html><h1>404</h1></html>", "No image found with ID a"),
            (
                403,
                r#"{"forbidden": {"message": "Policy doesn't allow it.", "code": 403}}"#,
                "Policy doesn't allow it.",
            ),
            (
                401,
                r#"{"error": {"code": 401, "title": "Unauthorized", "message": "The request you have made requires authentication."}}"#,
                "The request you have made requires authentication.",
            ),
            (
                403,
                r#"{"error_code": "APIGW.0302", "error_msg": "No permission"}"#,
                "No permission",
            ),
            (429, "", "Too Many Requests"),
            (
                413,
                r#"<overLimit code="413"><message>This request was rate-limited.</message><retryAfter>3</retryAfter></overLimit>"#,
                "This request was rate-limited.",
            ),
            (
                403,
                "<html><head><title>403 Forbidden</title></head><body><center><h1>403 Forbidden</h1></center><hr><center>nginx/1.18.0</center></body></html>",
                "Forbidden",
            ),
            (
                403,
                "<html><head><style>p { color: red }</style></head><body><script>go()</script><p>Blocked by the firewall.</p></body></html>",
                "Blocked by the firewall.",
            ),
        ] {
            assert_eq!(fault(&show, status, body).message, message, "{body}");
        }
    }

    #[test]
    fn what_novas_glance_said_counts() {
        let list = list(Some("<x>"));
        for (status, said, answered, message) in [
            (
                400,
                "HTTP 400 Bad Request: No image found with ID &lt;x&gt;",
                400,
                "No image found with ID <x>",
            ),
            (
                403,
                "HTTP 403 Forbidden: Forbidding request, image x not visible",
                403,
                "Forbidding request, image x not visible",
            ),
            (
                403,
                "HTTP 401 Unauthorized: This server could not",
                401,
                "This server could not",
            ),
            (
                400,
                "Invalid input received: marker [x] not found",
                400,
                "No image found with ID <x>",
            ),
            (400, "Invalid marker", 400, "No image found with ID <x>"),
            (
                400,
                "HTTP 403 Forbidden: <html><head><title>x</title></head><body><h1>x</h1><hr>nginx/1.2</body></html>",
                403,
                "Forbidden",
            ),
            (
                400,
                "HTTP is not spoken: here",
                400,
                "HTTP is not spoken: here",
            ),
            (400, "HTTP 200 OK: what", 400, "HTTP 200 OK: what"),
            (
                400,
                "limit param must be an integer",
                400,
                "limit param must be an integer",
            ),
        ] {
            let body = format!(r#"{{"badRequest": {{"code": {status}, "message": "{said}"}}}}"#);
            let fault = fault(&list, status, &body);
            assert_eq!(
                (fault.status.as_u16(), fault.message.as_str()),
                (answered, message),
                "{said}"
            );
            assert_eq!(fault.answered.map(|status| status.as_u16()), Some(answered));
            assert_eq!(fault.detail, Some(format!("HTTP {status}")), "{said}");
        }
    }

    #[test]
    fn a_failure_of_novas_glance_is_told_as_glances() {
        let said = "HTTP 500 Internal Server Error: The server has erred";
        let body = format!(r#"{{"badRequest": {{"code": 400, "message": "{said}"}}}}"#);
        let fault = fault(&list(None), 400, &body);
        assert_eq!(fault.status, StatusCode::BAD_GATEWAY);
        assert_eq!(fault.message, "The compute service answered with HTTP 500.");
        assert_eq!(fault.answered, Some(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(
            fault.detail.as_deref(),
            Some("HTTP 400: The server has erred")
        );
    }
}
