//! Who sends a request, to which address, and what of that upstreams are told.
//!
//! Any client can send `X-Forwarded-*` and `Forwarded`. So these headers are believed only from peers that the listener
//! trusts, and removed from all other requests.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use http::header::{FORWARDED, HOST};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::config::{HostHeader, Listener};
use crate::model::{Fault, Reason};
use crate::net::headers::remove_all;

/// The client's address, and those of the proxies in front of this one.
pub const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The host that the client used.
pub const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `http` or `https`, as the client used.
pub const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The mount point that a proxy removed from the path.
pub const X_FORWARDED_PREFIX: HeaderName = HeaderName::from_static("x-forwarded-prefix");

/// The headers that oslo.middleware's `HTTPProxyToWSGI` and similar code believe.
fn is_claim(name: &str) -> bool {
    matches!(
        name,
        "forwarded"
            | "x-forwarded-for"
            | "x-forwarded-host"
            | "x-forwarded-proto"
            | "x-forwarded-prefix"
    )
}

/// The other end of a client's connection.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    /// Its address; `None` on a unix socket.
    pub address: Option<SocketAddr>,
    /// The proxy's own address on that connection; `None` on a unix socket.
    pub local: Option<SocketAddr>,
    /// Whether the connection is TLS.
    pub tls: bool,
}

impl Peer {
    /// Its address without the port.
    pub fn ip(&self) -> Option<IpAddr> {
        self.address.map(|address| address.ip().to_canonical())
    }
}

/// The form in the log.
impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) => write!(f, "{address}"),
            None => f.write_str("unix"),
        }
    }
}

/// Returns an address as text. Every request needs one or two, and the general formatter is slow.
pub fn shown(ip: IpAddr) -> String {
    let IpAddr::V4(ip) = ip else {
        return ip.to_string();
    };
    let mut text = String::with_capacity("255.255.255.255".len());
    for (index, octet) in ip.octets().into_iter().enumerate() {
        if index > 0 {
            text.push('.');
        }
        for unit in [100, 10, 1] {
            if octet >= unit || unit == 1 {
                text.push(char::from(b'0' + octet / unit % 10));
            }
        }
    }
    text
}

/// Removes the headers about the client from a request whose peer is not trusted. From every request it removes
/// disguised ones: a WSGI server cannot tell `X_Forwarded_Host` from `X-Forwarded-Host`, and no proxy writes the
/// former.
pub fn drop_untrusted(listener: &Listener, peer: &Peer, headers: &mut HeaderMap) {
    let believed = listener.believes(peer.ip());
    remove_all(headers, |name| {
        let name = name.as_str();
        !believed && is_claim(name) || name.contains('_') && is_claim(&name.replace('_', "-"))
    });
}

/// Tells an upstream who sends the request. The scheme is that of `base`, see [`client_base`], so that the upstream's
/// own links begin like ours; so is the host, if `Host` does not say it. The addresses that trusted proxies added are
/// kept, and the peer's is appended.
pub fn tell(peer: &Peer, base: &str, host: HostHeader, headers: &mut HeaderMap) {
    let scheme = if base.starts_with("https:") {
        "https"
    } else {
        "http"
    };
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(scheme));
    if host == HostHeader::Endpoint
        && let Ok(value) = HeaderValue::from_str(authority_of(base))
    {
        headers.insert(X_FORWARDED_HOST, value);
    }
    let Some(ip) = peer.ip() else {
        return;
    };
    let mut all = String::new();
    for line in headers.get_all(X_FORWARDED_FOR) {
        if let Ok(before) = line.to_str() {
            all.push_str(before);
            all.push_str(", ");
        }
    }
    all.push_str(&shown(ip));
    if let Ok(value) = HeaderValue::try_from(all) {
        headers.insert(X_FORWARDED_FOR, value);
    }
}

/// Returns the beginning of links: scheme, authority and mount point as the client sees them, without a trailing slash.
///
/// `public_url` decides if it is set. Otherwise the scheme is the connection's and the authority is the request's
/// `Host`, unless a trusted peer says that its own client used others. A request without a `Host`, which HTTP/1.0
/// allows, gets the address that it was sent to.
pub fn client_base(listener: &Listener, peer: &Peer, parts: &Parts) -> Result<String, Fault> {
    if let Some(url) = &listener.public_url {
        return Ok(url.clone());
    }
    let trusted = listener.believes(peer.ip());
    let claim = |name: &HeaderName| trusted.then(|| first_of(&parts.headers, name)).flatten();
    // oslo.middleware reads one or the other: `Forwarded` overrides its predecessors.
    let (proto, host) = match claim(&FORWARDED) {
        Some(hop) => (parameter(hop, "proto"), parameter(hop, "host")),
        None => (claim(&X_FORWARDED_PROTO), claim(&X_FORWARDED_HOST)),
    };
    let scheme = match proto {
        Some(claimed) if claimed.eq_ignore_ascii_case("https") => "https",
        Some(claimed) if claimed.eq_ignore_ascii_case("http") => "http",
        _ => scheme_of(peer),
    };
    let authority = match host {
        Some(claimed) => Some(Cow::Borrowed(claimed)),
        None => own_authority(peer, parts),
    };
    let authority = authority
        .as_deref()
        .and_then(plain_authority)
        .ok_or_else(|| {
            Fault::client(
                StatusCode::BAD_REQUEST,
                Reason::BadRequest,
                "The Host header is not valid.",
            )
        })?;
    let authority = without_usual_port(scheme, authority);
    let prefix = claim(&X_FORWARDED_PREFIX)
        .filter(|prefix| is_plain_path(prefix))
        .map_or("", |prefix| prefix.trim_end_matches('/'));
    Ok([scheme, "://", authority, prefix, &listener.base_path].concat())
}

