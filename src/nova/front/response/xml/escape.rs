//! XML text in the form of lxml's serializer: plain UTF-8, with escapes for characters that would not read back.

use bytes::{BufMut, BytesMut};

/// The replacement for a character that XML 1.0 cannot represent at all (section 2.2): most control characters, U+FFFE
/// and U+FFFF. lxml refuses to write them, and Nova then answers with 500; with the replacement, the rest of the reply
/// survives.
pub(crate) const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

/// Writes character data.
pub(crate) fn text(out: &mut BytesMut, text: &str) {
    escaped(out, text, &[]);
}

/// Writes the text between the double quotes of an attribute. Newlines and tabs are escaped, because otherwise they
/// would read back as spaces (section 3.3.3).
pub(crate) fn attribute(out: &mut BytesMut, text: &str) {
    escaped(
        out,
        text,
        &[('"', "&quot;"), ('\t', "&#9;"), ('\n', "&#10;")],
    );
}

/// Returns the text as it is written between the double quotes of an attribute, for repeated use.
pub(crate) fn in_attribute(text: &str) -> String {
    let mut out = BytesMut::with_capacity(text.len());
    attribute(&mut out, text);
    // The output consists of whole characters.
    String::from_utf8_lossy(&out).into_owned()
}

/// The characters that are escaped everywhere. An unescaped carriage return would read back as a line feed (section
/// 2.11).
const EVERYWHERE: [(char, &str); 4] = [
    ('&', "&amp;"),
    ('<', "&lt;"),
    ('>', "&gt;"),
    ('\r', "&#13;"),
];

fn escaped(out: &mut BytesMut, text: &str, more: &[(char, &str)]) {
    let escape = |c: char| {
        let known = EVERYWHERE.iter().chain(more).find(|(is, _)| *is == c);
        known.map(|(_, escape)| *escape)
    };
    let mut rest = text;
    while let Some(at) = rest.find(|c| escape(c).is_some() || !is_xml(c)) {
        let (plain, odd) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = odd.chars();
        let c = chars.next().unwrap_or(REPLACEMENT);
        if let Some(escape) = escape(c) {
            out.extend_from_slice(escape.as_bytes());
        } else {
            out.put_slice(REPLACEMENT.encode_utf8(&mut [0; 4]).as_bytes());
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Returns the text that a parser reads from a text written here.
pub(crate) fn readable(text: &str) -> String {
    let kept = |c| if is_xml(c) { c } else { REPLACEMENT };
    text.chars().map(kept).collect()
}

/// Whether XML 1.0 can hold the character (section 2.2).
fn is_xml(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        _ => c >= ' ',
    }
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::readable;

    fn written(write: fn(&mut BytesMut, &str), text: &str) -> String {
        let mut out = BytesMut::new();
        write(&mut out, text);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn text_and_attributes_are_escaped_as_lxml_escapes_them() {
        for (plain, text, attribute) in [
            ("plain ~", "plain ~", "plain ~"),
            ("<é&>", "&lt;é&amp;&gt;", "&lt;é&amp;&gt;"),
            (
                "\"quoted\" 'too'",
                "\"quoted\" 'too'",
                "&quot;quoted&quot; 'too'",
            ),
            ("a\tb\nc\rd", "a\tb\nc&#13;d", "a&#9;b&#10;c&#13;d"),
            ("]]>", "]]&gt;", "]]&gt;"),
            (
                "\u{7f}\u{85}\u{2028}😀",
                "\u{7f}\u{85}\u{2028}😀",
                "\u{7f}\u{85}\u{2028}😀",
            ),
            ("\0\u{1}x\u{1f}\u{fffe}\u{ffff}", "��x���", "��x���"),
            ("", "", ""),
        ] {
            assert_eq!(written(super::text, plain), text);
            assert_eq!(written(super::attribute, plain), attribute);
        }
    }

    proptest! {
        #[test]
        fn any_string_survives_a_real_parser(content in any::<String>(), value in "\\PC*|[\\x00-\\x7f]*") {
            let xml = format!(
                "<a b=\"{}\">{}</a>",
                written(super::attribute, &value),
                written(super::text, &content)
            );
            let read = roxmltree::Document::parse(&xml).unwrap();
            let root = read.root_element();
            prop_assert_eq!(root.attribute("b").unwrap(), readable(&value));
            prop_assert_eq!(root.text().unwrap_or_default(), readable(&content));
        }
    }
}
