//! The responder of a legacy request: everything that its reply depends on.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::links::{Links, Next};
use super::literal_faults;
use super::{fault, json, xml};
use crate::model::{
    Change, Fault, FaultWriter, Image, ListEnd, Reason, Responder, SentValue, Value,
};
use crate::nova::compat::{Compat, Microversion};
use crate::nova::encoding::{Encoding, MediaType};
use crate::nova::front::NovaContext;
use crate::nova::front::request::path::{MetadataKey, Place};
use crate::nova::front::request::{sent, version};
use crate::nova::tables::{Act, Operation, View};
use crate::webob::page::Form;

/// Writes the replies to one legacy request.
///
/// Text that is the same for every image of a reply is prepared when the request is read, and then copied.
#[derive(Clone, Debug)]
pub(crate) struct NovaResponder {
    pub(crate) compat: Arc<Compat>,
    /// The operation; `None` if the request names none. The responder then only writes faults.
    pub(crate) operation: Option<&'static Operation>,
    project: Option<String>,
    /// The microversion that replies echo; `None` if there is none.
    pub(crate) version: Option<Microversion>,
    media_type: &'static MediaType,
    form: Form,
    pub(crate) links: Links,
    pub(crate) next: Option<Next>,
    pub(crate) image: Option<String>,
    pub(crate) key: Option<MetadataKey>,
    /// The encoding of the body of a write.
    pub(crate) sent_in: Option<Encoding>,
}

/// The name of the operation if there is none.
const NO_OPERATION: &str = "none";

impl NovaResponder {
    /// Returns the responder of an image request, still without links. `suffix` is the media type that the suffix of
    /// the path chooses.
    pub(crate) fn of_images(
        context: &NovaContext,
        place: Place<'_>,
        headers: &HeaderMap,
        suffix: Option<&'static MediaType>,
    ) -> Self {
        let accepted = || MediaType::accepted(&context.compat, Some(place.version), headers);
        let media_type = suffix.unwrap_or_else(accepted);
        Self {
            project: place.project.map(str::to_owned),
            media_type,
            ..Self::of_faults(&context.compat, headers)
        }
    }

    /// Returns the responder of a request that is answered with a fault in any case and whose API version is unknown.
    pub(crate) fn of_faults(compat: &Arc<Compat>, headers: &HeaderMap) -> Self {
        Self {
            compat: Arc::clone(compat),
            operation: None,
            project: None,
            version: None,
            media_type: MediaType::accepted(compat, None, headers),
            form: fault::form(headers, compat),
            links: Links::default(),
            next: None,
            image: None,
            key: None,
            sent_in: None,
        }
    }

    /// Returns the responder of a request that Nova does not route. WebOb writes no body for HEAD and so does not
    /// choose a form.
    pub(crate) fn of_no_route(compat: &Arc<Compat>, method: &Method, headers: &HeaderMap) -> Self {
        let responder = Self::of_faults(compat, headers);
        let form = if method == Method::HEAD {
            Form::Html
        } else {
            responder.form
        };
        Self { form, ..responder }
    }

