//! The links of a page. The proxy never follows them; it only checks whether there is a next link.

use serde_json::Value;

use crate::json::splitter::Envelope;

/// The members in which Novas and vendors write the links of a page.
const MEMBERS: &[&str] = &["images_links", "links"];

/// Whether there is a link to a further page. A link in an unknown form counts as one, because it may be a next link.
pub(super) fn has_next_link(envelope: &Envelope) -> bool {
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

    use super::has_next_link;
    use crate::json::splitter::{Element, Splitter};

    fn leads_on(more: &str) -> bool {
        let page = format!("{{\"images\": []{more}}}");
        let mut whole = None;
        // The result must not depend on the size of the frames.
        for size in [1, 7, 100_000] {
            let mut splitter = Splitter::new(1000);
            for frame in page.as_bytes().chunks(size) {
                splitter
                    .push(frame, |_: Element<'_>| Ok::<_, Infallible>(0))
                    .unwrap();
            }
            let leads = has_next_link(&splitter.finish().unwrap());
            assert_eq!(*whole.get_or_insert(leads), leads, "{more}");
        }
        whole.unwrap()
    }

    #[test]
    fn only_a_next_link_leads_to_a_further_page() {
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
