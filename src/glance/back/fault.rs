//! Replies of a Glance that are no success.

use http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, StatusCode};

use crate::model::{Call, Fault, Reason, Refusal};

/// What a refusal means for the call. What the caller can act on keeps its status; what only the operator can act on
/// (a redirect, a wrong address, an internal error) becomes a gateway's fault, its text kept for the log.
pub(super) fn read(call: &Call, refusal: &Refusal<'_>) -> Fault {
    let said = message(refusal.body);
    let mut fault = match (refusal.status, call) {
        (StatusCode::NOT_FOUND, Call::Show(id)) => Fault::upstream(
            StatusCode::NOT_FOUND,
            Reason::NoImage,
            format!("No image found with ID {id}"),
        ),
        (status, _) if KEPT.contains(&status) => {
            let text = if said.is_empty() {
                status.canonical_reason().unwrap_or_default().to_owned()
            } else {
                said.clone()
            };
            Fault::upstream(status, Reason::UpstreamRefused, text)
        }
        (StatusCode::SERVICE_UNAVAILABLE, _) => Fault::upstream(
            StatusCode::SERVICE_UNAVAILABLE,
            Reason::UpstreamRefused,
            "The image service is unavailable.",
        ),
        (StatusCode::GATEWAY_TIMEOUT, _) => Fault::upstream(
            StatusCode::GATEWAY_TIMEOUT,
            Reason::UpstreamTimeout,
            "The image service did not answer in time.",
        ),
        (status, _) => Fault::upstream(
            StatusCode::BAD_GATEWAY,
            Reason::UpstreamReply,
            format!("The image service answered with HTTP {}.", status.as_u16()),
        ),
    };
    // What Glance says of the caller's own request may quote it, so it goes to the caller and not to the log.
    let code = format!("HTTP {}", refusal.status.as_u16());
    let is_theirs = fault.status.is_server_error();
    fault.detail = Some(if is_theirs {
        format!("{code}: {said}")
    } else {
        code
    });
    fault.answered = Some(refusal.status);
    fault.retry_after = refusal.headers.get(RETRY_AFTER).cloned();
    if refusal.status == StatusCode::UNAUTHORIZED {
        fault.challenges = challenges(refusal.headers);
    }
    fault
}

/// Statuses that tell the caller something about its own request.
const KEPT: &[StatusCode] = &[
    StatusCode::BAD_REQUEST,
    StatusCode::UNAUTHORIZED,
    StatusCode::FORBIDDEN,
    StatusCode::CONFLICT,
    StatusCode::PAYLOAD_TOO_LARGE,
    StatusCode::TOO_MANY_REQUESTS,
];

fn challenges(headers: &HeaderMap) -> Vec<http::HeaderValue> {
    headers.get_all(WWW_AUTHENTICATE).iter().cloned().collect()
}

/// The longest message that is passed on, in characters.
const MAX_MESSAGE: usize = 1000;

/// Reduces an error body to its message, whatever its form: WebOb's JSON, HTML or plain text, a Nova fault, a
/// Keystone error, or anything else.
fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim();
    let said = match text.as_bytes().first() {
        Some(b'{') => from_json(text),
        Some(b'<') => Some(from_html(text)),
        _ => Some(from_plain(text).to_owned()),
    };
    let said = said.unwrap_or_default();
    let said: String = said.chars().take(MAX_MESSAGE).collect();
    said.trim().to_owned()
}

/// `{"message": "TEXT<br /><br />..."}`, or the first `message` one level down (`{"error": {"message": ...}}`).
fn from_json(text: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let own = object.get("message").and_then(serde_json::Value::as_str);
    let nested = || {
        object
            .values()
            .find_map(|value| value.get("message")?.as_str())
    };
    let said = own.or_else(nested)?;
    // A conflict puts a standard sentence first and what happened behind the break.
    let mut parts = said
        .split("<br />")
        .map(str::trim)
        .filter(|part| !part.is_empty());
    let first = parts.next()?;
    let said = parts
        .last()
        .filter(|_| first.starts_with("There was a conflict"))
        .unwrap_or(first);
    Some(said.to_owned())
}

