//! The character encoding of a request body in XML, found as expat does (`expat/lib/xmltok.c`).
//!
//! A body is UTF-8 unless it begins like UTF-16 or its declaration says otherwise. The charset in `Content-Type` is
//! ignored, as it always was in Nova.

use std::borrow::Cow;

use super::body::malformed;
use crate::model::Fault;

/// The characters 0x80 to 0x9F of windows-1252. U+FFFD marks bytes without a character.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{fffd}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{fffd}', 'Ž',
    '\u{fffd}', '\u{fffd}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{fffd}',
    'ž', 'Ÿ',
];

/// A character encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// UTF-8 or ASCII.
    Utf8,
    Utf16,
    Latin1,
    Windows1252,
}

/// The names of the encodings in a declaration, which are not case-sensitive: expat's own, and Python's other names for
/// them.
const NAMES: &[(&str, Charset)] = &[
    ("utf-8", Charset::Utf8),
    ("utf8", Charset::Utf8),
    ("us-ascii", Charset::Utf8),
    ("ascii", Charset::Utf8),
    ("utf-16", Charset::Utf16),
    ("utf-16le", Charset::Utf16),
    ("utf-16be", Charset::Utf16),
    ("iso-8859-1", Charset::Latin1),
    ("iso8859-1", Charset::Latin1),
    ("iso_8859-1", Charset::Latin1),
    ("latin-1", Charset::Latin1),
    ("latin1", Charset::Latin1),
    ("windows-1252", Charset::Windows1252),
    ("cp1252", Charset::Windows1252),
];

/// Decodes the body and removes a byte order mark.
///
/// # Errors
/// 400 if the bytes do not match the declared encoding, or the declared encoding is not supported.
pub(crate) fn text(body: &[u8]) -> Result<Cow<'_, str>, Fault> {
    if let Some(text) = utf16(body)? {
        return match declared(text.as_bytes()) {
            Some(name) if charset(name)? != Charset::Utf16 => Err(malformed(&format!(
                "its encoding is declared as {name}, but it is UTF-16"
            ))),
            _ => Ok(Cow::Owned(text)),
        };
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let name = declared(body).unwrap_or("utf-8");
    match charset(name)? {
        Charset::Utf8 => std::str::from_utf8(body)
            .map(Cow::Borrowed)
            .map_err(|_| malformed("it is not UTF-8")),
        Charset::Utf16 => Err(malformed(&format!(
            "its encoding is declared as {name}, but it is not"
        ))),
        Charset::Latin1 => Ok(body.iter().copied().map(char::from).collect()),
        Charset::Windows1252 => {
            let text: String = body.iter().copied().map(windows_1252).collect();
            if text.contains('\u{fffd}') {
                return Err(malformed("it is not windows-1252"));
            }
            Ok(Cow::Owned(text))
        }
    }
}

/// Decodes a body that begins with a byte order mark of UTF-16, or with a `<` of two bytes.
fn utf16(body: &[u8]) -> Result<Option<String>, Fault> {
    let (rest, unit): (_, fn([u8; 2]) -> u16) = match body {
        [0xff, 0xfe, rest @ ..] => (rest, u16::from_le_bytes),
        [0xfe, 0xff, rest @ ..] => (rest, u16::from_be_bytes),
        [b'<', 0, ..] => (body, u16::from_le_bytes),
        [0, b'<', ..] => (body, u16::from_be_bytes),
        _ => return Ok(None),
    };
    let wrong = || malformed("it is not UTF-16");
    let (pairs, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(wrong());
    }
    let units = pairs.iter().copied().map(unit);
    let text: Result<String, _> = char::decode_utf16(units).collect();
    text.map(Some).map_err(|_| wrong())
}

fn windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
        _ => char::from(byte),
    }
}

