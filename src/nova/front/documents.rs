//! The version documents that clients discover an API by, for a proxy with no Nova behind it
//! (`nova/api/openstack/compute/versions.py`, as of nova 34).

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::caller::check_project;
use super::path::{Place, may_be_project};
use super::version;
use super::{Ground, NovaFace, text};
use crate::model::Face;
use crate::nova::compat::Microversion;

/// One version of the API.
struct Version {
    segment: &'static str,
    id: &'static str,
    status: &'static str,
    updated: &'static str,
    media_type: &'static str,
}

/// The versions in the order of Nova's document.
const VERSIONS: [Version; 2] = [
    Version {
        segment: "v2",
        id: "v2.0",
        status: "DEPRECATED",
        updated: "2025-07-04T12:00:00Z",
        media_type: "application/vnd.openstack.compute+json;version=2",
    },
    Version {
        segment: version::VERSIONED,
        id: "v2.1",
        status: "CURRENT",
        updated: "2013-07-23T11:33:21Z",
        media_type: "application/vnd.openstack.compute+json;version=2.1",
    },
];

/// OPTIONS, which Nova's CORS filter takes (`oslo_middleware/cors.py`), and the version document at a path, if there is one: the list of versions at the root, one version at its own root
/// (with or without a project behind it), and the choices for everything that names no version. Whatever else stands
/// behind a version does not exist.
#[must_use]
pub fn document(
    ground: &Ground,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Option<Response<Bytes>> {
    if *method == Method::OPTIONS {
        return Some(Response::new(Bytes::new()));
    }
    if !matches!(*method, Method::GET | Method::HEAD) {
        return None;
    }
    let inner = path.strip_prefix('/').unwrap_or(path);
    if inner.is_empty() {
        return Some(json(StatusCode::OK, &list(ground)));
    }
    let mut segments = inner.split('/');
    let first = segments.next();
    let Some(found) = VERSIONS.iter().find(|one| Some(one.segment) == first) else {
        return Some(json(StatusCode::MULTIPLE_CHOICES, &choices(ground, inner)));
    };
    let project = match (segments.next(), segments.next(), segments.next()) {
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
    let mut face = NovaFace::of_images(ground, place, headers);
    let negotiated = version::negotiate(found.segment, headers, &ground.compat);
    face.version = negotiated.version;
    if let Some(fault) = negotiated.refusal {
        return Some(face.fault(&fault));
    }
    if let Err(fault) = check_project(ground, place) {
        return Some(face.fault(&fault));
    }
    Some(face.success(Bytes::from(one(ground, found))))
}

impl Version {
    fn max(&self, ground: &Ground) -> String {
        match self.segment {
            version::VERSIONED => ground.compat.max_microversion.to_string(),
            _ => String::new(),
        }
    }

    fn min(&self) -> String {
        match self.segment {
            version::VERSIONED => Microversion::MIN.to_string(),
            _ => String::new(),
        }
    }

    /// The members that the list and the version's own document share.
    fn head(&self, ground: &Ground) -> String {
        let Self {
            id,
            status,
            updated,
            ..
        } = self;
        let (max, min) = (self.max(ground), self.min());
        format!(
            r#""id": "{id}", "status": "{status}", "version": "{max}", "min_version": "{min}", "updated": "{updated}""#
        )
    }

    /// The self link, to a path below the version.
    fn link(&self, ground: &Ground, path: &str) -> String {
        let href = text::in_json(&format!("{}/{}/{path}", ground.base, self.segment));
        format!(r#"{{"rel": "self", "href": "{href}"}}"#)
    }

    fn media_types(&self) -> String {
        let media_type = self.media_type;
        format!(r#""media-types": [{{"base": "application/json", "type": "{media_type}"}}]"#)
    }
}

fn list(ground: &Ground) -> String {
    let entries = VERSIONS.map(|version| {
        let (head, link) = (version.head(ground), version.link(ground, ""));
        format!(r#"{{{head}, "links": [{link}]}}"#)
    });
    format!(r#"{{"versions": [{}]}}"#, entries.join(", "))
}

fn one(ground: &Ground, version: &Version) -> String {
    let (head, link) = (version.head(ground), version.link(ground, ""));
    let described =
        r#"{"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}"#;
    let media_types = version.media_types();
    format!(r#"{{"version": {{{head}, "links": [{link}, {described}], {media_types}}}}}"#)
}

fn choices(ground: &Ground, path: &str) -> String {
    let entries = VERSIONS.map(|version| {
        let Version { id, status, .. } = &version;
        let link = version.link(ground, path.trim_matches('/'));
        let media_types = version.media_types();
        format!(r#"{{"id": "{id}", "status": "{status}", "links": [{link}], {media_types}}}"#)
    });
    format!(r#"{{"choices": [{}]}}"#, entries.join(", "))
}

fn json(status: StatusCode, body: &str) -> Response<Bytes> {
    let mut response = Response::new(Bytes::copy_from_slice(body.as_bytes()));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use proptest::prelude::*;
    use serde_json::Value;

    use super::document;
    use crate::nova::compat::{Compat, Microversion};
    use crate::nova::front::Ground;

    fn ground() -> Ground {
        Ground {
            base: "http://127.0.0.1:28774".to_owned(),
            compat: Arc::new(Compat {
                max_microversion: Microversion::NOVA_34,
                ..Compat::default()
            }),
            caller: None,
        }
    }

    fn get(path: &str) -> Option<(u16, String)> {
        document(&ground(), &Method::GET, path, &HeaderMap::new()).map(|reply| {
            let body = String::from_utf8(reply.body().to_vec()).unwrap();
            (reply.status().as_u16(), body)
        })
    }

    #[test]
    fn the_root_lists_the_versions() {
        let expected = concat!(
            r#"{"versions": [{"id": "v2.0", "status": "DEPRECATED", "version": "", "min_version": "", "#,
            r#""updated": "2025-07-04T12:00:00Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/"}]}, "#,
            r#"{"id": "v2.1", "status": "CURRENT", "version": "2.104", "min_version": "2.1", "#,
            r#""updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/"}]}]}"#,
        );
        for path in ["/", ""] {
            assert_eq!(get(path), Some((200, expected.to_owned())));
        }
    }

    #[test]
    fn a_version_describes_itself() {
        let expected = concat!(
            r#"{"version": {"id": "v2.1", "status": "CURRENT", "version": "2.104", "min_version": "2.1", "#,
            r#""updated": "2013-07-23T11:33:21Z", "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/"}, "#,
            r#"{"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}], "media-types": "#,
            r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]}}"#,
        );
        for path in ["/v2.1", "/v2.1/", "/v2.1/A/"] {
            assert_eq!(get(path), Some((200, expected.to_owned())), "{path}");
        }
        let (_, old) = get("/v2/").unwrap();
        assert!(
            old.starts_with(
                r#"{"version": {"id": "v2.0", "status": "DEPRECATED", "version": "", "#
            )
        );
        assert!(old.ends_with(r#"compute+json;version=2"}]}}"#));
        for path in [
            "/v2.1/A",
            "/v2.1/servers/",
            "/v2/A/nothing",
            "/v2/detail",
            "/v2.1//",
            "/v2.1/A//",
        ] {
            assert_eq!(get(path), None, "{path}");
        }
    }

    #[test]
    fn other_roots_offer_choices() {
        let expected = concat!(
            r#"{"choices": [{"id": "v2.0", "status": "DEPRECATED", "#,
            r#""links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/v3"}], "media-types": "#,
            r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2"}]}, "#,
            r#"{"id": "v2.1", "status": "CURRENT", "#,
            r#""links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2.1/v3"}], "media-types": "#,
            r#"[{"base": "application/json", "type": "application/vnd.openstack.compute+json;version=2.1"}]}]}"#,
        );
        assert_eq!(get("/v3/"), Some((300, expected.to_owned())));
        for path in ["/versions", "/images", "/v1.1/", "/A/images/x"] {
            assert_eq!(get(path).map(|(status, _)| status), Some(300), "{path}");
        }
    }

    #[test]
    fn a_version_is_under_microversions_and_the_root_is_not() {
        let asked = |value| {
            let name = HeaderName::from_static("x-openstack-nova-api-version");
            HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
        };
        let reply = document(&ground(), &Method::GET, "/v2.1/", &asked("2.36")).unwrap();
        assert_eq!(reply.headers()["openstack-api-version"], "compute 2.36");
        let reply = document(&ground(), &Method::GET, "/v2.1/", &asked("2.999")).unwrap();
        assert_eq!(reply.status(), 406);
        for path in ["/", "/v2/"] {
            let reply = document(&ground(), &Method::GET, path, &asked("2.999")).unwrap();
            assert_eq!(reply.status(), 200);
            assert!(!reply.headers().contains_key("openstack-api-version"));
        }
        assert!(document(&ground(), &Method::POST, "/", &HeaderMap::new()).is_none());
    }

    proptest! {
        #[test]
        fn every_document_is_json_in_ascii(path in "/\\PC{0,30}") {
            if let Some((_, body)) = get(&path) {
                prop_assert!(body.is_ascii());
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok());
            }
        }
    }
}
