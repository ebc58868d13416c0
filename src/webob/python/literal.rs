//! Reads Python's own notation of a value. XML shows lists in this notation, and clients send it back.

use super::PyJson;
use super::read::{self, PyReader, Spelling};

const REPR: Spelling = Spelling {
    words: [
        ("None", PyJson::Null),
        ("True", PyJson::Bool(true)),
        ("False", PyJson::Bool(false)),
    ],
    string,
};

/// Reads a whole text; `None` if it is not a value in the form of `repr`. Python 2's `u` before a string is ignored.
pub(super) fn read(text: &str) -> Option<PyJson> {
    read::read(text, &REPR)
}

fn string(reader: &mut PyReader<'_>) -> Option<String> {
    if reader.rest.starts_with('u') {
        reader.cut(1)?;
    }
    let quote = reader
        .rest
        .chars()
        .next()
        .filter(|c| matches!(c, '\'' | '"'))?;
    let mut chars = reader.rest.char_indices().skip(1);
    let mut text = String::new();
    let end = loop {
        let (at, c) = chars.next()?;
        match c {
            _ if c == quote => break at + 1,
            '\\' => {
                let (_, escape) = chars.next()?;
                let digits = match escape {
                    'x' => 2,
                    'u' => 4,
                    'U' => 8,
                    _ => 0,
                };
                let code = (0..digits).try_fold(0, |code: u32, _| {
                    let (_, digit) = chars.next()?;
                    code.checked_mul(16)?.checked_add(digit.to_digit(16)?)
                });
                text.push(match escape {
                    'x' | 'u' | 'U' => char::from_u32(code?)?,
                    'n' => '\n',
                    'r' => '\r',
                    't' => '\t',
                    '\\' | '\'' | '"' => escape,
                    _ => return None,
                });
            }
            _ => text.push(c),
        }
    };
    reader.cut(end)?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::webob::python::PyJson;

    #[test]
    fn values_in_pythons_notation_are_read() {
        for (text, json) in [
            (
                "[{'boot_index': 0, 'guest_format': None}]",
                r#"[{"boot_index": 0, "guest_format": null}]"#,
            ),
            (
                "[{u'a': u'b'}, True, False, -1.5, 1e+16]",
                r#"[{"a": "b"}, true, false, -1.5, 1e+16]"#,
            ),
            (
                r#"["it's", 'say "x"', '\x01\u200b\U0001f40e\\\'\n']"#,
                r#"["it's", "say \"x\"", "\u0001\u200b🐎\\'\n"]"#,
            ),
            ("{}", "{}"),
            ("'x'", r#""x""#),
        ] {
            assert_eq!(
                PyJson::literal(text),
                PyJson::read(json.as_bytes()),
                "{text}"
            );
            assert!(PyJson::literal(text).is_some());
        }
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "x",
            "null",
            "[1,]",
            "[1",
            "{1: 2}",
            "'x",
            "'\\ud800'",
            "'\\q'",
            "(1,)",
            "[1] x",
            &deep,
        ] {
            assert_eq!(PyJson::literal(text), None, "{text:.20}");
        }
    }

    proptest! {
        #[test]
        fn written_values_read_back(texts in proptest::collection::vec(any::<String>(), 0..4), key in any::<String>()) {
            let texts = texts.into_iter().map(PyJson::Text).collect();
            let value = PyJson::List(vec![PyJson::Null, PyJson::Bool(true), PyJson::Object(vec![(key, PyJson::List(texts))])]);
            prop_assert_eq!(PyJson::literal(&value.repr()), Some(value));
        }

        #[test]
        fn no_text_panics(text in "(\\[|\\]|\\{|\\}|'|\"|\\\\|x|u|0|1|,|:| |None|\\PC){0,30}") {
            let _ = PyJson::literal(&text);
        }
    }
}
