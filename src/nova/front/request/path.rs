//! Recognises image requests by their path.
//!
//! The path is split while it is still percent-encoded, and each segment is decoded once. The caller of [`recognise`]
//! must have collapsed runs of slashes first, as Nova's URL map does (`webob::urlmap::collapsed`). There are three
//! results: an image route; a path among the image routes that names nothing that can exist, which is refused, so that
//! no path with two readings reaches an upstream; or a path that has nothing to do with images.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::model::ImageId;
use crate::nova::compat::{Compat, Suffixes};
use crate::nova::encoding::MediaType;
use crate::nova::tables::{COLLECTIONS, OPERATIONS, Operation, VERSIONS};

/// The meaning of a path.
#[derive(Debug)]
pub(crate) enum NovaRoute<'p> {
    /// An image operation.
    Image {
        place: Place<'p>,
        operation: &'static Operation,
        id: Option<ImageId>,
        key: Option<MetadataKey>,
    },
    /// An image operation on an image that cannot exist.
    NoImage {
        place: Place<'p>,
        operation: &'static Operation,
    },
    /// An image operation on a metadata item that cannot exist.
    NoItem {
        place: Place<'p>,
        operation: &'static Operation,
    },
    /// A path among the image routes, or one that an upstream might normalise to an image route, that is not a valid
    /// one.
    Nowhere,
    /// An image path with a method that the proxy does not translate.
    Unread,
    /// An image route with a method that Nova itself does not route there.
    NoMethod,
    /// A path below an image that is not an image route.
    Below,
    /// Not an image route.
    Elsewhere,
}

/// The version and the project in a client's path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'p> {
    /// One of [`VERSIONS`].
    pub version: &'static str,
    /// The project as spelled in the URL, percent-encoded.
    pub project: Option<&'p str>,
}

/// The key of a metadata item: 1 to 255 characters, none of which has a meaning in URLs.
///
/// Glance's column holds 255 characters. Nova allows writing only `[a-zA-Z0-9-_:. ]`, but keys that Glance's own
/// clients wrote can be read too, except for characters with which one path can be hidden inside another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MetadataKey(String);

impl MetadataKey {
    const MAX_CHARS: usize = 255;

    fn parse(text: &str) -> Option<Self> {
        let plausible = (1..=Self::MAX_CHARS).contains(&text.chars().count())
            && !matches!(text, "." | "..")
            && !text
                .chars()
                .any(|c| c.is_control() || matches!(c, '/' | '\\' | '?' | '#' | '%'));
        plausible.then(|| Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Removes a suffix that chooses a media type and returns that media type, if the rest is an image route that may have
/// a suffix. Otherwise returns the path unchanged.
pub(crate) fn unsuffixed<'p>(
    compat: &Compat,
    method: &Method,
    path: &'p str,
) -> (&'p str, Option<&'static MediaType>) {
    let may_end_so = |stem| match recognise(method, stem) {
        NovaRoute::Elsewhere => false,
        NovaRoute::Image { operation, .. } | NovaRoute::NoItem { operation, .. } => {
            compat.suffixes == Suffixes::All || !operation.path.ends_with(KEY)
        }
        _ => true,
    };
    without_suffix(compat, path)
        .filter(|(stem, _)| may_end_so(stem))
        .map_or((path, None), |(stem, media_type)| (stem, Some(media_type)))
}

/// The end of the path of a metadata item.
const KEY: &str = "{key}";

fn without_suffix<'p>(compat: &Compat, path: &'p str) -> Option<(&'p str, &'static MediaType)> {
    let (before, segment) = path.rsplit_once('/')?;
    if !segment.contains('.') {
        return None;
    }
    let (stem, media_type) = MediaType::of_suffix(compat, version(path)?, segment)?;
    Some((path.get(..=before.len() + stem.len())?, media_type))
}

/// Returns the version at the beginning of a path from which the listener's `base_path` was removed.
pub(crate) fn version(path: &str) -> Option<&'static str> {
    let first = Segment::read(path.strip_prefix('/')?.split('/').next()?);
    VERSIONS.iter().find(|version| first.is(version)).copied()
}

/// Recognises a path from which the listener's `base_path` was removed.
pub(crate) fn recognise<'p>(method: &Method, path: &'p str) -> NovaRoute<'p> {
    let Some(inner) = path.strip_prefix('/') else {
        return NovaRoute::Elsewhere;
    };
    let segments: Vec<_> = inner.split('/').map(Segment::read).collect();
    match enter(&segments) {
        Some((place, rest)) => within(method, place, rest),
        None if segments.iter().all(Segment::is_plain) || !may_land(&segments) => {
            NovaRoute::Elsewhere
        }
        None => NovaRoute::Nowhere,
    }
}

/// One segment of a path.
#[derive(Debug)]
pub(super) struct Segment<'p> {
    pub(super) raw: &'p str,
    /// The decoded text; `None` if it is not UTF-8.
    pub(super) text: Option<Cow<'p, str>>,
}

impl<'p> Segment<'p> {
    pub(super) fn read(raw: &'p str) -> Self {
        let text = if raw.contains('%') {
            percent_decode_str(raw).decode_utf8().ok()
        } else {
            Some(Cow::Borrowed(raw))
        };
        Self { raw, text }
    }