/// The text behind the headline, without tags.
fn from_html(text: &str) -> String {
    let body = text.split_once("</h1>").map_or(text, |(_, body)| body);
    let mut said = String::with_capacity(body.len());
    let mut rest = body;
    while let Some((before, tag)) = rest.split_once('<') {
        said.push_str(before);
        rest = tag.split_once('>').map_or("", |(_, after)| after);
    }
    said.push_str(rest);
    unescape(said.trim())
}

/// WebOb's plain text: a line with the status, then the text.
fn from_plain(text: &str) -> &str {
    match text.split_once('\n') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => rest.trim(),
        _ => text,
    }
}

fn unescape(text: &str) -> String {
    const ENTITIES: &[(&str, &str)] = &[
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#x27;", "'"),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ];
    if !text.contains('&') {
        return text.to_owned();
    }
    // The ampersand comes last, so that what it uncovers is not taken for an entity again.
    ENTITIES
        .iter()
        .fold(text.to_owned(), |text, (entity, means)| {
            text.replace(entity, means)
        })
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::{message, read};
    use crate::model::{Call, ImageId, Query, Reason, Refusal};

    #[test]
    fn every_form_of_error_text_is_reduced_to_its_message() {
        let said = "Bad \"updated_at\" query filter format. Use ISO 8601 DateTime notation.";
        for body in [
            r#"{"message": "Bad \"updated_at\" query filter format. Use ISO 8601 DateTime notation.<br /><br />\n\n\n", "code": "400 Bad Request", "title": "Bad Request"}"#,
            "<html>\n <head>\n  <title>400 Bad Request</title>\n </head>\n <body>\n  <h1>400 Bad Request</h1>\n  Bad &quot;updated_at&quot; query filter format. Use ISO 8601 DateTime notation.<br /><br />\n\n\n\n </body>\n</html>",
            "400 Bad Request\n\nBad \"updated_at\" query filter format. Use ISO 8601 DateTime notation.\n\n   ",
            r#"{"error": {"code": 400, "message": "Bad \"updated_at\" query filter format. Use ISO 8601 DateTime notation."}}"#,
        ] {
            assert_eq!(message(body.as_bytes()), said);
        }
        let conflict = r#"{"message": "There was a conflict when trying to complete your request.<br /><br />\nProperty nope does not exist.\n\n"}"#;
        assert_eq!(
            message(conflict.as_bytes()),
            "Property nope does not exist."
        );
        for (odd, said) in [
            ("", ""),
            ("{}", ""),
            ("{\"message\": 1}", ""),
            ("{broken", ""),
            ("<", ""),
            ("busy", "busy"),
        ] {
            assert_eq!(message(odd.as_bytes()), said, "{odd:?}");
        }
        assert_eq!(
            message("&amp;lt;x".as_bytes()),
            "&amp;lt;x",
            "plain text is not unescaped"
        );
        assert_eq!(message(b"<p>&amp;lt;x</p>"), "&lt;x");
        assert_eq!(message("ü".repeat(5000).as_bytes()).chars().count(), 1000);
    }

    #[test]
    fn statuses_map_to_what_the_caller_can_act_on() {
        let list = Call::List(Query::default());
        let show = ImageId::parse("a").map(Call::Show).unwrap();
        for (call, upstream, ours, reason) in [
            (&list, 400, 400, Reason::UpstreamRefused),
            (&list, 401, 401, Reason::UpstreamRefused),
            (&list, 403, 403, Reason::UpstreamRefused),
            (&show, 404, 404, Reason::NoImage),
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
                &Refusal {
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
            if fault.status.is_server_error() {
                assert!(
                    !fault.message.contains("secret"),
                    "an upstream's own failure is told to the log only"
                );
            }
        }
    }
}