fn charset(name: &str) -> Result<Charset, Fault> {
    NAMES
        .iter()
        .find(|(known, _)| name.eq_ignore_ascii_case(known))
        .map(|(_, charset)| *charset)
        .ok_or_else(|| {
            malformed(&format!(
                "its encoding is declared as {name}, but only UTF-8, UTF-16, ISO-8859-1 and windows-1252 are supported"
            ))
        })
}

/// Returns the encoding that the XML declaration names. The body must encode ASCII characters as ASCII.
fn declared(body: &[u8]) -> Option<&str> {
    let inside = body.strip_prefix(b"<?xml")?;
    let end = inside.windows(2).position(|two| two == b"?>")?;
    let declaration = std::str::from_utf8(&inside[..end]).ok()?;
    let (_, value) = declaration.split_once("encoding")?;
    let value = value.trim_start().strip_prefix('=')?.trim_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    value.get(1..)?.split(quote).next()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::text;

    fn read(body: &[u8]) -> Result<String, String> {
        text(body)
            .map(std::borrow::Cow::into_owned)
            .map_err(|fault| fault.message)
    }

    fn utf16(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn bodies_are_read_in_the_encoding_that_they_declare() {
        for (name, bytes, is) in [
            ("ISO-8859-1", &b"\xe9\x80\xff"[..], "é\u{80}ÿ"),
            ("latin1", b"\xe9", "é"),
            ("Windows-1252", b"\x80 \x93\xe9\x94 \x9f", "€ “é” Ÿ"),
            ("cp1252", b"\x8a", "Š"),
            ("utf-8", "é€😀".as_bytes(), "é€😀"),
            ("US-ASCII", b"e", "e"),
        ] {
            let declaration = format!("<?xml version='1.0' encoding = '{name}' ?><a>");
            let body = [declaration.as_bytes(), bytes].concat();
            assert_eq!(read(&body), Ok(format!("{declaration}{is}")), "{name}");
        }
        assert_eq!(read(b"\xef\xbb\xbf<a/>"), Ok("<a/>".to_owned()));
    }

    #[test]
    fn utf_16_is_recognised_by_its_beginning() {
        for plain in [
            "<a>é€😀</a>",
            "<?xml version=\"1.0\" encoding=\"UTF-16\"?><a>klíč</a>",
        ] {
            for unit in [u16::to_le_bytes, u16::to_be_bytes] {
                assert_eq!(read(&utf16(plain, unit)), Ok(plain.to_owned()));
                let marked = utf16(&format!("\u{feff}{plain}"), unit);
                assert_eq!(read(&marked), Ok(plain.to_owned()));
            }
        }
    }

    #[test]
    fn a_body_that_differs_from_its_declaration_is_refused() {
        let wrong = "<?xml version='1.0' encoding='utf-8'?><a/>";
        for (body, why) in [
            (b"<a>\xe9</a>".to_vec(), "it is not UTF-8"),
            (
                b"<?xml version='1.0' encoding='cp1252'?><a>\x81</a>".to_vec(),
                "it is not windows-1252",
            ),
            (
                b"<?xml version='1.0' encoding='utf-16'?><a/>".to_vec(),
                "its encoding is declared as utf-16, but it is not",
            ),
            (
                b"<?xml version='1.0' encoding='koi8-r'?><a/>".to_vec(),
                "its encoding is declared as koi8-r",
            ),
            (
                utf16(wrong, u16::to_le_bytes),
                "its encoding is declared as utf-8, but it is UTF-16",
            ),
            (b"<\0a\0/".to_vec(), "it is not UTF-16"),
            (b"\xff\xfe<\0\0\xd8".to_vec(), "it is not UTF-16"),
        ] {
            let message = read(&body).unwrap_err();
            assert!(message.contains(why), "{why}: {message}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(start in "(<\\?xml encoding='(utf-16|cp1252|latin1|x)'\\?>)?", rest in proptest::collection::vec(any::<u8>(), 0..40)) {
            let _ = text(&[start.as_bytes(), &*rest].concat());
            let _ = text(&rest);
        }
    }
}
