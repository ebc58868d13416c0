//! Which media type a client's `Accept` prefers, decided as Nova's URL map decides it in every release
//! (`nova/api/openstack/urlmap.py`, `Accept`).
//!
//! It is older than RFC 7231, and not its rule: parameters other than `q` say nothing, letter case counts, a weight is
//! whatever Python's `float` reads, and 0 does not exclude. The highest weight wins, of equal ones the range with fewer
//! stars, then the first type on offer. An element whose weight is no number is passed over.

use std::cmp::Ordering;

use http::HeaderMap;
use http::header::ACCEPT;

use crate::webob::python;

/// The offer whose media type, its `name`, the client likes best; `None` when it accepts none of them.
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
        // What most clients send needs no weighing.
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
                // What Python's `nan` is compared with is neither less nor equal.
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

/// The header, if it is one range and nothing else.
fn plain(header: &str) -> Option<&str> {
    let is_plain = |b: u8| b.is_ascii_alphanumeric() || b"/+.-".contains(&b);
    (header == ANY || header.bytes().all(is_plain)).then_some(header)
}

/// The elements, at commas outside of quotes. A backslash in quotes is dropped and what follows it kept
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

/// One element.
struct Range<'h> {
    mask: &'h str,
    weight: f64,
}

impl<'h> Range<'h> {
    /// Reads an element; `None` when it has no mask or its weight is no number, at the second of which Nova itself fails
    /// where there is none at all.
    fn read(element: &'h str) -> Option<Self> {
        let mut element = python::strip(element);
        if element.starts_with('"') && element.ends_with('"') {
            element = unquoted(unquoted(element));
        }
        // No class of characters in Nova's pattern has a semicolon, so quotes do not hide one.
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

/// A name with its value, if it has one; `None` when there is no name.
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

/// The text without its first and last character, where those are quotes; both may be the same one.
fn unquoted(text: &str) -> &str {
    if text.starts_with('"') && text.ends_with('"') {
        text.get(1..text.len() - 1).unwrap_or_default()
    } else {
        text
    }
}

#[cfg(test)]
mod tests;
