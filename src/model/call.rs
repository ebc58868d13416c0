//! What a client asks for.

use std::fmt;

use super::change::Change;
use super::query::Query;

/// One request of a client, in no dialect.
///
/// What the reply looks like (brief or detailed, the whole image or only its metadata) is the client's dialect's
/// affair and travels in its responder, not here.
#[derive(Clone, Debug, PartialEq)]
pub enum Call {
    /// A listing.
    List(Query),
    /// One image.
    Show(ImageId),
    /// The end of one image.
    Delete(ImageId),
    /// Other custom properties for one image.
    Change(ImageId, Change),
}

/// The id of an image: 1 to 36 characters out of letters, digits, `-`, `_` and `.`, not beginning with a dot.
///
/// Glance's column holds 36 characters and its ids are UUIDs, but old clouds have other ids too, so the grammar
/// is wider than a UUID. It is narrow enough that an id is always exactly one path segment and needs no escaping:
/// whatever is not an `ImageId` never enters an upstream path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageId(String);

impl ImageId {
    /// The longest id that Glance can store.
    pub const MAX_LEN: usize = 36;

    /// Reads an id that has already been percent-decoded; `None` when the text cannot be an image id.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let plausible = (1..=Self::MAX_LEN).contains(&text.len())
            && !text.starts_with('.')
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        plausible.then(|| Self(text.to_owned()))
    }

    /// The id as it is written in paths and JSON.
    #[must_use]
    pub fn as_str(&self) -> &str {
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
