//! Refusals as Glance words them: WebOb's error pages.

use std::borrow::Cow;
use std::fmt::Write as _;

use bytes::Bytes;
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::accept::{self, Form};
use super::json;
use crate::model::Fault;

/// WebOb's explanation of every 401, whatever the cause.
const UNAUTHORIZED: &str = "This server could not verify that you are authorized to access the document you \
                            requested. Either you supplied the wrong credentials (e.g., bad password), or your \
                            browser does not understand how to supply the credentials required.";

/// How a client wants to be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voice {
    form: Form,
    /// A reply to `HEAD` has no body.
    head: bool,
}

impl Voice {
    /// What the request says of it.
    pub fn of(method: &Method, headers: &HeaderMap) -> Self {
        Self {
            form: accept::form(headers),
            head: method == Method::HEAD,
        }
    }
}

/// The whole reply. `allow` is the header of a 405.
pub fn write(voice: Voice, fault: &Fault, allow: Option<&'static str>) -> Response<Bytes> {
    let (kind, body) = page(voice, fault);
    let mut response = Response::new(body);
    *response.status_mut() = fault.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    if let Some(allow) = allow {
        headers.insert(ALLOW, HeaderValue::from_static(allow));
    }
    for challenge in &fault.challenges {
        headers.append(WWW_AUTHENTICATE, challenge.clone());
    }
    if let Some(seconds) = &fault.retry_after {
        headers.insert(RETRY_AFTER, seconds.clone());
    }
    response
}

/// Content type and body.
fn page(voice: Voice, fault: &Fault) -> (&'static str, Bytes) {
    const HTML: &str = "text/html; charset=UTF-8";
    if voice.head {
        return (HTML, Bytes::new());
    }
    let title = title(fault.status);
    let code = format!("{} {title}", fault.status.as_str());
    match voice.form {
        Form::Json => {
            let text = format!(
                "{{\"message\": {}, \"code\": {}, \"title\": {}}}",
                json::quoted(&markup(fault, Cow::Borrowed)),
                json::quoted(&code),
                json::quoted(title)
            );
            ("application/json", text.into())
        }
        Form::Html => {
            let body = markup(fault, |text| Cow::Owned(escape(text)));
            let text = format!(
                "<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n  {body}\n \
                 </body>\n</html>"
            );
            (HTML, text.into())
        }
        Form::Text => {
            let body = strip_tags(&markup(fault, Cow::Borrowed));
            (
                "text/plain; charset=UTF-8",
                format!("{code}\n\n{body}").into(),
            )
        }
    }
}

/// The message in WebOb's template for its status; what comes from outside passes through `escape`.
fn markup<'f>(fault: &'f Fault, escape: impl Fn(&'f str) -> Cow<'f, str>) -> String {
    match fault.status {
        StatusCode::UNAUTHORIZED => format!("{UNAUTHORIZED}<br /><br />\n\n\n"),
        StatusCode::METHOD_NOT_ALLOWED => format!("{}<br /><br />\n", escape(&fault.message)),
        _ => format!("{}<br /><br />\n\n\n", escape(&fault.message)),
    }
}

/// WebOb's title of a status; older words than those of today's registry in one case.
fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}

/// Python's `html.escape`, and whatever is not ASCII as a character reference.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#x27;"),
            c if c.is_ascii() => escaped.push(c),
            c => {
                let _infallible = write!(escaped, "&#{};", u32::from(c));
            }
        }
    }
    escaped
}

/// Markup as plain text (`webob/exc.py`, `strip_tags`): line ends become blanks, `<br />` becomes a line end, every
/// other tag goes.
fn strip_tags(markup: &str) -> String {
    let flat = markup.replace('\n', " ").replace('\r', "");
    let mut text = String::with_capacity(flat.len());
    let mut rest = flat.as_str();
    while let Some((before, from)) = rest.split_once('<') {
        let Some((tag, after)) = from.split_once('>') else {
            break;
        };
        text.push_str(before);
        if tag
            .get(..2)
            .is_some_and(|name| name.eq_ignore_ascii_case("br"))
        {
            text.push('\n');
        }
        rest = after;
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use http::header::{ACCEPT, ALLOW, CONTENT_TYPE};
    use http::{HeaderMap, HeaderValue, Method, StatusCode};

    use super::{Voice, write};
    use crate::model::{Fault, Reason};

    fn page(accept: &'static str, fault: &Fault) -> (String, String) {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        let response = write(Voice::of(&Method::GET, &headers), fault, None);
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
    fn one_message_in_three_forms() {
        let fault = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "No \"é\" & <b>'");
        let (kind, body) = page("application/json", &fault);
        assert_eq!(kind, "application/json");
        assert_eq!(
            body,
            r#"{"message": "No \"é\" & <b>'<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#
        );
        let (kind, body) = page("*/*", &fault);
        assert_eq!(kind, "text/html; charset=UTF-8");
        assert_eq!(
            body,
            "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
             No &quot;&#233;&quot; &amp; &lt;b&gt;&#x27;<br /><br />\n\n\n\n </body>\n</html>"
        );
        let (kind, body) = page("text/plain", &fault);
        assert_eq!(kind, "text/plain; charset=UTF-8");
        assert_eq!(body, "404 Not Found\n\nNo \"é\" & '\n\n   ");
    }

    #[test]
    fn what_travels_with_a_status() {
        let mut fault = Fault::no_route();
        fault.status = StatusCode::UNAUTHORIZED;
        fault
            .challenges
            .push(HeaderValue::from_static("Keystone uri=\"u\""));
        fault.retry_after = Some(HeaderValue::from_static("7"));
        let voice = Voice::of(&Method::HEAD, &HeaderMap::new());
        let response = write(voice, &fault, Some("GET"));
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
