//! The page that load balancers check (`oslo_middleware/healthcheck`).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::accept;

const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Whether the service is there: as text, or as JSON for a client that prefers it. 200 with `OK`; where `unavailable`
/// says why not, 503 with that. HEAD gets 204 or 503, without a body.
pub fn healthcheck(
    method: &Method,
    headers: &HeaderMap,
    unavailable: Option<&str>,
) -> Response<Bytes> {
    let is_head = *method == Method::HEAD;
    let offers = ["text/plain", "application/json"];
    let wants_json = accept::preferred(headers, &offers) == Some("application/json");
    let reason = unavailable.unwrap_or("OK");
    let (media_type, body) = match (is_head, wants_json) {
        (true, _) => (TEXT, Bytes::new()),
        (false, false) => (TEXT, Bytes::from(reason.to_owned())),
        (false, true) => (JSON, json(reason)),
    };
    let mut response = Response::new(body);
    *response.status_mut() = match (unavailable, is_head) {
        (Some(_), _) => StatusCode::SERVICE_UNAVAILABLE,
        (None, true) => StatusCode::NO_CONTENT,
        (None, false) => StatusCode::OK,
    };
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response
}

/// In the form that oslo gives it: sorted, with four spaces.
fn json(reason: &str) -> Bytes {
    let reason = serde_json::Value::from(reason);
    let text =
        format!("{{\n    \"detailed\": false,\n    \"reasons\": [\n        {reason}\n    ]\n}}");
    Bytes::from(text)
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue, Method};

    use super::healthcheck;

    #[test]
    fn it_is_text_or_json_and_says_why_not() {
        let json = |reason| {
            format!(
                "{{\n    \"detailed\": false,\n    \"reasons\": [\n        \"{reason}\"\n    ]\n}}"
            )
        };
        for (method, accept, unavailable, status, body) in [
            (Method::GET, "*/*", None, 200, "OK".to_owned()),
            (Method::HEAD, "*/*", None, 204, String::new()),
            (Method::GET, "application/json", None, 200, json("OK")),
            (
                Method::GET,
                "text/plain",
                Some("draining"),
                503,
                "draining".to_owned(),
            ),
            (
                Method::GET,
                "application/json",
                Some("draining"),
                503,
                json("draining"),
            ),
            (
                Method::HEAD,
                "application/json",
                Some("draining"),
                503,
                String::new(),
            ),
        ] {
            let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static(accept))]);
            let reply = healthcheck(&method, &headers, unavailable);
            assert_eq!(reply.status(), status, "{method} {accept}");
            assert_eq!(reply.body(), &body, "{method} {accept}");
        }
    }
}
