//! One image.

use http::Response;

use super::{Asking, read_whole, whole};
use crate::model::{Call, Face, Fault, ImageId};
use crate::proxy::body::Body;

/// Fetches the image and has the face write the view that was asked for.
pub async fn show(asking: &Asking, id: &ImageId, face: &dyn Face) -> Result<Response<Body>, Fault> {
    let call = Call::Show(id.clone());
    let reply = asking.ask(&call, asking.back.show(id)).await?;
    let json = read_whole(reply, asking.limits.element).await?;
    let image = asking.back.shown(&json)?;
    face.show(&image).map(whole)
}
