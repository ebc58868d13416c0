//! What is known of a request before it is read.

use std::sync::Arc;
use std::time::Instant;

use http::header;
use http::request::Parts;
use http::uri::PathAndQuery;

use super::Proxy;
use super::client_address::client_address;
use super::dialects::Dialect;
use super::forwarded::Peer;
use crate::config::Listener;
use crate::model::{Caller, Fault};
use crate::net::headers::RequestId;
use crate::watch::{RequestFacts, RequestStats};

/// What is known of a request apart from its head and its body.
#[derive(Clone, Copy, Debug)]
pub struct RequestContext<'a> {
    /// The configuration snapshot of the request.
    pub proxy: &'a Proxy,
    /// The listener that received it.
    pub listener: &'a Listener,
    /// The other end of the connection.
    pub peer: &'a Peer,
    /// The client's dialect.
    pub dialect: &'a Dialect,
    /// The request's id.
    pub id: &'a RequestId,
    /// The beginning of links: see [`client_base`](super::forwarded::client_base).
    pub base: &'a str,
    /// The sender, if Keystone has validated the token.
    pub caller: Option<&'a Caller>,
    /// The counters of its record.
    pub stats: &'a Arc<RequestStats>,
}

/// The facts that the record of a request begins with.
pub(super) fn facts(
    listener: &Listener,
    peer: &Peer,
    id: &RequestId,
    parts: &Parts,
) -> RequestFacts {
    let user_agent = parts.headers.get(header::USER_AGENT);
    RequestFacts {
        request_id: id.as_str().to_owned(),
        speaks: listener.speaks.word,
        global_request_id: RequestId::of_client(&parts.headers).map(|id| id.to_string()),
        client: client_address(listener, peer, &parts.headers),
        peer: peer.ip(),
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        user_agent: user_agent
            .and_then(|line| line.to_str().ok())
            .map(str::to_owned),
        started: Instant::now(),
    }
}

/// Returns path and query without the listener's mount point, otherwise as received.
pub(crate) fn below_mount(
    mount: &str,
    target: Option<&PathAndQuery>,
) -> Result<PathAndQuery, Fault> {
    let target = target.ok_or_else(Fault::no_route)?;
    let whole = target.as_str();
    let rest = behind(mount, whole).ok_or_else(Fault::no_route)?;
    if rest.len() == whole.len() && rest.starts_with('/') {
        return Ok(target.clone());
    }
    let slash = if rest.starts_with('/') { "" } else { "/" };
    PathAndQuery::try_from(format!("{slash}{rest}")).map_err(|_| Fault::no_route())
}

/// Returns the part behind the mount point. A run of slashes counts as one, as in the URL maps that services are
/// mounted in.
fn behind<'t>(mount: &str, whole: &'t str) -> Option<&'t str> {
    let mut rest = whole;
    for segment in mount.split('/').skip(1) {
        rest = rest.strip_prefix('/')?.trim_start_matches('/');
        rest = rest.strip_prefix(segment)?;
        if !(rest.is_empty() || rest.starts_with(['/', '?'])) {
            return None;
        }
    }
    (rest.is_empty() || rest.starts_with(['/', '?'])).then_some(rest)
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
            ("/compute", "//compute//v2?x=//", Some("//v2?x=//")),
            ("/compute", "//?/compute", None),
            ("/a/b", "/a//b/c", Some("/c")),
            ("/a/b", "/a/bc", None),
            ("/a/b", "/ab", None),
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
