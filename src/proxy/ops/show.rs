//! One image.

use http::Response;

use super::{UpstreamSession, read_whole, whole};
use crate::model::{Call, Fault, ImageId, Responder};
use crate::net::body::Body;

/// Fetches the image and has the responder write the view that was asked for.
pub async fn show(
    session: &UpstreamSession,
    id: &ImageId,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    let call = Call::Show(id.clone());
    let reply = session.send(&call, session.back.show(id)).await?;
    let json = read_whole(reply, session.limits.element).await?;
    let image = session.back.shown(&json)?;
    responder.show(&image).map(whole)
}
