//! The query string in Glance's form: a list of pairs in which a name may occur more than once.

use std::collections::HashMap;

use http::StatusCode;

use crate::model::{Fault, Reason};
use crate::webob::query;

/// Decoded pairs, in the client's order (WebOb's `MultiDict`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads a raw query string; `None` if a name or value is not UTF-8.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        query::parse(query).map(Self)
    }

    /// Whether there is a parameter of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(is, _)| is == name)
    }

    /// Returns the last value of this name.
    pub(crate) fn last(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .rev()
            .find(|(is, _)| is == name)
            .map(|(_, value)| value.as_str())
    }

    /// Removes and returns the first value of this name. A second one stays.
    pub(crate) fn take_first(&mut self, name: &str) -> Option<String> {
        let at = self.0.iter().position(|(is, _)| is == name)?;
        Some(self.0.remove(at).1)
    }

    /// Removes and returns every value of this name.
    pub(crate) fn take_all(&mut self, name: &str) -> Vec<String> {
        let (taken, kept) = std::mem::take(&mut self.0)
            .into_iter()
            .partition(|(is, _)| is == name);
        self.0 = kept;
        Vec::into_iter(taken).map(|(_, value)| value).collect()
    }

    /// Returns the pairs as in a Python `dict`: each name once, at the place of its first occurrence, with its last
    /// value.
    pub(crate) fn collapsed(&self) -> Vec<(&str, &str)> {
        let mut pairs: Vec<(&str, &str)> = Vec::with_capacity(self.0.len());
        let mut places = HashMap::new();
        for (name, value) in &self.0 {
            let place = *places.entry(name).or_insert(pairs.len());
            match pairs.get_mut(place) {
                Some(pair) => pair.1 = value,
                None => pairs.push((name, value)),
            }
        }
        pairs
    }

    /// Returns all pairs in their order.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Returns the fault for a bad list request.
pub(crate) fn bad(message: impl Into<String>) -> Fault {
    Fault::client(StatusCode::BAD_REQUEST, Reason::BadQuery, message)
}

/// Reads what Python's `int()` reads: surrounding blanks, a sign, underscores between digits. A number that does not
/// fit becomes the largest possible.
pub(crate) fn python_int(text: &str) -> Option<i64> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let well_formed = digits
        .split('_')
        .all(|group| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit()));
    if !well_formed {
        return None;
    }
    let magnitude = digits
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0_i64, |sum, digit| {
            sum.saturating_mul(10)
                .saturating_add(i64::from(digit - b'0'))
        });
    Some(if negative { -magnitude } else { magnitude })
}

#[cfg(test)]
mod tests {
    use super::Params;

    #[test]
    fn repeats_are_kept_and_taken_from_the_front() {
        let mut params = Params::parse("limit=1&name=a+b&&limit=2;tag=%C3%A9&tag&=x").unwrap();
        assert_eq!(params.last("limit"), Some("2"));
        assert_eq!(
            params.collapsed(),
            [("limit", "2"), ("name", "a b"), ("tag", ""), ("", "x")]
        );
        assert_eq!(params.take_first("limit").as_deref(), Some("1"));
        assert_eq!(params.take_first("limit").as_deref(), Some("2"));
        assert_eq!(params.take_first("limit"), None);
        assert_eq!(params.take_all("tag"), ["é", ""]);
        assert!(!params.has("tag") && params.has("name"));
        assert_eq!(params.pairs().count(), 2);
    }

    #[test]
    fn a_query_that_is_not_utf8_is_refused() {
        assert_eq!(Params::parse("name=%ff"), None);
        assert_eq!(Params::parse("%E9"), None);
        assert_eq!(Params::parse("name=%zz").unwrap().last("name"), Some("%zz"));
    }
}
