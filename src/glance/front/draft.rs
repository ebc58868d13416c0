//! A patch whose body has not been read yet.

use super::Asked;
use super::face::GlanceFace;
use super::patch::{self, Edition};
use crate::model::{Call, Change, Fault, ImageId};

/// A patch that makes sense so far: its body says what is to be changed.
#[derive(Debug)]
pub struct Draft {
    /// How the answer is to be written.
    pub face: GlanceFace,
    pub(super) image: ImageId,
    pub(super) edition: Edition,
}

impl Draft {
    /// The image that is written to.
    #[must_use]
    pub fn image(&self) -> &ImageId {
        &self.image
    }

    /// The request, complete with its call.
    #[must_use]
    pub fn with(self, call: Call) -> Asked {
        Asked {
            call,
            face: self.face,
        }
    }

    /// Reads the body, and so completes the call.
    ///
    /// # Errors
    /// 400 for a body that is no patch or gives a property what it cannot hold, 403 for an attribute that is not the
    /// client's to change; with Glance's words.
    pub fn complete(&self, bytes: &[u8]) -> Result<Call, Fault> {
        let steps = patch::read(self.edition, bytes)?;
        Ok(Call::Change(self.image.clone(), Change::Steps(steps)))
    }
}
