//! The end of one image.

use http::Response;

use super::{UpstreamSession, whole};
use crate::model::{Call, Fault, ImageId, Responder};
use crate::net::body::Body;

/// Has the upstream delete the image.
pub async fn delete(
    session: &UpstreamSession,
    id: &ImageId,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    let call = Call::Delete(id.clone());
    session.send(&call, session.back.delete(id)).await?;
    Ok(whole(responder.deleted()))
}
