//! The media type that a client's `Accept` prefers, chosen as in Nova's URL map in every release
//! (`nova/api/openstack/urlmap.py`, `Accept`).
//!
//! That code is older than RFC 7231 and has other rules: parameters other than `q` are ignored, names are
//! case-sensitive, a weight is everything that Python's `float` reads, and a weight of 0 does not exclude. The highest
//! weight wins; among equal weights the range with fewer stars, then the first type on offer. An element whose weight
//! is not a number is skipped.

use std::cmp::Ordering;

use http::HeaderMap;
use http::header::ACCEPT;

use crate::webob::python;

/// Returns the offer whose media type, given by `name`, the client prefers; `None` if it accepts none of them.
pub(super) fn best<'o, T>(
    headers: &HeaderMap,
    mut offers: impl Iterator<Item = &'o T>,
    name: fn(&T) -> &str,
) -> Option<&'o T> {
    let mut lines = headers.get_all(ACCEPT).iter();
    let first = lines.next()?;
    let mut all = String::from_utf8_lossy(first.as_bytes());
    for more in lines {
        let all = all.to_mut();
        all.push(',');
        all.push_str(&String::from_utf8_lossy(more.as_bytes()));
    }
    if let Some(only) = plain(&all) {
        // Most clients send a single range, which needs no comparison of weights.
        return offers.find(|offer| only == ANY || only == name(offer));
    }
    let elements = elements(&all);
    let ranges: Vec<_> = elements
        .iter()
        .filter_map(|text| Range::read(text))
        .collect();
    let (mut best, mut weight, mut stars) = (None, -1.0, 2);
    for offer in offers {
        for range in &ranges {
            let goes_before = match range.weight.partial_cmp(&weight) {
                Some(Ordering::Less) => false,
                Some(Ordering::Equal) => range.stars() < stars,
                // A comparison with Python's `nan` is neither less nor equal.
                Some(Ordering::Greater) | None => true,
            };
            if goes_before && range.fits(name(offer)) {
                (best, weight, stars) = (Some(offer), range.weight, range.stars());
            }
        }
    }
    best
}

const ANY: &str = "*/*";

/// Returns the header if it is a single range without parameters.
fn plain(header: &str) -> Option<&str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/+.-".contains(&b);
    (header == ANY || header.bytes().all(is_plain)).then_some(header)
}

/// Splits the header at commas outside of quotes. A backslash in quotes is dropped, and the character after it is kept
/// (`urllib2.parse_http_list`).
fn elements(header: &str) -> Vec<String> {
    let mut elements = Vec::new();
    let mut element = String::new();
    let mut quoted = false;
    let mut chars = header.chars();
    while let Some(c) = chars.next() {
        match c {
            ',' if !quoted => {
                elements.push(std::mem::take(&mut element));
                continue;
            }
            '\\' if quoted => {
                element.extend(chars.next());
                continue;
            }
            '"' => quoted = !quoted,
            _ => {}
        }
        element.push(c);
    }
    elements.push(element);
    elements
}

/// One element of the header.
struct Range<'h> {
    mask: &'h str,
    weight: f64,
}

impl<'h> Range<'h> {
    /// Reads an element; `None` if it has no mask or its weight is not a number. Nova itself fails if the weight is
    /// missing after `q`.
    fn read(element: &'h str) -> Option<Self> {
        let mut element = python::strip(element);
        if element.starts_with('"') && element.ends_with('"') {
            element = unquoted(unquoted(element));
        }
        // Nova's pattern stops at every semicolon, so a semicolon in quotes separates too.
        let mut pieces = element.split(';').filter_map(piece);
        let (mask, _) = pieces.next()?;
        let weight = match pieces.rfind(|(name, _)| *name == "q") {
            Some((_, value)) => python::strip(value?).parse().ok()?,
            None => 1.0,
        };
        Some(Self { mask, weight })
    }

    fn stars(&self) -> usize {
        self.mask.matches('*').count()
    }

    fn fits(&self, offer: &str) -> bool {
        if !self.mask.contains('*') {
            return self.mask == offer;
        }
        let mut major = self.mask.chars();
        major.next_back();
        major.next_back();
        self.mask == ANY || offer.split('/').next() == Some(major.as_str())
    }
}

/// Splits a piece into its name and value, if it has one; `None` if there is no name.
fn piece(text: &str) -> Option<(&str, Option<&str>)> {
    let text = text.trim_start();
    let end = text.find(|c: char| c == '=' || c.is_whitespace());
    let (name, rest) = text.split_at(end.unwrap_or(text.len()));
    if name.is_empty() {
        return None;
    }
    let value = rest.trim_start().strip_prefix('=');
    let value = value.map(str::trim_start).filter(|value| !value.is_empty());
    Some((unquoted(name), value.map(unquoted)))
}

/// Removes the first and the last character if they are quotes. They may be the same character.
fn unquoted(text: &str) -> &str {
    if text.starts_with('"') && text.ends_with('"') {
        text.get(1..text.len() - 1).unwrap_or_default()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
