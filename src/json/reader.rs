//! A position in a JSON text, and how to advance it.
//!
//! Rarely used functions take the reader by value and return a new one, so that the compiler can keep the reader in
//! registers.

use serde::de::IgnoredAny;

use super::special_bytes::Marks;
use super::{Member, NoText, Object, Span};

/// The depth of nesting from which `serde_json` reads, which does not recurse when it ignores a value.
const DEEP: u32 = 32;

/// A position in a text. `None` from a function means that the text is malformed or ends near there.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    marks: Marks<'a>,
    at: usize,
    is_python: bool,
}

impl<'a> Reader<'a> {
    #[inline(always)]
    pub(crate) fn new(text: &'a str) -> Self {
        Self {
            text,
            marks: Marks::new(text),
            at: 0,
            is_python: true,
        }
    }

    /// Returns the current position in bytes.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// Returns the object that has been read.
    pub(crate) fn object(&self) -> Object {
        Object {
            length: self.at,
            is_python: self.is_python,
        }
    }

    /// Reads an object and gives each member to `each`.
    #[inline(always)]
    pub(crate) fn members(
        &mut self,
        mut each: impl FnMut(Member<'a>) -> Result<(), NoText>,
    ) -> Option<()> {
        self.list(b'{', b'}', |reader, first| {
            let name = reader.name(first)?;
            let first = reader.behind(b':')?;
            let from = reader.at;
            let value = if first == b'"' {
                reader.string()?
            } else {
                reader.value(first, 0)?;
                let (to, is_escaped) = (reader.at, false);
                Span {
                    from,
                    to,
                    is_escaped,
                }
            };
            let text = reader.text;
            each(Member { text, name, value }).ok()
        })
    }

    /// Reads a comma-separated list between two brackets. `each` is called at the first byte of each entry, and gets
    /// it.
    #[inline(always)]
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self, u8) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        let mut first = self.next()?;
        if first == close {
            return self.take(close);
        }
        loop {
            each(self, first)?;
            let Some(next) = self.behind(b',') else {
                break;
            };
            first = next;
        }
        self.next()?;
        self.take(close)
    }

    /// Skips one value that begins with `first`.
    #[inline(always)]
    fn value(&mut self, first: u8, depth: u32) -> Option<()> {
        match first {
            b'"' => {
                self.string()?;
            }
            b'{' | b'[' => *self = self.nested(first, depth)?,
            b'-' | b'0'..=b'9' => self.at += number(self.rest()?)?,
            _ => self.at += word(self.rest()?)?,
        }
        Some(())
    }

    fn nested(mut self, first: u8, depth: u32) -> Option<Self> {
        if depth == DEEP {
            let rest = self.text.get(self.at..)?;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            values.next()?.ok()?;
            self.at += values.byte_offset();
            // The spacing inside was not checked.
            self.is_python = false;
        } else if first == b'[' {
            self.list(b'[', b']', |reader, first| reader.value(first, depth + 1))?;
        } else {
            self.list(b'{', b'}', |reader, first| {
                reader.name(first)?;
                let first = reader.behind(b':')?;
                reader.value(first, depth + 1)
            })?;
        }
        Some(self)
    }

    #[inline(always)]
    fn name(&mut self, first: u8) -> Option<Span> {
        if first == b'"' { self.string() } else { None }
    }

    /// Skips a string that begins here, and returns where it is.
    #[inline(always)]
    fn string(&mut self) -> Option<Span> {
        let from = self.marks.next_from(self.at)?;
        let bytes = self.text.as_bytes();
        let mut to = self.marks.next()?;
        let mut is_escaped = false;
        loop {
            let behind = match *bytes.get(to)? {
                b'"' => break,
                b'\\' => {
                    is_escaped = true;
                    to + 1 + escape(bytes.get(to + 1..)?)?
                }
                b' '.. => {
                    self.is_python = false;
                    to + 1
                }
                _ => return None,
            };
            to = self.marks.next_from(behind)?;
        }
        self.at = to + 1;
        Some(Span {
            from,
            to: to + 1,
            is_escaped,
        })
    }

    #[inline(always)]
    fn take(&mut self, byte: u8) -> Option<()> {
        (*self.rest()?.first()? == byte).then_some(())?;
        self.at += 1;
        Some(())
    }

    /// Skips this byte and the white space around it, and returns the next byte.
    #[inline(always)]
    fn behind(&mut self, byte: u8) -> Option<u8> {
        // Python writes a space after commas and colons.
        if let Some(&[is, b' ', next]) = self.rest()?.first_chunk()
            && is == byte
            && next > b' '
        {
            self.at += 2;
            return Some(next);
        }
        self.next()?;
        self.take(byte)?;
        self.is_python = false;
        self.next()
    }

    /// Returns the next byte that is not white space.
    #[inline(always)]
    fn next(&mut self) -> Option<u8> {
        let rest = self.rest()?;
        let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let blanks = rest.iter().position(|byte| !is_blank(byte))?;
        self.at += blanks;
        rest.get(blanks).copied()
    }

    #[inline(always)]
    fn rest(&self) -> Option<&'a [u8]> {
        self.text.as_bytes().get(self.at..)
    }
}

/// Returns the length of the number at the start of these bytes.
fn number(bytes: &[u8]) -> Option<usize> {
    let one = |at: usize, of: &[u8]| {
        let is_one = bytes.get(at).is_some_and(|byte| of.contains(byte));
        at + usize::from(is_one)
    };
    let digits = |at: usize| {
        let rest = bytes.get(at..)?;
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        (count > 0).then_some(at + count)
    };
    let minus = one(0, b"-");
    let mut at = one(minus, b"0");
    if at == minus {
        at = digits(at)?;
    }
    let point = one(at, b".");
    if point > at {
        at = digits(point)?;
    }
    let exponent = one(at, b"eE");
    if exponent > at {
        at = digits(one(exponent, b"+-"))?;
    }
    Some(at)
}

/// Returns the length of `true`, `false` or `null` at the start of these bytes.
fn word(bytes: &[u8]) -> Option<usize> {
    let words: [&[u8]; 3] = [b"true", b"false", b"null"];
    let word = words.into_iter().find(|word| bytes.starts_with(word))?;
    Some(word.len())
}

/// Returns the length of an escape after its backslash. An unpaired surrogate is accepted here, because it matters only
/// to a caller that wants the text.
fn escape(bytes: &[u8]) -> Option<usize> {
    match bytes.first()? {
        b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => Some(1),
        b'u' => bytes
            .get(1..5)?
            .iter()
            .all(u8::is_ascii_hexdigit)
            .then_some(5),
        _ => None,
    }
}
