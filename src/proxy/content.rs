//! The bodies of requests that this proxy answers itself.

use http::StatusCode;
use http::request::Parts;

use super::guard;
use crate::model::{AcceptedCall, Fault, PendingCall, Reason};
use crate::net::body::{Body, client_broke};
use crate::net::collect::{CollectError, collect};

/// Reads the missing body of a request and completes the request.
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

/// Refuses a body that is too long, as every OpenStack service does (oslo.middleware, sizelimit.py), even if nothing
/// reads it. `bytes` is its minimum length.
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
