//! The version documents with which clients discover the API, for a proxy without a Nova behind it
//! (`nova/api/openstack/compute/versions.py`).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::request::caller::check_project;
use super::request::path::{Place, may_be_project};
use super::request::version;
use super::response::{text, xml};
use super::{NovaContext, NovaResponder};
use crate::model::{Document, FaultWriter, RequestHead};
use crate::nova::compat::{Compat, Documents, Microversion};
use crate::nova::encoding::{Encoding, MediaType};

/// One version of the API.
pub(crate) struct Version {
    segment: &'static str,
    pub(crate) id: &'static str,
    pub(crate) status: &'static str,
    pub(crate) updated: &'static str,
    /// Base and full type of each media type.
    pub(crate) media_types: &'static [(&'static str, &'static str)],
    /// Links to descriptions of the version: type and URL.
    pub(crate) described: &'static [(&'static str, &'static str)],
}

const JSON_2: (&str, &str) = (
    "application/json",
    "application/vnd.openstack.compute+json;version=2",
);
const XML_2: (&str, &str) = (
    "application/xml",
    "application/vnd.openstack.compute+xml;version=2",
);
const JSON_2_1: (&str, &str) = (
    "application/json",
    "application/vnd.openstack.compute+json;version=2.1",
);

const SITE: &[(&str, &str)] = &[("text/html", "http://docs.openstack.org/")];
const GUIDE_AND_WADL: &[(&str, &str)] = &[
    (
        "application/pdf",
        "http://docs.openstack.org/api/openstack-compute/2/os-compute-devguide-2.pdf",
    ),
    (
        "application/vnd.sun.wadl+xml",
        "http://docs.openstack.org/api/openstack-compute/2/wadl/os-compute-2.wadl",
    ),
];

/// The time of the last change of v2.0 before its deprecation.
const V2_UPDATED: &str = "2011-01-21T11:33:21Z";

const V2_1: Version = Version {
    segment: version::VERSIONED,
    id: "v2.1",
    status: "CURRENT",
    updated: "2013-07-23T11:33:21Z",
    media_types: &[JSON_2_1],
    described: SITE,
};

/// Returns the versions in the order of Nova's document.
fn versions(documents: Documents) -> &'static [Version] {
    match documents {
        Documents::Single => &[Version {
            segment: "v2",
            id: "v2.0",
            status: "CURRENT",
            updated: V2_UPDATED,
            media_types: &[XML_2, JSON_2],
            described: GUIDE_AND_WADL,
        }],
        Documents::Supported => &[
            Version {
                segment: "v2",
                id: "v2.0",
                status: "SUPPORTED",
                updated: V2_UPDATED,
                media_types: &[JSON_2],
                described: SITE,
            },
            V2_1,
        ],
        Documents::Deprecated => &[
            Version {
                segment: "v2",
                id: "v2.0",
                status: "DEPRECATED",
                updated: "2025-07-04T12:00:00Z",
                media_types: &[JSON_2],
                described: SITE,
            },
            V2_1,
        ],
    }
}

/// A version document of Nova.
pub(crate) enum Discovery<'p> {
    /// The reply to OPTIONS, which Nova's CORS filter answers (`oslo_middleware/cors.py`).
    Options,
    /// The list of versions, at the root.
    List,
    /// The versions to choose from, at a path that names no version.
    Choices(&'p str),
    /// The redirect of a version's own path without a trailing slash, up to Juno.
    WithSlash(&'p str),
    /// The document of one version, at its own path, with or without a project after it.
    One(&'static Version, Place<'p>),
}

/// Finds the document at a path. Any other path under a version does not exist.
pub(crate) fn find<'p>(compat: &Compat, method: &Method, path: &'p str) -> Option<Discovery<'p>> {
    if *method == Method::OPTIONS {
        return Some(Discovery::Options);
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return Some(Discovery::List);
    }
    let is_single = compat.documents == Documents::Single;
    let mut segments = inner.split('/');
    let first = match segments.next() {
        // Up to Juno, both paths led to the only version.
        Some("v1.1") if is_single => Some("v2"),
        first => first,
    };
    let mut known = versions(compat.documents).iter();
    let Some(found) = known.find(|one| Some(one.segment) == first) else {
        return Some(Discovery::Choices(inner));
    };
    let project = match (segments.next(), segments.next(), segments.next()) {
        (None, ..) if is_single => return Some(Discovery::WithSlash(inner)),
        (None | Some(""), None, _) => None,
        (Some(project), Some(""), None) if !project.is_empty() && may_be_project(project) => {
            Some(project)
        }
        _ => return None,
    };
    let place = Place {
        version: found.segment,
        project,
    };
    Some(Discovery::One(found, place))
}

/// Whether a document stands at a path, whatever the method that is asked for. The choice of versions is not one: it is
/// the answer to any path that Nova does not know.
pub(crate) fn is_document(compat: &Compat, path: &str) -> bool {
    !matches!(
        find(compat, &Method::GET, path),
        None | Some(Discovery::Choices(_))
    )
}

