//! Everything that the answer to one request depends on.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};

use super::Ground;
use super::fault;
use super::json::Views;
use super::links::{Links, Next};
use super::outcome;
use super::path::{MetadataKey, Place};
use super::version;
use crate::model::{Face, Fault, Image, ListEnd, Reason};
use crate::nova::compat::{Compat, Microversion};
use crate::nova::tables::{Operation, View};
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
            form: fault::form(headers, &ground.compat),
            links: Links::default(),
            next: None,
            image: None,
            key: None,
        }
    }

    /// The face of a request that Nova routes nowhere. To HEAD, WebOb has nothing to say and so no form to choose.
    pub(super) fn of_no_route(ground: &Ground, method: &Method, headers: &HeaderMap) -> Self {
        let face = Self::of_faults(ground, headers);
        let form = if method == Method::HEAD {
            Form::Html
        } else {
            face.form
        };
        Self { form, ..face }
    }

    /// A successful reply with the headers that every one has.
    pub(super) fn success<B>(&self, body: B) -> Response<B> {
        let mut response = Response::new(body);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.content_type));
        if let Some(version) = self.version {
            version::echo(version, self.compat.microversions, headers);
        }
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
        let asked = self.key.as_ref().map(MetadataKey::as_str);
        let found = asked.and_then(|key| Some((key, image.property(key)?)));
        let (key, value) = found.ok_or_else(no_item)?;
        out.extend_from_slice(b"{\"meta\": {");
        self.views().item(out, key, value);
        out.extend_from_slice(b"}}");
        Ok(())
    }
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
        let literal = outcome::of(fault, self.view(), self.image.as_deref(), &self.compat);
        let fault = literal.as_ref().unwrap_or(fault);
        if fault.reason == Reason::NoRoute {
            return fault::no_route(fault, self.form);
        }
        if fault.status == StatusCode::UNAUTHORIZED {
            return fault::unauthorized(fault);
        }
        let message = fault::message(fault, self.view(), self.image.as_deref());
        let mut response = fault::nova(fault, &message, &self.compat);
        if let Some(version) = self.version {
            version::echo(version, self.compat.microversions, response.headers_mut());
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
