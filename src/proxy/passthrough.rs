//! Passes requests on that are not image requests.
//!
//! Path, query and both bodies pass byte for byte. Parts that concern only one connection stay on it: framing,
//! `Connection` and the headers that it names, upgrades, trailers. This proxy answers `Expect` itself, and an
//! upstream's interim replies do not reach the client.

use http::header::{COOKIE, EXPECT, HOST, HeaderMap, HeaderValue};
use http::request::Parts;
use http::uri::{Authority, PathAndQuery};
use http::{Response, StatusCode, Uri, Version};

use super::forwarded::{self, X_FORWARDED_PREFIX};
use super::{RequestContext, guard, rewrite};
use crate::config::HostHeader;
use crate::model::{Fault, PassThrough, Reason};
use crate::net::body::Body;
use crate::net::headers::{X_OPENSTACK_REQUEST_ID, strip_hop_by_hop};
use crate::upstream::Upstream;

/// Sends a request on and returns the reply with its rewrite. `target` is path and query as received, without the
/// listener's mount point. `parts`, whose secrets are hidden already, become the upstream's request.
pub async fn pass(
    context: &RequestContext<'_>,
    PassThrough { rewrite }: PassThrough,
    target: PathAndQuery,
    parts: &mut Parts,
    body: &mut Body,
) -> Result<Response<Body>, Fault> {
    let upstream = context
        .dialect
        .pairing
        .rest
        .and_then(|service| context.proxy.upstream(service))
        .ok_or_else(Fault::no_route)?;
    let host = context.proxy.config.host;
    match host {
        HostHeader::Client => keep_host(&mut parts.headers, parts.uri.authority()),
        // Each endpoint gets its own name, also when a request moves on to the next endpoint.
        HostHeader::Endpoint => drop(parts.headers.remove(HOST)),
    }
    join_cookies(&mut parts.headers);
    strip_hop_by_hop(&mut parts.headers);
    parts.headers.remove(EXPECT);
    forwarded::tell(context.peer, context.base, host, &mut parts.headers);
    tell_mount(context, upstream, &mut parts.headers);
    if let Some(id) = context.id.for_upstream(&parts.headers) {
        parts.headers.insert(X_OPENSTACK_REQUEST_ID, id);
    }
    guard::mark(&mut parts.headers, parts.version, &context.proxy.pseudonym);
    parts.uri = Uri::from(target);

    let lease = upstream.lease(Some(context.stats)).await?;
    let mut reply = lease.forward(parts, body).await?;
    if reply.status().is_informational() {
        return Err(unasked_upgrade());
    }
    strip_hop_by_hop(reply.headers_mut());
    guard::merge_lengths(reply.headers_mut());
    // The client gets this proxy's version and not the upstream's: in HTTP/1.1 a reply that breaks off can be told from
    // one that ends.
    *reply.version_mut() = Version::HTTP_11;
    Ok(match rewrite {
        Some(rewrite) => rewrite::apply(&rewrite, reply, context.base),
        None => reply,
    })
}

/// HTTP/2 has the host in the target; upstreams use HTTP/1.1 and need a `Host` line. If both exist, they are equal.
fn keep_host(headers: &mut HeaderMap, authority: Option<&Authority>) {
    let named = authority.map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = named {
        headers.insert(HOST, host);
    }
}

/// HTTP/2 lets a client split its cookies over several lines; HTTP/1.1 has one (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let lines: Vec<&[u8]> = headers
        .get_all(COOKIE)
        .iter()
        .map(HeaderValue::as_bytes)
        .collect();
    if lines.len() > 1
        && let Ok(mut joined) = HeaderValue::from_bytes(&lines.join(&b"; "[..]))
    {
        joined.set_sensitive(true);
        headers.insert(COOKIE, joined);
    }
}

/// An upstream that does not know the mount point would omit it from its links.
fn tell_mount(context: &RequestContext<'_>, upstream: &Upstream, headers: &mut HeaderMap) {
    let mount = &context.listener.base_path;
    if mount.is_empty() || !upstream.is_at_root() {
        return;
    }
    let before = headers
        .get(X_FORWARDED_PREFIX)
        .and_then(|v| v.to_str().ok());
    let prefix = format!("{}{mount}", before.unwrap_or("").trim_end_matches('/'));
    if let Ok(prefix) = HeaderValue::from_str(&prefix) {
        headers.insert(X_FORWARDED_PREFIX, prefix);
    }
}

/// The proxy never requests an upgrade, so the reply of an upstream that grants one cannot be understood.
fn unasked_upgrade() -> Fault {
    Fault::upstream(
        StatusCode::BAD_GATEWAY,
        Reason::UpstreamReply,
        "The upstream switched protocols without being asked to.",
    )
}

#[cfg(test)]
mod tests {
    use http::header::{COOKIE, HeaderMap, HeaderValue};

    use super::join_cookies;

    #[test]
    fn cookies_become_one_line() {
        let mut headers = HeaderMap::new();
        for cookie in ["a=1", "b=2; c=3"] {
            headers.append(COOKIE, HeaderValue::from_static(cookie));
        }
        join_cookies(&mut headers);
        let lines: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(lines, ["a=1; b=2; c=3"]);
        assert!(lines[0].is_sensitive());
    }
}
