//! Query strings as pairs of names and values, read like WebOb and written like Python's `urlencode`.

use std::borrow::Cow;
use std::collections::HashSet;

use form_urlencoded::byte_serialize;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// A decoded name and value.
pub(crate) type Pair = (String, String);

/// Reads a raw query string: `&` and `;` separate, `+` is a space, a name without `=` has an empty value, and invalid
/// percent-encoding stands for itself (`webob/compat.py`, `parse_qsl_text`). `None` if the decoded text is not UTF-8.
#[must_use]
pub fn parse(query: &str) -> Option<Vec<Pair>> {
    query
        .split(['&', ';'])
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((decode(name)?, decode(value)?))
        })
        .collect()
}

fn decode(text: &str) -> Option<String> {
    let spaced = if text.contains('+') {
        Cow::Owned(text.replace('+', " "))
    } else {
        Cow::Borrowed(text)
    };
    Some(percent_decode_str(&spaced).decode_utf8().ok()?.into_owned())
}

/// A query string under construction, encoded as a browser does.
#[derive(Clone, Debug, Default)]
pub(crate) struct QueryBuilder {
    text: String,
    names: HashSet<String>,
}

impl QueryBuilder {
    /// Continues a query string. The new parameters must have other names than those in it.
    #[must_use]
    pub(crate) fn after(text: &str) -> Self {
        Self {
            text: text.to_owned(),
            names: HashSet::new(),
        }
    }

    /// Whether there is a parameter of this name.
    #[must_use]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Appends a parameter.
    pub(crate) fn add(&mut self, name: &str, value: &str) {
        if !self.text.is_empty() {
            self.text.push('&');
        }
        self.text.extend(byte_serialize(name.as_bytes()));
        self.text.push('=');
        self.text.extend(byte_serialize(value.as_bytes()));
        self.names.insert(name.to_owned());
    }

    /// Returns the query string.
    #[must_use]
    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

/// The characters besides letters and digits that `urllib.parse.quote` does not encode.
const QUOTED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~');

/// Appends the text in the form of `quote_plus`. The result is ASCII and needs no escape in JSON.
pub(crate) fn quote_plus(out: &mut String, text: &str) {
    for (index, part) in text.split(' ').enumerate() {
        if index > 0 {
            out.push('+');
        }
        out.extend(utf8_percent_encode(part, QUOTED));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{parse, quote_plus};

    fn pairs(query: &str) -> Vec<(String, String)> {
        parse(query).unwrap()
    }

    #[test]
    fn queries_are_read_as_webob_reads_them() {
        for (query, is) in [
            ("a=1&b=2", &[("a", "1"), ("b", "2")][..]),
            ("a=1;b=2", &[("a", "1"), ("b", "2")]),
            ("a=1&;b=2&c", &[("a", "1"), ("b", "2"), ("c", "")]),
            ("&&a=&&", &[("a", "")]),
            ("=x", &[("", "x")]),
            ("a=b=c", &[("a", "b=c")]),
            ("a+b=c+d%2B", &[("a b", "c d+")]),
            ("%61=%zz", &[("a", "%zz")]),
            ("a=1%26b=2", &[("a", "1&b=2")]),
            ("n=%C4%8D%20é", &[("n", "č é")]),
            ("a=1&amp;b=2", &[("a", "1"), ("amp", ""), ("b", "2")]),
            ("", &[]),
        ] {
            let is: Vec<_> = is
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect();
            assert_eq!(pairs(query), is, "{query}");
        }
        for query in ["name=%E9", "%ff=1", "x=1&y=%C3"] {
            assert_eq!(parse(query), None, "{query}");
        }
    }

    #[test]
    fn texts_are_quoted_as_in_python() {
        for (text, quoted) in [
            ("~_-.*()'!", "~_-.%2A%28%29%27%21"),
            ("✓/:;,", "%E2%9C%93%2F%3A%3B%2C"),
            (" a b ", "+a+b+"),
            ("%20+", "%2520%2B"),
            ("\0", "%00"),
        ] {
            let mut out = String::new();
            quote_plus(&mut out, text);
            assert_eq!(out, quoted);
        }
    }

    proptest! {
        #[test]
        fn quoted_pairs_read_back(name in "\\PC{0,9}", value in "\\PC*") {
            let mut query = String::new();
            quote_plus(&mut query, &name);
            query.push('=');
            quote_plus(&mut query, &value);
            prop_assert!(query.is_ascii());
            prop_assert_eq!(pairs(&query), vec![(name, value)]);
        }

        #[test]
        fn no_query_panics(query in "\\PC{0,60}|[%a-f0-9&;=+]{0,40}") {
            let _ = parse(&query);
        }
    }
}
