//! The path at which a client finds the image that a server action creates.

use http::Method;

use super::literal_routes;
use super::path::{NovaRoute, Segment, recognise, version};
use crate::nova::compat::Compat;
use crate::nova::encoding::MediaType;
use crate::nova::tables::View;
use crate::webob::urlmap::collapsed;

/// The last segment of the path of a server action.
const ACTION: &str = "action";

/// Returns the path of the image list in the server's project, if the request may create an image of a server (`POST
/// .../servers/{id}/action`) and images are served there. `path` comes without the listener's `base_path`.
#[must_use]
pub(crate) fn created_images(compat: &Compat, method: &Method, path: &str) -> Option<String> {
    if method != Method::POST {
        return None;
    }
    let (_, last) = path.rsplit_once('/')?;
    let last = Segment::read(last);
    let action = last
        .text
        .as_deref()
        .filter(|text| text.starts_with(ACTION))?;
    let path = collapsed(path);
    let segments: Vec<_> = path.split('/').skip(1).map(Segment::read).collect();
    let (place, [servers, server, _]) = segments.split_last_chunk()?;
    let stem = MediaType::of_suffix(compat, version(&path)?, action);
    let is_action = stem.map_or(action, |(stem, _)| stem) == ACTION;
    if !is_action || !servers.is("servers") || !server.is_plain() {
        return None;
    }
    let place: String = place
        .iter()
        .flat_map(|segment| ["/", segment.raw])
        .collect();
    let images = place + "/images";
    let route = recognise(&Method::GET, &images);
    let is_served = matches!(
        literal_routes::narrowed(compat, &Method::GET, &images, route),
        NovaRoute::Image { operation, .. } if operation.view == View::Brief
    );
    is_served.then_some(images)
}
