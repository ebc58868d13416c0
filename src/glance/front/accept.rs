//! Which of the forms of an error body a client gets.

use http::HeaderMap;
use http::header::ACCEPT;

/// The form of an error body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `application/json`.
    Json,
    /// `text/html`.
    Html,
    /// `text/plain`: what a client gets that accepts neither, or does not say.
    Text,
}

/// What can be negotiated, the preferred one first (`webob/exc.py`, `WSGIHTTPException.generate_response`).
const OFFERS: &[(&str, &str, Form)] = &[
    ("text", "html", Form::Html),
    ("application", "json", Form::Json),
];

/// Chooses by the request's `Accept`: the offer with the highest quality, HTML if they are equal. A header that
/// cannot be read accepts everything.
pub fn form(headers: &HeaderMap) -> Form {
    let ranges: Option<Vec<Vec<Range<'_>>>> = headers
        .get_all(ACCEPT)
        .iter()
        .map(|line| ranges(line.to_str().ok()?))
        .collect();
    let Some(ranges) = ranges.map(|lines| lines.concat()) else {
        return Form::Html;
    };
    let mut best = (Form::Text, 0.0);
    for (kind, subtype, form) in OFFERS {
        let quality = quality(&ranges, kind, subtype);
        if quality > best.1 {
            best = (*form, quality);
        }
    }
    best.0
}

/// One media range with its quality.
#[derive(Clone)]
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    /// A range with parameters of its own matches none of our types.
    with_parameters: bool,
    quality: f32,
}

fn ranges(header: &str) -> Option<Vec<Range<'_>>> {
    header
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .map(range)
        .collect()
}

fn range(text: &str) -> Option<Range<'_>> {
    let mut parts = text.split(';').map(str::trim);
    let (kind, subtype) = parts.next()?.split_once('/')?;
    let mut range = Range {
        kind,
        subtype,
        with_parameters: false,
        quality: 1.0,
    };
    if kind.is_empty() || subtype.is_empty() || (kind == "*" && subtype != "*") {
        return None;
    }
    for parameter in parts {
        match parameter.split_once('=') {
            Some(("q" | "Q", quality)) => {
                range.quality = quality
                    .parse()
                    .ok()
                    .filter(|quality| (0.0..=1.0).contains(quality))?;
                break;
            }
            Some(_) => range.with_parameters = true,
            None => return None,
        }
    }
    Some(range)
}

/// The quality of the most specific range that matches; 0 when none does.
fn quality(ranges: &[Range<'_>], kind: &str, subtype: &str) -> f32 {
    let specificity = |range: &Range<'_>| {
        let same_kind = range.kind.eq_ignore_ascii_case(kind);
        match range.subtype {
            _ if range.with_parameters => 0,
            "*" if range.kind == "*" => 1,
            "*" if same_kind => 2,
            is if same_kind && is.eq_ignore_ascii_case(subtype) => 3,
            _ => 0,
        }
    };
    ranges
        .iter()
        .map(|range| (specificity(range), range.quality))
        .filter(|(specificity, _)| *specificity > 0)
        .max_by_key(|(specificity, _)| *specificity)
        .map_or(0.0, |(_, quality)| quality)
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, header::ACCEPT};

    use super::{Form, form};

    #[test]
    fn html_wins_unless_json_is_preferred() {
        for (accept, expected) in [
            ("application/json", Form::Json),
            ("*/*", Form::Html),
            ("text/html", Form::Html),
            ("text/*", Form::Html),
            ("application/*", Form::Json),
            ("text/plain", Form::Text),
            ("application/xml", Form::Text),
            ("", Form::Text),
            ("text/html;q=0.5, application/json", Form::Json),
            ("text/html, application/json;q=0.9", Form::Html),
            ("application/json, */*", Form::Html),
            ("application/json, */*;q=0.1", Form::Json),
            ("application/json;q=0, */*", Form::Html),
            ("text/html;q=0, application/json;q=0", Form::Text),
            ("application/json; charset=utf-8", Form::Text),
            ("nonsense", Form::Html),
            ("application/json;q=7", Form::Html),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(form(&headers), expected, "{accept}");
        }
        assert_eq!(form(&HeaderMap::new()), Form::Text);
    }
}