    /// Returns the media type of the reply.
    #[must_use]
    pub(crate) fn media_type(&self) -> &'static str {
        self.media_type.name
    }

    /// Returns the encoding of the reply.
    pub(crate) fn encoding(&self) -> Encoding {
        self.media_type.encoding
    }

    /// Returns a successful reply with the headers that every one has.
    pub(crate) fn success<B>(&self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type()));
        if let Some(version) = self.version {
            version::echo(version, self.compat.microversions, headers);
        }
        response
    }

    /// Returns the key in the path.
    pub(crate) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(MetadataKey::as_str)
    }

    /// Returns a reply without content and therefore without `Content-Type` (RFC 9110, 15.3.5).
    fn no_content(&self) -> Response<Bytes> {
        let mut response = self.success(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(CONTENT_TYPE);
        response
    }

    fn view(&self) -> Option<View> {
        self.operation.map(|operation| operation.view)
    }

    fn is_detailed(&self) -> bool {
        self.view() != Some(View::Brief)
    }

    fn json(&self) -> json::JsonViews<'_> {
        json::JsonViews {
            compat: &self.compat,
            links: &self.links,
        }
    }

    fn xml(&self) -> xml::XmlViews<'_> {
        xml::XmlViews {
            compat: &self.compat,
            links: &self.links,
        }
    }

    /// Returns the metadata item that the path names.
    fn item<'v>(&self, image: &'v Image<'v>) -> Result<(&str, &'v Value<'v>), Fault> {
        let found = self.key().and_then(|key| Some((key, image.property(key)?)));
        found.ok_or_else(no_item)
    }

    /// Returns the next link of a list in XML. Nova's detailed lists in XML had none, so only the literal setting
    /// leaves it out.
    fn next_in_xml(&self) -> Option<&Next> {
        let is_missed = self.compat.quirks.era_next_links && self.is_detailed();
        self.next.as_ref().filter(|_| !is_missed)
    }

    fn show_json(&self, out: &mut BytesMut, image: &Image<'_>) -> Result<(), Fault> {
        match self.view() {
            Some(View::MetadataItem) => {
                let (key, value) = self.item(image)?;
                out.extend_from_slice(b"{\"meta\": {");
                self.json().item(out, key, value);
                out.extend_from_slice(b"}}");
            }
            Some(View::Metadata) => {
                out.extend_from_slice(b"{\"metadata\": ");
                self.json().metadata(out, image);
                out.put_u8(b'}');
            }
            _ => {
                out.extend_from_slice(b"{\"image\": ");
                self.json().detailed(out, image);
                out.put_u8(b'}');
            }
        }
        Ok(())
    }

    fn changed_json(&self, out: &mut BytesMut, image: &Image<'_>, change: &Change) {
        match change {
            Change::Merge(_) | Change::Steps(_) => {
                out.extend_from_slice(b"{\"metadata\": ");
                self.json().metadata(out, image);
            }
            Change::Replace(items) => {
                out.extend_from_slice(b"{\"metadata\": ");
                self.json().written(out, items, image);
            }
            Change::Set(key, value) => {
                out.extend_from_slice(b"{\"meta\": ");
                self.json()
                    .written(out, &[(key.clone(), value.clone())], image);
            }
            Change::Remove(_) => return,
        }
        out.put_u8(b'}');
    }

    fn changed_xml(&self, out: &mut BytesMut, image: &Image<'_>, change: &Change) {
        match change {
            Change::Merge(_) | Change::Steps(_) => self.xml().metadata(out, image),
            Change::Replace(items) => self.xml().written(out, items, image),
            Change::Set(key, value) => self.xml().written_item(out, key, value, image),
            Change::Remove(_) => {}
        }
    }

    fn show_xml(&self, out: &mut BytesMut, image: &Image<'_>) -> Result<(), Fault> {
        match self.view() {
            Some(View::MetadataItem) => {
                let (key, value) = self.item(image)?;
                self.xml().item(out, key, value);
            }
            Some(View::Metadata) => self.xml().metadata(out, image),
            _ => self.xml().image(out, image),
        }
        Ok(())
    }
}

/// Returns the fault for a metadata item that cannot exist: its key is too long, or has a character that is not allowed
/// in paths.
pub(crate) fn impossible_item(act: Act) -> Fault {
    if act != Act::SetItem {
        return no_item();
    }
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::BadRequest,
        "The metadata key in the URI is too long or contains a character that is not allowed there.",
    )
}

/// Nova's router has this path, and has no operation there for this method. It looks at both in one, so to a client the
/// path does not exist.
pub(crate) fn no_method() -> Fault {
    Fault::client(StatusCode::NOT_FOUND, Reason::BadMethod, fault::NOT_FOUND)
}

/// Whether Nova's router, and so WebOb, is who refuses.
fn is_unrouted(fault: &Fault) -> bool {
    fault.status == StatusCode::NOT_FOUND
        && matches!(fault.reason, Reason::NoRoute | Reason::BadMethod)
}

