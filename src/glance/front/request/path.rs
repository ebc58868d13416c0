//! The paths of Glance v2.

use http::Method;
use percent_encoding::percent_decode_str;

use crate::glance::front::discovery;
use crate::glance::tables::VERSIONS;
use crate::webob::urlmap::collapsed;

/// The resource that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum GlanceRoute {
    /// `/versions`: the list of versions.
    Versions,
    /// `/`, and every path whose first segment is not a version: the same list, as choices.
    Choices,
    /// `/healthcheck`: whether the service answers.
    Healthcheck,
    /// `/v2`, without a trailing slash.
    VersionRoot,
    /// `/v2/images`.
    Images,
    /// `/v2/images/{id}`. The id is the decoded segment, whatever its text.
    Image(String),
    /// `/v2/schemas/{name}`, with the document.
    Schema(&'static str),
    /// A path under a version that no Glance serves.
    Nowhere,
    /// A path under a version that this module does not handle.
    Elsewhere,
}

/// The methods of a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Methods {
    /// The value of the `Allow` header of a 405.
    pub allow: &'static str,
    /// The methods among them that this module does not handle.
    pub elsewhere: &'static [Method],
}

impl GlanceRoute {
    /// Returns the methods of a route that has a fixed set of them (`glance/api/v2/router.py`).
    pub(crate) fn methods(&self) -> Option<Methods> {
        match self {
            Self::Images => Some(Methods {
                allow: "GET, POST",
                elsewhere: &[Method::POST],
            }),
            Self::Image(_) => Some(Methods {
                allow: "GET, PATCH, DELETE",
                elsewhere: &[Method::PATCH, Method::DELETE],
            }),
            Self::Schema(_) => Some(Methods {
                allow: "GET",
                elsewhere: &[],
            }),
            _ => None,
        }
    }
}

/// Recognises a path that is still percent-encoded.
pub(crate) fn route(path: &str) -> GlanceRoute {
    let path = collapsed(path);
    let path = path.trim_start_matches('/');
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    if first == "versions" {
        return GlanceRoute::Versions;
    }
    if first == "healthcheck" {
        return GlanceRoute::Healthcheck;
    }
    if !is_version(first) {
        return GlanceRoute::Choices;
    }
    let Some(rest) = rest else {
        return GlanceRoute::VersionRoot;
    };
    let mut segments = rest.split('/');
    match (segments.next(), segments.next(), segments.next()) {
        (Some(""), None, None) | (Some("images"), Some(""), None) => GlanceRoute::Nowhere,
        (Some("images"), None, None) => GlanceRoute::Images,
        (Some("images"), Some(id), None) => image(id),
        (Some("schemas"), Some(name), None) => {
            discovery::schema(name).map_or(GlanceRoute::Elsewhere, GlanceRoute::Schema)
        }
        _ => GlanceRoute::Elsewhere,
    }
}

/// Whether the segment is `v2` or one of the listed versions.
fn is_version(segment: &str) -> bool {
    segment == "v2" || VERSIONS.contains(&segment)
}

/// Reads an image id, which may be any text. WSGI passes paths as Latin-1, so Glance reads and echoes the id in that
/// encoding. Glance reads an encoded slash as a path separator, and then no route matches.
fn image(segment: &str) -> GlanceRoute {
    let id: String = percent_decode_str(segment).map(char::from).collect();
    if id.contains('/') {
        GlanceRoute::Nowhere
    } else {
        GlanceRoute::Image(id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{GlanceRoute, route};

    #[test]
    fn paths_are_routed_as_glance_routes_them() {
        let image = |id: &str| GlanceRoute::Image(id.to_owned());
        for (path, expected) in [
            ("/", GlanceRoute::Choices),
            ("", GlanceRoute::Choices),
            ("/v1", GlanceRoute::Choices),
            ("/v1/images", GlanceRoute::Choices),
            ("/v3/images", GlanceRoute::Choices),
            ("/v2.99/images", GlanceRoute::Choices),
            ("/versions", GlanceRoute::Versions),
            ("/healthcheck", GlanceRoute::Healthcheck),
            ("/healthcheck/", GlanceRoute::Healthcheck),
            ("/healthchecks", GlanceRoute::Choices),
            ("/v2/healthcheck", GlanceRoute::Elsewhere),
            ("/v2", GlanceRoute::VersionRoot),
            ("/v2/", GlanceRoute::Nowhere),
            ("/v2/images", GlanceRoute::Images),
            ("/v2.0/images", GlanceRoute::Images),
            ("/v2.9/images", GlanceRoute::Images),
            ("/v2/images/", GlanceRoute::Nowhere),
            ("/v2/images/detail", image("detail")),
            ("/v2/images/a%20b", image("a b")),
            ("/v2/images/%C3%A9", image("Ã©")),
            ("/v2/images/a%2Fb", GlanceRoute::Nowhere),
            ("/v2/images/a/file", GlanceRoute::Elsewhere),
            ("/v2/images/a/", GlanceRoute::Elsewhere),
            ("/v2/foo", GlanceRoute::Elsewhere),
            ("/v2/tasks/1", GlanceRoute::Elsewhere),
            ("/v2/schemas/task", GlanceRoute::Elsewhere),
            ("//v2//images", GlanceRoute::Images),
            ("/v2/images//a", image("a")),
            ("/v2/images//", GlanceRoute::Nowhere),
            ("//", GlanceRoute::Choices),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
        for name in ["image", "images", "member", "members"] {
            assert!(matches!(
                route(&format!("/v2/schemas/{name}")),
                GlanceRoute::Schema(_)
            ));
        }
    }

    proptest! {
        #[test]
        fn no_path_panics(path in "(/|%|v2|images|\\PC){0,12}") {
            let _ = route(&path);
        }
    }
}
