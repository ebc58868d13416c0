//! The media type that a client's `Accept` prefers, chosen as in WebOb (`webob/acceptparse.py`, `acceptable_offers`).

use http::HeaderMap;
use http::header::ACCEPT;

/// Returns the offer that the client prefers, the first one among equals; `None` if it accepts none of them.
///
/// An empty or missing header accepts nothing, a malformed one accepts everything. The offered media types have no
/// parameters, so a range with parameters matches none of them.
pub(crate) fn preferred(headers: &HeaderMap, offers: &[&'static str]) -> Option<&'static str> {
    let first = offers.first().copied();
    let mut lines = headers.get_all(ACCEPT).iter();
    if let (Some(line), None) = (lines.next(), lines.next())
        && line == "*/*"
    {
        // Most clients send this, and it needs no comparison.
        return first;
    }
    let Some(ranges) = ranges(headers) else {
        return first;
    };
    let mut best = None;
    for offer in offers {
        let fitting = ranges
            .iter()
            .filter_map(|range| Some((range.fit(offer)?, range.quality)));
        // The first one of several ranges that match equally closely counts.
        let closest = fitting.reduce(|best, next| if next.0 > best.0 { next } else { best });
        let Some((_, quality)) = closest else {
            continue;
        };
        if quality > 0 && best.is_none_or(|(_, highest)| quality > highest) {
            best = Some((*offer, quality));
        }
    }
    best.map(|(offer, _)| offer)
}

/// One element of the header.
struct Range<'h> {
    main: &'h str,
    sub: &'h str,
    has_parameters: bool,
    /// The weight, in thousandths.
    quality: u16,
}

impl<'h> Range<'h> {
    /// Returns how closely the range matches the offer; `None` if it does not match.
    fn fit(&self, offer: &str) -> Option<u8> {
        let (main, sub) = offer.split_once('/')?;
        let is_main = self.main.eq_ignore_ascii_case(main);
        match (self.main, self.sub) {
            ("*", "*") => Some(0),
            (_, "*") if is_main => Some(1),
            _ if is_main && self.sub.eq_ignore_ascii_case(sub) && !self.has_parameters => Some(2),
            _ => None,
        }
    }

    fn parse(text: &'h str) -> Option<Self> {
        let mut parts = split(text, ';').map(trim);
        let (main, sub) = parts.next()?.split_once('/')?;
        if !is_token(main) || !is_token(sub) {
            return None;
        }
        let mut range = Self {
            main,
            sub,
            has_parameters: false,
            quality: 1000,
        };
        // A parameter after the weight is not a parameter of the media type.
        let mut weighed = false;
        for part in parts {
            match part.split_once('=') {
                Some(("q" | "Q", value)) if !weighed => {
                    range.quality = quality(value)?;
                    weighed = true;
                }
                Some((name, value)) if is_token(name) && (is_token(value) || is_quoted(value)) => {
                    range.has_parameters |= !weighed;
                }
                None if weighed && is_token(part) => {}
                _ => return None,
            }
        }
        Some(range)
    }
}

/// Reads every element of every line; `None` if one of them is malformed.
fn ranges(headers: &HeaderMap) -> Option<Vec<Range<'_>>> {
    let mut ranges = Vec::new();
    for line in headers.get_all(ACCEPT) {
        let line = line.to_str().ok()?;
        for element in split(line, ',')
            .map(trim)
            .filter(|element| !element.is_empty())
        {
            ranges.push(Range::parse(element)?);
        }
    }
    Some(ranges)
}

/// Splits a text at separators outside of quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(move |c| {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ => return c == separator && !quoted,
        }
        false
    })
}

fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

/// Reads a weight by RFC 9110, section 12.4.2: up to three decimals, at most 1.
fn quality(text: &str) -> Option<u16> {
    let (whole, decimals) = text.split_once('.').unwrap_or((text, ""));
    let digits = decimals.len() <= 3 && decimals.bytes().all(|b| b.is_ascii_digit());
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match whole {
        "0" if digits => Some(thousandths),
        "1" if digits && thousandths == 0 => Some(1000),
        _ => None,
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

fn is_quoted(text: &str) -> bool {
    text.len() > 1 && text.starts_with('"') && text.ends_with('"')
}

#[cfg(test)]
mod tests {
    use http::header::ACCEPT;
    use http::{HeaderMap, HeaderValue};
    use proptest::prelude::*;

    use super::preferred;

    const HTML: &str = "text/html";
    const JSON: &str = "application/json";

    fn headers(accept: &str) -> HeaderMap {
        HeaderMap::from_iter([(ACCEPT, HeaderValue::from_str(accept).unwrap())])
    }

    #[test]
    fn decides_as_webob_does() {
        for (accept, best) in [
            ("", None),
            ("*/*", Some(HTML)),
            (JSON, Some(JSON)),
            ("APPLICATION/JSON", Some(JSON)),
            (HTML, Some(HTML)),
            ("text/*", Some(HTML)),
            ("application/*", Some(JSON)),
            ("application/json;q=0.5", Some(JSON)),
            ("application/json, text/html;q=0.9", Some(JSON)),
            ("text/html;q=0.9, application/json;q=1.0", Some(JSON)),
            ("text/html, application/json", Some(HTML)),
            ("application/json;q=0", None),
            ("*/*;q=0", None),
            ("application/json;q=0, */*", Some(HTML)),
            ("text/plain", None),
            ("garbage", Some(HTML)),
            ("*", Some(HTML)),
            ("a/b;;", Some(HTML)),
            ("application/json;charset=utf-8", None),
            ("application/json; version=1, */*;q=0.1", Some(HTML)),
            (",,application/json", Some(JSON)),
            ("application/json;q=2", Some(HTML)),
            ("application/json;q=0.1234", Some(HTML)),
            ("*/json", None),
            ("text/html;q=0.5, */*;q=0.8", Some(JSON)),
            (
                "application/json;q=0.1, application/*;q=0.9,text/html;q=0.3",
                Some(HTML),
            ),
            ("application/json;q=.9", Some(HTML)),
            ("application/json;q=0.", None),
            ("application/json ; q=0.5", Some(JSON)),
            ("application/json;q =0.5", Some(HTML)),
            ("application/json;q=0.5;x=y;z", Some(JSON)),
            ("application/json;x", Some(HTML)),
            ("application/json;x=", Some(HTML)),
            ("application/json;x=\"a,b\"", None),
            ("text/html;x=\"a;\\\"b\", application/json", Some(JSON)),
            (
                "application/json;q=0.3, application/json, text/html;q=0.5",
                Some(HTML),
            ),
        ] {
            assert_eq!(preferred(&headers(accept), &[HTML, JSON]), best, "{accept}");
        }
        assert_eq!(preferred(&HeaderMap::new(), &[HTML, JSON]), None);
    }

    proptest! {
        #[test]
        fn no_header_panics(accept in "[ -~]{0,40}|[a-z*/;=,q.0-9 ]{0,40}") {
            let _ = preferred(&headers(&accept), &[HTML, JSON]);
        }
    }
}