/// Returns the fault for a metadata item that does not exist.
pub(crate) fn no_item() -> Fault {
    Fault::client(StatusCode::NOT_FOUND, Reason::NoProperty, fault::NOT_FOUND)
}

impl FaultWriter for NovaResponder {
    fn operation(&self) -> &'static str {
        self.operation
            .map_or(NO_OPERATION, |operation| operation.name)
    }

    fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    fn fault(&self, fault: &Fault) -> Response<Bytes> {
        let literal = literal_faults::of(fault, self.view(), self.image.as_deref(), &self.compat);
        let fault = literal.as_ref().unwrap_or(fault);
        if is_unrouted(fault) {
            return fault::no_route(fault, self.form);
        }
        if fault.status == StatusCode::UNAUTHORIZED {
            return fault::unauthorized(fault, self.encoding());
        }
        let message = fault::message(fault, self.view(), self.image.as_deref());
        let compat = &self.compat;
        let encoding = self.encoding();
        let mut response = match fault.reason {
            Reason::PropertyQuota => {
                fault::nova(&fault::quota(fault, compat), &message, compat, encoding)
            }
            _ => fault::nova(fault, &message, compat, encoding),
        };
        if fault.reason == Reason::BadMethod {
            // A list of images can be read at the path where an image cannot be created.
            let methods = HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, methods);
        }
        if let Some(version) = self.version {
            version::echo(version, self.compat.microversions, response.headers_mut());
        }
        response
    }
}

impl Responder for NovaResponder {
    fn show(&self, image: &Image<'_>) -> Result<Response<Bytes>, Fault> {
        let mut out = BytesMut::with_capacity(2048);
        match self.encoding() {
            Encoding::Json => self.show_json(&mut out, image)?,
            Encoding::Xml => self.show_xml(&mut out, image)?,
        }
        Ok(self.success(out.freeze()))
    }

    fn deleted(&self) -> Response<Bytes> {
        self.no_content()
    }

    /// Nova replies with the current metadata to a merge, with the requested metadata to a replacement, and without
    /// content to a removal (`nova/api/openstack/compute/image_metadata.py`).
    fn changed(&self, image: &Image<'_>, change: &Change) -> Response<Bytes> {
        let mut out = BytesMut::with_capacity(1024);
        match (change, self.encoding()) {
            (Change::Remove(_), _) => return self.no_content(),
            (_, Encoding::Json) => self.changed_json(&mut out, image, change),
            (_, Encoding::Xml) => self.changed_xml(&mut out, image, change),
        }
        self.success(out.freeze())
    }

    fn is_shown(&self, key: &str, held: &Value<'_>, wanted: &SentValue) -> bool {
        let in_xml = |text: &str| {
            self.sent_in == Some(Encoding::Xml) && self.xml().is_shown(key, held, text)
        };
        match wanted {
            SentValue::Json { sent, .. } => {
                sent::is_shown(key, held, sent) || in_xml(&xml::unicode(sent))
            }
            SentValue::Text(text) => in_xml(text),
            SentValue::Ignored(_) => false,
        }
    }

    fn list_head(&self) -> Response<()> {
        self.success(())
    }

    fn list_open(&self, out: &mut BytesMut) {
        match self.encoding() {
            Encoding::Json => out.extend_from_slice(b"{\"images\": ["),
            Encoding::Xml => self.xml().list_open(out, self.is_detailed()),
        }
    }

    fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut) {
        if self.encoding() == Encoding::Xml {
            return self.xml().list_item(out, image, index, self.is_detailed());
        }
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        if self.is_detailed() {
            self.json().detailed(out, image);
        } else {
            self.json().brief(out, image);
        }
    }

    fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut) {
        if self.encoding() == Encoding::Xml {
            return xml::list_close(out, self.next_in_xml(), end);
        }
        out.put_u8(b']');
        if let Some(next) = &self.next {
            next.write(out, end.count, end.last);
        }
        out.put_u8(b'}');
    }
}
