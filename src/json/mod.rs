//! Reads JSON text in one pass: splits an object into its members, and checks their values without converting them.
//!
//! `serde_json` does the same and more. With it, reading the members of an image took twice as long, which was a third
//! of the whole time of a list. It still reads values that are nested more deeply than anything in an image, and the
//! tests use it to decide what is valid JSON.

#![allow(
    clippy::inline_always,
    reason = "without it each string costs calls, which take nearly half of the time"
)]

use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer};
use serde_json::value::RawValue;

pub mod lenient;
mod reader;
mod special_bytes;
pub mod splitter;
mod whole;

use reader::Reader;
pub use special_bytes::{is_marked, is_plain};

/// One value as it was written, without white space around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Json<'a>(&'a str);

/// The text does not begin with a complete JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid JSON object: wrong or cut off at byte {at}")]
pub struct Malformed {
    /// The number of bytes that are valid.
    pub at: usize,
}

/// A string with an unpaired surrogate, which is not text (RFC 8259, 8.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoText;

/// A member of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member<'a> {
    /// The text that begins with the object.
    text: &'a str,
    name: Span,
    value: Span,
}

/// The place of a value in a text, quotes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: usize,
    to: usize,
    /// Whether the value is a string that contains a backslash.
    is_escaped: bool,
}

/// An object that has been split into its members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// The length of the object, in bytes.
    pub length: usize,
    /// Whether the object is written as Python's `json.dumps` does: only printable ASCII in strings, and a space after
    /// each comma and colon.
    pub is_python: bool,
}

/// Splits the object at the start of a text. `each` gets the members in their order, repeated ones too.
///
/// # Errors
/// When there is no complete object, or when `each` needs a string that is not text.
#[inline]
pub fn members<'a>(
    text: &'a str,
    each: impl FnMut(Member<'a>) -> Result<(), NoText>,
) -> Result<Object, Malformed> {
    let mut reader = Reader::new(text);
    match reader.members(each) {
        Some(()) => Ok(reader.object()),
        None => Err(Malformed { at: reader.at() }),
    }
}

impl<'a> Member<'a> {
    /// Returns the name.
    ///
    /// # Errors
    /// When the name is not text.
    #[inline]
    pub fn name(self) -> Result<Cow<'a, str>, NoText> {
        self.string(self.name)
    }

    /// Returns the value as it was written.
    #[inline]
    #[must_use]
    pub fn value(self) -> Json<'a> {
        let Span { from, to, .. } = self.value;
        Json(self.text.get(from..to).unwrap_or_default())
    }

    /// Returns the value as text: a string without its quotes, a number or boolean as written, `None` for anything
    /// else.
    ///
    /// # Errors
    /// When the value is a string that is not text.
    #[inline(always)]
    pub fn text(self) -> Result<Option<Cow<'a, str>>, NoText> {
        match self.text.as_bytes().get(self.value.from) {
            Some(b'"') => self.string(self.value).map(Some),
            Some(b'n' | b'[' | b'{') | None => Ok(None),
            _ => Ok(Some(Cow::Borrowed(self.value().0))),
        }
    }

    #[inline(always)]
    fn string(self, span: Span) -> Result<Cow<'a, str>, NoText> {
        if span.is_escaped {
            let json = self.text.get(span.from..span.to).unwrap_or_default();
            return unescaped(json).map(Cow::Owned);
        }
        let inner = self.text.get(span.from + 1..span.to - 1);
        Ok(Cow::Borrowed(inner.unwrap_or_default()))
    }

    /// Returns the value as a whole number, also from text that is a number. A fraction is dropped; anything else is
    /// `None`.
    #[inline(always)]
    #[must_use]
    pub fn number(self) -> Option<i64> {
        number(self.value().0)
    }

    /// Returns the value as a flag: `true`, also as text and in any case. Anything else is false.
    #[inline(always)]
    #[must_use]
    pub fn flag(self) -> bool {
        flag(self.value().0)
    }
}

fn number(json: &str) -> Option<i64> {
    if let Ok(number) = json.parse() {
        return Some(number);
    }
    whole::whole(text(json)?.trim())
}

fn flag(json: &str) -> bool {
    text(json).is_some_and(|word| word.eq_ignore_ascii_case("true"))
}

/// Returns what [`Member::text`] returns, for a value that is not a string. It takes only the value: a whole member as
/// argument would not stay in registers, which costs a thirtieth of the time.
fn text(json: &str) -> Option<Cow<'_, str>> {
    match json.as_bytes() {
        [b'"', ..] => unescaped(json).ok().map(Cow::Owned),
        [b'n' | b'[' | b'{', ..] | [] => None,
        _ => Some(Cow::Borrowed(json)),
    }
}

#[cold]
fn unescaped(json: &str) -> Result<String, NoText> {
    serde_json::from_str(json).map_err(|_| NoText)
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
    /// JSON null.
    pub const NULL: Self = Self("null");

    /// Returns the JSON text.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.0
    }

    /// Returns what [`Member::text`] returns for a member with this value.
    ///
    /// # Errors
    /// When the value is a string that is not text.
    pub fn text(self) -> Result<Option<Cow<'a, str>>, NoText> {
        match self.0.as_bytes() {
            [b'"', inner @ .., b'"'] if !inner.contains(&b'\\') => {
                Ok(self.0.get(1..self.0.len() - 1).map(Cow::Borrowed))
            }
            [b'"', ..] => unescaped(self.0).map(|text| Some(Cow::Owned(text))),
            [b'n' | b'[' | b'{', ..] | [] => Ok(None),
            _ => Ok(Some(Cow::Borrowed(self.0))),
        }
    }

    /// Returns what [`Member::number`] returns for a member with this value.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        number(self.0)
    }

    /// Copies the value.
    #[must_use]
    pub fn to_raw(self) -> Box<RawValue> {
        // This cannot fail, because the text is valid JSON.
        RawValue::from_string(self.0.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// Adjacent members of one object.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run<'a> {
    text: &'a str,
    from: usize,
    to: usize,
    is_broken: bool,
}

impl<'a> Run<'a> {
    /// Adds the next member.
    #[inline(always)]
    pub fn add(&mut self, member: Member<'a>) {
        let Member { text, name, value } = member;
        if self.to == 0 {
            (self.text, self.from) = (text, name.from);
        } else {
            // A comma and a space.
            self.is_broken |= name.from != self.to + 2;
        }
        self.is_broken |= name.is_escaped;
        self.to = value.to;
    }

    /// Returns the members as they are written in this object, if Python wrote them, nothing is between them, and no
    /// name has an escape.
    #[must_use]
    pub fn text(self, object: Object) -> Option<&'a str> {
        let text = self.text.get(self.from..self.to)?;
        (object.is_python && !self.is_broken).then_some(text)
    }
}

#[cfg(test)]
mod tests;
