//! The bodies of requests that are answered here.

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use http_body::Body as _;
use http_body_util::BodyExt as _;

use super::guard;
use crate::model::{AcceptedCall, Fault, PendingCall, Reason};
use crate::net::body::{Body, BodyError, BoxError};

/// Reads the body that a request is incomplete without, and completes it.
pub(super) async fn complete(
    pending: PendingCall,
    parts: &Parts,
    body: &mut Body,
    max: usize,
) -> Result<AcceptedCall, Fault> {
    guard::check_image_request(&parts.headers)?;
    pending.complete(&whole(body, max).await?)
}

/// Refuses a body that is too long, as everywhere in OpenStack (oslo.middleware, sizelimit.py), whether anybody wants
/// to read it or not. `bytes` is how long it is at least.
pub(super) fn fits(bytes: u64, max: usize) -> Result<(), Fault> {
    if bytes <= max as u64 {
        return Ok(());
    }
    let message = format!("Request is too large. Larger than max_request_body_size ({max}).");
    Err(Fault::client(
        StatusCode::PAYLOAD_TOO_LARGE,
        Reason::TooLarge,
        message,
    ))
}

/// What it means that a client's body broke off; `None` for what is no such break.
pub(crate) fn broken_off(broken: &BodyError) -> Option<Fault> {
    let (status, reason, message) = match broken {
        BodyError::ClientIdle(_) => (
            StatusCode::REQUEST_TIMEOUT,
            Reason::ClientTimeout,
            "The request was not sent in time.",
        ),
        BodyError::Client(_) => (
            StatusCode::BAD_REQUEST,
            Reason::ClientGone,
            "The request broke off.",
        ),
        BodyError::UpstreamIdle(_) | BodyError::Upstream(_) => return None,
    };
    Some(Fault::client(status, reason, message).with_detail(broken.to_string()))
}

async fn whole(body: &mut Body, max: usize) -> Result<Bytes, Fault> {
    fits(body.size_hint().lower(), max)?;
    let mut read = Vec::new();
    while let Some(frame) = body.frame().await {
        // What is no data is trailers, which say nothing about a body.
        if let Ok(data) = frame.map_err(|error| interrupted(&error))?.into_data() {
            fits((read.len() + data.len()) as u64, max)?;
            read.extend_from_slice(&data);
        }
    }
    Ok(read.into())
}

fn interrupted(error: &BoxError) -> Fault {
    let known = error.downcast_ref::<BodyError>().and_then(broken_off);
    known.unwrap_or_else(|| {
        Fault::client(
            StatusCode::BAD_REQUEST,
            Reason::ClientGone,
            "The request broke off.",
        )
        .with_detail(error.to_string())
    })
}