impl Discovery<'_> {
    /// Returns the reply, with its operation for the log.
    pub(crate) fn document(&self, context: &NovaContext, head: RequestHead<'_>) -> Document {
        Document {
            reply: self.reply(context, head.headers),
            operation: "version",
            signed: matches!(self, Self::WithSlash(_) | Self::One(..)),
        }
    }

    fn reply(&self, context: &NovaContext, headers: &HeaderMap) -> Response<Bytes> {
        let media_type = MediaType::accepted(&context.compat, None, headers);
        let known = versions(context.compat.documents);
        match *self {
            Self::Options => Response::new(Bytes::new()),
            Self::List => {
                let body = match media_type.encoding {
                    Encoding::Json => list(context).into(),
                    Encoding::Xml => xml::documents::list(context, known),
                };
                reply(StatusCode::OK, media_type, body)
            }
            Self::Choices(path) => {
                let body = match media_type.encoding {
                    Encoding::Json => choices(context, path).into(),
                    Encoding::Xml => {
                        xml::documents::choices(context, known, path.trim_matches('/'))
                    }
                };
                reply(StatusCode::MULTIPLE_CHOICES, media_type, body)
            }
            Self::WithSlash(path) => with_slash(context, path),
            Self::One(version, place) => one_of(context, version, place, headers),
        }
    }
}

fn one_of(
    context: &NovaContext,
    found: &Version,
    place: Place<'_>,
    headers: &HeaderMap,
) -> Response<Bytes> {
    let mut responder = NovaResponder::of_images(context, place, headers, None);
    let negotiated = version::negotiate(found.segment, headers, &context.compat);
    responder.version = negotiated.version;
    if let Some(fault) = negotiated.refusal {
        return responder.fault(&fault);
    }
    if let Err(fault) = check_project(context, place) {
        return responder.fault(&fault);
    }
    let body = match responder.encoding() {
        Encoding::Json => one(context, found).into(),
        Encoding::Xml => xml::documents::one(context, found),
    };
    responder.success(body)
}

impl Version {
    fn max(&self, context: &NovaContext) -> String {
        match self.segment {
            version::VERSIONED => context.compat.max_microversion.to_string(),
            _ => String::new(),
        }
    }

    fn min(&self) -> String {
        match self.segment {
            version::VERSIONED => Microversion::MIN.to_string(),
            _ => String::new(),
        }
    }

    /// Returns the highest and the lowest microversion; both are empty for a version that has none. `None` if the
    /// document has no such members, as it was while there was only one version.
    pub(crate) fn microversions(&self, context: &NovaContext) -> Option<(String, String)> {
        let named = context.compat.documents != Documents::Single;
        named.then(|| (self.max(context), self.min()))
    }

    /// Writes the members that the list and the version's own document share.
    fn head(&self, context: &NovaContext) -> String {
        let Self {
            id,
            status,
            updated,
            ..
        } = self;
        let Some((max, min)) = self.microversions(context) else {
            return format!(r#""id": "{id}", "status": "{status}", "updated": "{updated}""#);
        };
        format!(
            r#""id": "{id}", "status": "{status}", "version": "{max}", "min_version": "{min}", "updated": "{updated}""#
        )
    }

    /// Returns the URL of a path under the version.
    pub(crate) fn url(&self, context: &NovaContext, path: &str) -> String {
        format!("{}/{}/{path}", context.base, self.segment)
    }

    /// Writes the self link to a path under the version.
    fn link(&self, context: &NovaContext, path: &str) -> String {
        let href = text::in_json(self.url(context, path));
        format!(r#"{{"rel": "self", "href": "{href}"}}"#)
    }

    fn media_types(&self) -> String {
        let types = self.media_types.iter();
        let types: Vec<_> = types
            .map(|(base, full)| format!(r#"{{"base": "{base}", "type": "{full}"}}"#))
            .collect();
        format!(r#""media-types": [{}]"#, types.join(", "))
    }
}

fn list(context: &NovaContext) -> String {
    let entries = versions(context.compat.documents).iter().map(|version| {
        let (head, link) = (version.head(context), version.link(context, ""));
        format!(r#"{{{head}, "links": [{link}]}}"#)
    });
    let entries: Vec<_> = entries.collect();
    format!(r#"{{"versions": [{}]}}"#, entries.join(", "))
}

fn one(context: &NovaContext, version: &Version) -> String {
    let (head, link) = (version.head(context), version.link(context, ""));
    let described = version.described.iter();
    let described: Vec<_> = described
        .map(|(kind, href)| {
            format!(r#"{{"rel": "describedby", "type": "{kind}", "href": "{href}"}}"#)
        })
        .collect();
    let described = described.join(", ");
    let media_types = version.media_types();
    format!(r#"{{"version": {{{head}, "links": [{link}, {described}], {media_types}}}}}"#)
}

fn choices(context: &NovaContext, path: &str) -> String {
    let entries = versions(context.compat.documents).iter().map(|version| {
        let Version { id, status, .. } = version;
        let link = version.link(context, path.trim_matches('/'));
        let media_types = version.media_types();
        format!(r#"{{"id": "{id}", "status": "{status}", "links": [{link}], {media_types}}}"#)
    });
    let entries: Vec<_> = entries.collect();
    format!(r#"{{"choices": [{}]}}"#, entries.join(", "))
}

/// Redirects a version path to itself with a trailing slash, as Nova did up to Juno.
fn with_slash(context: &NovaContext, path: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::new());
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("text/plain; charset=utf8"),
    );
    if let Ok(place) = HeaderValue::try_from(format!("{}/{path}/", context.base)) {
        headers.insert(LOCATION, place);
    }
    response
}

/// Builds a reply outside of the versions. There, JSON always has the type `application/json`.
fn reply(status: StatusCode, media_type: &MediaType, body: Bytes) -> Response<Bytes> {
    let content_type = match media_type.encoding {
        Encoding::Json => "application/json",
        Encoding::Xml => media_type.name,
    };
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}

#[cfg(test)]
mod tests;
