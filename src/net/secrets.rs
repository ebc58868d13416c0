//! Removes the secrets of a request from texts of other servers, before they are logged.
//!
//! An upstream may quote a request in its errors, tokens included: as they were sent, escaped for a URL, JSON or HTML,
//! in other case, or in part. So text and secret are compared with all escapes undone and in lower case, and eight
//! consecutive characters of a secret are enough to remove them.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::ops::Range;

use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, PROXY_AUTHORIZATION};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

use crate::net::headers::is_secret;
use decode::{Unit, decoded, lowered};

mod decode;

/// The secrets of a request. They are extracted only when a text has to be searched.
#[derive(Clone, Default)]
pub struct Secrets {
    lines: Vec<(HeaderName, HeaderValue)>,
    target: Option<PathAndQuery>,
}

/// The replacement of a secret.
const CUT: &str = "***";

/// This many consecutive characters of a secret are removed wherever they occur.
const TELLING: usize = 8;

/// Shorter values are not treated as secrets: removing them would reveal more than it hides.
const SHORTEST: usize = 4;

/// The maximum number of bytes of a text that is logged. An upstream decides how long its error is.
const LONGEST: usize = 4096;

/// How many layers of escapes are undone.
const LAYERS: usize = 3;

/// Parts of the names of query parameters whose values are secret.
const SECRET_NAMES: &[&str] = &[
    "token",
    "password",
    "passwd",
    "secret",
    "signature",
    "credential",
    "api_key",
    "apikey",
    "temp_url_sig",
];

impl fmt::Debug for Secrets {
    /// Shows nothing of the secrets, because structs that contain them may be printed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets")
    }
}

impl Secrets {
    /// The secrets of a request.
    pub fn of(parts: &Parts) -> Self {
        Self::among(&parts.headers, &parts.uri)
    }

    /// A token as the only secret.
    pub fn of_token(token: &HeaderValue) -> Self {
        Self {
            lines: vec![(super::headers::X_AUTH_TOKEN, token.clone())],
            target: None,
        }
    }

    fn among(headers: &HeaderMap, uri: &Uri) -> Self {
        let lines = headers.iter().filter(|(name, _)| is_secret(name));
        let has_query = uri.query().is_some_and(|query| !query.is_empty());
        Self {
            lines: lines.map(|(n, v)| (n.clone(), v.clone())).collect(),
            target: uri.path_and_query().filter(|_| has_query).cloned(),
        }
    }

    /// Removes the secrets from a text, and shortens it to the maximum for the log.
    pub fn cut<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = shortened(text);
        let needles = self.needles();
        if needles.is_empty() {
            return text;
        }
        let mut found = Vec::new();
        let mut units = lowered(text.as_bytes());
        for layer in 0..=LAYERS {
            for needle in &needles {
                find(&units, needle, &mut found);
            }
            let before = units.len();
            units = decoded(&units);
            // Without escapes, decoding changes only non-ASCII bytes, and once is enough for those.
            if layer > 0 && units.len() == before {
                break;
            }
        }
        if found.is_empty() {
            return text;
        }
        Cow::Owned(without(&text, found))
    }

    /// Whether the text contains a secret.
    pub fn are_in(&self, text: &str) -> bool {
        self.cut(text) != text
    }

    /// Returns the byte strings to look for: each secret as it was sent, and with all escapes undone.
    fn needles(&self) -> Vec<Vec<u8>> {
        let of_lines = self
            .lines
            .iter()
            .flat_map(|(name, line)| of_line(name, line));
        let query = self.target.as_ref().and_then(PathAndQuery::query);
        let secrets = of_lines.chain(of_query(query.unwrap_or_default()));
        let mut needles: Vec<Vec<u8>> = secrets
            .flat_map(|secret| {
                let raw = lowered(&secret);
                let mut plain = raw.clone();
                for _ in 0..=LAYERS {
                    plain = decoded(&plain);
                }
                [raw, plain].map(|units| units.iter().map(|unit| unit.byte).collect())
            })
            .filter(|needle: &Vec<u8>| needle.len() >= SHORTEST)
            .collect();
        needles.sort_unstable();
        needles.dedup();
        needles
    }
}

/// Returns the secrets in one header line.
fn of_line(name: &HeaderName, line: &HeaderValue) -> Vec<Vec<u8>> {
    let line = line.as_bytes().trim_ascii();
    if *name == COOKIE {
        return line.split(|b| *b == b';').map(of_cookie).collect();
    }
    if *name != AUTHORIZATION && *name != PROXY_AUTHORIZATION {
        return vec![line.to_vec()];
    }
    let Some(space) = line.iter().position(|b| *b == b' ') else {
        return vec![line.to_vec()];
    };
    let (scheme, credentials) = line.split_at(space);
    let credentials = credentials.trim_ascii();
    let mut secrets = vec![credentials.to_vec()];
    if scheme.eq_ignore_ascii_case(b"basic") {
        let pair = decode::base64(credentials);
        let password = pair.iter().position(|b| *b == b':');
        let password = password.and_then(|at| pair.get(at + 1..));
        secrets.extend(password.map(<[u8]>::to_vec));
        secrets.push(pair);
    }
    secrets
}

/// Returns the value of a cookie.
fn of_cookie(pair: &[u8]) -> Vec<u8> {
    let value = pair.iter().position(|b| *b == b'=');
    let value = value.and_then(|at| pair.get(at + 1..)).unwrap_or(pair);
    let value = value.trim_ascii();
    let unquoted = value
        .strip_prefix(b"\"")
        .and_then(|v| v.strip_suffix(b"\""));
    unquoted.unwrap_or(value).to_vec()
}

/// Returns the values of query parameters with a secret name.
fn of_query(query: &str) -> impl Iterator<Item = Vec<u8>> {
    let pairs = query
        .split(['&', ';'])
        .filter_map(|pair| pair.split_once('='));
    let is_secret = |name: &str| {
        let name = name.to_ascii_lowercase();
        SECRET_NAMES.iter().any(|secret| name.contains(secret))
    };
    pairs
        .filter(move |(name, _)| is_secret(name))
        .map(|(_, value)| value.as_bytes().to_vec())
}

/// Shortens a text that is too long.
fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= LONGEST {
        return Cow::Borrowed(text);
    }
    let mut end = LONGEST;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}...", &text[..end]))
}

/// Finds a needle in the text: a short one as a whole, of a long one any [`TELLING`] consecutive characters.
fn find(text: &[Unit], needle: &[u8], found: &mut Vec<Range<usize>>) {
    let size = needle.len().min(TELLING);
    let parts: HashSet<&[u8]> = needle.windows(size).collect();
    let bytes: Vec<u8> = text.iter().map(|unit| unit.byte).collect();
    for (at, window) in bytes.windows(size).enumerate() {
        if parts.contains(window)
            && let (Some(first), Some(last)) = (text.get(at), text.get(at + size - 1))
        {
            found.push(first.from..last.to);
        }
    }
}

/// Replaces these pieces of the text.
fn without(text: &str, mut found: Vec<Range<usize>>) -> String {
    found.sort_unstable_by_key(|piece| piece.start);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for piece in found {
        let (mut from, mut to) = (piece.start, piece.end);
        while !text.is_char_boundary(from) {
            from -= 1;
        }
        while !text.is_char_boundary(to) {
            to += 1;
        }
        if from > done || done == 0 {
            out.push_str(text.get(done..from).unwrap_or_default());
            out.push_str(CUT);
        }
        done = done.max(to);
    }
    out.push_str(text.get(done..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests;
