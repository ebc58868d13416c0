//! Answers an image request from the other dialect's upstream.

use std::sync::Arc;

use http::StatusCode;
use http::request::Parts;

use super::answer::Answer;
use super::ops::{self, ReplyLimits, UpstreamSession};
use super::{RequestContext, content, guard};
use crate::model::{AcceptedCall, Fault};
use crate::net::headers;
use crate::net::secrets::Secrets;

/// Carries out the call and has its responder write the reply. `body_bytes` is the minimum length of the rest of the
/// request's body, which is not read.
pub(super) async fn translate(
    context: &RequestContext<'_>,
    parts: &Parts,
    body_bytes: u64,
    accepted: AcceptedCall,
) -> Answer {
    let AcceptedCall { call, responder } = accepted;
    let session = match session(context, parts, body_bytes).await {
        Ok(session) => session,
        Err(fault) => return Answer::refused(&*responder, &fault),
    };
    match ops::run(session, call, Arc::clone(&responder)).await {
        Ok(reply) => Answer::translated(&*responder, reply),
        Err(fault) => {
            if let (StatusCode::UNAUTHORIZED, Some(identity)) =
                (fault.status, &context.proxy.identity)
            {
                // The cached verdict on the token is no longer true.
                identity.forget(&parts.headers);
            }
            Answer::refused(&*responder, &fault)
        }
    }
}

async fn session(
    context: &RequestContext<'_>,
    parts: &Parts,
    body_bytes: u64,
) -> Result<UpstreamSession, Fault> {
    let RequestContext {
        proxy,
        dialect,
        id,
        caller,
        stats,
        ..
    } = context;
    guard::check_image_request(&parts.headers)?;
    content::fits(body_bytes, proxy.config.limits.body_bytes)?;
    let images = dialect.pairing.images.as_ref();
    let images = images.ok_or_else(Fault::no_route)?;
    let upstream = proxy.upstream(images.service).ok_or_else(Fault::no_route)?;
    let mut sent = headers::for_translated(&parts.headers, &proxy.config.forward);
    if let Some(id) = id.for_upstream(&parts.headers) {
        sent.insert(headers::X_OPENSTACK_REQUEST_ID, id);
    }
    guard::mark(&mut sent, parts.version, &proxy.pseudonym);
    Ok(UpstreamSession {
        back: (images.backend)(&proxy.config, *caller),
        lease: upstream.lease(Some(stats)).await?,
        headers: sent,
        secrets: Arc::new(Secrets::of(parts)),
        limits: ReplyLimits::of(&proxy.config),
        scan_memory: Arc::clone(&proxy.scan_memory),
        stats: Arc::clone(stats),
    })
}
