//! Sends lists: short ones whole, long ones in pieces.

use std::future::Future;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Response};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};

use crate::model::Fault;
use crate::net::body::{self, Body, BoxError};
use crate::net::secrets::Secrets;

/// A list that is complete within this many bytes is sent whole, with Content-Length.
const WHOLE: usize = 256 * 1024;
/// The approximate size of the pieces of a longer list.
const FRAME: usize = 64 * 1024;

/// The body of a list while it is made.
pub(super) trait ListBody: Send + 'static {
    /// Continues until this many bytes are ready, or the list is complete.
    fn read(&mut self, enough: usize) -> impl Future<Output = Result<Bytes, Fault>> + Send;

    /// The request's secrets, which must not be logged.
    fn secrets(&self) -> &Secrets;

    /// Whether everything has been read.
    fn is_done(&self) -> bool;
}

/// Returns the reply with this head and body. A fault before the first piece is complete is the reply's fault; a later
/// one breaks the body off.
pub(super) async fn reply(
    head: Response<()>,
    mut pieces: impl ListBody,
) -> Result<Response<Body>, Fault> {
    let (mut head, ()) = head.into_parts();
    let (mut start, mut length) = (Vec::new(), 0);
    while length < WHOLE && !pieces.is_done() {
        let piece = pieces.read(FRAME).await?;
        length += piece.len();
        start.push(piece);
    }
    if pieces.is_done() {
        head.headers
            .insert(CONTENT_LENGTH, HeaderValue::from(length));
        return Ok(Response::from_parts(head, body::pieces(start)));
    }
    let rest = stream::unfold(Some(pieces), |pieces| async {
        let mut pieces = pieces?;
        match pieces.read(FRAME).await {
            Ok(frame) => {
                let rest = (!pieces.is_done()).then_some(pieces);
                Some((Ok(Frame::data(frame)), rest))
            }
            Err(mut fault) => {
                // The log says why a body broke off.
                let told = fault.detail.as_ref().unwrap_or(&fault.message);
                fault.detail = Some(pieces.secrets().cut(told).into_owned());
                Some((Err(BoxError::from(fault)), None))
            }
        }
    });
    let start = stream::iter(start).map(|piece| Ok(Frame::data(piece)));
    Ok(Response::from_parts(
        head,
        StreamBody::new(start.chain(rest)).boxed_unsync(),
    ))
}
