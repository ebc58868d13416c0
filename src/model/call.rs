//! The client's call.

use std::fmt;

use super::change::Change;
use super::query::Query;

/// A client's request, independent of the dialect.
///
/// The form of the reply (brief or detailed, the whole image or only its metadata) belongs to the client's dialect and
/// is held by the responder.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// Lists images.
    List(Query),
    /// Shows one image.
    Show(ImageId),
    /// Deletes one image.
    Delete(ImageId),
    /// Changes the custom properties of one image.
    Change(ImageId, Change),
}

/// The id of an image: 1 to 36 letters, digits, `-`, `_` and `.`, not beginning with a dot.
///
/// Glance's column holds 36 characters. Its ids are UUIDs, but old clouds have other ids too, so this grammar is wider.
/// An id is always exactly one path segment that needs no escaping. Only an `ImageId` ever becomes part of an upstream
/// path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageId(String);

impl ImageId {
    /// The maximum length of an id in Glance, in bytes.
    pub(crate) const MAX_LEN: usize = 36;

    /// Reads a percent-decoded id; `None` if the text cannot be an image id.
    #[must_use]
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let plausible = (1..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        plausible.then(|| Self(text.to_owned()))
    }

    /// Returns the id as it is written in paths and JSON.
    #[must_use]
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ImageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::ImageId;

    #[test]
    fn ids_are_one_plain_path_segment() {
        for good in [
            "70a599e0-31e7-49b7-b260-868f441e862b",
            "1",
            "detail.json",
            "AB_c-9",
        ] {
            assert_eq!(
                ImageId::parse(good)
                    .map(|id| id.as_str().to_owned())
                    .as_deref(),
                Some(good)
            );
        }
        let long = "a".repeat(37);
        for bad in [
            "",
            ".",
            "..",
            ".hidden",
            "a/b",
            "a?b",
            "a#b",
            "a%b",
            "a b",
            "é",
            "{}",
            long.as_str(),
        ] {
            assert_eq!(ImageId::parse(bad), None, "{bad:?}");
        }
    }
}
