//! XML as the responder writes it: any text survives a real parser, and every document matches the grammar.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use http::header::ACCEPT;
use http::{HeaderMap, HeaderValue, Method};
use nova_glance_proxy::model::{
    Image, ListEnd, Recognized, RequestHead, Responder, Size, Status, Value,
};
use nova_glance_proxy::nova::compat::{Compat, Xml, XmlNull};
use nova_glance_proxy::nova::front::{self, NovaContext};
use proptest::prelude::*;
use roxmltree::Document;

use super::support::xml;
use super::xml::COMPUTE;

/// Returns the responder of a request for XML.
fn responder(compat: Compat, target: &str) -> Arc<dyn Responder> {
    let context = NovaContext {
        base: "http://h\"&<>'/č".to_owned(),
        compat: Arc::new(Compat {
            xml: Xml::Legacy,
            ..compat
        }),
        caller: None,
    };
    let headers = HeaderMap::from_iter([(ACCEPT, HeaderValue::from_static("application/xml"))]);
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match front::read(
        &context,
        RequestHead {
            method: &Method::GET,
            path,
            query: Some(query),
            headers: &headers,
        },
    ) {
        Recognized::Call(asked) => asked.responder,
        other => panic!("{target}: {other:?}"),
    }
}

/// Returns a whole list of these images.
fn list(responder: &Arc<dyn Responder>, images: &[Image<'_>]) -> String {
    let mut out = bytes::BytesMut::new();
    responder.list_open(&mut out);
    for (index, image) in images.iter().enumerate() {
        responder.list_item(image, index as u64, &mut out);
    }
    let end = ListEnd {
        count: images.len() as u64,
        last: images.last().map(|image| &*image.id),
    };
    responder.list_close(&end, &mut out);
    String::from_utf8(out.to_vec()).unwrap()
}

fn shown(responder: &Arc<dyn Responder>, image: &Image<'_>) -> String {
    let reply = responder.show(image).unwrap();
    String::from_utf8(reply.body().to_vec()).unwrap()
}

#[test]
fn an_empty_list_is_one_tag() {
    for target in ["/v2/images", "/v2/images/detail?limit=5"] {
        let text = list(&responder(Compat::default(), target), &[]);
        xml::check(&format!("empty {target}"), &text);
        assert!(text.ends_with("\"/>"), "{text}");
    }
}

#[test]
fn nulls_are_none_or_left_out() {
    let image = Image {
        id: Cow::Borrowed("x"),
        properties: vec![(
            Cow::Borrowed("k"),
            Value::Raw(serde_json::from_str("null").unwrap()),
        )]
        .into(),
        ..Image::default()
    };
    for (xml_null, attribute, meta) in [
        (XmlNull::None, Some("None"), Some("None")),
        (XmlNull::Omit, None, None),
    ] {
        let compat = Compat {
            xml_null,
            ..Compat::default()
        };
        let text = shown(&responder(compat.clone(), "/v2/images/x"), &image);
        xml::check(&format!("nulls {xml_null:?}"), &text);
        let document = Document::parse(&text).unwrap();
        let root = document.root_element();
        for name in ["name", "updated", "created"] {
            assert_eq!(root.attribute(name), attribute, "{name}");
        }
        let size = "http://docs.openstack.org/compute/ext/image_size/api/v1.1";
        assert_eq!(root.attribute((size, "size")), attribute);
        let item = document
            .descendants()
            .find(|node| node.has_attribute("key"));
        assert_eq!(item.unwrap().text(), meta);
        let item = shown(&responder(compat, "/v2/images/x/metadata/k"), &image);
        xml::check(&format!("null item {xml_null:?}"), &item);
        assert!(item.ends_with(&format!(">{}</meta>", meta.unwrap_or_default())));
    }
}

/// Returns what a reader gets of a text: XML cannot represent some characters.
fn readable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'.. => c,
            _ => '\u{fffd}',
        })
        .collect()
}

fn pairs(document: &Document<'_>) -> Vec<(String, String)> {
    let items = document
        .descendants()
        .filter(|node| node.has_tag_name((COMPUTE, "meta")));
    items
        .map(|item| {
            let key = item.attribute("key").unwrap().to_owned();
            (key, item.text().unwrap_or_default().to_owned())
        })
        .collect()
}

/// Any text, with characters that need care more often than by chance.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,20}",
        "[\\x00-\\x20<>&'\"\\]\\[;#é\u{85}\u{2028}\u{fffd}-\u{ffff}😀]{0,12}",
    ]
}

proptest! {
    #[test]
    fn any_string_survives_a_real_parser(
        id in "[^/\\x00-\\x1f]{1,20}",
        name in proptest::option::of(text()),
        properties in proptest::collection::vec((text(), text()), 0..5),
        raw in any::<bool>(),
    ) {
        let json: Vec<_> = properties
            .iter()
            .map(|(_, value)| serde_json::value::to_raw_value(value).unwrap())
            .collect();
        let image = Image {
            id: Cow::Borrowed(&id),
            name: name.as_deref().map(Cow::Borrowed),
            status: Status::Active,
            size: Size::Bytes(1),
            properties: properties
                .iter()
                .zip(&json)
                .map(|((key, value), json)| {
                    let value = if raw { Value::Raw((&**json).into()) } else { Value::Text(Cow::Borrowed(value)) };
                    (Cow::Borrowed(&**key), value)
                })
                .collect(),
            ..Image::default()
        };
        let compat = Compat { decode_mappings: false, ..Compat::default() };
        let expected: Vec<_> = properties
            .iter()
            .map(|(key, value)| (readable(key), readable(value)))
            .collect();
        let whole = shown(&responder(compat.clone(), "/v2/p/images/x"), &image);
        let metadata = shown(&responder(compat.clone(), "/v2/p/images/x/metadata"), &image);
        for text in [&whole, &metadata] {
            let document = Document::parse(text).unwrap();
            prop_assert_eq!(&pairs(&document), &expected);
        }
        let grammar = xml::grammar();
        for target in ["/v2/p/images?limit=1&name=%22%3C%26", "/v2/p/images/detail?limit=1"] {
            let text = list(&responder(compat.clone(), target), std::slice::from_ref(&image));
            prop_assert_eq!(grammar.check(&text), Ok(()));
            let document = Document::parse(&text).unwrap();
            let shown = document.root_element().first_element_child().unwrap();
            prop_assert_eq!(shown.attribute("id").unwrap(), readable(&id));
            let expected = name.as_deref().map_or("None".to_owned(), readable);
            prop_assert_eq!(shown.attribute("name").unwrap(), expected);
            let mut own = String::new();
            let _ = write!(own, "http://h\"&<>'/č/v2/p/images/{}", readable(&id));
            let link = document.descendants().find(|node| node.attribute("rel") == Some("self"));
            prop_assert_eq!(link.unwrap().attribute("href").unwrap(), own);
            let next = document.root_element().last_element_child().unwrap();
            prop_assert_eq!(next.attribute("rel"), Some("next"));
        }
        prop_assert_eq!(grammar.check(&whole), Ok(()));
        prop_assert_eq!(grammar.check(&metadata), Ok(()));
    }
}
