//! The meaning of routes and headers with Nova's own mistakes, or with the behaviour of old releases.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};

use super::path::{self, MetadataKey, NovaRoute, Place};
use crate::model::{Fault, Reason};
use crate::nova::compat::Compat;
use crate::nova::tables::Operation;

/// The version that Nova removed after Liberty.
const DROPPED: &str = "v1.1";
/// The only collection for which old releases had a method to create in. It refused.
const IMAGES: &str = "/images";

/// Removes the route if Nova does not have it.
pub(crate) fn narrowed<'p>(
    compat: &Compat,
    method: &Method,
    path: &str,
    route: NovaRoute<'p>,
) -> NovaRoute<'p> {
    let quirks = compat.quirks;
    if quirks.no_v1_1 && path.split('/').nth(1) == Some(DROPPED) {
        return NovaRoute::Elsewhere;
    }
    let no_key = |key: Option<&MetadataKey>| key.is_some_and(|key| !key.as_str().is_ascii());
    match route {
        NovaRoute::Image { place, .. }
        | NovaRoute::NoImage { place, .. }
        | NovaRoute::NoItem { place, .. }
            if quirks.hex_projects && !place.project.is_none_or(is_hex) =>
        {
            NovaRoute::Nowhere
        }
        NovaRoute::Image { .. } | NovaRoute::NoImage { .. } | NovaRoute::NoItem { .. }
            if quirks.no_head && method == Method::HEAD =>
        {
            NovaRoute::NoMethod
        }
        NovaRoute::Image {
            place,
            operation,
            key,
            ..
        } if quirks.odd_input && no_key(key.as_ref()) => NovaRoute::NoItem { place, operation },
        route => route,
    }
}

/// Returns the place and the operation of `POST /images`, if the release refuses it with a status of its own.
pub(crate) fn refused_creation<'p>(
    compat: &Compat,
    method: &Method,
    path: &'p str,
) -> Option<(Place<'p>, &'static Operation)> {
    if method != Method::POST || compat.post_images != StatusCode::METHOD_NOT_ALLOWED.as_u16() {
        return None;
    }
    match path::recognise(&Method::GET, path) {
        NovaRoute::Image {
            place, operation, ..
        } if operation.path == IMAGES => Some((place, operation)),
        _ => None,
    }
}

