//! Which path is which.

use http::Method;
use percent_encoding::percent_decode_str;

use super::document;
use crate::glance::tables::VERSIONS;
use crate::webob::urlmap::collapsed;

/// What a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// `/versions`: the list of versions.
    Versions,
    /// `/` and every first segment that is no version: the same list, as choices.
    Choices,
    /// `/healthcheck`: that the service answers.
    Healthcheck,
    /// `/v2`, without a slash behind it.
    VersionRoot,
    /// `/v2/images`.
    Images,
    /// `/v2/images/{id}`; the id is whatever stood there, decoded.
    Image(String),
    /// `/v2/schemas/{name}`, with the document.
    Schema(&'static str),
    /// Under a version and nothing that any Glance serves.
    Nowhere,
    /// Under a version, and not this half's affair.
    Elsewhere,
}

/// The methods that a resource has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Methods {
    /// What the `Allow` header of a 405 says.
    pub allow: &'static str,
    /// Those of them that are none of this half's.
    pub elsewhere: &'static [Method],
}

impl Route {
    /// The methods of a route that has a fixed set of them (`glance/api/v2/router.py`).
    pub fn methods(&self) -> Option<Methods> {
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

/// Reads a path that is still percent-encoded.
pub fn route(path: &str) -> Route {
    let path = collapsed(path);
    let path = path.trim_start_matches('/');
    let (first, rest) = match path.split_once('/') {
        Some((first, rest)) => (first, Some(rest)),
        None => (path, None),
    };
    if first == "versions" {
        return Route::Versions;
    }
    if first == "healthcheck" {
        return Route::Healthcheck;
    }
    if !is_version(first) {
        return Route::Choices;
    }
    let Some(rest) = rest else {
        return Route::VersionRoot;
    };
    let mut segments = rest.split('/');
    match (segments.next(), segments.next(), segments.next()) {
        (Some(""), None, None) | (Some("images"), Some(""), None) => Route::Nowhere,
        (Some("images"), None, None) => Route::Images,
        (Some("images"), Some(id), None) => image(id),
        (Some("schemas"), Some(name), None) => {
            document::schema(name).map_or(Route::Elsewhere, Route::Schema)
        }
        _ => Route::Elsewhere,
    }
}

/// `v2` and every version of the list.
fn is_version(segment: &str) -> bool {
    segment == "v2" || VERSIONS.contains(&segment)
}

/// An id in a path is any text. WSGI hands paths over as Latin-1, so that is how Glance reads and echoes it. A
/// slash, however spelled, is a path separator to Glance: nothing is routed there.
fn image(segment: &str) -> Route {
    let id: String = percent_decode_str(segment).map(char::from).collect();
    if id.contains('/') {
        Route::Nowhere
    } else {
        Route::Image(id)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Route, route};

    #[test]
    fn paths_and_what_they_name() {
        let image = |id: &str| Route::Image(id.to_owned());
        for (path, expected) in [
            ("/", Route::Choices),
            ("", Route::Choices),
            ("/v1", Route::Choices),
            ("/v1/images", Route::Choices),
            ("/v3/images", Route::Choices),
            ("/v2.99/images", Route::Choices),
            ("/versions", Route::Versions),
            ("/healthcheck", Route::Healthcheck),
            ("/healthcheck/", Route::Healthcheck),
            ("/healthchecks", Route::Choices),
            ("/v2/healthcheck", Route::Elsewhere),
            ("/v2", Route::VersionRoot),
            ("/v2/", Route::Nowhere),
            ("/v2/images", Route::Images),
            ("/v2.0/images", Route::Images),
            ("/v2.9/images", Route::Images),
            ("/v2/images/", Route::Nowhere),
            ("/v2/images/detail", image("detail")),
            ("/v2/images/a%20b", image("a b")),
            ("/v2/images/%C3%A9", image("Ã©")),
            ("/v2/images/a%2Fb", Route::Nowhere),
            ("/v2/images/a/file", Route::Elsewhere),
            ("/v2/images/a/", Route::Elsewhere),
            ("/v2/foo", Route::Elsewhere),
            ("/v2/tasks/1", Route::Elsewhere),
            ("/v2/schemas/task", Route::Elsewhere),
            ("//v2//images", Route::Images),
            ("/v2/images//a", image("a")),
            ("/v2/images//", Route::Nowhere),
            ("//", Route::Choices),
        ] {
            assert_eq!(route(path), expected, "{path}");
        }
        for name in ["image", "images", "member", "members"] {
            assert!(matches!(
                route(&format!("/v2/schemas/{name}")),
                Route::Schema(_)
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