    pub(super) fn is(&self, text: impl AsRef<[u8]>) -> bool {
        self.text.as_deref().map(str::as_bytes) == Some(text.as_ref())
    }

    /// Whether every server reads it as one and the same segment.
    pub(super) fn is_plain(&self) -> bool {
        self.text.as_deref().is_some_and(|text| {
            !matches!(text, "" | "." | "..")
                && !text
                    .chars()
                    .any(|c| c.is_control() || matches!(c, '/' | '\\'))
        })
    }

    /// Whether Nova's server splits or drops the segment before Nova routes the request.
    fn vanishes(&self) -> bool {
        matches!(self.raw, "" | "." | "..")
            || self.text.as_deref().is_some_and(|text| text.contains('/'))
    }
}

/// Returns the version, the project and the segments after `images`; `None` if the path does not begin so.
fn enter<'s, 'p>(segments: &'s [Segment<'p>]) -> Option<(Place<'p>, &'s [Segment<'p>])> {
    let (first, rest) = segments.split_first()?;
    let version = VERSIONS.iter().find(|version| first.is(version))?;
    match rest {
        [images, rest @ ..] if images.is("images") => Some((
            Place {
                version,
                project: None,
            },
            rest,
        )),
        [project, images, rest @ ..]
            if images.is("images")
                && project.is_plain()
                && project.text.as_deref().is_some_and(may_be_project) =>
        {
            let project = Some(project.raw);
            Some((Place { version, project }, rest))
        }
        _ => None,
    }
}

/// Whether a non-empty segment can be a project.
pub(crate) fn may_be_project(text: &str) -> bool {
    !text.starts_with("os-") && !COLLECTIONS.contains(&text)
}

/// Finds the operation for the segments after `images`.
fn within<'p>(method: &Method, place: Place<'p>, rest: &[Segment<'p>]) -> NovaRoute<'p> {
    if rest.iter().any(Segment::vanishes) {
        return NovaRoute::Nowhere;
    }
    let asked = |operation: &Operation| operation.methods.contains(&method.as_str());
    let mut rows: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, fit(operation.path, rest)?)))
        .collect();
    // If an image or an item cannot exist, the operation of the request's method decides the fault.
    rows.sort_by_key(|(operation, _)| !asked(operation));
    let known = !rows.is_empty();
    for (operation, (id, key)) in rows {
        let id = id.map(|segment| segment.text.as_deref().and_then(ImageId::parse));
        let key = key.map(|segment| segment.text.as_deref().and_then(MetadataKey::parse));
        match (id, key) {
            (Some(None), _) => return NovaRoute::NoImage { place, operation },
            (_, Some(None)) => return NovaRoute::NoItem { place, operation },
            (id, key) if asked(operation) => {
                return NovaRoute::Image {
                    place,
                    operation,
                    id: id.flatten(),
                    key: key.flatten(),
                };
            }
            _ => {}
        }
    }
    let harmless = rest.iter().all(Segment::is_plain)
        && rest
            .first()
            .is_none_or(|id| id.text.as_deref().and_then(ImageId::parse).is_some());
    match (known, harmless) {
        (true, _) => NovaRoute::Unread,
        (false, true) => NovaRoute::Below,
        (false, false) => NovaRoute::Nowhere,
    }
}

/// The segments for `{id}` and `{key}` of a template.
type Captures<'s, 'p> = (Option<&'s Segment<'p>>, Option<&'s Segment<'p>>);

fn fit<'s, 'p>(template: &str, rest: &'s [Segment<'p>]) -> Option<Captures<'s, 'p>> {
    // Compares bytes, because setting up a search for a character costs more than these short comparisons.
    let mut parts = template.as_bytes().split(|byte| *byte == b'/').skip(2);
    let (mut id, mut key) = (None, None);
    for segment in rest {
        match parts.next()? {
            b"{id}" => id = Some(segment),
            b"{key}" => key = Some(segment),
            literal if segment.is(literal) => {}
            _ => return None,
        }
    }
    parts.next().is_none().then_some((id, key))
}

/// Whether a server that merges slashes, resolves dot segments, or reads an encoded slash or a backslash as a slash
/// could arrive at an image route.
fn may_land(segments: &[Segment<'_>]) -> bool {
    let decoded: Vec<_> = segments
        .iter()
        .map(|segment| percent_decode_str(segment.raw).decode_utf8_lossy())
        .collect();
    // Some servers read a backslash as a slash and others do not, so both readings count.
    lands(&decoded, &['/']) || lands(&decoded, &['/', '\\'])
}

fn lands(decoded: &[Cow<'_, str>], slashes: &[char]) -> bool {
    let pieces = || {
        decoded
            .iter()
            .flat_map(|text| text.split(slashes))
            .filter(|piece| !piece.is_empty())
    };
    let unresolved: Vec<_> = pieces().collect();
    if is_among_images(&unresolved) {
        return true;
    }
    let mut resolved = Vec::new();
    pieces().any(|piece| {
        match piece {
            "." => {}
            ".." => {
                resolved.pop();
            }
            _ => resolved.push(piece),
        }
        is_among_images(&resolved)
    })
}

fn is_among_images(pieces: &[&str]) -> bool {
    match pieces {
        [version, "images", ..] => VERSIONS.contains(version),
        [version, project, "images", ..] => VERSIONS.contains(version) && may_be_project(project),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
