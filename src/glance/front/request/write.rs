//! Writes to one image that a Nova can carry out: deletion, and changes of custom properties.

use http::{Method, StatusCode};

use super::patch::{self, PatchDraft};
use crate::glance::front::image;
use crate::glance::front::response::fault::ErrorFormat;
use crate::glance::front::response::responder::{GlanceResponder, GlanceView};
use crate::glance::tables::operation;
use crate::model::{Call, Change, Fault, ImageId, PendingCall, Reason, Recognized, RequestHead};

/// Reads `DELETE` and `PATCH` of an image; `None` for everything else. Glance checks the media type of a patch before
/// it looks for the image.
#[must_use]
pub(crate) fn write(head: RequestHead<'_>) -> Option<Recognized> {
    let operation = match *head.method {
        Method::DELETE => operation::DELETE,
        Method::PATCH => operation::UPDATE,
        _ => return None,
    };
    let id = image(head.path)?;
    let named = ImageId::parse(&id);
    let responder = GlanceResponder::new(
        ErrorFormat::of(head.method, head.headers),
        GlanceView::Write { id, operation },
    );
    let draft = match *head.method {
        Method::PATCH => match patch::draft(head.headers) {
            Ok(draft) => Some(draft),
            Err(fault) => return Some(Recognized::refused(fault, responder)),
        },
        _ => None,
    };
    Some(match (named, draft) {
        (None, _) => {
            let fault = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "Image not found.");
            Recognized::refused(fault, responder)
        }
        (Some(image), Some(draft)) => pending(image, draft, responder),
        (Some(image), None) => Recognized::call(Call::Delete(image), responder),
    })
}

fn pending(image: ImageId, draft: PatchDraft, responder: GlanceResponder) -> Recognized {
    let target = image.clone();
    Recognized::NeedsBody(PendingCall::new(image, responder, move |body| {
        let steps = patch::read(draft, body)?;
        Ok(Call::Change(target, Change::Steps(steps)))
    }))
}

#[cfg(test)]
mod tests;
