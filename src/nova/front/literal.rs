//! What routes and headers mean where Nova's own mistakes are wanted, or an old Nova's ways.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};

use super::path::{self, MetadataKey, Place, Route};
use crate::model::{Fault, Reason};
use crate::nova::compat::Compat;
use crate::nova::tables::Operation;

/// The version that Nova dropped after Liberty.
const DROPPED: &str = "v1.1";
/// The one collection that old releases had a method to create in, which refused.
const IMAGES: &str = "/images";

/// The route that is left of one where Nova has fewer.
pub(super) fn narrowed<'p>(compat: &Compat, method: &Method, route: Route<'p>) -> Route<'p> {
    let quirks = compat.quirks;
    let no_key = |key: Option<&MetadataKey>| key.is_some_and(|key| !key.as_str().is_ascii());
    match route {
        Route::Image { place, .. } | Route::NoImage { place, .. } | Route::NoItem { place, .. }
            if quirks.no_v1_1 && place.version == DROPPED =>
        {
            Route::Elsewhere
        }
        Route::Image { place, .. } | Route::NoImage { place, .. } | Route::NoItem { place, .. }
            if (quirks.no_head && method == Method::HEAD)
                || (quirks.hex_projects && !place.project.is_none_or(is_hex)) =>
        {
            Route::Nowhere
        }
        Route::Image {
            place,
            operation,
            key,
            ..
        } if quirks.odd_input && no_key(key.as_ref()) => Route::NoItem { place, operation },
        route => route,
    }
}

/// Where and what a request wants to create, if it is the one that old releases refused with a status of its own.
pub(super) fn refused_creation<'p>(
    compat: &Compat,
    method: &Method,
    path: &'p str,
) -> Option<(Place<'p>, &'static Operation)> {
    if method != Method::POST || compat.post_images != StatusCode::METHOD_NOT_ALLOWED.as_u16() {
        return None;
    }
    match path::recognise(&Method::GET, path) {
        Route::Image {
            place, operation, ..
        } if operation.path == IMAGES => Some((place, operation)),
        _ => None,
    }
}

/// The refusal of that request (`nova/api/openstack/compute/images.py`, `create`), in WebOb's words.
pub(super) fn no_creation() -> Fault {
    Fault::client(
        StatusCode::METHOD_NOT_ALLOWED,
        Reason::BadRequest,
        "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    )
}

/// Refuses a read whose Content-Type is none that Nova knows (`nova/api/openstack/wsgi.py`, `get_content_type`).
pub(super) fn check_content_type(compat: &Compat, headers: &HeaderMap) -> Result<(), Fault> {
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
        Reason::BadRequest,
        "Unsupported Content-Type",
    ))
}

/// Nova's form of a project in a path (`nova/api/openstack/__init__.py`, `ProjectMapper`).
fn is_hex(project: &str) -> bool {
    project
        .bytes()
        .all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f' | b'-'))
}
