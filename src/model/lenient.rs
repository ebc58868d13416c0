//! Members of JSON objects, read as what they plainly mean.
//!
//! Services and vendors write numbers as text and text as numbers. An image of odd types must not spoil a list, so a
//! value of an unexpected type is read as what it means (`"64"` is 64) or as absent. What can be borrowed is.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A member's value as text.
///
/// # Errors
/// When the JSON is broken.
pub fn text<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<Cow<'de, str>>, M::Error> {
    map.next_value::<Text<'de>>().map(|Text(value)| value)
}

/// A member's value as a number.
///
/// # Errors
/// When the JSON is broken.
pub fn number<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<i64>, M::Error> {
    map.next_value::<Number>().map(|Number(value)| value)
}

/// A whole number, or text that is one; a fraction is dropped, everything else is absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Number(pub Option<i64>);

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NumberVisitor).map(Self)
    }
}

struct NumberVisitor;

impl<'de> Visitor<'de> for NumberVisitor {
    type Value = Option<i64>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number")
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Option<i64>, E> {
        Ok(Some(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Option<i64>, E> {
        Ok(Some(i64::try_from(value).unwrap_or(i64::MAX)))
    }

    #[allow(
        clippy::cast_possible_truncation,
        reason = "a float out of range saturates, which is as near as it gets"
    )]
    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Option<i64>, E> {
        Ok(value.is_finite().then_some(value as i64))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Option<i64>, E> {
        let text = text.trim();
        text.parse().map_or_else(
            |_| text.parse().map_or(Ok(None), |value| self.visit_f64(value)),
            |value| Ok(Some(value)),
        )
    }

    fn visit_bool<E: de::Error>(self, _: bool) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_unit<E: de::Error>(self) -> Result<Option<i64>, E> {
        Ok(None)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Option<i64>, S::Error> {
        IgnoredAny.visit_seq(seq).map(|_| None)
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Option<i64>, M::Error> {
        IgnoredAny.visit_map(map).map(|_| None)
    }
}

/// A member's name, borrowed unless it has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer
            .deserialize_str(TextVisitor)
            .map(|Text(name)| Self(name.unwrap_or_default()))
    }
}

/// Any value as text: strings as they are, numbers and booleans as written, everything else as absent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

struct TextVisitor;

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Text<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Borrowed(if value {
            "true"
        } else {
            "false"
        }))))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Text<'de>, E> {
        Ok(Text(Some(Cow::Owned(value.to_string()))))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Text<'de>, E> {
        Ok(Text(None))
    }

    fn visit_seq<S: SeqAccess<'de>>(self, seq: S) -> Result<Text<'de>, S::Error> {
        IgnoredAny.visit_seq(seq).map(|_| Text(None))
    }

    fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<Text<'de>, M::Error> {
        IgnoredAny.visit_map(map).map(|_| Text(None))
    }
}
