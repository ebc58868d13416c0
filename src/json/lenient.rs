//! Reads members of JSON objects by what they mean, not by their type.
//!
//! Services and vendors write numbers as text and text as numbers. An image with unexpected types must not spoil a
//! list, so such a value is converted (`"64"` is 64) or treated as absent. Values are borrowed if possible. They are
//! read from their own text, because `serde_json` would turn a long number into a float and lose digits.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, Visitor};

use super::Json;

/// Reads a member's value as text.
///
/// # Errors
/// When the JSON is broken.
pub fn text<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<Cow<'de, str>>, M::Error> {
    map.next_value::<Text<'de>>().map(|Text(value)| value)
}

/// Reads a member's value as a number.
///
/// # Errors
/// When the JSON is broken.
pub fn number<'de, M: MapAccess<'de>>(map: &mut M) -> Result<Option<i64>, M::Error> {
    map.next_value::<Json<'de>>().map(Json::number)
}

/// A member's name, borrowed unless it has escapes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name<'a>(pub Cow<'a, str>);

impl<'de> Deserialize<'de> for Name<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(NameVisitor).map(Self)
    }
}

struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Cow<'de, str>, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

/// Any value as text: a string without its quotes, a number or boolean as written, `None` for anything else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text<'a>(pub Option<Cow<'a, str>>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json: Json<'de> = Deserialize::deserialize(deserializer)?;
        json.text()
            .map(Self)
            .map_err(|_| de::Error::custom("a string with an unpaired surrogate"))
    }
}

#[cfg(test)]
mod tests {
    use super::Text;

    #[test]
    fn numbers_are_the_text_that_they_were_written_as() {
        for (json, text) in [
            ("20150609163747649098", Some("20150609163747649098")),
            ("1.10", Some("1.10")),
            ("-1e5", Some("-1e5")),
            ("true", Some("true")),
            ("null", None),
            ("[1]", None),
            ("{\"a\": 1}", None),
            ("\"\\u00e9\"", Some("é")),
            ("\"\"", Some("")),
        ] {
            let Text(is) = serde_json::from_str(json).unwrap();
            assert_eq!(is.as_deref(), text, "{json}");
        }
        assert!(serde_json::from_str::<Text<'_>>("\"\\ud800\"").is_err());
    }
}
