//! JSON text in the form of Python's `json.dumps`: ASCII only, all other characters as `\u` escapes in lower-case hex.

use bytes::{BufMut, BytesMut};

use crate::json::{is_marked, is_plain};

/// Writes a JSON string, including the quotes.
pub(crate) fn string(out: &mut BytesMut, text: &str) {
    out.put_u8(b'"');
    escaped(out, text);
    out.put_u8(b'"');
}

/// Writes the text between the quotes of a JSON string.
pub(crate) fn escaped(out: &mut BytesMut, text: &str) {
    if is_plain(text) {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.bytes().position(is_marked) {
        let (plain, odd) = rest.split_at(at);
        out.extend_from_slice(plain.as_bytes());
        let mut chars = odd.chars();
        if let Some(c) = chars.next() {
            escape(out, c);
        }
        rest = chars.as_str();
    }
    out.extend_from_slice(rest.as_bytes());
}

/// Returns the text as it is written between the quotes of a JSON string, for repeated use.
pub(crate) fn in_json(text: String) -> String {
    if is_plain(&text) {
        return text;
    }
    let mut out = BytesMut::with_capacity(text.len());
    escaped(&mut out, &text);
    // The output is ASCII.
    String::from_utf8_lossy(&out).into_owned()
}

/// Writes JSON text unchanged, except for non-ASCII characters. Those occur only in strings, where an escape means the
/// same.
pub(crate) fn raw(out: &mut BytesMut, json: &str) {
    if json.is_ascii() {
        out.extend_from_slice(json.as_bytes());
        return;
    }
    for c in json.chars() {
        match u8::try_from(c) {
            Ok(byte) if byte.is_ascii() => out.put_u8(byte),
            _ => escape(out, c),
        }
    }
}

pub(crate) fn number(out: &mut BytesMut, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn escape(out: &mut BytesMut, c: char) {
    let short = match c {
        '"' | '\\' => c,
        '\n' => 'n',
        '\r' => 'r',
        '\t' => 't',
        '\u{8}' => 'b',
        '\u{c}' => 'f',
        _ => {
            for unit in c.encode_utf16(&mut [0; 2]) {
                out.extend_from_slice(b"\\u");
                for shift in [12, 8, 4, 0] {
                    out.put_u8(hex_digit(*unit >> shift));
                }
            }
            return;
        }
    };
    out.put_u8(b'\\');
    let mut buffer = [0; 4];
    out.extend_from_slice(short.encode_utf8(&mut buffer).as_bytes());
}

fn hex_digit(value: u16) -> u8 {
    b"0123456789abcdef"[usize::from(value & 0xf)]
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    fn written(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn strings_are_written_as_python_writes_them() {
        for (text, json) in [
            ("plain ~", r#""plain ~""#),
            (
                "qu'o\"te <b>& \\ back/slash",
                r#""qu'o\"te <b>& \\ back/slash""#,
            ),
            (
                "tab\tnewline\nend\r\u{8}\u{c}",
                r#""tab\tnewline\nend\r\b\f""#,
            ),
            ("\u{2028}\u{7f}\u{1}", r#""\u2028\u007f\u0001""#),
            ("česky ✓", r#""\u010desky \u2713""#),
            ("😀", r#""\ud83d\ude00""#),
        ] {
            assert_eq!(written(|out| super::string(out, text)), json);
        }
    }

    #[test]
    fn integers_are_written_in_decimal() {
        for number in [0, 7, 10, 1024, -1, i64::MAX, i64::MIN] {
            assert_eq!(
                written(|out| super::number(out, number)),
                number.to_string()
            );
        }
    }

    proptest! {
        #[test]
        fn strings_are_ascii_and_read_back(text in "\\PC*|[\\x00-\\x7f]*") {
            let json = written(|out| super::string(out, &text));
            prop_assert!(json.is_ascii());
            prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
        }

        #[test]
        fn raw_values_are_ascii_and_mean_the_same(text in "\\PC*", key in "\\PC{0,5}") {
            let value = serde_json::json!({key: [text, 1, null]});
            let json = written(|out| super::raw(out, &value.to_string()));
            prop_assert!(json.is_ascii());
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&json).unwrap(), value);
        }
    }
}
