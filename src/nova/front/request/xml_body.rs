//! Reading of request bodies in XML (`nova/api/openstack/common.py` of Icehouse, `MetadataXMLDeserializer`).
//!
//! Elements are recognised by their local name, in any namespace or none. A document type declaration is refused before
//! its content is read, so XML's own five entities are the only ones. Text that is not well-formed XML is refused with
//! the position of the error.

use std::collections::{HashMap, HashSet};

use roxmltree::{Document, Node, ParsingOptions};

use super::body::malformed;
use super::charset;
use crate::model::Fault;
use crate::webob::python::PyJson;

/// The maximum number of nodes in a body. No sensible body of the maximum length has more.
const MAX_NODES: u32 = 100_000;

/// The maximum numbers of namespaces that a body may declare and of attributes in an element. The parser compares each
/// attribute with those before it, and copies the surrounding declarations into every element that declares more;
/// without limits, a body of the maximum length could keep it busy for minutes.
const MAX_NAMESPACES: usize = 32;
const MAX_ATTRIBUTES: usize = 64;

/// Reads a body whose root must be `root`: `metadata`, which holds items, or `meta`, which is one item. The result has
/// the form of the same body in JSON: an object whose one member is the root.
///
/// The last value of a repeated key counts. Children of `metadata` other than `meta` are ignored, and so are elements
/// within an item. An item without a key has the key `""`.
///
/// # Errors
/// 400 if the body is empty, is not well-formed XML, has a document type declaration, has another root, or has too many
/// namespaces or attributes.
pub(crate) fn read(body: &[u8], root: &str) -> Result<PyJson, Fault> {
    let text = charset::text(body)?;
    if text.trim().is_empty() {
        return Err(malformed("it is empty"));
    }
    let document = parse(&text)?;
    let found = document.root_element();
    if !is(found, root) {
        let found = found.tag_name().name();
        let why = format!("its root is <{found}> instead of <{root}>");
        return Err(malformed(&why));
    }
    let items = if root == META {
        vec![item(found)]
    } else {
        items(found)
    };
    Ok(PyJson::Object(vec![(
        root.to_owned(),
        PyJson::Object(items),
    )]))
}

/// The name of the element that holds an item.
const META: &str = "meta";

fn items(metadata: Node<'_, '_>) -> Vec<(String, PyJson)> {
    let mut items: Vec<(String, PyJson)> = Vec::new();
    let mut places = HashMap::new();
    for (key, value) in metadata.children().filter(|node| is(*node, META)).map(item) {
        let place = *places.entry(key.clone()).or_insert(items.len());
        match items.get_mut(place) {
            Some((_, earlier)) => *earlier = value,
            None => items.push((key, value)),
        }
    }
    items
}

/// Returns the key and the value of an item. The value is all of its text and CDATA, blanks included.
fn item(meta: Node<'_, '_>) -> (String, PyJson) {
    let key = meta.attribute("key").unwrap_or_default().to_owned();
    let texts = meta.children().filter(Node::is_text);
    let text = texts.filter_map(|text| text.text()).collect();
    (key, PyJson::Text(text))
}

fn parse(text: &str) -> Result<Document<'_>, Fault> {
    check_numbers(text)?;
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_NODES,
        ..ParsingOptions::default()
    };
    Document::parse_with_options(text, options).map_err(|error| malformed(&error.to_string()))
}

/// Refuses a text that would take too long to parse. The counts are too high if markup occurs in quotes, but never too
/// low, because a tag cannot contain `<`.
fn check_numbers(text: &str) -> Result<(), Fault> {
    let declared = text.split("xmlns").skip(1);
    let ends = |c: char| c == '=' || c.is_ascii_whitespace();
    let names: HashSet<_> = declared.map(|rest| rest.split(ends).next()).collect();
    if names.len() > MAX_NAMESPACES {
        let why = format!("it declares more than {MAX_NAMESPACES} namespaces");
        return Err(malformed(&why));
    }
    if text
        .split('<')
        .skip(1)
        .any(|tag| attributes(tag) > MAX_ATTRIBUTES)
    {
        let why = format!("an element has more than {MAX_ATTRIBUTES} attributes");
        return Err(malformed(&why));
    }
    Ok(())
}

/// Counts the quoted values in a tag. A comment, CDATA and an instruction are not tags.
fn attributes(tag: &str) -> usize {
    if tag.starts_with(['!', '?']) {
        return 0;
    }
    let mut count = 0;
    let mut within = None;
    for byte in tag.bytes() {
        match (within, byte) {
            (None, b'>') => break,
            (None, b'"' | b'\'') => within = Some(byte),
            (Some(quote), _) if byte == quote => {
                within = None;
                count += 1;
            }
            _ => {}
        }
    }
    count
}

