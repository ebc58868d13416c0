//! Recognises image requests by their path.
//!
//! The path is read while it is still percent-encoded, and each segment is decoded once. Nova's URL map has made runs of
//! slashes one before (`webob::urlmap::collapsed`), and so has whoever calls [`recognise`]. Three things can come of
//! it: an image route, a path that lies among the image routes but names nothing that can exist (refused here, so
//! that nothing which could be read as another path ever reaches an upstream), or a path that is none of ours.

use std::borrow::Cow;

use http::Method;
use percent_encoding::percent_decode_str;

use crate::model::ImageId;
use crate::nova::compat::{Compat, Suffixes};
use crate::nova::encoding::MediaType;
use crate::nova::tables::{COLLECTIONS, OPERATIONS, Operation, VERSIONS};

/// What a path is.
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
    /// Among the image routes, or so spelled that an upstream may find it there, yet none of them.
    Nowhere,
    /// An image route with a method that is not read here.
    Unread,
    /// Not an image route.
    Elsewhere,
}

/// Where a client sees the images API: behind which version and project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place<'p> {
    /// One of [`VERSIONS`].
    pub version: &'static str,
    /// The project as spelled in the URL, still encoded.
    pub project: Option<&'p str>,
}

/// The key of a metadata item: 1 to 255 characters, none of which has a meaning in URLs.
///
/// Glance's column holds 255 characters. Nova lets no other characters than `[a-zA-Z0-9-_:. ]` be written; what
/// Glance's own clients wrote can be read all the same, but for the characters with which one path is smuggled
/// inside another.
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

/// A path less the ending that asks for a media type, with that media type, where the rest is an image route that may have
/// one; otherwise the path as it is.
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

/// How the paths of metadata items end.
const KEY: &str = "{key}";

fn without_suffix<'p>(compat: &Compat, path: &'p str) -> Option<(&'p str, &'static MediaType)> {
    let (before, segment) = path.rsplit_once('/')?;
    if !segment.contains('.') {
        return None;
    }
    let (stem, media_type) = MediaType::of_suffix(compat, version(path)?, segment)?;
    Some((path.get(..=before.len() + stem.len())?, media_type))
}

/// The version at the beginning of a path that has lost the listener's `base_path`, if there is one.
pub(crate) fn version(path: &str) -> Option<&'static str> {
    let first = Segment::read(path.strip_prefix('/')?.split('/').next()?);
    VERSIONS.iter().find(|version| first.is(version)).copied()
}

/// Recognises a path that has lost the listener's `base_path`.
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
    /// Decoded; `None` when that is not UTF-8.
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

    /// Whether Nova's server takes it apart or drops it before Nova routes.
    fn vanishes(&self) -> bool {
        matches!(self.raw, "" | "." | "..")
            || self.text.as_deref().is_some_and(|text| text.contains('/'))
    }
}

/// Steps past version, project and `images`; `None` when the path has no such beginning.
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

/// Whether a segment that is not empty can stand for a project.
pub(crate) fn may_be_project(text: &str) -> bool {
    !text.starts_with("os-") && !COLLECTIONS.contains(&text)
}

/// Finds the operation for what follows `images`.
fn within<'p>(method: &Method, place: Place<'p>, rest: &[Segment<'p>]) -> NovaRoute<'p> {
    if rest.iter().any(Segment::vanishes) {
        return NovaRoute::Nowhere;
    }
    let asked = |operation: &Operation| operation.methods.contains(&method.as_str());
    let mut rows: Vec<_> = OPERATIONS
        .iter()
        .filter_map(|operation| Some((operation, fit(operation.path, rest)?)))
        .collect();
    // Where an image or an item cannot exist, the method decides how that is said.
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
    if known || harmless {
        NovaRoute::Unread
    } else {
        NovaRoute::Nowhere
    }
}

/// What stands for `{id}` and for `{key}`, when the segments have the form of the template.
type Captures<'s, 'p> = (Option<&'s Segment<'p>>, Option<&'s Segment<'p>>);

fn fit<'s, 'p>(template: &str, rest: &'s [Segment<'p>]) -> Option<Captures<'s, 'p>> {
    // Bytes, as a search for a character takes much longer to begin than these take to end.
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

/// Whether some server, by merging slashes, by resolving dot segments or by taking an encoded or a back slash for a
/// slash, would come by an image route on its way through the path.
fn may_land(segments: &[Segment<'_>]) -> bool {
    let decoded: Vec<_> = segments
        .iter()
        .map(|segment| percent_decode_str(segment.raw).decode_utf8_lossy())
        .collect();
    // A server may or may not take a backslash for a slash, so both readings count.
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
