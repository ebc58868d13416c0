//! The address of the client behind trusted proxies.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;

use super::forwarded::{Peer, X_FORWARDED_FOR, parameter};
use crate::config::Listener;

/// The address of the client: the right-most one of `Forwarded` or `X-Forwarded-For` that is not a trusted proxy's.
/// Every proxy adds the address of its own peer at the right, so what stands further left is only a claim of that
/// client. `None` is a unix socket.
///
/// An entry that is not an address (`unknown`, `_hidden`) ends the walk at the proxy that wrote it.
pub(super) fn client_address(
    listener: &Listener,
    peer: &Peer,
    headers: &HeaderMap,
) -> Option<IpAddr> {
    let mut client = peer.ip();
    if !listener.believes(client) {
        return client;
    }
    // As in oslo.middleware, `Forwarded` overrides the older header.
    if headers.contains_key(FORWARDED) {
        let hops = entries(headers, &FORWARDED);
        walk(
            listener,
            &mut client,
            hops.map(|hop| parameter(hop, "for").unwrap_or("")),
        );
    } else {
        walk(listener, &mut client, entries(headers, &X_FORWARDED_FOR));
    }
    client
}

/// Goes on to the next entry for as long as the last one is a trusted proxy.
fn walk<'h>(
    listener: &Listener,
    client: &mut Option<IpAddr>,
    entries: impl Iterator<Item = &'h str>,
) {
    for entry in entries {
        let Some(ip) = address(entry) else {
            return;
        };
        *client = Some(ip);
        if !listener.believes(*client) {
            return;
        }
    }
}

/// The entries of a header that is a list over all its lines, the last one first.
fn entries<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = &'h str> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or("").rsplit(',').map(str::trim))
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let ip = bare.unwrap_or(text).parse::<IpAddr>().ok();
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    ip.or_else(with_port).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::client_address;
    use crate::config::Config;
    use crate::proxy::forwarded::Peer;

    #[test]
    fn the_client_is_the_right_most_address_that_is_not_trusted() {
        let text = "glance = { endpoints = [\"http://g\"] }\n\
                    listen = [{ address = \"unix:/p\", speaks = \"nova\", trusted_proxies = [\"10.0.0.0/8\", \"unix\"] }]\n";
        let config = Config::parse(text, std::path::Path::new("c.toml")).unwrap();
        let listener = Arc::clone(&config.listen[0]);
        for (peer, headers, client) in [
            (
                "192.0.2.9",
                &[("x-forwarded-for", "192.0.2.1")][..],
                "192.0.2.9",
            ),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("10.0.0.1", &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.0.0.2")],
                "192.0.2.1",
            ),
            (
                "10.0.0.1",
                &[
                    ("x-forwarded-for", "6.6.6.6"),
                    ("x-forwarded-for", "192.0.2.1,10.0.0.2"),
                ],
                "192.0.2.1",
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "10.0.0.3, 10.0.0.2")],
                "10.0.0.3",
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "192.0.2.1, unknown")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "192.0.2.1, ")],
                "10.0.0.1",
            ),
            (
                "10.0.0.1",
                &[("x-forwarded-for", "[2001:db8::1]:80, 10.0.0.2:81")],
                "2001:db8::1",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "for=192.0.2.1;proto=https, for=10.0.0.2")],
                "192.0.2.1",
            ),
            (
                "10.0.0.1",
                &[("forwarded", "For=\"[2001:db8::1]:80\"")],
                "2001:db8::1",
            ),
            (
                "10.0.0.1",
                &[
                    ("forwarded", "for=_hidden"),
                    ("x-forwarded-for", "192.0.2.1"),
                ],
                "10.0.0.1",
            ),
            ("10.0.0.1", &[("forwarded", "proto=https")], "10.0.0.1"),
            (
                "::ffff:10.0.0.1",
                &[("x-forwarded-for", "::ffff:192.0.2.1")],
                "192.0.2.1",
            ),
            ("unix", &[("x-forwarded-for", "192.0.2.1")], "192.0.2.1"),
            ("unix", &[], "unix"),
        ] {
            let address = peer.parse().ok().map(|ip| std::net::SocketAddr::new(ip, 1));
            let peer = Peer {
                address,
                local: None,
                tls: false,
            };
            let mut map = HeaderMap::new();
            for (name, value) in headers {
                map.append(
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                );
            }
            let found = client_address(&listener, &peer, &map);
            let found = found.map_or("unix".to_owned(), |ip| ip.to_string());
            assert_eq!(found, client, "{peer} {headers:?}");
        }
    }
}
