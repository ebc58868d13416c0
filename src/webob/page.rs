//! Error pages (`webob/exc.py`).

use std::borrow::Cow;
use std::fmt::Write as _;

use http::header::ACCEPT;
use http::{HeaderMap, StatusCode};

use super::accept;

/// The form of an error page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// `text/html`, for a client that accepts everything.
    Html,
    /// `application/json`, for a client that prefers it.
    Json,
    /// `text/plain`, for a client that accepts neither or sends no `Accept`.
    Text,
}

impl Form {
    /// Returns the form that the request's `Accept` asks for (`WSGIHTTPException.generate_response`).
    #[must_use]
    pub(crate) fn accepted(headers: &HeaderMap) -> Self {
        match accept::preferred(headers, &["text/html", "application/json"]) {
            Some("text/html") => Self::Html,
            Some(_) => Self::Json,
            None => Self::Text,
        }
    }

    /// Returns the form that WebOb chose before 1.6: HTML if the header contains `html` or `*/*` anywhere, and never
    /// JSON.
    #[must_use]
    pub(crate) fn accepted_before_1_6(headers: &HeaderMap) -> Self {
        let lines = headers.get_all(ACCEPT).into_iter();
        let mut texts = lines.map(|line| String::from_utf8_lossy(line.as_bytes()));
        if texts.any(|text| text.contains("html") || text.contains("*/*")) {
            Self::Html
        } else {
            Self::Text
        }
    }

    /// Returns the `Content-Type`.
    #[must_use]
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::Html => "text/html; charset=UTF-8",
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=UTF-8",
        }
    }

    /// Writes the page. `message` is plain text. For a conflict and a wrong media type, its first line is the standard
    /// explanation and its second line the specific one.
    #[must_use]
    pub(crate) fn page(self, status: StatusCode, message: &str) -> String {
        let title = title(status);
        let code = format!("{} {title}", status.as_str());
        match self {
            Self::Json => format!(
                "{{\"message\": {}, \"code\": {}, \"title\": {}}}",
                quoted(&markup(status, message)),
                quoted(&code),
                quoted(title)
            ),
            Self::Html => {
                let body = markup(status, &escape(message));
                format!(
                    "<html>\n <head>\n  <title>{code}</title>\n </head>\n <body>\n  <h1>{code}</h1>\n  {body}\n \
                     </body>\n</html>"
                )
            }
            Self::Text => format!("{code}\n\n{}", strip_tags(&markup(status, message))),
        }
    }
}

/// Puts the message into the template for its status.
fn markup(status: StatusCode, message: &str) -> String {
    match status {
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            let (explanation, detail) = message.split_once('\n').unwrap_or((message, ""));
            format!("{explanation}\n<br /><br />\n{detail}")
        }
        StatusCode::CONFLICT if message.contains('\n') => {
            format!("{}\n\n", message.replacen('\n', "<br /><br />\n", 1))
        }
        StatusCode::METHOD_NOT_ALLOWED => format!("{message}<br /><br />\n"),
        _ => format!("{message}<br /><br />\n\n\n"),
    }
}

fn quoted(text: &str) -> Cow<'_, str> {
    serde_json::to_string(text).map_or(Cow::Borrowed("\"\""), Cow::Owned)
}

/// Returns WebOb's title of a status, which in one case is an older one than in today's registry.
pub(super) fn title(status: StatusCode) -> &'static str {
    match status {
        StatusCode::PAYLOAD_TOO_LARGE => "Request Entity Too Large",
        _ => status.canonical_reason().unwrap_or("Unknown"),
    }
}

/// Escapes text like Python's `html.escape`, and non-ASCII characters as character references.
#[must_use]
pub(crate) fn escape(text: &str) -> String {
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

/// Converts markup to plain text (`webob/exc.py`, `strip_tags`): newlines become blanks, `<br />` becomes a newline,
/// all other tags are removed.
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
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::Form;

    #[test]
    fn html_wins_unless_json_is_preferred() {
        for (accept, expected) in [
            ("application/json", Form::Json),
            ("*/*", Form::Html),
            ("text/html", Form::Html),
            ("text/*", Form::Html),
            ("application/*", Form::Json),
            ("text/plain", Form::Text),
            ("application/xml", Form::Text),
            ("", Form::Text),
            ("text/html;q=0.5, application/json", Form::Json),
            ("text/html, application/json;q=0.9", Form::Html),
            ("application/json, */*", Form::Html),
            ("application/json, */*;q=0.1", Form::Json),
            ("application/json;q=0, */*", Form::Html),
            ("text/html;q=0, application/json;q=0", Form::Text),
            ("application/json; charset=utf-8", Form::Text),
            ("nonsense", Form::Html),
            ("application/json;q=7", Form::Html),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::accepted(&headers), expected, "{accept}");
        }
        assert_eq!(Form::accepted(&HeaderMap::new()), Form::Text);
    }

    /// The results of `generate_response` of WebOb 1.2.3 and 1.5.1.
    #[test]
    fn before_1_6_html_was_chosen_if_the_header_contained_it() {
        for (accept, expected) in [
            ("", Form::Text),
            ("application/json", Form::Text),
            ("text/*", Form::Text),
            ("nonsense", Form::Text),
            ("application/json, */*;q=0", Form::Html),
            ("text/html;q=0, application/json", Form::Html),
            ("application/xhtml+xml", Form::Html),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static("text/plain"));
            headers.append(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(Form::accepted_before_1_6(&headers), expected, "{accept}");
        }
        let none = Form::accepted_before_1_6(&HeaderMap::new());
        assert_eq!(none, Form::Text);
    }

    #[test]
    fn a_message_is_written_in_three_forms() {
        let page = |form: Form| form.page(StatusCode::NOT_FOUND, "No \"é\" & <b>'");
        assert_eq!(
            page(Form::Json),
            r#"{"message": "No \"é\" & <b>'<br /><br />\n\n\n", "code": "404 Not Found", "title": "Not Found"}"#
        );
        assert_eq!(
            page(Form::Html),
            "<html>\n <head>\n  <title>404 Not Found</title>\n </head>\n <body>\n  <h1>404 Not Found</h1>\n  \
             No &quot;&#233;&quot; &amp; &lt;b&gt;&#x27;<br /><br />\n\n\n\n </body>\n</html>"
        );
        assert_eq!(page(Form::Text), "404 Not Found\n\nNo \"é\" & '\n\n   ");
        let conflict = Form::Json.page(StatusCode::CONFLICT, "There was a conflict.\nProperty x.");
        assert!(
            conflict.contains(r#""There was a conflict.<br /><br />\nProperty x.\n\n""#),
            "{conflict}"
        );
        let media = |form: Form| form.page(StatusCode::UNSUPPORTED_MEDIA_TYPE, "No.\nOne of: a");
        assert!(media(Form::Json).contains(r#""No.\n<br /><br />\nOne of: a""#));
        assert_eq!(
            media(Form::Text),
            "415 Unsupported Media Type\n\nNo. \n\n One of: a"
        );
        let long = Form::Json.page(StatusCode::PAYLOAD_TOO_LARGE, "x");
        assert!(long.contains("413 Request Entity Too Large"), "{long}");
    }
}
