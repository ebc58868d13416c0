//! Everything that the answer to one request depends on.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use super::Ground;
use super::fault;
use super::json::{self, Views};
use super::links::{Links, Next};
use super::path::{MetadataKey, Place};
use super::version;
use crate::model::{Change, Face, Fault, Image, ListEnd, Reason};
use crate::nova::compat::{Compat, Microversion};
use crate::nova::tables::{Act, Operation, View};
use crate::webob::accept;
use crate::webob::page::Form;

/// The face of one legacy request.
///
/// Text that is the same for every image of an answer is prepared when the request is read; a writer copies it.
#[derive(Clone, Debug)]
pub struct NovaFace {
    compat: Arc<Compat>,
    /// `None` when the request names none: the face then words faults and nothing else.
    pub(super) operation: Option<&'static Operation>,
    project: Option<String>,
    /// What answers echo; `None` where there are no microversions.
    pub(super) version: Option<Microversion>,
    content_type: &'static str,
    form: Form,
    links: Links,
    pub(super) next: Option<Next>,
    pub(super) image: Option<String>,
    pub(super) key: Option<MetadataKey>,
}

/// The media types that Nova writes; the second one only when it is preferred.
const MEDIA: &[&str] = &["application/json", "application/vnd.openstack.compute+json"];

/// The operation's name where there is none.
const NO_OPERATION: &str = "none";

impl NovaFace {
    /// The face of an image request.
    pub(super) fn of_images(ground: &Ground, place: Place<'_>, headers: &HeaderMap) -> Self {
        Self {
            project: place.project.map(str::to_owned),
            links: Links::new(ground, place),
            ..Self::of_faults(ground, headers)
        }
    }

    /// The face of a request that can only be answered with a fault.
    pub(super) fn of_faults(ground: &Ground, headers: &HeaderMap) -> Self {
        Self {
            compat: Arc::clone(&ground.compat),
            operation: None,
            project: None,
            version: None,
            content_type: accept::preferred(headers, MEDIA).unwrap_or("application/json"),
            form: Form::accepted(headers),
            links: Links::default(),
            next: None,
            image: None,
            key: None,
        }
    }

    /// A successful reply with the headers that every one has.
    pub(super) fn success<B>(&self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(version) = self.version {
            version::echo(version, headers);
        }
        response
    }

    /// The key that stood in the path.
    pub(super) fn key(&self) -> Option<&str> {
        self.key.as_ref().map(MetadataKey::as_str)
    }

    /// A reply that is nothing but its status: it has no content, and so no type of content either (RFC 9110, 15.3.5).
    fn no_content(&self) -> Response<Bytes> {
        let mut response = self.success(Bytes::new());
        *response.status_mut() = StatusCode::NO_CONTENT;
        response.headers_mut().remove(CONTENT_TYPE);
        response
    }

    fn view(&self) -> Option<View> {
        self.operation.map(|operation| operation.view)
    }

    fn views(&self) -> Views<'_> {
        Views {
            compat: &self.compat,
            links: &self.links,
        }
    }

    /// The item of the metadata that was asked for.
    fn item(&self, out: &mut BytesMut, image: &Image<'_>) -> Result<(), Fault> {
        let found = self.key().and_then(|key| Some((key, image.property(key)?)));
        let (key, value) = found.ok_or_else(no_item)?;
        out.extend_from_slice(b"{\"meta\": {");
        self.views().item(out, key, value);
        out.extend_from_slice(b"}}");
        Ok(())
    }
}

/// There can be no such metadata item: its key is too long, or has a character that no key in a path may have.
pub(super) fn impossible_item(act: Act) -> Fault {
    if act != Act::SetItem {
        return no_item();
    }
    Fault::client(
        StatusCode::BAD_REQUEST,
        Reason::BadRequest,
        "The metadata key in the URI is too long, or has a character that no key there may have.",
    )
}

/// There is no such metadata item.
pub(super) fn no_item() -> Fault {
    Fault::client(StatusCode::NOT_FOUND, Reason::NoProperty, fault::NOT_FOUND)
}

impl Face for NovaFace {
    fn operation(&self) -> &'static str {
        self.operation
            .map_or(NO_OPERATION, |operation| operation.name)
    }

    fn project(&self) -> Option<&str> {
        self.project.as_deref()
    }

    fn fault(&self, fault: &Fault) -> Response<Bytes> {
        if fault.reason == Reason::NoRoute {
            return fault::no_route(fault, self.form);
        }
        if fault.status == StatusCode::UNAUTHORIZED {
            return fault::unauthorized(fault);
        }
        let message = fault::message(fault, self.view(), self.image.as_deref());
        let mut response = match fault.reason {
            Reason::PropertyQuota => fault::nova(&fault::quota(fault), &message),
            _ => fault::nova(fault, &message),
        };
        if let Some(version) = self.version {
            version::echo(version, response.headers_mut());
        }
        response
    }

    fn show(&self, image: &Image<'_>) -> Result<Response<Bytes>, Fault> {
        let mut out = BytesMut::with_capacity(2048);
        match self.view() {
            Some(View::MetadataItem) => self.item(&mut out, image)?,
            Some(View::Metadata) => {
                out.extend_from_slice(b"{\"metadata\": ");
                self.views().metadata(&mut out, image);
                out.put_u8(b'}');
            }
            _ => {
                out.extend_from_slice(b"{\"image\": ");
                self.views().detailed(&mut out, image);
                out.put_u8(b'}');
            }
        }
        Ok(self.success(out.freeze()))
    }

    fn deleted(&self) -> Response<Bytes> {
        self.no_content()
    }

    /// Nova shows how the metadata is after a merge, what was asked for after a replacement, and nothing of what is
    /// gone (`nova/api/openstack/compute/image_metadata.py`).
    fn changed(&self, image: &Image<'_>, change: &Change) -> Response<Bytes> {
        let mut out = BytesMut::with_capacity(1024);
        match change {
            Change::Merge(_) => {
                out.extend_from_slice(b"{\"metadata\": ");
                self.views().metadata(&mut out, image);
            }
            Change::Replace(items) => {
                out.extend_from_slice(b"{\"metadata\": ");
                json::texts(
                    &mut out,
                    items.iter().map(|(key, value)| (&**key, &**value)),
                );
            }
            Change::Set(key, value) => {
                out.extend_from_slice(b"{\"meta\": ");
                json::texts(&mut out, [(&**key, &**value)].into_iter());
            }
            Change::Remove(_) => return self.no_content(),
        }
        out.put_u8(b'}');
        self.success(out.freeze())
    }

    fn list_head(&self) -> Response<()> {
        self.success(())
    }

    fn list_open(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"{\"images\": [");
    }

    fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut) {
        if index > 0 {
            out.extend_from_slice(b", ");
        }
        match self.view() {
            Some(View::Brief) => self.views().brief(out, image),
            _ => self.views().detailed(out, image),
        }
    }

    fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut) {
        out.put_u8(b']');
        if let Some(next) = &self.next {
            next.write(out, end.count, end.last);
        }
        out.put_u8(b'}');
    }
}
