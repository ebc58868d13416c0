//! The traits that write replies to a client in its dialect.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::Response;

use super::change::{Change, SentValue};
use super::fault::Fault;
use super::image::{Image, Value};

/// Writes the faults of one request. Every kind of frontend has one.
pub trait FaultWriter: fmt::Debug + Send + Sync + 'static {
    /// Returns the operation's name for the access log, from the dialect's table of operations.
    fn operation(&self) -> &'static str;

    /// Returns the project in the URL, for the access log.
    fn project(&self) -> Option<&str>;

    /// Returns the whole reply to a call that failed.
    fn fault(&self, fault: &Fault) -> Response<Bytes>;
}

/// Writes the replies to one image request.
///
/// A responder is built once, when the call is read. It holds every fact about the request that a reply depends on: the
/// base URL that the client used, the version segment, the project in the URL, the view, the microversion, and the
/// client's query as spelled. It consults nothing else: no globals, no configuration, no clock.
pub trait Responder: FaultWriter {
    /// Returns the whole reply to [`Call::Show`](super::Call::Show), or a fault if the image does not have the part
    /// that the view names.
    fn show(&self, image: &Image<'_>) -> Result<Response<Bytes>, Fault>;

    /// Returns the whole reply to [`Call::Delete`](super::Call::Delete).
    fn deleted(&self) -> Response<Bytes>;

    /// Returns the whole reply to [`Call::Change`](super::Call::Change). `image` is the current image, `change` is the
    /// client's request.
    fn changed(&self, image: &Image<'_>, change: &Change) -> Response<Bytes>;

    /// Whether the client is shown the property's value in the form that it sent, which may differ from the upstream's.
    /// Then the property stays unchanged.
    fn is_shown(&self, _key: &str, _held: &Value<'_>, _wanted: &SentValue) -> bool {
        false
    }

    /// Returns status and headers of the reply to [`Call::List`](super::Call::List).
    fn list_head(&self) -> Response<()>;

    /// Writes the part of the body before the first image.
    fn list_open(&self, out: &mut BytesMut);

    /// Writes one image; `index` counts from 0.
    fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut);

    /// Writes the part of the body after the last image.
    fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut);
}

/// The end of a list.
#[derive(Clone, Copy, Debug)]
pub struct ListEnd<'a> {
    /// The number of images that were written.
    pub count: u64,
    /// The id of the last image.
    pub last: Option<&'a str>,
}
