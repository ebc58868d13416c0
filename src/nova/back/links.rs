//! Links beside a page's images. They are never followed; only that there is one counts.

use serde_json::Value;

use crate::json::splitter::Envelope;

/// Where Novas and vendors write the links of a page.
const MEMBERS: &[&str] = &["images_links", "links"];

/// Whether a link leads to a further page. Links of a form that no Nova writes may be one.
pub(super) fn lead_on(envelope: &Envelope) -> bool {
    let texts = MEMBERS.iter().flat_map(|name| envelope.links(name));
    envelope.has("next")
        || texts
            .map(|text| text.and_then(|json| serde_json::from_slice(json).ok()))
            .any(|links: Option<Value>| links.is_none_or(|links| has_next(&links)))
}

fn has_next(links: &Value) -> bool {
    match links {
        Value::Array(links) => links.iter().any(is_next),
        links => !is_empty(links),
    }
}

fn is_next(link: &Value) -> bool {
    match link["rel"].as_str() {
        Some(rel) => rel.eq_ignore_ascii_case("next") && !is_empty(&link["href"]),
        None => !is_empty(link),
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Bool(true) | Value::Number(_) => false,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::lead_on;
    use crate::json::splitter::{Element, Splitter};

    fn leads_on(more: &str) -> bool {
        let page = format!("{{\"images\": []{more}}}");
        let mut whole = None;
        // Whatever the frames.
        for size in [1, 7, 100_000] {
            let mut splitter = Splitter::new(1000);
            for frame in page.as_bytes().chunks(size) {
                splitter
                    .push(frame, |_: Element<'_>| Ok::<_, Infallible>(0))
                    .unwrap();
            }
            let leads = lead_on(&splitter.finish().unwrap());
            assert_eq!(*whole.get_or_insert(leads), leads, "{more}");
        }
        whole.unwrap()
    }

    #[test]
    fn only_a_next_link_leads_on() {
        let long = format!(
            r#", "images_links": [{{"rel": "self", "href": "{}"}}]"#,
            "x".repeat(20_000)
        );
        for more in [
            r#", "images_links": [{"rel": "next", "href": "http://n/v2/images?marker=a"}]"#,
            r#", "images_links": [{"rel": "first", "href": "x"}, {"href": "y", "rel": "NEXT"}]"#,
            r#", "images_links" :{"next": "x"} "#,
            r#", "images_links": "http://n""#,
            r#", "images_links": [["next", "x"]]"#,
            r#", "images_links": [{"href": "x"}]"#,
            r#", "images_links": [], "images_links": [{"rel": "next", "href": "x"}]"#,
            r#", "image\u0073_links": [{"rel": "next", "href": "x"}]"#,
            r#", "links": [{"rel": "next", "href": "x"}]"#,
            r#", "next": "/v2/images?marker=a""#,
            &long,
        ] {
            assert!(leads_on(more), "{more}");
        }
        for more in [
            "",
            r#", "images_links": null"#,
            r#", "images_links": []"#,
            r#", "images_links": {}"#,
            r#", "images_links": "", "links": false"#,
            r#", "images_links": [{}, null]"#,
            r#", "images_links": [{"rel": "next", "href": null}]"#,
            r#", "images_links": [{"rel": "previous", "href": "x"}, {"rel": "self", "href": "y"}]"#,
            r#", "next": null, "other_links": [{"rel": "next", "href": "x"}]"#,
        ] {
            assert!(!leads_on(more), "{more}");
        }
    }
}
