//! What an error reply says, whatever its form.

/// The longest message that is passed on, in characters.
const MAX_MESSAGE: usize = 1000;

/// Reduces an error body to its message, whatever its form: WebOb's JSON, HTML or plain text, a Nova fault, a
/// Keystone error, or anything else.
#[must_use]
pub fn message(body: &[u8]) -> String {
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

/// `{"message": "TEXT<br /><br />..."}`, or the first `message` one level down (`{"error": {"message": ...}}`), or
/// what a vendor's gateway says in `error_msg`.
fn from_json(text: &str) -> Option<String> {
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).ok()?;
    let own = ["message", "error_msg"]
        .iter()
        .find_map(|name| object.get(*name)?.as_str());
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

/// Text in which WebOb has escaped markup, as it was.
#[must_use]
pub fn unescape(text: &str) -> String {
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
    use super::message;

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
        assert_eq!(message(b"<p>&amp;lt;x</p>"), "&lt;x");
        assert_eq!(message("ü".repeat(5000).as_bytes()).chars().count(), 1000);
    }
}
