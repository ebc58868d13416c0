//! A metadata write whose body has not been read yet.

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::face::NovaFace;
use super::{Asked, body};
use crate::model::{Call, Change, Fault, ImageId, Reason};
use crate::nova::tables::Act;

/// A write that makes sense so far: its body says what is to be written.
#[derive(Debug)]
pub struct Draft {
    /// How the answer is to be written.
    pub face: NovaFace,
    pub(super) act: Act,
    pub(super) image: ImageId,
    /// Whether the body is looked at as under `/v2.1`.
    pub(super) strict: bool,
    /// What the `Content-Type` is, if Nova does not take it.
    pub(super) foreign: bool,
    /// That the operation does not exist in the microversion asked for, which Nova finds after it has read the body.
    pub(super) gone: Option<Fault>,
}

/// The media types that Nova reads; without one it takes JSON for granted, as it does with the last of these.
const MEDIA: [&[u8]; 3] = [
    b"application/json",
    b"application/vnd.openstack.compute+json",
    b"text/plain",
];

/// Whether a body is of a type that is not read. Letter case counts, as it does to Nova.
pub(super) fn is_foreign(headers: &HeaderMap) -> bool {
    let Some(line) = headers.get(CONTENT_TYPE) else {
        return false;
    };
    let kind = line
        .as_bytes()
        .split(|b| *b == b';')
        .next()
        .unwrap_or_default();
    let kind = kind.trim_ascii();
    !kind.is_empty() && !MEDIA.contains(&kind)
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
    /// Checks in Nova's order: the type, the JSON, the microversion's range, the schema, the key.
    ///
    /// # Errors
    /// 415 for a type that Nova does not read, 404 where the microversion has no such operation, and 400 with Nova's
    /// words for everything else that is wrong.
    pub fn complete(&self, bytes: &[u8]) -> Result<Call, Fault> {
        if self.foreign {
            return Err(Fault::client(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                Reason::BadBody,
                "Unsupported Content-Type",
            ));
        }
        let json = body::json(bytes)?;
        if let Some(fault) = &self.gone {
            return Err(fault.clone());
        }
        let mut items = body::items(json, self.act, self.strict)?;
        let change = match (self.act, self.face.key()) {
            (Act::Merge, _) => Change::Merge(items),
            (Act::SetItem, Some(key)) => {
                let item = items.pop().filter(|(name, _)| name == key);
                let (key, value) =
                    item.ok_or_else(|| body::wrong("Request body and URI mismatch".to_owned()))?;
                Change::Set(key, value)
            }
            _ => Change::Replace(items),
        };
        Ok(Call::Change(self.image.clone(), change))
    }
}