fn is(node: Node<'_, '_>, name: &str) -> bool {
    node.is_element() && node.tag_name().name() == name
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use crate::nova::front::response::xml::escape;
    use crate::webob::python::PyJson;

    fn read(body: &str) -> Result<Vec<(String, String)>, String> {
        read_as("metadata", body.as_bytes())
    }

    fn read_as(root: &str, body: &[u8]) -> Result<Vec<(String, String)>, String> {
        let read = super::read(body, root).map_err(|fault| {
            assert_eq!(fault.status, 400);
            fault.message
        })?;
        let PyJson::Object(mut members) = read else {
            panic!("{read:?}");
        };
        let (member, held) = members.pop().unwrap();
        assert!(members.is_empty() && member == root);
        let PyJson::Object(items) = held else {
            panic!("{held:?}");
        };
        let texts = items.into_iter().map(|(key, value)| match value {
            PyJson::Text(text) => (key, text),
            other => panic!("{other:?}"),
        });
        Ok(texts.collect())
    }

    fn pairs(of: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        of.iter().map(owned).collect()
    }

    #[test]
    fn metadata_is_read_in_any_namespace() {
        for (body, items) in [
            ("<metadata/>", &[][..]),
            ("<metadata></metadata>", &[]),
            (
                "\u{feff}<?xml version='1.0' encoding=\"utf-8\" standalone='yes'?>\n<metadata/>\n<!-- end -->",
                &[],
            ),
            (
                r#"<?xml version="1.0" encoding="UTF-8"?><metadata xmlns="http://docs.openstack.org/compute/api/v1.1"><meta key="a">1</meta><meta key="b"> x <![CDATA[<y>]]></meta></metadata>"#,
                &[("a", "1"), ("b", " x <y>")],
            ),
            (
                r#"<n:metadata xmlns:n="urn:any"><n:meta key="a">1</n:meta><meta key="b">2</meta></n:metadata>"#,
                &[("a", "1"), ("b", "2")],
            ),
            (
                "<metadata>\n  <meta key='a'>1</meta> text\n  <other key='b'>2<meta key='c'>3</meta></other><!-- x --></metadata>",
                &[("a", "1")],
            ),
            (
                "<metadata><meta key='a'>1<b>2</b><!-- x -->3<![CDATA[ 4 ]]>5<?pi?>6</meta></metadata>",
                &[("a", "13 4 56")],
            ),
            (
                "<metadata><meta key='a'/><meta>x</meta></metadata>",
                &[("a", ""), ("", "x")],
            ),
            (
                "<metadata><meta key='a'>1</meta><meta key='b'>2</meta><meta key='a'>3</meta></metadata>",
                &[("a", "3"), ("b", "2")],
            ),
            (
                "<metadata><meta key='&lt;&#233;&#10;>'>&amp;&quot;&apos;&#x1F600;\r\n</meta></metadata>",
                &[("<é\n>", "&\"'😀\n")],
            ),
        ] {
            assert_eq!(read(body), Ok(pairs(items)), "{body}");
        }
    }

    #[test]
    fn a_body_that_is_not_metadata_is_refused() {
        for (body, why) in [
            ("", "it is empty"),
            (" \n", "it is empty"),
            ("<foo/>", "its root is <foo> instead of <metadata>"),
            (
                "<meta key='a'>1</meta>",
                "its root is <meta> instead of <metadata>",
            ),
            ("{\"metadata\": {}}", "unknown token at 1:1"),
            ("<metadata>", "never closed"),
            ("<metadata/><metadata/>", "at 1:12"),
            (
                "<metadata><meta key='a' key='b'/></metadata>",
                "already defined",
            ),
            ("<n:metadata/>", "unknown namespace prefix"),
            ("<metadata><meta key='a'>&lol;</meta></metadata>", ""),
            ("<metadata><meta key='a'>\u{1}</meta></metadata>", ""),
            ("<metadata><meta key='a'>&#1;</meta></metadata>", ""),
            (
                "<?xml version='1.0' encoding = 'ISO-8859-2'?><metadata/>",
                "its encoding is declared as ISO-8859-2",
            ),
        ] {
            let message = read(body).expect_err(body);
            assert!(message.starts_with("Malformed request body: "), "{message}");
            assert!(message.contains(why), "{body}: {message}");
        }
        assert!(read_as("metadata", b"<metadata>\xff</metadata>").is_err());
    }

    #[test]
    fn metadata_is_read_in_latin_1_and_utf_16() {
        let latin = b"<?xml version='1.0' encoding='ISO-8859-1'?><metadata><meta key='a'>caf\xe9</meta></metadata>";
        assert_eq!(read_as("metadata", latin), Ok(pairs(&[("a", "caf\u{e9}")])));
        let wide = "\u{feff}<?xml version='1.0' encoding='utf-16'?><metadata><meta key='a'>klíč</meta></metadata>";
        let wide: Vec<_> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(read_as("metadata", &wide), Ok(pairs(&[("a", "klíč")])));
        let typed = "<!DOCTYPE m [<!ENTITY e 'x'>]><metadata><meta key='a'>&e;</meta></metadata>";
        let typed: Vec<_> = typed.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert!(read_as("metadata", &typed).unwrap_err().contains("DTD"));
    }

    #[test]
    fn document_types_and_entities_are_refused() {
        for body in [
            "<!DOCTYPE metadata><metadata/>",
            "<!DOCTYPE metadata SYSTEM 'http://127.0.0.1:1/x.dtd'><metadata/>",
            "<?xml version='1.0'?><!DOCTYPE m [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><metadata><meta key='a'>&e;</meta></metadata>",
            "<!DOCTYPE m [<!ENTITY a 'aaaa'><!ENTITY b '&a;&a;&a;&a;'>]><metadata><meta key='a'>&b;</meta></metadata>",
            "<!DOCTYPE m [<!ENTITY % p SYSTEM 'file:///etc/passwd'> %p;]><metadata/>",
        ] {
            let message = read(body).expect_err(body);
            assert!(message.contains("DTD"), "{message}");
        }
    }

    #[test]
    fn huge_bodies_are_bounded() {
        let many = format!("<metadata>{}</metadata>", "<meta/>".repeat(200_000));
        assert!(read(&many).is_err());
        let deep = format!(
            "{}{}",
            "<metadata>".repeat(50_000),
            "</metadata>".repeat(50_000)
        );
        let _either = read(&deep);
        let long = format!(
            "<metadata><meta key='a'>{}</meta></metadata>",
            "x".repeat(1 << 20)
        );
        assert_eq!(read(&long).unwrap()[0].1.len(), 1 << 20);
    }

    #[test]
    fn a_body_that_would_be_slow_to_parse_is_refused() {
        let nested = |declares: &dyn Fn(usize) -> String, depth: usize| {
            let open: Vec<_> = (0..depth)
                .map(|level| format!("<a {}>", declares(level)))
                .collect();
            let open = open.concat();
            read(&format!(
                "<metadata>{open}{}</metadata>",
                "</a>".repeat(depth)
            ))
        };
        let message = nested(&|level| format!("xmlns:p{level}='u{level}'"), 2000).unwrap_err();
        assert!(
            message.contains("declares more than 32 namespaces"),
            "{message}"
        );
        assert_eq!(
            nested(&|level| format!("xmlns:p{level}='u'"), 32),
            Ok(vec![])
        );
        assert_eq!(
            nested(&|level| format!("xmlns='u{level}'"), 2000),
            Ok(vec![])
        );
        let crowded = |attributes: usize| {
            let attributes: Vec<_> = (0..attributes)
                .map(|at| format!(" a{at} = '>\"'"))
                .collect();
            let attributes = attributes.concat();
            read(&format!(
                "<metadata><meta key=\"k\"{attributes}>a=\"b\"</meta></metadata>"
            ))
        };
        assert_eq!(crowded(63), Ok(pairs(&[("k", "a=\"b\"")])));
        let message = crowded(64).unwrap_err();
        assert!(message.contains("more than 64 attributes"), "{message}");
        let quotes = format!(
            "<metadata><meta key='k'>{}</meta></metadata>",
            "a=\"b\" ".repeat(100)
        );
        assert!(read(&quotes).is_ok());
        let marked = format!(
            "<metadata><!-- {0} --><meta key='k'><![CDATA[{0}]]></meta></metadata>",
            "{\"a\": \"b\"}, ".repeat(100)
        );
        assert!(read(&marked).is_ok());
    }

    #[test]
    fn one_item_is_read() {
        let read = |body: &str| read_as("meta", body.as_bytes());
        let item = |key: &str, value: &str| Ok(vec![(key.to_owned(), value.to_owned())]);
        assert_eq!(read("<meta key=\"b\">1</meta>"), item("b", "1"));
        assert_eq!(
            read("<x:meta xmlns:x='u' key='b' x:key='c'/>"),
            item("b", "")
        );
        assert_eq!(read("<meta>1</meta>"), item("", "1"));
        let message = read("<metadata><meta key='a'>1</meta></metadata>").unwrap_err();
        assert!(
            message.contains("its root is <metadata> instead of <meta>"),
            "{message}"
        );
    }

    fn storable() -> impl Strategy<Value = String> {
        proptest::collection::vec(any::<char>(), 0..20).prop_map(|chars| {
            let mut out = BytesMut::new();
            // Characters that XML cannot contain cannot be sent in XML.
            let text: String = chars
                .into_iter()
                .filter(|c| *c >= ' ' && !('\u{fffe}'..='\u{ffff}').contains(c))
                .collect();
            escape::text(&mut out, &text);
            text
        })
    }

    proptest! {
        #[test]
        fn written_items_read_back(key in storable(), value in storable()) {
            let mut escaped = BytesMut::new();
            escape::text(&mut escaped, &value);
            let escaped = String::from_utf8(escaped.to_vec()).unwrap();
            let body = format!("<metadata><meta key=\"{}\">{escaped}</meta></metadata>", escape::in_attribute(&key));
            prop_assert_eq!(read(&body), Ok(vec![(key, value)]));
        }

        #[test]
        fn no_body_panics(body in "\\PC*|[<>/a-z='\"&;#!\\[\\] ]{0,60}") {
            let _ = super::read(body.as_bytes(), "metadata");
            let _ = super::read(body.as_bytes(), "meta");
        }
    }
}
