//! The I/O shell: a request comes in, is answered or sent on, and a reply goes out.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{HeaderValue, Request, Response, StatusCode, header};
use hyper::body::Incoming;
use uuid::Uuid;

use crate::config::{Config, Listener};
use crate::model::{Fault, Reason};

pub mod body;
mod connect;
pub mod forwarded;
pub mod guard;
pub mod headers;
pub mod passthrough;
pub mod upstream;

use body::Body;
use forwarded::Peer;
use headers::RequestId;
use upstream::Upstream;

/// Everything that a request depends on besides itself: one immutable snapshot. A request sees one from its
/// beginning to its end, whatever is reloaded meanwhile.
#[derive(Debug)]
pub struct Proxy {
    /// What the operator decided.
    pub config: Config,
    /// The Glance that answers images.
    pub glance: Option<Upstream>,
    /// The Nova that answers the rest.
    pub nova: Option<Upstream>,
    /// What we call ourselves in `Via` headers: unlike any other proxy's name, this program's in front of it too.
    pub pseudonym: Arc<str>,
}

/// What is known of a request besides its head and its body.
#[derive(Clone, Copy, Debug)]
pub struct Inbound<'a> {
    /// The snapshot that the request sees.
    pub proxy: &'a Proxy,
    /// Where it came in.
    pub listener: &'a Listener,
    /// Whom from.
    pub peer: &'a Peer,
    /// The id it is known by.
    pub id: &'a RequestId,
    /// What links begin with: see [`forwarded::client_base`].
    pub base: &'a str,
}

impl Proxy {
    /// The first snapshot of a process.
    pub fn new(config: Config) -> Self {
        let mark = Uuid::new_v4().simple().to_string();
        let short = mark.get(..12).unwrap_or(&mark);
        Self::build(config, format!("nova-glance-proxy-{short}").into())
    }

    /// A later one: upstream connections are made anew, since whom they trust may have changed.
    #[must_use]
    pub fn renewed(&self, config: Config) -> Self {
        Self::build(config, Arc::clone(&self.pseudonym))
    }

    fn build(config: Config, pseudonym: Arc<str>) -> Self {
        let upstream =
            |name, settings: &Option<_>| settings.as_ref().map(|s| Upstream::new(name, s));
        Self {
            glance: upstream("image", &config.glance),
            nova: upstream("compute", &config.nova),
            config,
            pseudonym,
        }
    }
}

/// Answers one request.
pub async fn handle(
    proxy: &Arc<Proxy>,
    listener: &Arc<Listener>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Response<Body> {
    let id = RequestId::mint();
    let (mut parts, incoming) = request.into_parts();
    if let Err(fault) = guard::check(&parts, &proxy.pseudonym) {
        let mut reply = refused(&fault, &id);
        let close = HeaderValue::from_static("close");
        reply.headers_mut().insert(header::CONNECTION, close);
        return reply;
    }
    headers::hide_secrets(&mut parts.headers);
    forwarded::drop_untrusted(listener, peer, &mut parts.headers);
    let incoming = body::from_client(incoming, proxy.config.timeouts.body);
    let request = Request::from_parts(parts, incoming);
    match answer(proxy, listener, peer, &id, request).await {
        Ok(reply) => reply,
        Err(fault) => refused(&fault, &id),
    }
}

async fn answer(
    proxy: &Proxy,
    listener: &Listener,
    peer: &Peer,
    id: &RequestId,
    request: Request<Body>,
) -> Result<Response<Body>, Fault> {
    let (parts, body) = request.into_parts();
    let target = below_mount(&listener.base_path, parts.uri.path_and_query())?;
    let base = forwarded::client_base(listener, peer, &parts)?;
    let inbound = Inbound {
        proxy,
        listener,
        peer,
        id,
        base: &base,
    };
    let rest = proxy.nova.as_ref().ok_or_else(Fault::no_route)?;
    passthrough::pass(&inbound, rest, target, Request::from_parts(parts, body)).await
}

/// Path and query less the listener's mount point; everything else about them stays as received.
fn below_mount(mount: &str, target: Option<&PathAndQuery>) -> Result<PathAndQuery, Fault> {
    let target = target.ok_or_else(Fault::no_route)?;
    let whole = target.as_str();
    let rest = whole
        .strip_prefix(mount)
        .filter(|rest| rest.is_empty() || rest.starts_with(['/', '?']))
        .ok_or_else(Fault::no_route)?;
    if rest.len() == whole.len() && rest.starts_with('/') {
        return Ok(target.clone());
    }
    let slash = if rest.starts_with('/') { "" } else { "/" };
    PathAndQuery::try_from(format!("{slash}{rest}")).map_err(|_| Fault::no_route())
}

/// A refusal, worded for nobody in particular.
fn refused(fault: &Fault, id: &RequestId) -> Response<Body> {
    let text = serde_json::json!({
        "error": {"code": fault.status.as_u16(), "message": fault.message}
    });
    let mut reply = Response::new(body::full(text.to_string()));
    *reply.status_mut() = fault.status;
    let json = HeaderValue::from_static("application/json");
    reply.headers_mut().insert(header::CONTENT_TYPE, json);
    if fault.status == StatusCode::METHOD_NOT_ALLOWED && fault.reason == Reason::BadRequest {
        let allowed = HeaderValue::from_static("GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
        reply.headers_mut().insert(header::ALLOW, allowed);
    }
    id.mark(reply.headers_mut());
    reply
}

#[cfg(test)]
mod tests {
    use super::{PathAndQuery, below_mount};

    #[test]
    fn mounts_are_cut_and_nothing_else() {
        for (mount, whole, rest) in [
            ("", "/v2//a/./%2F?x=%zz", Some("/v2//a/./%2F?x=%zz")),
            ("", "//", Some("//")),
            ("", "*", None),
            ("/compute", "/compute/v2?q", Some("/v2?q")),
            ("/compute", "/compute?q", Some("/?q")),
            ("/compute", "/compute", Some("/")),
            ("/compute", "/compute//v2", Some("//v2")),
            ("/compute", "/computer/v2", None),
            ("/compute", "/v2", None),
        ] {
            let target = whole.parse().unwrap();
            let cut = below_mount(mount, Some(&target)).ok();
            assert_eq!(
                cut.as_ref().map(PathAndQuery::as_str),
                rest,
                "{mount} {whole}"
            );
        }
    }
}