/// The authority of a base URL.
pub fn authority_of(base: &str) -> &str {
    let behind = base.split_once("://").map_or(base, |(_, behind)| behind);
    behind
        .split_once('/')
        .map_or(behind, |(authority, _)| authority)
}

/// Returns the text if it is only a host with or without a port: `compute.example.com`, `10.0.0.1:8774`, `[::1]:8774`.
pub fn plain_authority(text: &str) -> Option<&str> {
    let (is_host, rest) = if let Some(inside) = text.strip_prefix('[') {
        let (address, rest) = inside.split_once(']')?;
        (address.parse::<std::net::Ipv6Addr>().is_ok(), rest)
    } else {
        let is_plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
        let end = text.bytes().position(|b| !is_plain(b));
        let (host, rest) = text.split_at(end.unwrap_or(text.len()));
        (!host.is_empty(), rest)
    };
    let is_port = match rest.strip_prefix(':') {
        // RFC 3986, 3.2.3, lets a port be empty.
        Some(port) => {
            port.is_empty()
                || port.bytes().all(|b| b.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }
        None => rest.is_empty(),
    };
    (is_host && is_port).then_some(text)
}

/// Returns the authority as links have it, without the default port of the scheme (WebOb, `Request.host_url`).
fn without_usual_port<'a>(scheme: &str, authority: &'a str) -> &'a str {
    let usual = if scheme == "https" { ":443" } else { ":80" };
    authority
        .strip_suffix(usual)
        .or_else(|| authority.strip_suffix(':'))
        .unwrap_or(authority)
}

fn scheme_of(peer: &Peer) -> &'static str {
    if peer.tls { "https" } else { "http" }
}

fn own_authority<'p>(peer: &Peer, parts: &'p Parts) -> Option<Cow<'p, str>> {
    if let Some(host) = parts.headers.get(HOST) {
        return host.to_str().ok().map(Cow::Borrowed);
    }
    let of_uri = parts.uri.authority().map(|all| Cow::Borrowed(all.as_str()));
    let of_socket = || peer.local.map(|local| Cow::Owned(local.to_string()));
    of_uri
        .or_else(of_socket)
        .or(Some(Cow::Borrowed("localhost")))
}

/// Returns the first element of a header that is a list over all its lines: the value of the proxy nearest to the
/// client.
fn first_of<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let line = headers.get(name)?.to_str().ok()?;
    let first = line.split(',').next()?.trim();
    (!first.is_empty()).then_some(first)
}

/// A parameter of one element of `Forwarded` (RFC 7239, 4), without its quotes.
pub(super) fn parameter<'h>(hop: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = hop.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(is, _)| is.trim().eq_ignore_ascii_case(name))?;
    let value = value.trim();
    Some(
        value
            .strip_prefix('"')
            .and_then(|value| value.strip_suffix('"'))
            .unwrap_or(value),
    )
}

