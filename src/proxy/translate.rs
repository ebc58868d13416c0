//! An image request, answered from the other dialect's upstream.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::answer::Answer;
use super::front::{self, Asked};
use super::ops::{self, Asking, Limits};
use super::secrets::Secrets;
use super::{Inbound, content, guard, headers};
use crate::model::{Call, Fault};
use crate::watch::Tally;

/// Does what the call asks and has its face write the answer. `body_bytes` is how long the rest of
/// the request's body is at least, which nobody reads.
pub(super) async fn translate(
    inbound: &Inbound<'_>,
    parts: &Parts,
    body_bytes: u64,
    asked: Asked,
) -> Answer {
    let Asked { call, face } = asked;
    let asking = match asking(inbound, parts, body_bytes) {
        Ok(asking) => asking,
        Err(fault) => return Answer::refused(&*face, &fault),
    };
    let tally = Arc::clone(&asking.tally);
    let reply = match call {
        Call::List(query) => ops::list(asking, query, Arc::clone(&face)).await,
        Call::Show(id) => ops::show(&asking, &id, &*face).await,
        Call::Delete(id) => ops::delete(&asking, &id, &*face).await,
        Call::Change(id, change) => ops::change(&asking, &id, &change, &*face).await,
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
    let Inbound {
        proxy,
        listener,
        id,
        caller,
        ..
    } = inbound;
    guard::check_image_request(&parts.headers)?;
    content::fits(body_bytes, proxy.config.limits.body_bytes)?;
    let upstream = proxy.behind(listener.speaks).ok_or_else(Fault::no_route)?;
    let mut sent = headers::for_translated(&parts.headers, &proxy.config.forward);
    if let Some(id) = id.for_upstream(&parts.headers) {
        sent.insert(headers::X_OPENSTACK_REQUEST_ID, id);
    }
    guard::mark(&mut sent, parts.version, &proxy.pseudonym);
    Ok(Asking {
        back: front::back(&proxy.config, listener.speaks, *caller),
        upstream: Arc::clone(upstream),
        headers: sent,
        secrets: Arc::new(Secrets::of(parts)),
        limits: Limits {
            element: proxy.config.limits.element_bytes,
            items: proxy.config.limits.max_items,
            scan: proxy.config.nova_images.scan,
        },
        tally: Arc::new(Tally::default()),
    })
}
