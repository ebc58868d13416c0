//! Examines the head of one HTTP/1 request while it arrives.

use memchr::{memchr, memchr_iter};

use super::target::{self, TargetPart};
use crate::proxy::guard::Flaw;

/// The start of an HTTP/2 connection, up to the point that an HTTP/1 parser would take for the end of a head (RFC 9113,
/// 3.4).
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\n";

/// The state of a head so far. The head ends at the first empty line after the request line; empty lines before the
/// request line are ignored (RFC 9112, 2.2).
///
/// hyper finds the same end as long as every line ends with CRLF. The first line that does not is a flaw, and no other
/// head is read after a head with a flaw.
#[derive(Debug)]
pub(super) struct Head {
    /// Whether this head is the first of its connection.
    is_first: bool,
    has_begun: bool,
    /// Bytes of the current line, CR included.
    line: usize,
    last: u8,
    /// How far the request line has got.
    place: TargetPart,
    /// The number of complete lines, the request line first.
    lines: usize,
    /// How many bytes of [`HTTP2`] the head has matched.
    http2: usize,
    is_whole: bool,
    flaw: Option<Flaw>,
}

impl Head {
    /// Makes the first head of a connection. Its time runs from the start of the connection.
    pub(super) fn first() -> Self {
        Self {
            is_first: true,
            has_begun: true,
            ..Self::later()
        }
    }

    /// Makes a head that follows another request.
    pub(super) fn later() -> Self {
        Self {
            is_first: false,
            has_begun: false,
            line: 0,
            last: 0,
            place: TargetPart::Method,
            lines: 0,
            http2: 0,
            is_whole: false,
            flaw: None,
        }
    }

    /// Returns a replacement for `bytes` if the request line needs escapes, which is rare. Call it before
    /// [`Head::read`].
    pub(super) fn mend(&mut self, bytes: &[u8]) -> Option<Vec<u8>> {
        if self.lines > 0 {
            return None;
        }
        let has_begun = self.line > 1 || self.line == 1 && self.last != b'\r';
        let is_end = |byte: &&u8| !has_begun && matches!(byte, b'\r' | b'\n');
        let empty = bytes.iter().take_while(is_end).count();
        let (before, line) = bytes.split_at(empty);
        let escaped = target::escape(line, self.place)?;
        if escaped.has_blank {
            self.flaw = Some(Flaw::Blank);
        }
        Some([before, &escaped.bytes].concat())
    }

    /// Examines more bytes. If the head ends among them, returns how many of them belong to it.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Option<usize> {
        self.has_begun |= !bytes.is_empty();
        self.compare(bytes);
        let mut from = 0;
        for end in memchr_iter(b'\n', bytes) {
            let part = bytes.get(from..end).unwrap_or_default();
            self.see(part);
            if self.last != b'\r' {
                self.flaw = Some(Flaw::BareLineFeed);
                return None;
            }
            let is_empty = self.line == 1;
            (self.line, self.last) = (0, b'\n');
            from = end + 1;
            match (is_empty, self.lines) {
                (true, 0) => {}
                (true, _) => {
                    self.is_whole = true;
                    return Some(from);
                }
                (false, _) => self.lines += 1,
            }
        }
        self.see(bytes.get(from..).unwrap_or_default());
        None
    }

    /// Whether the time of this head is running.
    pub(super) fn has_begun(&self) -> bool {
        self.has_begun
    }

    /// Whether the head has arrived in part.
    pub(super) fn is_under_way(&self) -> bool {
        !self.is_whole && (self.line > 0 || self.lines > 0)
    }

    /// Whether the whole head has arrived.
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether this is the start of an HTTP/2 connection instead of a head.
    pub(super) fn is_http2(&self) -> bool {
        self.is_whole && self.is_first && self.http2 == HTTP2.len()
    }

    /// The flaw of the head, if any.
    pub(super) fn flaw(&self) -> Option<Flaw> {
        self.flaw
    }

    /// Examines a part of a line.
    fn see(&mut self, part: &[u8]) {
        if self.lines == 0 {
            if memchr(b'#', part).is_some() {
                self.flaw = Some(Flaw::Fragment);
            }
            self.place = self.place.after(part);
        }
        self.line += part.len();
        self.last = part.last().copied().unwrap_or(self.last);
    }

    fn compare(&mut self, bytes: &[u8]) {
        let rest = HTTP2.get(self.http2..).unwrap_or_default();
        let equal = rest.iter().zip(bytes).take_while(|(a, b)| a == b).count();
        // After a difference there cannot be a match: the preface must be the first bytes of the connection.
        if equal == rest.len() || equal == bytes.len() {
            self.http2 += equal;
        } else {
            self.is_first = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Flaw, Head};

    /// Reads the bytes in pieces of this size. Returns how many bytes the head took, its flaw, and whether it is
    /// HTTP/2.
    fn read(bytes: &[u8], size: usize, mut head: Head) -> (Option<usize>, Option<Flaw>, bool) {
        let mut before = 0;
        for piece in bytes.chunks(size.max(1)) {
            if let Some(end) = head.read(piece) {
                return (Some(before + end), head.flaw(), head.is_http2());
            }
            if head.flaw().is_some() {
                break;
            }
            before += piece.len();
        }
        (None, head.flaw(), false)
    }

    #[test]
    fn heads_end_at_the_first_empty_line() {
        for size in 1..50 {
            let whole = b"\r\nGET / HTTP/1.1\r\nHost: h#\r\n\r\nrest\n";
            assert_eq!(read(whole, size, Head::first()), (Some(30), None, false));
            let bare = b"GET / HTTP/1.1\r\nHost: h\n\r\n";
            assert_eq!(read(bare, size, Head::later()).1, Some(Flaw::BareLineFeed));
            let empty = b"\nGET / HTTP/1.1\r\n\r\n";
            assert_eq!(read(empty, size, Head::later()).1, Some(Flaw::BareLineFeed));
            let fragment = b"GET /a#b HTTP/1.1\r\nHost: h\r\n\r\n";
            assert_eq!(read(fragment, size, Head::later()).1, Some(Flaw::Fragment));
        }
    }

    #[test]
    fn http2_begins_a_connection_or_is_not_http2() {
        let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        for size in 1..30 {
            assert_eq!(read(preface, size, Head::first()), (Some(18), None, true));
            assert_eq!(read(preface, size, Head::later()), (Some(18), None, false));
            let other = b"PRI * HTTP/2.0\r\nX: y\r\n\r\nSM\r\n\r\n";
            assert!(!read(other, size, Head::first()).2);
            let late = b"\r\nPRI * HTTP/2.0\r\n\r\n";
            assert!(!read(late, size, Head::first()).2);
        }
    }

    proptest! {
        /// The result does not depend on how a head is split into pieces.
        #[test]
        fn the_split_into_pieces_does_not_matter(bytes in "[a#\r\n]{0,40}", size in 1..8usize) {
            let whole = read(bytes.as_bytes(), usize::MAX, Head::later());
            let pieces = read(bytes.as_bytes(), size, Head::later());
            if whole.1.is_none() {
                prop_assert_eq!(whole, pieces);
            } else {
                prop_assert!(pieces.1.is_some());
            }
        }
    }
}
