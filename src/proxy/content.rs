//! The bodies of requests that are answered here.

use http::StatusCode;
use http::request::Parts;

use super::guard;
use crate::model::{AcceptedCall, Fault, PendingCall, Reason};
use crate::net::body::{Body, client_broke};
use crate::net::collect::{CollectError, collect};

/// Reads the body that a request is incomplete without, and completes it.
pub(super) async fn complete(
    pending: PendingCall,
    parts: &Parts,
    body: &mut Body,
    max: usize,
) -> Result<AcceptedCall, Fault> {
    guard::check_image_request(&parts.headers)?;
    let read = collect(body, max).await.map_err(|error| match error {
        CollectError::TooLong => too_long(max),
        CollectError::Broken(error) => client_broke(&error),
    })?;
    pending.complete(&read)
}

/// Refuses a body that is too long, as everywhere in OpenStack (oslo.middleware, sizelimit.py), whether anybody wants
/// to read it or not. `bytes` is how long it is at least.
pub(super) fn fits(bytes: u64, max: usize) -> Result<(), Fault> {
    if bytes <= max as u64 {
        return Ok(());
    }
    Err(too_long(max))
}

fn too_long(max: usize) -> Fault {
    let message = format!("Request is too large. Larger than max_request_body_size ({max}).");
    Fault::client(StatusCode::PAYLOAD_TOO_LARGE, Reason::TooLarge, message)
}
