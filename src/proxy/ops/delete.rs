//! Deletes one image.

use http::Response;

use super::{UpstreamSession, whole};
use crate::model::{Call, Fault, Responder, UpstreamRequest};
use crate::net::body::Body;

/// Has the upstream delete the image.
pub(super) async fn delete(
    session: &UpstreamSession,
    call: &Call,
    delete: UpstreamRequest,
    responder: &dyn Responder,
) -> Result<Response<Body>, Fault> {
    session.send(call, delete).await?;
    Ok(whole(responder.deleted()))
}
