//! Reads values as Python does: an integer keeps every digit, and the last value of a repeated name counts. JSON and
//! Python's own notation differ only in their strings and their words.
//!
//! `serde_json` reads strings and validates numbers. It does not read the whole text, because it makes a float of every
//! number above 64 bits, and a float keeps only about sixteen digits.

use std::collections::HashMap;

use serde::de::IgnoredAny;

use super::PyJson;

/// The maximum depth of nested values.
const MAX_DEPTH: u32 = 128;

/// A notation of values.
pub(super) struct Spelling {
    /// The words that stand for values.
    pub words: [(&'static str, PyJson); 3],
    /// Reads a string with its quotes.
    pub string: fn(&mut PyReader<'_>) -> Option<String>,
}

const JSON: Spelling = Spelling {
    words: [
        ("null", PyJson::Null),
        ("true", PyJson::Bool(true)),
        ("false", PyJson::Bool(false)),
    ],
    string,
};

/// Reads a whole text of JSON.
pub(super) fn json(text: &[u8]) -> Option<PyJson> {
    read(std::str::from_utf8(text).ok()?, &JSON)
}

/// Reads a whole text in a notation.
pub(super) fn read(text: &str, spelling: &Spelling) -> Option<PyJson> {
    let mut reader = PyReader { rest: text };
    let value = reader.value(spelling, 0)?;
    reader.skip_blanks();
    reader.rest.is_empty().then_some(value)
}

/// The rest of a text. All methods return `None` if the text is not valid.
pub(super) struct PyReader<'t> {
    pub rest: &'t str,
}

/// The members of an object that is being read. A repeated name has its first place and its last value.
#[derive(Default)]
struct Members {
    members: Vec<(String, PyJson)>,
    places: HashMap<String, usize>,
}

impl Members {
    fn add(&mut self, name: String, value: PyJson) {
        let place = *self
            .places
            .entry(name.clone())
            .or_insert(self.members.len());
        match self.members.get_mut(place) {
            Some((_, held)) => *held = value,
            None => self.members.push((name, value)),
        }
    }
}

impl PyReader<'_> {
    fn value(&mut self, spelling: &Spelling, depth: u32) -> Option<PyJson> {
        match self.next()? {
            b'{' | b'[' if depth == MAX_DEPTH => None,
            b'{' => {
                let mut members = Members::default();
                self.items(b'{', b'}', |reader| {
                    reader.next()?;
                    let name = (spelling.string)(reader)?;
                    reader.take(b':')?;
                    members.add(name, reader.value(spelling, depth + 1)?);
                    Some(())
                })?;
                Some(PyJson::Object(members.members))
            }
            b'[' => {
                let mut items = Vec::new();
                self.items(b'[', b']', |reader| {
                    items.push(reader.value(spelling, depth + 1)?);
                    Some(())
                })?;
                Some(PyJson::List(items))
            }
            b'-' | b'0'..=b'9' => self.number(),
            _ => match self.word(&spelling.words) {
                Some(value) => Some(value),
                None => (spelling.string)(self).map(PyJson::Text),
            },
        }
    }

    /// Reads items between two brackets, separated by commas.
    fn items(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.next()? == close {
            return self.take(close);
        }
        loop {
            each(self)?;
            if self.next()? == close {
                return self.take(close);
            }
            self.take(b',')?;
        }
    }

    fn number(&mut self) -> Option<PyJson> {
        let is_part = |byte: u8| byte.is_ascii_digit() || b"+-.eE".contains(&byte);
        let length = self.rest.bytes().take_while(|byte| is_part(*byte)).count();
        let written = self.cut(length)?;
        serde_json::from_str::<IgnoredAny>(written).ok()?;
        Some(PyJson::Number(written.to_owned()))
    }

    /// Reads one of these words.
    fn word(&mut self, words: &[(&str, PyJson)]) -> Option<PyJson> {
        let (word, value) = words.iter().find(|(word, _)| self.rest.starts_with(word))?;
        self.cut(word.len())?;
        Some(value.clone())
    }

    /// Returns the next byte that is not a blank, without consuming it.
    fn next(&mut self) -> Option<u8> {
        self.skip_blanks();
        self.rest.bytes().next()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        if self.next()? != byte {
            return None;
        }
        self.cut(1).map(|_| ())
    }

    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t', '\n', '\r']);
    }
}

impl<'t> PyReader<'t> {
    /// Consumes and returns this many bytes.
    pub(super) fn cut(&mut self, length: usize) -> Option<&'t str> {
        let (cut, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(cut)
    }
}

/// Reads a string of JSON.
fn string(reader: &mut PyReader<'_>) -> Option<String> {
    let mut bytes = reader.rest.strip_prefix('"')?.bytes().enumerate();
    let end = loop {
        match bytes.next()? {
            // The length includes both quotes.
            (at, b'"') => break at + 2,
            (_, b'\\') => {
                bytes.next()?;
            }
            _ => {}
        }
    };
    serde_json::from_str(reader.cut(end)?).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::webob::python::PyJson;

    /// `serde_json` decides what is JSON. Numbers that no float can hold are the only exception.
    fn agree(text: &str) {
        let theirs = serde_json::from_str::<serde_json::Value>(text);
        let ours = PyJson::read(text.as_bytes());
        assert_eq!(ours.is_some(), theirs.is_ok(), "{text}");
    }

    #[test]
    fn nesting_is_limited_to_128_levels() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(PyJson::read(nested(128).as_bytes()).is_some());
        assert!(PyJson::read(nested(129).as_bytes()).is_none());
        let objects = format!("{}1{}", "{\"a\":".repeat(129), "}".repeat(129));
        assert!(PyJson::read(objects.as_bytes()).is_none());
    }

    #[test]
    fn only_json_is_read() {
        for text in [
            "",
            "nul",
            "nulll",
            "tru",
            "01",
            "-",
            "-0",
            "1.",
            ".5",
            "1e",
            "1e+",
            "1E-07",
            "+1",
            "'a'",
            "\"",
            "\"\\",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\t\"",
            "[",
            "[1",
            "[1,",
            "[1,]",
            "[,1]",
            "[1 2]",
            "[}",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "{1:1}",
            "1,",
            "\u{a0}1",
            "[]",
            " [ 1 , 2 ] ",
            "{ }",
            "{\"a\" : {\"b\": [null]}}",
            "\u{feff}1",
            "1-2",
        ] {
            agree(text);
        }
    }

    proptest! {
        #[test]
        fn all_json_is_read(
            members in proptest::collection::btree_map("\\PC{0,12}|[\\x00-\\x7f]{0,20}", "\\PC{0,20}", 0..6),
            numbers in proptest::collection::vec(any::<i64>(), 0..4),
        ) {
            let value = serde_json::json!({"s": members, "n": numbers, "t": [true, false, null]});
            agree(&value.to_string());
            agree(&serde_json::to_string_pretty(&value).unwrap());
        }

        #[test]
        fn other_text_is_refused_alike(text in "(\"|\\\\|u|00e9|a{1,9}|:|,|\\[|\\]|\\{|\\}|-|0|1|\\.|true|null| |\n|\u{1}|č){0,30}") {
            agree(&text);
        }
    }
}
