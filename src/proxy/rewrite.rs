//! What changes in replies that pass through, a function for each [`Rewrite`].

use http::Response;
use http::header::{HeaderMap, HeaderValue, LOCATION};

use crate::model::{ImageId, Rewrite};
use crate::net::body::Body;

/// The reply with its change. Links to this proxy begin with `base`: see
/// [`client_base`](super::forwarded::client_base).
pub(super) fn apply(rewrite: &Rewrite, mut reply: Response<Body>, base: &str) -> Response<Body> {
    match rewrite {
        Rewrite::CreatedImage(images) => {
            if reply.status().is_success() {
                created_image(reply.headers_mut(), base, images);
            }
        }
    }
    reply
}

/// Nova answers createImage with the image's address in Glance (`nova/image/glance.py`, `generate_image_url`), which a
/// legacy client may not reach. Any address that ends in `/images/{id}` is replaced, whatever its host, since Nova may
/// know Glance by another name than this proxy does. An address that leads to this proxy stays.
fn created_image(headers: &mut HeaderMap, base: &str, images: &str) {
    let Some(location) = headers.get(LOCATION).and_then(|value| value.to_str().ok()) else {
        return;
    };
    let id = location
        .rsplit_once("/images/")
        .and_then(|(_, id)| ImageId::parse(id));
    let is_here = location
        .strip_prefix(base)
        .is_some_and(|rest| rest.starts_with("/v1") || rest.starts_with("/v2"));
    if let (Some(id), false) = (id, is_here)
        && let Ok(value) = HeaderValue::from_str(&format!("{images}/{id}"))
    {
        headers.insert(LOCATION, value);
    }
}
