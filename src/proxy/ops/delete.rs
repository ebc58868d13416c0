//! The end of one image.

use http::Response;

use super::{Asking, whole};
use crate::model::{Call, Face, Fault, ImageId};
use crate::proxy::body::Body;

/// Has the upstream delete the image.
pub async fn delete(
    asking: &Asking,
    id: &ImageId,
    face: &dyn Face,
) -> Result<Response<Body>, Fault> {
    let call = Call::Delete(id.clone());
    asking.ask(&call, asking.back.delete(id)).await?;
    Ok(whole(face.deleted()))
}