/// Returns the refusal of `POST /images` (`nova/api/openstack/compute/images.py`, `create`), in WebOb's words.
pub(crate) fn no_creation() -> Fault {
    Fault::client(
        StatusCode::METHOD_NOT_ALLOWED,
        Reason::BadMethod,
        "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    )
}

/// Refuses a read whose Content-Type Nova does not know (`nova/api/openstack/wsgi.py`, `get_content_type`).
pub(crate) fn check_content_type(compat: &Compat, headers: &HeaderMap) -> Result<(), Fault> {
    const KNOWN: [&str; 4] = [
        "",
        "text/plain",
        "application/json",
        "application/vnd.openstack.compute+json",
    ];
    if !compat.quirks.typed_reads {
        return Ok(());
    }
    let Some(value) = headers.get(CONTENT_TYPE) else {
        return Ok(());
    };
    let value = String::from_utf8_lossy(value.as_bytes());
    let media_type = value.split(';').next().unwrap_or_default();
    if KNOWN.contains(&media_type) {
        return Ok(());
    }
    Err(Fault::client(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        Reason::MediaType,
        "Unsupported Content-Type",
    ))
}

/// Whether the project has Nova's form for a path (`nova/api/openstack/__init__.py`, `ProjectMapper`).
fn is_hex(project: &str) -> bool {
    project
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::header::CONTENT_TYPE;
    use http::{HeaderMap, HeaderValue, Method};

    use crate::model::{Call, Recognized, RequestHead};
    use crate::nova::compat::{Compat, Release};
    use crate::nova::front::{NovaContext, read};

    /// Returns `mine`, `elsewhere`, `document`, or the status of the refusal.
    fn outcome(compat: Compat, method: &Method, path: &str, content_type: Option<&str>) -> String {
        let context = NovaContext {
            base: "http://h".to_owned(),
            compat: Arc::new(compat),
            caller: None,
        };
        let mut headers = HeaderMap::new();
        if let Some(value) = content_type {
            headers.insert(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
        }
        match read(
            &context,
            RequestHead {
                method,
                path,
                query: None,
                headers: &headers,
            },
        ) {
            Recognized::Call(_) | Recognized::NeedsBody(_) => "mine".to_owned(),
            Recognized::Reply(_) => "document".to_owned(),
            Recognized::PassThrough(_) => "elsewhere".to_owned(),
            Recognized::Refused(refused) => {
                let reply = refused.responder.fault(&refused.fault);
                reply.status().as_u16().to_string()
            }
        }
    }

    #[test]
    fn literal_mode_has_fewer_routes() {
        let (get, head) = (Method::GET, Method::HEAD);
        for (release, method, path, right, literal) in [
            (Release::Modern, &head, "/v2/images/x", "mine", "404"),
            (Release::Icehouse, &head, "/v2/A/images", "mine", "404"),
            (Release::Modern, &get, "/v2/alpha/images", "mine", "404"),
            (Release::Modern, &get, "/v2/a-0/images", "mine", "mine"),
            (Release::Icehouse, &get, "/v2/alpha/images", "mine", "mine"),
            (Release::Modern, &get, "/v1.1/a/images", "mine", "elsewhere"),
            (Release::Modern, &get, "/v1.1/images/", "404", "elsewhere"),
            (Release::Kilo, &get, "/v1.1/a/images", "mine", "mine"),
            (
                Release::Modern,
                &get,
                "/v2/images/x/metadata/%C3%A9",
                "mine",
                "404",
            ),
            (
                Release::Modern,
                &get,
                "/v2/images/x/metadata/e",
                "mine",
                "mine",
            ),
            (
                Release::Modern,
                &get,
                "/v2/servers",
                "elsewhere",
                "elsewhere",
            ),
        ] {
            let by = Compat::of(release);
            assert_eq!(outcome(by.clone(), method, path, None), right, "{path}");
            assert_eq!(outcome(by.literal(), method, path, None), literal, "{path}");
        }
    }

    #[test]
    fn literal_mode_refuses_reads_with_an_unknown_content_type() {
        for (content_type, literal) in [
            ("application/octet-stream", "415"),
            ("APPLICATION/JSON", "415"),
            ("application/json; charset=UTF-8", "mine"),
            ("application/vnd.openstack.compute+json", "mine"),
            ("text/plain", "mine"),
            ("", "mine"),
        ] {
            let of = |compat| outcome(compat, &Method::GET, "/v2/images", Some(content_type));
            assert_eq!(of(Compat::default()), "mine");
            assert_eq!(of(Compat::default().literal()), literal, "{content_type}");
            assert_eq!(of(Compat::of(Release::Icehouse).literal()), "mine");
        }
    }

    #[test]
    fn old_releases_refuse_to_create_images() {
        for (release, path, expected) in [
            (Release::Icehouse, "/v2/A/images", "405"),
            (Release::Mitaka, "/v2/images", "405"),
            (Release::Icehouse, "/v2/A/images/detail", "elsewhere"),
            (Release::Icehouse, "/v2/A/servers", "elsewhere"),
            (Release::Antelope, "/v2/A/images", "elsewhere"),
        ] {
            let is = outcome(Compat::of(release), &Method::POST, path, None);
            assert_eq!(is, expected, "{release:?} {path}");
        }
    }

    #[test]
    fn odd_markers_and_numbers_are_read_as_nova_reads_them() {
        let call = |compat: Compat, query: &str| {
            let context = NovaContext {
                base: String::new(),
                compat: Arc::new(compat),
                caller: None,
            };
            match read(
                &context,
                RequestHead {
                    method: &Method::GET,
                    path: "/v2/images",
                    query: Some(query),
                    headers: &HeaderMap::new(),
                },
            ) {
                Recognized::Call(asked) => match asked.call {
                    Call::List(query) => Some((query.limit, query.marker)),
                    _ => None,
                },
                _ => None,
            }
        };
        let literal = || Compat::default().literal();
        let marker = |text: &str| Some((None, Some(text.to_owned())));
        assert_eq!(call(Compat::default(), "marker=a%26b%23c"), marker("a&b#c"));
        assert_eq!(call(literal(), "marker=a%26visibility=all"), marker("a"));
        assert_eq!(call(literal(), "marker=%23"), marker(""));
        assert_eq!(call(Compat::default(), "limit=5%0A"), None);
        assert_eq!(call(literal(), "limit=5%0A"), Some((Some(5), None)));
        assert_eq!(call(literal(), "limit=%0A"), None);
        assert_eq!(
            call(Compat::of(Release::Kilo), "limit=0"),
            Some((None, None))
        );
    }
}