fn is_plain_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Address, Trusted, protocol};

    fn listener(trusted: Trusted) -> Listener {
        Listener {
            address: Address::Tcp("127.0.0.1:0".to_owned()),
            speaks: &protocol::NOVA,
            base_path: "/compute".to_owned(),
            tls: None,
            health_path: None,
            public_url: None,
            trusted,
        }
    }

    fn peer() -> Peer {
        Peer {
            address: "10.0.0.9:5".parse().ok(),
            local: "10.0.0.1:8774".parse().ok(),
            tls: false,
        }
    }

    fn parts(lines: &[(&str, &str)]) -> Parts {
        let mut request = http::Request::get("/v2");
        for (name, value) in lines {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    const CLAIMED: &[(&str, &str)] = &[
        ("host", "inner:1"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "outer.example.com, inner"),
        ("x-forwarded-prefix", "/cloud/"),
    ];

    #[test]
    fn addresses_are_shown_as_they_are_written() {
        for ip in ["0.0.0.0", "10.9.100.255", "127.0.0.1", "::1", "2001:db8::a"] {
            assert_eq!(shown(ip.parse().unwrap()), ip);
        }
    }

    #[test]
    fn untrusted_claims_count_for_nothing() {
        let listener = listener(Trusted::default());
        let mut parts = parts(CLAIMED);
        let base = client_base(&listener, &peer(), &parts).unwrap();
        assert_eq!(base, "http://inner:1/compute");
        drop_untrusted(&listener, &peer(), &mut parts.headers);
        assert_eq!(parts.headers.len(), 1);
        tell(&peer(), &base, HostHeader::Client, &mut parts.headers);
        assert_eq!(parts.headers[X_FORWARDED_PROTO], "http");
        assert_eq!(parts.headers[X_FORWARDED_FOR], "10.0.0.9");
        assert!(!parts.headers.contains_key(X_FORWARDED_HOST));
        tell(&peer(), &base, HostHeader::Endpoint, &mut parts.headers);
        assert_eq!(parts.headers[X_FORWARDED_HOST], "inner:1");
    }

    #[test]
    fn trusted_claims_count_and_are_added_to() {
        let listener = listener(Trusted {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            unix: false,
        });
        let mut parts = parts(CLAIMED);
        let base = client_base(&listener, &peer(), &parts).unwrap();
        assert_eq!(base, "https://outer.example.com/cloud/compute");
        let client = HeaderValue::from_static("192.0.2.1");
        parts.headers.insert(X_FORWARDED_FOR, client);
        drop_untrusted(&listener, &peer(), &mut parts.headers);
        tell(&peer(), &base, HostHeader::Client, &mut parts.headers);
        assert_eq!(parts.headers[X_FORWARDED_PROTO], "https");
        assert_eq!(parts.headers[X_FORWARDED_FOR], "192.0.2.1, 10.0.0.9");
        // Where the client's host is not told otherwise, there is nothing to put in its place.
        assert_eq!(parts.headers[X_FORWARDED_HOST], "outer.example.com, inner");
        tell(&peer(), &base, HostHeader::Endpoint, &mut parts.headers);
        assert_eq!(parts.headers[X_FORWARDED_HOST], "outer.example.com");
    }

    #[test]
    fn claims_in_disguise_are_nobodys() {
        let everybody = Trusted {
            networks: vec!["0.0.0.0/0".parse().unwrap()],
            ..Trusted::default()
        };
        for trusted in [Trusted::default(), everybody] {
            let mut parts = parts(&[("x_forwarded-Host", "evil"), ("X_Other", "kept")]);
            drop_untrusted(&listener(trusted), &peer(), &mut parts.headers);
            let names: Vec<_> = parts.headers.keys().map(HeaderName::as_str).collect();
            assert_eq!(names, ["x_other"]);
        }
    }

    #[test]
    fn forwarded_silences_its_forerunners() {
        let trusted = Trusted {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            ..Trusted::default()
        };
        for (line, base) in [
            (
                "for=192.0.2.1;proto=https;host=one.example.com",
                "https://one.example.com/compute",
            ),
            (
                "Host=\"[2001:db8::1]:8774\"; proto=HTTPS, host=two",
                "https://[2001:db8::1]:8774/compute",
            ),
            ("proto=https", "https://inner:1/compute"),
            ("for=_hidden", "http://inner:1/compute"),
        ] {
            let parts = parts(&[
                ("host", "inner:1"),
                ("x-forwarded-host", "not.this"),
                ("forwarded", line),
            ]);
            assert_eq!(
                client_base(&listener(trusted.clone()), &peer(), &parts).unwrap(),
                base,
                "{line}"
            );
        }
    }

    #[test]
    fn the_authority_of_a_base_is_what_stands_before_the_path() {
        for (base, authority) in [
            ("http://h", "h"),
            ("https://[::1]:8774/compute/v2", "[::1]:8774"),
            ("https://compute.example.com/", "compute.example.com"),
        ] {
            assert_eq!(authority_of(base), authority);
        }
    }

    #[test]
    fn hosts_are_authorities_and_nothing_else() {
        let listener = listener(Trusted::default());
        for good in ["h", "h:1", "[::1]:8774", "[fe80::1]", "10.0.0.1", "a_b.c-d"] {
            let base = client_base(&listener, &peer(), &parts(&[("host", good)])).unwrap();
            assert_eq!(base, format!("http://{good}/compute"));
        }
        for (usual, link) in [
            ("h:80", "h"),
            ("h:", "h"),
            ("[::1]:80", "[::1]"),
            ("h:443", "h:443"),
            ("h:8080", "h:8080"),
        ] {
            let base = client_base(&listener, &peer(), &parts(&[("host", usual)])).unwrap();
            assert_eq!(base, format!("http://{link}/compute"));
        }
        for bad in [
            "", "u@h", "h/p", "h?q", "h:x", "h:99999", "a b", "[::1", "::1", "h\"", "<h>",
        ] {
            let parts = parts(&[("host", bad)]);
            assert!(client_base(&listener, &peer(), &parts).is_err(), "{bad:?}");
        }
        let base = client_base(&listener, &peer(), &parts(&[])).unwrap();
        assert_eq!(base, "http://10.0.0.1:8774/compute");
    }
}
