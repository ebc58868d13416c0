//! A place in a JSON text, and how to get on from there.
//!
//! What is rare takes the reader and gives another one back: so the one at hand stays in registers.

use serde::de::IgnoredAny;

use super::special_bytes::Marks;
use super::{Member, NoText, Object, Span};

/// How deeply values may be nested before somebody else reads them, who does not recurse.
const DEEP: u32 = 32;

/// A place in a text. `None` means that the text is malformed, or ends, about there.
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

    /// How far it has come.
    pub(crate) fn at(&self) -> usize {
        self.at
    }

    /// The object that has been read.
    pub(crate) fn object(&self) -> Object {
        Object {
            length: self.at,
            is_python: self.is_python,
        }
    }

    /// Reads an object.
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

    /// What stands between two brackets, separated by commas; each time `each` is at the first byte, which it gets.
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

    /// Steps over one value that begins so.
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
            // Nobody has looked.
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

    /// Steps over a string that begins here.
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

    /// Steps over this byte with what blanks are around it, and gives the next one.
    #[inline(always)]
    fn behind(&mut self, byte: u8) -> Option<u8> {
        // This is how Python writes it.
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

    /// The next byte that is no white space.
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

/// How long the number is that these bytes begin with.
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

/// How long the word is that these bytes begin with.
fn word(bytes: &[u8]) -> Option<usize> {
    let words: [&[u8]; 3] = [b"true", b"false", b"null"];
    let word = words.into_iter().find(|word| bytes.starts_with(word))?;
    Some(word.len())
}

/// How many bytes an escape has behind its backslash. Half a character passes here: only who wants the content has to
/// mind.
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
