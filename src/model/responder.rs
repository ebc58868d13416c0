//! Writes what goes back to one client, in its dialect.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::Response;

use super::change::{Change, SentValue};
use super::fault::Fault;
use super::image::{Image, Value};

/// Words the faults of one request. Every kind of frontend has this much.
pub trait FaultWriter: fmt::Debug + Send + Sync + 'static {
    /// The operation's name, as it stands in the dialect's table of operations; for the access log.
    fn operation(&self) -> &'static str;

    /// The project as it stood in the URL; for the access log.
    fn project(&self) -> Option<&str>;

    /// The whole reply to a call that failed.
    fn fault(&self, fault: &Fault) -> Response<Bytes>;
}

/// Writes the answers to one image request.
///
/// A responder is built once, when the call is read, and holds every per-request fact that an answer depends on (the
/// client-facing base URL, the version segment, the project as it stood in the URL, the view, the microversion,
/// the client's query as spelled). Nothing else is consulted: no globals, no configuration, no clock.
pub trait Responder: FaultWriter {
    /// The whole reply to [`Call::Show`](super::Call::Show). A fault where the view asks for a part that the image does not have.
    fn show(&self, image: &Image<'_>) -> Result<Response<Bytes>, Fault>;

    /// The whole reply to [`Call::Delete`](super::Call::Delete).
    fn deleted(&self) -> Response<Bytes>;

    /// The whole reply to [`Call::Change`](super::Call::Change): `image` is how the image is now, `change` what was asked for.
    fn changed(&self, image: &Image<'_>, change: &Change) -> Response<Bytes>;

    /// Whether a client that sends this for a property sends what this responder shows of it, in another form than the
    /// upstream holds it. Then the property is to stay as it is.
    fn is_shown(&self, _key: &str, _held: &Value<'_>, _wanted: &SentValue) -> bool {
        false
    }

    /// Status and headers of the reply to [`Call::List`](super::Call::List).
    fn list_head(&self) -> Response<()>;

    /// Everything before the first image.
    fn list_open(&self, out: &mut BytesMut);

    /// One image; `index` counts from 0.
    fn list_item(&self, image: &Image<'_>, index: u64, out: &mut BytesMut);

    /// Everything after the last image.
    fn list_close(&self, end: &ListEnd<'_>, out: &mut BytesMut);
}

/// How a listing ended.
#[derive(Clone, Copy, Debug)]
pub struct ListEnd<'a> {
    /// How many images were written.
    pub count: u64,
    /// The id of the last of them.
    pub last: Option<&'a str>,
}
