//! Writes to one image that a Nova can carry out: its end, and other custom properties.

use http::{HeaderMap, Method, StatusCode};

use super::patch;
use crate::glance::front::response::fault::ErrorFormat;
use crate::glance::front::response::responder::{GlanceResponder, GlanceView};
use crate::glance::front::{Asked, Refused};
use crate::model::{Call, Change, Fault, ImageId, Reason};

/// What a write is.
#[derive(Debug)]
pub enum Written {
    /// A write that makes sense.
    Mine(Asked),
    /// A write that may make sense: its body has to be read.
    Draft(Draft),
    /// A write that makes none.
    Refused(Refused),
}

/// A patch whose body has not been read yet.
#[derive(Debug)]
pub struct Draft {
    /// The image that is written to.
    pub image: ImageId,
    /// How the answer is to be written.
    pub responder: GlanceResponder,
    edition: patch::Draft,
}

impl Draft {
    /// Reads the body, and so completes the call.
    ///
    /// # Errors
    /// As [`patch::read`].
    pub fn complete(&self, body: &[u8]) -> Result<Call, Fault> {
        let steps = patch::read(self.edition, body)?;
        Ok(Call::Change(self.image.clone(), Change::Steps(steps)))
    }
}

/// Reads `DELETE` and `PATCH` of an image; `None` is anything else. `path` is still percent-encoded.
#[must_use]
pub fn write(method: &Method, path: &str, headers: &HeaderMap) -> Option<Written> {
    let operation = match *method {
        Method::DELETE => "delete-image",
        Method::PATCH => "update-image",
        _ => return None,
    };
    let id = crate::glance::front::image(path)?;
    let image = ImageId::parse(&id);
    let responder = GlanceResponder::new(
        ErrorFormat::of(method, headers),
        GlanceView::Write { id, operation },
    );
    Some(read(method, image, headers, responder))
}

/// Glance reads the type of a patch before it looks for the image.
fn read(
    method: &Method,
    image: Option<ImageId>,
    headers: &HeaderMap,
    responder: GlanceResponder,
) -> Written {
    let edition = match *method {
        Method::PATCH => match patch::draft(headers) {
            Ok(edition) => Some(edition),
            Err(fault) => return Written::Refused(Refused { fault, responder }),
        },
        _ => None,
    };
    match (image, edition) {
        (None, _) => {
            let fault = Fault::client(StatusCode::NOT_FOUND, Reason::NoImage, "Image not found.");
            Written::Refused(Refused { fault, responder })
        }
        (Some(image), Some(edition)) => Written::Draft(Draft {
            image,
            responder,
            edition,
        }),
        (Some(image), None) => Written::Mine(Asked {
            call: Call::Delete(image),
            responder,
        }),
    }
}

#[cfg(test)]
mod tests;
