//! Escapes characters in a request target that clients should have escaped and some do not.
//!
//! Nova's and Glance's servers accept them, and Glance's own API reference shows `name=in:"a b",c`. hyper refuses the
//! whole request without saying why. The escaped form means the same (RFC 3986, 2.4), so these characters are escaped
//! before hyper sees them. Nothing else is, because a passed-through request must arrive as it was sent.

use memchr::{memchr, memrchr};

/// The part of a request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetPart {
    Method,
    Path,
    Query,
}

/// Bytes of a request line with the target escaped, and the bytes after the line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Escaped {
    pub(super) bytes: Vec<u8>,
    /// Whether the target has a space, so that its end is ambiguous.
    pub(super) has_blank: bool,
}

impl TargetPart {
    /// Returns the part of the line that follows these bytes.
    pub(super) fn after(self, part: &[u8]) -> Self {
        match self {
            Self::Method => match memchr(b' ', part) {
                Some(blank) => Self::Path.after(&part[blank + 1..]),
                None => self,
            },
            Self::Path if memchr(b'?', part).is_some() => Self::Query,
            Self::Path | Self::Query => self,
        }
    }

    /// Whether hyper refuses this byte here although the services behind the proxy accept it. All bytes above ASCII are
    /// included: hyper wants valid UTF-8, which cannot be checked on fragments of a line.
    fn is_odd(self, byte: u8) -> bool {
        match self {
            Self::Method => false,
            Self::Path => matches!(byte, b'<' | b'>' | b'`' | 0x7f..),
            Self::Query => matches!(byte, b'"' | b'<' | b'>' | 0x7f..),
        }
    }
}

/// Escapes the target in `bytes`, which continue a request line from `place`. Returns `None` if there is nothing to
/// escape, which is the usual case.
///
/// The last space of the line can be recognised only if the end of the line is among the bytes. If a target with a
/// space is split at that point, hyper refuses it with a 400 that has no body.
pub(super) fn escape(bytes: &[u8], place: TargetPart) -> Option<Escaped> {
    let end = memchr(b'\n', bytes);
    let line = bytes.get(..end.unwrap_or(bytes.len()))?;
    let from = match place {
        TargetPart::Method => memchr(b' ', line)? + 1,
        TargetPart::Path | TargetPart::Query => 0,
    };
    let rest = line.get(from..)?;
    let to = match memrchr(b' ', rest) {
        Some(blank) if end.is_some() => from + blank,
        _ => line.len(),
    };
    let target = line.get(from..to)?;
    let query = match place {
        TargetPart::Query => 0,
        _ => memchr(b'?', target).unwrap_or(target.len()),
    };
    let (path, query) = target.split_at(query);
    let parts = [(TargetPart::Path, path), (TargetPart::Query, query)];
    let is_blank = |byte: u8| byte == b' ' && end.is_some();
    // `fold` does not stop early, so the compiler can check many bytes at a time.
    let is_found = parts.iter().any(|(place, part)| {
        let found = |found: bool, byte: &u8| found | place.is_odd(*byte) | is_blank(*byte);
        part.iter().fold(false, found)
    });
    if !is_found {
        return None;
    }
    let mut escaped = Escaped {
        bytes: Vec::with_capacity(bytes.len() + 2 * target.len()),
        has_blank: false,
    };
    escaped.bytes.extend(bytes.get(..from)?);
    for (place, part) in parts {
        for &byte in part {
            if place.is_odd(byte) || is_blank(byte) {
                escaped.has_blank |= byte == b' ';
                escaped.bytes.extend(escape_of(byte));
            } else {
                escaped.bytes.push(byte);
            }
        }
    }
    escaped.bytes.extend(bytes.get(to..)?);
    Some(escaped)
}

fn escape_of(byte: u8) -> [u8; 3] {
    let digit = |half: u8| match half {
        0..=9 => b'0' + half,
        _ => b'A' + half - 10,
    };
    [b'%', digit(byte >> 4), digit(byte & 0xf)]
}

#[cfg(test)]
mod tests {
    use super::{TargetPart, escape};

    #[test]
    fn only_the_target_is_escaped() {
        for (line, expected) in [
            (
                "GET /a\"?b=\"c\"&<>` HTTP/1.1\r\nX: \"<>\r\n",
                "GET /a\"?b=%22c%22&%3C%3E` HTTP/1.1\r\nX: \"<>\r\n",
            ),
            (
                "GET /\u{fc}\u{7f}` HTTP/1.1\r\n",
                "GET /%C3%BC%7F%60 HTTP/1.1\r\n",
            ),
            ("GET /<", "GET /%3C"),
            ("GET /a b?c d HTTP/1.1\r\n", "GET /a%20b?c%20d HTTP/1.1\r\n"),
            ("GET /< b", "GET /%3C b"),
        ] {
            let escaped = escape(line.as_bytes(), TargetPart::Method).unwrap();
            assert_eq!(String::from_utf8(escaped.bytes).unwrap(), expected);
            assert_eq!(escaped.has_blank, expected.contains("%20"), "{line}");
            // Escaping again changes nothing: a line that does not fit into the buffer is examined twice.
            assert_eq!(
                escape(expected.as_bytes(), TargetPart::Method),
                None,
                "{line}"
            );
        }
        for line in [
            "GET /a\"?b=%22[]{}|\\^'~` HTTP/1.1\r\nX: \"\r\n",
            "G\"T /a HTTP/1.1\r\n",
            "G\"T",
            "GET /a b",
            "",
        ] {
            assert_eq!(escape(line.as_bytes(), TargetPart::Method), None, "{line}");
        }
    }

    #[test]
    fn targets_that_arrive_in_pieces_are_escaped() {
        let line = b"GET /\"a?\"b\"<c> HTTP/1.1\r\nX: \"\r\n\r\n";
        let end = line.iter().position(|byte| *byte == b'\n').unwrap();
        for at in 0..=end {
            let (one, two) = line.split_at(at);
            let mut both =
                escape(one, TargetPart::Method).map_or(one.to_vec(), |escaped| escaped.bytes);
            let place = TargetPart::Method.after(one);
            both.extend(escape(two, place).map_or(two.to_vec(), |escaped| escaped.bytes));
            let expected = b"GET /\"a?%22b%22%3Cc%3E HTTP/1.1\r\nX: \"\r\n\r\n";
            assert_eq!(both, expected, "{at}");
        }
    }
}
