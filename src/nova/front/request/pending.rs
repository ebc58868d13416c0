//! A metadata write whose body has not been read yet.

use std::sync::Arc;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};

use super::path::MetadataKey;
use super::{body, legacy_body, sent, xml_body};
use crate::model::{Call, Change, Fault, ImageId, Reason};
use crate::nova::compat::Compat;
use crate::nova::encoding::{Encoding, MediaType};
use crate::nova::tables::Act;
use crate::webob::python::PyJson;

/// A metadata write whose body is still to come. The body says what to write.
#[derive(Debug)]
pub(crate) struct PendingWrite {
    pub(crate) compat: Arc<Compat>,
    pub(crate) act: Act,
    pub(crate) image: ImageId,
    /// The key in the path.
    pub(crate) key: Option<MetadataKey>,
    /// Whether the body is checked as under `/v2.1`.
    pub(crate) strict: bool,
    /// Whether a schema checks the body, as in Liberty and later.
    pub(crate) schema: bool,
    /// The encoding that `Content-Type` names; `None` if Nova does not accept it.
    pub(crate) encoding: Option<Encoding>,
    /// The fault for an operation that does not exist in the requested microversion. Nova finds it after it has read
    /// the body.
    pub(crate) gone: Option<Fault>,
}

/// Returns the encoding that `Content-Type` names; `None` if bodies of that type are not read. The name is
/// case-sensitive, as in Nova. Without a type, and for `text/plain`, Nova reads the body as JSON.
pub(crate) fn encoding(compat: &Compat, version: &str, headers: &HeaderMap) -> Option<Encoding> {
    let Some(line) = headers.get(CONTENT_TYPE) else {
        return Some(Encoding::Json);
    };
    let line = String::from_utf8_lossy(line.as_bytes());
    match line.split(';').next().unwrap_or_default().trim() {
        "" | "text/plain" => Some(Encoding::Json),
        name => MediaType::named(compat, version, name).map(|found| found.encoding),
    }
}

impl PendingWrite {
    /// Completes the call with the request's body.
    ///
    /// Checks in Nova's order: the type, the JSON, the microversion's range, the schema, the key.
    ///
    /// # Errors
    /// 415 (400 up to Kilo) for a type that Nova does not read, 404 if the microversion has no such operation, and 400
    /// with Nova's message for every other mistake.
    pub(crate) fn complete(&self, bytes: &[u8]) -> Result<Call, Fault> {
        let encoding = self.encoding.ok_or_else(|| self.unsupported())?;
        let body = match encoding {
            Encoding::Json => body::json(bytes)?,
            Encoding::Xml => xml_body::read(bytes, self.act.member().unwrap_or_default())?,
        };
        if let Some(fault) = &self.gone {
            return Err(fault.clone());
        }
        let items = if self.schema {
            body::items(body, self.act, self.strict)?
        } else {
            legacy_body::items(body, self.act, self.key.as_ref().map(MetadataKey::as_str))?
        };
        let wanted = |(key, value): (String, PyJson)| {
            let wanted = sent::wanted(&self.compat, &key, value, encoding);
            (key, wanted)
        };
        let mut items: Vec<_> = items.into_iter().map(wanted).collect();
        let change = match (self.act, self.key.as_ref().map(MetadataKey::as_str)) {
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

    /// Releases without schemas answered an unsupported type with 400.
    fn unsupported(&self) -> Fault {
        let status = if self.schema {
            StatusCode::UNSUPPORTED_MEDIA_TYPE
        } else {
            StatusCode::BAD_REQUEST
        };
        Fault::client(status, Reason::MediaType, "Unsupported Content-Type")
    }
}
