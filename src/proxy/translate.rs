//! An image request, answered from the other dialect's upstream.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::answer::Answer;
use super::ops::{self, Asking, Limits};
use super::{Inbound, guard, headers};
use crate::model::{Call, Face, Fault, Reason};
use crate::nova::front::Asked;
use crate::watch::Tally;

/// Does what the call asks and has its face write the answer. `body_bytes` is how long the request's body is at least.
pub(super) async fn translate(
    inbound: &Inbound<'_>,
    parts: &Parts,
    body_bytes: u64,
    asked: Asked,
) -> Answer {
    let Asked { call, face } = asked;
    let face: Arc<dyn Face> = Arc::new(face);
    let asking = match asking(inbound, parts, body_bytes) {
        Ok(asking) => asking,
        Err(fault) => return Answer::refused(&*face, &fault),
    };
    let tally = Arc::clone(&asking.tally);
    let reply = match call {
        Call::List(query) => ops::list(asking, query, Arc::clone(&face)).await,
        Call::Show(id) => ops::show(&asking, &id, &*face).await,
    };
    match reply {
        Ok(reply) => Answer::translated(&*face, reply, tally),
        Err(fault) => {
            if let (StatusCode::UNAUTHORIZED, Some(identity)) =
                (fault.status, &inbound.proxy.identity)
            {
                // What was known of the token no longer holds.
                identity.forget(&parts.headers);
            }
            Answer::refused(&*face, &fault).after(tally)
        }
    }
}

fn asking(inbound: &Inbound<'_>, parts: &Parts, body_bytes: u64) -> Result<Asking, Fault> {
    let Inbound { proxy, id, .. } = inbound;
    guard::check_image_request(&parts.headers)?;
    fits(body_bytes, proxy.config.limits.body_bytes)?;
    let upstream = proxy.glance.as_ref().ok_or_else(Fault::no_route)?;
    let mut sent = headers::for_translated(&parts.headers, &proxy.config.forward);
    if let Some(id) = id.for_upstream(&parts.headers) {
        sent.insert(headers::X_OPENSTACK_REQUEST_ID, id);
    }
    guard::mark(&mut sent, parts.version, &proxy.pseudonym);
    Ok(Asking {
        back: Arc::clone(&proxy.back),
        upstream: Arc::clone(upstream),
        headers: sent,
        limits: Limits {
            element: proxy.config.limits.element_bytes,
            items: proxy.config.limits.max_items,
        },
        tally: Arc::new(Tally::default()),
    })
}

/// Nobody reads the body of a request that has no use for one, but one that is too long is refused as everywhere in
/// OpenStack (oslo.middleware, sizelimit.py).
fn fits(body_bytes: u64, max: usize) -> Result<(), Fault> {
    if body_bytes <= max as u64 {
        return Ok(());
    }
    let message = format!("Request is too large. Larger than max_request_body_size ({max}).");
    Err(Fault::client(
        StatusCode::PAYLOAD_TOO_LARGE,
        Reason::TooLarge,
        message,
    ))
}
