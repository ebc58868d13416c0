//! The I/O shell: a request comes in, is answered or passed on, and a reply goes out.
//!
//! [`handle`] takes one request through its steps: guard, prepare, recognise, dispatch, answer.

use std::sync::Arc;

use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, Version, header};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;

mod answer;
mod client_address;
mod content;
mod context;
pub mod dialects;
pub mod forwarded;
pub mod guard;
pub(crate) mod open_files;
pub mod ops;
pub mod passthrough;
mod rewrite;
mod snapshot;
mod translate;

pub use context::RequestContext;
pub(crate) use context::below_mount;
pub use snapshot::Proxy;

use answer::Answer;
use dialects::Dialect;
use forwarded::Peer;

use crate::config::Listener;
use crate::model::{Caller, Fault, Recognized, RefusedCall, RequestHead};
use crate::net::body::{self, Body};
use crate::net::headers::{self, RequestId};
use crate::watch::RequestStats;

/// Answers one request.
pub async fn handle(
    proxy: &Arc<Proxy>,
    listener: &Arc<Listener>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let id = RequestId::mint();
    let (mut parts, incoming) = request.into_parts();
    let pending = proxy
        .recorder
        .begin(context::facts(listener, peer, &id, &parts));
    let dialect = proxy.dialect(listener.speaks);
    let is_head = parts.method == Method::HEAD;
    let is_http1 = parts.version < Version::HTTP_2;
    let (answer, is_usable) = if let Err(fault) = guard::check(&parts, &proxy.pseudonym) {
        (refused(dialect, &parts, &fault), false)
    } else {
        guard::merge_lengths(&mut parts.headers);
        headers::hide_secrets(&mut parts.headers);
        forwarded::drop_untrusted(listener, peer, &mut parts.headers);
        let stats = pending.stats();
        let count = {
            let stats = Arc::clone(stats);
            move |bytes| stats.add_request_bytes(bytes)
        };
        let (mut body, receipt) = body::from_client(incoming, proxy.config.timeouts.body, count);
        // Reading the body would tell the client to send it.
        let is_withheld = parts.headers.contains_key(header::EXPECT);
        let answer = answer(proxy, listener, peer, &id, stats, parts, &mut body).await;
        if !is_withheld {
            body::discard(&mut body).await;
        }
        (answer, receipt.is_whole())
    };
    // A client that is not told that its connection will close loses its next request.
    let answer = if is_http1 && !is_usable {
        answer.closing()
    } else {
        answer
    };
    let answer = if is_head {
        answer.without_body()
    } else {
        answer
    };
    let (reply, disposition) = answer.into_response(&id, dialect.pairing.id_headers);
    let status = reply.status();
    reply.map(|body| pending.replied(disposition, status, body).boxed_unsync())
}

/// Answers a request whose framing is sound.
async fn answer(
    proxy: &Proxy,
    listener: &Listener,
    peer: &Peer,
    id: &RequestId,
    stats: &Arc<RequestStats>,
    mut parts: Parts,
    body: &mut Body,
) -> Answer {
    let dialect = proxy.dialect(listener.speaks);
    let (target, base) = match prepare(listener, peer, &parts) {
        Ok(prepared) => prepared,
        Err(fault) => return refused(dialect, &parts, &fault),
    };
    let (recognized, caller) = recognise(proxy, dialect, &parts, &target, &base).await;
    let context = RequestContext {
        proxy,
        listener,
        peer,
        dialect,
        id,
        base: &base,
        caller: caller.as_ref(),
        stats,
    };
    let answer = dispatch(&context, recognized, target, &mut parts, body).await;
    answer.with_caller(context.caller).without_secrets(&parts)
}

/// Returns path and query below the mount point, and the beginning of links.
fn prepare(
    listener: &Listener,
    peer: &Peer,
    parts: &Parts,
) -> Result<(PathAndQuery, String), Fault> {
    let target = below_mount(&listener.base_path, parts.uri.path_and_query())?;
    let base = forwarded::client_base(listener, peer, parts)?;
    Ok((target, base))
}

/// Finds out what the request is, and who sends it if Keystone can tell.
async fn recognise(
    proxy: &Proxy,
    dialect: &Dialect,
    parts: &Parts,
    target: &PathAndQuery,
    base: &str,
) -> (Recognized, Option<Caller>) {
    let path = dialect.frontend.lookup_path(target.path());
    let head = RequestHead {
        method: &parts.method,
        path: &path,
        query: target.query(),
        headers: &parts.headers,
    };
    let routed = dialect.frontend.route(head, base);
    let Some(identity) = &proxy.identity else {
        return (routed.read(None), None);
    };
    // Nova validates the token of a request that passes through; the log has what the cache knows of it.
    if !routed.is_guarded() {
        return (routed.read(None), identity.known(&parts.headers));
    }
    match identity.caller(&parts.headers).await {
        Ok(caller) => (routed.read(caller.as_ref()), caller),
        Err(fault) => {
            let responder = routed.faults();
            (Recognized::Refused(RefusedCall { fault, responder }), None)
        }
    }
}

/// Carries the request out.
async fn dispatch(
    context: &RequestContext<'_>,
    recognized: Recognized,
    target: PathAndQuery,
    parts: &mut Parts,
    body: &mut Body,
) -> Answer {
    match recognized {
        Recognized::Call(accepted) => {
            translate::translate(context, parts, body.size_hint().lower(), accepted).await
        }
        Recognized::NeedsBody(pending) => {
            let max = context.proxy.config.limits.body_bytes;
            let responder = Arc::clone(&pending.responder);
            match content::complete(pending, parts, body, max).await {
                Ok(accepted) => translate::translate(context, parts, 0, accepted).await,
                Err(fault) => Answer::refused(&*responder, &fault),
            }
        }
        Recognized::Refused(RefusedCall { fault, responder }) => {
            Answer::refused(&*responder, &fault)
        }
        Recognized::Reply(document) => Answer::document(document),
        Recognized::PassThrough(way) => {
            match passthrough::pass(context, way, target, parts, body).await {
                Ok(reply) => Answer::passthrough(reply),
                Err(fault) => refused(context.dialect, parts, &fault),
            }
        }
    }
}

/// Refuses a request that could not be read.
fn refused(dialect: &Dialect, parts: &Parts, fault: &Fault) -> Answer {
    let responder = dialect.frontend.faults(&parts.method, &parts.headers);
    Answer::refused(&*responder, fault)
}
