//! The message in an error reply of any form and any origin.

use std::borrow::Cow;

use http::StatusCode;
use serde_json::Value;

use super::markup;
use super::page::title;

pub(crate) use super::markup::unescape;

/// The maximum length of a message that is passed on, in characters.
const MAX_MESSAGE: usize = 1000;

/// Extracts the message from an error body of any form: WebOb's JSON, HTML or plain text, a Nova fault, a Keystone
/// error, or the page of a server or firewall in between. The result is empty if there is no message. Markup, scripts,
/// styles and server names are not messages.
#[must_use]
pub(crate) fn message(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let text = text.trim_start_matches('\u{feff}').trim();
    let said = match text.as_bytes().first() {
        Some(b'{') => from_json(text),
        Some(b'[' | b'"') if is_json(text) => from_json(text),
        Some(b'<') => markup::message(text),
        _ => from_plain(text),
    };
    let said = said.unwrap_or_default();
    said.chars().take(MAX_MESSAGE).collect()
}

/// Returns the message or, if it is empty, the title of the status.
#[must_use]
pub(crate) fn worded(status: StatusCode, message: &str) -> String {
    if message.is_empty() {
        title(status).to_owned()
    } else {
        message.to_owned()
    }
}

/// Returns a text in which a quoted page is replaced by that page's message.
#[must_use]
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    match text.find('<') {
        Some(at) if markup::is_page(text) => {
            let (before, page) = text.split_at(at);
            let said = markup::message(page).unwrap_or_default();
            Cow::Owned(format!("{before}{said}"))
        }
        _ => Cow::Borrowed(text),
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

/// Reads `{"message": "TEXT<br /><br />..."}`, an object or list that contains such an object (`{"error": {"message":
/// ...}}`), or a message in a member that vendors and frameworks use.
fn from_json(text: &str) -> Option<String> {
    let value: Value = serde_json::from_str(text).ok()?;
    let said = find_message(&value, MAX_DEPTH)?;
    // Some services put the JSON of a fault into the text of another.
    if let Ok(inner @ Value::Object(_)) = serde_json::from_str(said) {
        return find_message(&inner, MAX_DEPTH).map(text_of);
    }
    Some(text_of(said))
}

/// The maximum depth of a message.
const MAX_DEPTH: usize = 4;

/// The names of members with a message, the most specific first.
const NAMES: &[&str] = &[
    "message",
    "error_msg",
    "errorMessage",
    "error_message",
    "error_description",
    "faultstring",
    "detail",
    "details",
    "description",
    "reason",
    "msg",
    "error",
];

fn find_message(value: &Value, depth: usize) -> Option<&str> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::String(text) => Some(text),
        Value::Array(items) => items.iter().find_map(|item| find_message(item, depth)),
        Value::Object(members) => {
            let text = |name: &&str| members.get(*name)?.as_str();
            let own = NAMES.iter().filter_map(text);
            own.into_iter()
                .find(|text| !text.trim().is_empty())
                .or_else(|| {
                    let mut nested = members.values().filter(|value| !value.is_string());
                    nested.find_map(|value| find_message(value, depth))
                })
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Returns the text of a message, without the breaks that WebOb appends.
fn text_of(said: &str) -> String {
    // WebOb's text may end with a blank of its own, for example after an empty id.
    let said = if said.contains(BREAK) {
        said
    } else {
        said.trim()
    };
    // A conflict has a standard sentence first, and the specific one after the break.
    let mut parts = said
        .split(BREAK)
        .map(str::trim_start)
        .filter(|part| !part.is_empty());
    let Some(first) = parts.next() else {
        return String::new();
    };
    let said = parts
        .last()
        .map(str::trim_end)
        .filter(|_| first.starts_with("There was a conflict"))
        .unwrap_or(first);
    plain(said).into_owned()
}

/// The break that WebOb appends to texts in its JSON.
const BREAK: &str = "<br />";

/// Reads WebOb's plain text: a line with the status, then the text. There is no message in binary data or in a server's
/// name. A page is read as a page.
fn from_plain(text: &str) -> Option<String> {
    let is_text = |c: char| !c.is_control() || c.is_whitespace();
    if !text.chars().all(is_text) {
        return None;
    }
    if markup::is_page(text) {
        return markup::message(text);
    }
    let said = match text.split_once('\n') {
        Some((first, rest)) if first.starts_with(|c: char| c.is_ascii_digit()) => rest.trim(),
        _ => text,
    };
    let is_name = said.split_whitespace().count() <= 3 && markup::is_banner(said);
    (!is_name).then(|| said.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::message;

    #[test]
    fn a_text_keeps_the_blank_that_it_ends_with() {
        let body = r#"{"message": "No image found with ID <br /><br />\n\n\n", "code": "400 Bad Request", "title": "Bad Request"}"#;
        assert_eq!(message(body.as_bytes()), "No image found with ID ");
        let bare = r#"{"error": {"message": " a text\n"}}"#;
        assert_eq!(message(bare.as_bytes()), "a text");
    }

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
            (
                r#"{"itemNotFound": {"code": 404, "message": "Image not found."}}"#,
                "Image not found.",
            ),
            (
                r#"{"error_code": "APIGW.0101", "error_msg": "The API does not exist"}"#,
                "The API does not exist",
            ),
            ("busy", "busy"),
        ] {
            assert_eq!(message(odd.as_bytes()), said, "{odd:?}");
        }
        assert_eq!(
            message("&amp;lt;x".as_bytes()),
            "&amp;lt;x",
            "plain text is not unescaped"
        );
        assert_eq!(message(b"<h1>No</h1><p>&amp;lt;x &#233;</p>"), "&lt;x é");
        assert_eq!(message("ü".repeat(5000).as_bytes()).chars().count(), 1000);
    }

    #[test]
    fn foreign_pages_give_their_sentence_or_nothing() {
        let styled = "<!DOCTYPE html>\n<html><head><title>Blocked</title><style>body { color: red; }</style>\n\
            <script>if (a < b && c > d) { document.write(\"<p>no no no</p>\"); }</script></head>\n\
            <body onload=\"x('>')\"><style>p{margin:0}</style><script>var a = '</p>';</script>\n\
            <!-- nothing <p>that is seen by anyone</p> --><div class=\"a>b\">The requested URL was rejected.\n\
              Please consult with your <b>administrator</b>.<br><br>Your support ID is: 123</div>\n\
            <noscript>Please enable JavaScript to go on</noscript></body></html>";
        for (page, said) in [
            (
                r#"<overLimit code="413" xmlns="http://docs.openstack.org/compute/api/v1.1"><message>This request was rate-limited.</message><retryAfter>3</retryAfter></overLimit>"#,
                "This request was rate-limited.",
            ),
            (
                r#"<?xml version="1.0"?><n:forbidden xmlns:n="x" code="403"><n:Message>No &lt;x&gt; &amp; y</n:Message><details>z</details></n:forbidden>"#,
                "No <x> & y",
            ),
            (
                "<Error><Code>AccessDenied</Code><Message><![CDATA[Not <you>]]></Message></Error>",
                "Not <you>",
            ),
            ("<error>busy</error>", "busy"),
            ("<a><b>1</b><c>2</c></a>", ""),
            ("<message></message>", ""),
            (
                "<html>\r\n<head><title>403 Forbidden</title></head>\r\n<body>\r\n<center><h1>403 Forbidden</h1></center>\r\n<hr><center>nginx/1.18.0</center>\r\n</body>\r\n</html>\r\n<!-- a padding to disable MSIE and Chrome friendly error page -->\r\n",
                "",
            ),
            (
                "<html>\n<head><title>429 Too Many Requests</title></head>\n<body bgcolor=\"white\">\n<h1>429 Too Many Requests</h1>\n<p>Sorry for the inconvenience.<hr/>Powered by Tengine</body></html>",
                "Sorry for the inconvenience.",
            ),
            (
                "<center><h1>403 Forbidden</h1></center>Powered by Tengine",
                "",
            ),
            ("<html><body>nginx</body></html>", ""),
            (
                "<html><body><h1>503 Service Unavailable</h1>\nNo server is available to handle this request.\n</body></html>\n",
                "No server is available to handle this request.",
            ),
            (
                "<!DOCTYPE HTML PUBLIC \"-//IETF//DTD HTML 2.0//EN\">\n<html><head>\n<title>403 Forbidden</title>\n</head><body>\n<h1>Forbidden</h1>\n<p>You don't have permission to access /v2.1/images\non this server.<br />\n</p>\n<hr>\n<address>Apache/2.4.29 (Ubuntu) Server at nova Port 80</address>\n</body></html>\n",
                "You don't have permission to access /v2.1/images on this server.",
            ),
            (
                "<html><body><h1>Not Found</h1><address>Apache/2.4.29 Server at nova Port 80</address></body></html>",
                "",
            ),
            (
                "<HTML><HEAD>\n<TITLE>Access Denied</TITLE>\n</HEAD><BODY>\n<H1>Access Denied</H1>\n \nYou don't have permission to access \"http&#58;&#47;&#47;x\" on this server.<P>\nReference&#32;&#35;18\n</BODY>\n</HTML>",
                "You don't have permission to access \"http://x\" on this server.",
            ),
            (
                styled,
                "The requested URL was rejected. Please consult with your administrator.",
            ),
            ("<style>a{}</style><script>b()", ""),
            ("<html><head><style>never closed", ""),
            ("<p title='a", ""),
            (
                "\u{feff}<html><body><p>It is not allowed.</p></body></html>",
                "It is not allowed.",
            ),
            (
                "Sorry <html><body><p>It is not allowed.</p></body></html>",
                "It is not allowed.",
            ),
            ("nginx/1.18.0", ""),
            ("no healthy upstream", "no healthy upstream"),
            ("404 page not found\n", "404 page not found"),
            ("\u{0}\u{1}binary", ""),
            (
                "<html>\n <head>\n  <title>409 Conflict</title>\n </head>\n <body>\n  <h1>409 Conflict</h1>\n  There was a conflict when trying to complete your request.<br /><br />\nImage &quot;x&quot; is in use.\n\n\n </body>\n</html>",
                "Image \"x\" is in use.",
            ),
        ] {
            assert_eq!(message(page.as_bytes()), said, "{page}");
        }
    }

    #[test]
    fn json_of_odd_shapes_gives_its_message_or_nothing() {
        for (body, said) in [
            (
                r#"{"overLimit": {"code": 413, "message": "Slow down.", "details": "Only 10 POST a minute.", "retryAfter": 3}}"#,
                "Slow down.",
            ),
            (
                r#"{"errors": [{"status": 403, "title": "Forbidden", "detail": "Not yours."}]}"#,
                "Not yours.",
            ),
            (r#"[{"message": "a"}]"#, "a"),
            (r#"{"error": "Not allowed"}"#, "Not allowed"),
            (
                r#"{"error": {"message": {"text": 1}, "reason": "why"}}"#,
                "why",
            ),
            (
                r#"{"error": "invalid", "error_description": "The token has expired"}"#,
                "The token has expired",
            ),
            (
                r#"{"error_message": "{\"faultcode\": \"Client\", \"faultstring\": \"Not here\"}"}"#,
                "Not here",
            ),
            (r#"{"message": "", "detail": "x y"}"#, "x y"),
            (r#"{"message": null, "code": 5}"#, ""),
            (r#"{"message": ["a", "b"]}"#, "a"),
            (
                r#"{"message": "<html><head><title>x</title></head><body><h1>403</h1><hr>nginx/1.2</body></html>"}"#,
                "",
            ),
            (r#"{"message": "No image <x>"}"#, "No image <x>"),
            (r#""text""#, "text"),
            ("[Errno 111] refused", "[Errno 111] refused"),
            ("[1, 2]", ""),
            (r#"{"a": {"b": {"c": {"d": {"message": "too deep"}}}}}"#, ""),
        ] {
            assert_eq!(message(body.as_bytes()), said, "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_panics_and_no_script_is_said(body in "(<|>|</|<!--|-->|h1|script|style|&#|;|\"|'|\\PC|[a-z ]){0,30}") {
            let _ = message(body.as_bytes());
            let page = format!("<html><script>evil evil evil</script><p>{body}");
            prop_assert!(!message(page.as_bytes()).contains("evil evil"));
        }
    }
}
