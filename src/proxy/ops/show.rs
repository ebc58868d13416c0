//! One image.

use http::Response;

use super::{UpstreamSession, read_whole, whole};
use crate::model::{Call, Fault, Responder, UpstreamRequest};
use crate::net::body::Body;

/// Fetches the image and has the responder write the view that was asked for.
pub(super) async fn show(
    session: &UpstreamSession,
    call: &Call,
    fetch: UpstreamRequest,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    let reply = session.send(call, fetch).await?;
    let json = read_whole(reply, session.limits.element).await?;
    let image = session.back.shown(&json)?;
    responder.show(&image).map(whole)
}
