//! The version documents that clients discover an API by, for a proxy with no Nova behind it
//! (`nova/api/openstack/compute/versions.py`).

use bytes::Bytes;
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::request::caller::check_project;
use super::request::path::{Place, may_be_project};
use super::request::version;
use super::response::{text, xml};
use super::{NovaContext, NovaResponder};
use crate::model::Responder;
use crate::nova::compat::{Documents, Microversion};
use crate::nova::encoding::{Encoding, MediaType};
use crate::webob::urlmap::collapsed;

/// One version of the API.
pub(crate) struct Version {
    segment: &'static str,
    pub(crate) id: &'static str,
    pub(crate) status: &'static str,
    pub(crate) updated: &'static str,
    /// Base and full type of each.
    pub(crate) media_types: &'static [(&'static str, &'static str)],
    /// Links to what describes it: type and place.
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

/// When v2.0 last changed, before it was deprecated.
const V2_UPDATED: &str = "2011-01-21T11:33:21Z";

const V2_1: Version = Version {
    segment: version::VERSIONED,
    id: "v2.1",
    status: "CURRENT",
    updated: "2013-07-23T11:33:21Z",
    media_types: &[JSON_2_1],
    described: SITE,
};

/// The versions in the order of Nova's document.
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

/// What Nova answers without looking at a token: OPTIONS, which its CORS filter takes (`oslo_middleware/cors.py`), and
/// the version document at a path, if there is one: the list of versions at the root, one version at its own root
/// (with or without a project behind it), and the choices for everything that names no version. Whatever else stands
/// behind a version does not exist.
#[must_use]
pub fn document(
    context: &NovaContext,
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
    let path = collapsed(path);
    let inner = path.strip_prefix('/').unwrap_or(&path);
    let media_type = MediaType::accepted(&context.compat, None, headers);
    let known = versions(context.compat.documents);
    if inner.is_empty() {
        let body = match media_type.encoding {
            Encoding::Json => list(context).into(),
            Encoding::Xml => xml::documents::list(context, known),
        };
        return Some(reply(StatusCode::OK, media_type, body));
    }
    let is_single = context.compat.documents == Documents::Single;
    let mut segments = inner.split('/');
    let first = match segments.next() {
        // To Juno, both paths led to the one version.
        Some("v1.1") if is_single => Some("v2"),
        first => first,
    };
    let Some(found) = known.iter().find(|one| Some(one.segment) == first) else {
        let body = match media_type.encoding {
            Encoding::Json => choices(context, inner).into(),
            Encoding::Xml => xml::documents::choices(context, known, inner.trim_matches('/')),
        };
        return Some(reply(StatusCode::MULTIPLE_CHOICES, media_type, body));
    };
    let project = match (segments.next(), segments.next(), segments.next()) {
        (None, ..) if is_single => return Some(with_slash(context, inner)),
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
    let mut responder = NovaResponder::of_images(context, place, headers, None);
    let negotiated = version::negotiate(found.segment, headers, &context.compat);
    responder.version = negotiated.version;
    if let Some(fault) = negotiated.refusal {
        return Some(responder.fault(&fault));
    }
    if let Err(fault) = check_project(context, place) {
        return Some(responder.fault(&fault));
    }
    let body = match responder.encoding() {
        Encoding::Json => one(context, found).into(),
        Encoding::Xml => xml::documents::one(context, found),
    };
    Some(responder.success(body))
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

    /// The highest and the lowest microversion, which are empty where there are none. While there was one version alone,
    /// it named none.
    pub(crate) fn microversions(&self, context: &NovaContext) -> Option<(String, String)> {
        let named = context.compat.documents != Documents::Single;
        named.then(|| (self.max(context), self.min()))
    }

    /// The members that the list and the version's own document share.
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

    /// The URL of a path below the version.
    pub(crate) fn url(&self, context: &NovaContext, path: &str) -> String {
        format!("{}/{}/{path}", context.base, self.segment)
    }

    /// The self link, to a path below the version.
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

/// To Juno, a version without a slash at its end was redirected to itself with one.
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

/// Outside of the versions, JSON has its plain type, whatever was asked for.
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
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue, Method};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::document;
    use crate::nova::compat::{Compat, Microversion, Release};
    use crate::nova::front::NovaContext;

    fn context() -> NovaContext {
        NovaContext {
            base: "http://127.0.0.1:28774".to_owned(),
            compat: Arc::new(Compat {
                max_microversion: Microversion::NOVA_34,
                ..Compat::default()
            }),
            caller: None,
        }
    }

    fn get(path: &str) -> Option<(u16, String)> {
        document(&context(), &Method::GET, path, &HeaderMap::new()).map(|reply| {
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
        for path in ["/v2.1", "/v2.1/", "/v2.1/A/", "//v2.1//", "/v2.1/A//"] {
            assert_eq!(get(path), Some((200, expected.to_owned())), "{path}");
        }
        let (_, old) = get("/v2/").unwrap();
        assert!(
            old.starts_with(
                r#"{"version": {"id": "v2.0", "status": "DEPRECATED", "version": "", "#
            )
        );
        assert!(old.ends_with(r#"compute+json;version=2"}]}}"#));
        for path in ["/v2.1/A", "/v2.1/servers/", "/v2/A/nothing", "/v2/detail"] {
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
        let reply = document(&context(), &Method::GET, "/v2.1/", &asked("2.36")).unwrap();
        assert_eq!(reply.headers()["openstack-api-version"], "compute 2.36");
        let reply = document(&context(), &Method::GET, "/v2.1/", &asked("2.999")).unwrap();
        assert_eq!(reply.status(), 406);
        for path in ["/", "/v2/"] {
            let reply = document(&context(), &Method::GET, path, &asked("2.999")).unwrap();
            assert_eq!(reply.status(), 200);
            assert!(!reply.headers().contains_key("openstack-api-version"));
        }
        assert!(document(&context(), &Method::POST, "/", &HeaderMap::new()).is_none());
    }

    /// What a release answers: status, `Location` and body.
    fn of(release: Release, path: &str) -> (u16, String, Value) {
        let context = NovaContext {
            compat: Arc::new(Compat::of(release)),
            ..context()
        };
        let reply = document(&context, &Method::GET, path, &HeaderMap::new()).unwrap();
        let location = reply.headers().get("location");
        let location = location.map_or("", |place| place.to_str().unwrap());
        let body = serde_json::from_slice(reply.body()).unwrap_or_default();
        (reply.status().as_u16(), location.to_owned(), body)
    }

    #[test]
    fn icehouse_has_one_version() {
        let (status, _, list) = of(Release::Icehouse, "/");
        assert_eq!(status, 200);
        assert_eq!(
            list,
            json!({"versions": [{
                "id": "v2.0", "status": "CURRENT", "updated": "2011-01-21T11:33:21Z",
                "links": [{"rel": "self", "href": "http://127.0.0.1:28774/v2/"}],
            }]})
        );
        for path in ["/v2/", "/v1.1/", "/v2/A/"] {
            let (status, _, one) = of(Release::Icehouse, path);
            assert_eq!((status, &one["version"]["id"]), (200, &json!("v2.0")));
            assert_eq!(one["version"]["links"].as_array().unwrap().len(), 3);
            assert_eq!(one["version"]["media-types"][0]["base"], "application/xml");
        }
        for path in ["/v2", "/v1.1"] {
            let (status, place, _) = of(Release::Icehouse, path);
            assert_eq!(
                (status, place),
                (302, format!("http://127.0.0.1:28774{path}/"))
            );
        }
        let (status, _, choices) = of(Release::Icehouse, "/foo");
        assert_eq!(status, 300);
        assert_eq!(
            choices["choices"][0]["links"][0]["href"],
            "http://127.0.0.1:28774/v2/foo"
        );
    }

    #[test]
    fn before_nova_32_the_old_version_is_supported() {
        for (release, max) in [
            (Release::Kilo, "2.3"),
            (Release::Mitaka, "2.25"),
            (Release::Antelope, "2.35"),
        ] {
            let (_, _, list) = of(release, "/");
            assert_eq!(list["versions"][0]["status"], "SUPPORTED");
            assert_eq!(list["versions"][0]["updated"], "2011-01-21T11:33:21Z");
            assert_eq!(list["versions"][1]["version"], max);
        }
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
