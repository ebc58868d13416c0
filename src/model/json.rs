//! JSON text, looked at once: an object is taken apart into its members, and whatever they hold is checked and handed
//! on as it was written.
//!
//! `serde_json` does the same and more; through it the members of an image took twice as long, which was a third of
//! all the time that a list takes. It still reads whatever is nested more deeply than anything in an image, and it
//! decides in the tests what is JSON.

#![allow(
    clippy::inline_always,
    reason = "the compiler leaves out two calls for each string, which are a quarter of the time"
)]

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, IgnoredAny};
use serde_json::value::RawValue;

/// One value as it was written, with nothing around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// The text is no JSON object, or not all of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object: it breaks off or goes wrong at byte {at}")]
pub struct Malformed {
    /// How far the text was sound.
    pub at: usize,
}

/// A string that is half of a character, and so no text (RFC 8259, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoText;

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    name: Spelled<'a>,
    value: Json<'a>,
    /// Whether there is a backslash in the value.
    is_escaped: bool,
}

/// What stands between the quotes of a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spelled<'a> {
    inner: &'a str,
    is_escaped: bool,
}

/// Takes apart the object that a text begins with, and says how long it is. Members come as they stand, repeated ones
/// too.
///
/// # Errors
/// When there is no object, it is not all there, or one of its strings is wanted and is no text.
pub fn members<'a>(
    text: &'a str,
    each: impl FnMut(Member<'a>) -> Result<(), NoText>,
) -> Result<usize, Malformed> {
    let mut reader = Reader { text, at: 0 };
    match reader.members(each) {
        Some(()) => Ok(reader.at),
        None => Err(Malformed { at: reader.at }),
    }
}

impl<'a> Member<'a> {
    /// Its name.
    ///
    /// # Errors
    /// When that is no text.
    #[inline]
    pub fn name(self) -> Result<Cow<'a, str>, NoText> {
        self.name.text()
    }

    /// Its value as it was written.
    #[must_use]
    pub fn value(self) -> Json<'a> {
        self.value
    }

    /// Its value as text: strings as they are, numbers and booleans as written, everything else as absent.
    ///
    /// # Errors
    /// When it is a string that is no text.
    #[inline]
    pub fn text(self) -> Result<Option<Cow<'a, str>>, NoText> {
        let Json(json) = self.value;
        match json.as_bytes() {
            [b'"', inner @ .., _] => {
                let inner = &json[1..=inner.len()];
                let is_escaped = self.is_escaped;
                Spelled { inner, is_escaped }.text().map(Some)
            }
            [b'n' | b'[' | b'{', ..] => Ok(None),
            _ => Ok(Some(Cow::Borrowed(json))),
        }
    }

    /// Its value as a number: a whole one, or text that is one; a fraction is dropped, everything else is absent.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a float out of range saturates, which is as near as it gets"
    )]
    pub fn number(self) -> Option<i64> {
        let text = self.text().ok()??;
        let text = text.trim();
        text.parse().ok().or_else(|| {
            let value: f64 = text.parse().ok()?;
            value.is_finite().then_some(value as i64)
        })
    }

    /// Its value as a flag: true is what reads so, in any case.
    #[must_use]
    pub fn flag(self) -> bool {
        self.text()
            .is_ok_and(|text| text.is_some_and(|word| word.eq_ignore_ascii_case("true")))
    }
}

impl<'a> Spelled<'a> {
    #[inline]
    fn text(self) -> Result<Cow<'a, str>, NoText> {
        if self.is_escaped {
            unescaped(self.inner).map(Cow::Owned)
        } else {
            Ok(Cow::Borrowed(self.inner))
        }
    }
}

#[cold]
fn unescaped(inner: &str) -> Result<String, NoText> {
    serde_json::from_str(&format!("\"{inner}\"")).map_err(|_| NoText)
}

impl<'a> From<&'a RawValue> for Json<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(raw.get())
    }
}

impl<'de> Deserialize<'de> for Json<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Self::from)
    }
}

