//! JSON text, looked at once: an object is taken apart into its members, and whatever they hold is checked and handed
//! on as it was written.
//!
//! `serde_json` does the same and more; through it the members of an image took twice as long, which was a third of all
//! the time that a list takes. It still reads whatever is nested more deeply than anything in an image, and it decides
//! in the tests what is JSON.

#![allow(
    clippy::inline_always,
    reason = "otherwise there are calls for each string, and they are nearly half of the time"
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
    /// What the object is the beginning of.
    text: &'a str,
    name: Span,
    value: Span,
}

/// Where a value stands in a text, quotes included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Span {
    from: usize,
    to: usize,
    /// Whether it is a string with a backslash in it.
    is_escaped: bool,
}

/// An object that has been taken apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Object {
    /// How long it is, in bytes.
    pub length: usize,
    /// Whether it is written as Python's `json.dumps` writes: nothing but printable ASCII in its strings, and a blank
    /// behind each comma and each colon.
    pub is_python: bool,
}

/// Takes apart the object that a text begins with. Members come as they stand, repeated ones too.
///
/// # Errors
/// When there is no object, it is not all there, or one of its strings is wanted and is no text.
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
    /// Its name.
    ///
    /// # Errors
    /// When that is no text.
    #[inline]
    pub fn name(self) -> Result<Cow<'a, str>, NoText> {
        self.string(self.name)
    }

    /// Its value as it was written.
    #[inline]
    #[must_use]
    pub fn value(self) -> Json<'a> {
        let Span { from, to, .. } = self.value;
        Json(self.text.get(from..to).unwrap_or_default())
    }

    /// Its value as text: strings as they are, numbers and booleans as written, everything else as absent.
    ///
    /// # Errors
    /// When it is a string that is no text.
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

    /// Its value as a number: a whole one, or text that is one; a fraction is dropped, everything else is absent.
    #[inline(always)]
    #[must_use]
    pub fn number(self) -> Option<i64> {
        number(self.value().0)
    }

    /// Its value as a flag: true is what reads so, in any case.
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

/// What [`Member::text`] says, of a value on its own: a member that were handed on whole would not stay in registers, which
/// takes a thirtieth longer.
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
    /// Null.
    pub const NULL: Self = Self("null");

    /// The text.
    #[must_use]
    pub fn get(self) -> &'a str {
        self.0
    }

    /// What [`Member::text`] says of a member with this value.
    ///
    /// # Errors
    /// When it is a string that is no text.
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

    /// What [`Member::number`] says of a member with this value.
    #[must_use]
    pub fn number(self) -> Option<i64> {
        number(self.0)
    }

    /// The value, detached from what it was read from.
    #[must_use]
    pub fn to_raw(self) -> Box<RawValue> {
        // It is JSON, so that this cannot fail.
        RawValue::from_string(self.0.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned())
    }
}

/// Members of one object that stand side by side.
#[derive(Clone, Copy, Debug, Default)]
pub struct Run<'a> {
    text: &'a str,
    from: usize,
    to: usize,
    is_broken: bool,
}

impl<'a> Run<'a> {
    /// Takes the next member.
    #[inline(always)]
    pub fn add(&mut self, member: Member<'a>) {
        let Member { text, name, value } = member;
        if self.to == 0 {
            (self.text, self.from) = (text, name.from);
        } else {
            // A comma and a blank.
            self.is_broken |= name.from != self.to + 2;
        }
        self.is_broken |= name.is_escaped;
        self.to = value.to;
    }

    /// The members as they are written in this object, if that is how Python writes them, nothing stands between them,
    /// and none of their names has an escape.
    #[must_use]
    pub fn text(self, object: Object) -> Option<&'a str> {
        let text = self.text.get(self.from..self.to)?;
        (object.is_python && !self.is_broken).then_some(text)
    }
}

#[cfg(test)]
mod tests;
