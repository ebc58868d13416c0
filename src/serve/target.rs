//! Characters in a request target that clients ought to escape and some do not.
//!
//! Nova's and Glance's servers take them, Glance's own API reference shows `name=in:"a b",c`; hyper refuses the whole
//! request without saying why. Escaped they mean the same (RFC 3986, 2.4), so they are escaped before hyper sees them.
//! Nothing else is, since what passes through arrives as it was sent.

use memchr::{memchr, memrchr};

/// How far a request line has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TargetPart {
    Method,
    Path,
    Query,
}

/// Bytes of a request line with everything escaped that has to be, and whatever came behind them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Escaped {
    pub(super) bytes: Vec<u8>,
    /// There was a blank, which the target cannot have had: nobody can say where it ends.
    pub(super) has_blank: bool,
}

impl TargetPart {
    /// Where the line is behind these bytes of it.
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

    /// What hyper refuses here, and the services behind us take. All bytes above ASCII are among them: hyper wants UTF-8,
    /// and whether they are that cannot be said of pieces.
    fn is_odd(self, byte: u8) -> bool {
        match self {
            Self::Method => false,
            Self::Path => matches!(byte, b'<' | b'>' | b'`' | 0x7f..),
            Self::Query => matches!(byte, b'"' | b'<' | b'>' | 0x7f..),
        }
    }
}

/// Escapes the target in the bytes that go on with a request line, from `place`; nothing where there is nothing to escape,
/// as there nearly always is.
///
/// Which blank is the last is known only where the line's end is among the bytes; a target with a blank that comes cut
/// right there is left to hyper, whose 400 has no body.
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
    // No loop that could end early: targets are looked at to their end, in steps of as many bytes as fit.
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
    fn targets_are_escaped_and_nothing_else() {
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
            // It is looked at once more where it does not fit in.
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
    fn targets_that_come_in_pieces_are_escaped() {
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
