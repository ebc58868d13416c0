//! Other custom properties for one image.

use http::{Response, StatusCode};

use super::{Asking, read_whole, whole};
use crate::model::{Call, Change, Face, Fault, Image, ImageId, Reason};
use crate::proxy::body::Body;

/// How often a change that met a conflict is tried again.
const RETRIES: usize = 3;

/// Fetches the image, asks for what is to be different about it, and has the face write how it is then. What is
/// already as wished is not asked for, and where everything is, nothing is.
///
/// The requests of an edit say what becomes of single properties and of nothing else, so other writers' work between
/// the fetch and the edit stays. What the upstream answers with 409 it has not done: somebody else was faster, and the
/// edit is made anew from how the image is by then. Nothing else is tried twice.
pub async fn change(
    asking: &Asking,
    id: &ImageId,
    change: &Change,
    face: &dyn Face,
) -> Result<Response<Body>, Fault> {
    let call = Call::Change(id.clone(), change.clone());
    let mut retries = RETRIES;
    loop {
        match once(asking, &call, id, change, face).await {
            Err(fault) if is_conflict(&fault) && retries > 0 => retries -= 1,
            outcome => return outcome,
        }
    }
}

async fn once(
    asking: &Asking,
    call: &Call,
    id: &ImageId,
    change: &Change,
    face: &dyn Face,
) -> Result<Response<Body>, Fault> {
    let reply = asking.ask(call, asking.back.show(id)).await?;
    let mut json = read_whole(reply, asking.limits.element).await?;
    let held = asking.back.shown(&json)?;
    let is_fixed = |key: &str| {
        asking.back.reserves(key) || (held.property(key).is_some() && !asking.back.reaches(key))
    };
    let edit = change.on(&held, is_fixed)?;
    if !edit.is_empty() {
        for exchange in asking.back.change(id, &edit) {
            let reply = asking.ask(call, exchange).await?;
            json = read_whole(reply, asking.limits.element).await?;
        }
    }
    let image: Image<'_> = asking.back.shown(&json)?;
    Ok(whole(face.changed(&image, change)))
}

fn is_conflict(fault: &Fault) -> bool {
    fault.status == StatusCode::CONFLICT && fault.reason == Reason::UpstreamRefused
}