impl<'a> Json<'a> {
    /// The text.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.0
    }

    /// The value, detached from what it was read from.
    #[must_use]
    pub fn to_raw(self) -> Box<RawValue> {
        // It is JSON, so that this cannot fail.
        RawValue::from_string(self.0.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// How deeply values may be nested before somebody else reads them, who does not recurse.
const DEEP: u32 = 32;

/// A place in a text. `None` means that the text is malformed, or ends, about there.
struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn members(&mut self, mut each: impl FnMut(Member<'a>) -> Result<(), NoText>) -> Option<()> {
        self.list(b'{', b'}', |reader| {
            let name = reader.name()?;
            let from = reader.at;
            let is_escaped = if reader.peek()? == b'"' {
                reader.string()?.is_escaped
            } else {
                reader.value(0)?;
                false
            };
            let value = Json(reader.text.get(from..reader.at)?);
            each(Member {
                name,
                value,
                is_escaped,
            })
            .ok()
        })
    }

    /// What stands between two brackets, separated by commas; each time `each` is at the first byte.
    #[inline]
    fn list(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        if self.next()? == close {
            return self.take(close);
        }
        loop {
            self.next()?;
            each(self)?;
            if self.next()? == close {
                return self.take(close);
            }
            self.take(b',')?;
        }
    }

    /// A name, the colon, and what is between it and the value.
    #[inline(always)]
    fn name(&mut self) -> Option<Spelled<'a>> {
        let name = self.string()?;
        self.next()?;
        self.take(b':')?;
        self.next()?;
        Some(name)
    }

    /// Steps over one value.
    #[inline]
    fn value(&mut self, depth: u32) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            b'-' | b'0'..=b'9' => self.number(),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.nested(depth),
        }
    }

    fn nested(&mut self, depth: u32) -> Option<()> {
        if depth == DEEP {
            let rest = self.text.get(self.at..)?;
            let mut values = serde_json::Deserializer::from_str(rest).into_iter::<IgnoredAny>();
            values.next()?.ok()?;
            self.at += values.byte_offset();
            return Some(());
        }
        if self.peek()? == b'[' {
            return self.list(b'[', b']', |reader| reader.value(depth + 1));
        }
        self.list(b'{', b'}', |reader| {
            reader.name()?;
            reader.value(depth + 1)
        })
    }

    #[inline(always)]
    fn string(&mut self) -> Option<Spelled<'a>> {
        self.take(b'"')?;
        let bytes = self.text.as_bytes();
        let (from, mut at) = (self.at, self.at);
        let mut is_escaped = false;
        loop {
            at += plain(bytes.get(at..)?);
            match bytes.get(at)? {
                b'"' => {
                    self.at = at + 1;
                    let inner = self.text.get(from..at)?;
                    return Some(Spelled { inner, is_escaped });
                }
                b'\\' => {
                    is_escaped = true;
                    at += 1 + escape(bytes.get(at + 1..)?)?;
                }
                b' '.. => at += 1,
                _ => return None,
            }
        }
    }

    #[inline]
    fn number(&mut self) -> Option<()> {
        self.skip(b"-");
        if self.skip(b"0") == 0 {
            self.digits()?;
        }
        if self.skip(b".") > 0 {
            self.digits()?;
        }
        if self.skip(b"eE") > 0 {
            self.skip(b"+-");
            self.digits()?;
        }
        Some(())
    }

    #[inline]
    fn digits(&mut self) -> Option<()> {
        let from = self.at;
        while self.skip(b"0123456789") > 0 {}
        (self.at > from).then_some(())
    }

    #[inline]
    fn word(&mut self, word: &str) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        rest.starts_with(word.as_bytes()).then_some(())?;
        self.at += word.len();
        Some(())
    }

    /// Steps over one byte if it is one of these; how many that are.
    #[inline]
    fn skip(&mut self, any_of: &[u8]) -> usize {
        let is_one = self.peek().is_some_and(|byte| any_of.contains(&byte));
        self.at += usize::from(is_one);
        usize::from(is_one)
    }

    #[inline]
    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then_some(())?;
        self.at += 1;
        Some(())
    }

    /// The next byte that is no white space.
    #[inline]
    fn next(&mut self) -> Option<u8> {
        loop {
            match self.peek()? {
                b' ' | b'\t' | b'\n' | b'\r' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
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

/// How many bytes, eight at a time, surely go before the next quote, backslash or control character.
#[inline]
fn plain(bytes: &[u8]) -> usize {
    let mut at = 0;
    while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
        let odd = odd(u64::from_le_bytes(eight));
        if odd != 0 {
            return at + (odd.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    at
}

/// The high bit of the first byte that ends plain text is set, and none before it (Warren, Hacker's Delight, 6-1).
#[inline]
fn odd(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let is_less = |word: u64, than: u64| word.wrapping_sub(ONES * than) & !word;
    let quote = is_less(eight ^ (ONES * u64::from(b'"')), 1);
    let backslash = is_less(eight ^ (ONES * u64::from(b'\\')), 1);
    (quote | backslash | is_less(eight, u64::from(b' '))) & HIGH
}

#[cfg(test)]
mod tests;
