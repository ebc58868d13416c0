//! Error replies of a Glance.

use http::StatusCode;

use crate::model::{Call, ErrorReply, Fault, Reason};
use crate::webob::said::{message, worded};

/// The fault that an error reply means for the call.
pub(super) fn read(call: &Call, reply: &ErrorReply<'_>) -> Fault {
    let (status, said) = (reply.status, message(reply.body));
    let fault = match (status, call) {
        (StatusCode::NOT_FOUND, Call::Show(id) | Call::Delete(id) | Call::Change(id, _)) => {
            Fault::no_image(id.as_str())
        }
        (StatusCode::PAYLOAD_TOO_LARGE, Call::Change(..)) => {
            Fault::upstream(status, Reason::PropertyQuota, worded(status, &said))
        }
        _ => ErrorReply::fault_by_status("image", status, worded(status, &said)),
    };
    reply.complete(fault, status, &said)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::read;
    use crate::model::{Call, Change, ErrorReply, ImageId, Query, Reason};

    #[test]
    fn statuses_map_to_what_the_caller_can_act_on() {
        let list = Call::List(Query::default());
        let id = ImageId::parse("a").unwrap();
        let show = Call::Show(id.clone());
        let delete = Call::Delete(id.clone());
        let change = Call::Change(id, Change::Merge(Vec::new()));
        for (call, upstream, ours, reason) in [
            (&list, 400, 400, Reason::UpstreamRefused),
            (&list, 401, 401, Reason::UpstreamRefused),
            (&list, 403, 403, Reason::UpstreamRefused),
            (&show, 404, 404, Reason::NoImage),
            (&delete, 404, 404, Reason::NoImage),
            (&delete, 403, 403, Reason::UpstreamRefused),
            (&delete, 409, 409, Reason::UpstreamRefused),
            (&change, 404, 404, Reason::NoImage),
            (&change, 413, 413, Reason::PropertyQuota),
            (&change, 415, 502, Reason::UpstreamReply),
            (&list, 404, 502, Reason::UpstreamReply),
            (&list, 409, 409, Reason::UpstreamRefused),
            (&list, 413, 413, Reason::UpstreamRefused),
            (&list, 429, 429, Reason::UpstreamRefused),
            (&list, 300, 502, Reason::UpstreamReply),
            (&list, 410, 502, Reason::UpstreamReply),
            (&list, 500, 502, Reason::UpstreamReply),
            (&list, 503, 503, Reason::UpstreamRefused),
            (&list, 504, 504, Reason::UpstreamTimeout),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("retry-after", HeaderValue::from_static("7"));
            headers.append(
                "www-authenticate",
                HeaderValue::from_static("Keystone uri=\"http://k\""),
            );
            let status = StatusCode::from_u16(upstream).unwrap();
            let fault = read(
                call,
                &ErrorReply {
                    status,
                    headers: &headers,
                    body: b"secret of the operator",
                },
            );
            assert_eq!(
                (fault.status.as_u16(), fault.reason),
                (ours, reason),
                "{upstream}"
            );
            assert_eq!(
                fault.retry_after.as_ref().map(HeaderValue::as_bytes),
                Some(&b"7"[..])
            );
            assert_eq!(fault.challenges.len(), usize::from(upstream == 401));
            assert_eq!(fault.answered.map(|status| status.as_u16()), Some(upstream));
            if fault.status.is_server_error() {
                assert!(
                    !fault.message.contains("secret"),
                    "an upstream's own failure is told to the log only"
                );
            }
        }
    }

    #[test]
    fn pages_of_others_are_no_messages() {
        let nginx = "<html><head><title>x</title></head><body><center><h1>x</h1></center><hr><center>nginx/1.18.0</center></body></html>";
        let limited = r#"<overLimit code="413"><message>This request was rate-limited.</message><retryAfter>3</retryAfter></overLimit>"#;
        let list = Call::List(Query::default());
        let change = Call::Change(ImageId::parse("a").unwrap(), Change::Merge(Vec::new()));
        for (call, status, body, message) in [
            (&list, 403, nginx, "Forbidden"),
            (&list, 429, nginx, "Too Many Requests"),
            (&change, 413, nginx, "Request Entity Too Large"),
            (&list, 413, limited, "This request was rate-limited."),
        ] {
            let fault = read(
                call,
                &ErrorReply {
                    status: StatusCode::from_u16(status).unwrap(),
                    headers: &HeaderMap::new(),
                    body: body.as_bytes(),
                },
            );
            assert_eq!(fault.message, message, "{status}");
        }
    }
}
