//! Refuses requests that another site made a browser send.
//!
//! An operator's browser reaches addresses that an attacker does not. Two tricks make it ask there. With DNS rebinding
//! a page's own name resolves to our address, so the page may read our replies; its name is in `Host` then. With a
//! cross-site request the page only sends; the browser says so in `Origin` or `Sec-Fetch-Site`.

use std::net::IpAddr;

use http::header::{HOST, ORIGIN};
use http::uri::Authority;
use http::{HeaderMap, HeaderName};

use crate::config::{Address, AdminListener};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// How a request arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AdminChannel {
    /// TCP.
    Plain,
    /// TCP with TLS.
    Tls,
    /// A unix socket.
    Unix,
}

/// Whether a request may see or change what is private.
///
/// # Errors
/// Why not, in a sentence for the client.
pub(super) fn check(
    listener: &AdminListener,
    channel: AdminChannel,
    headers: &HeaderMap,
) -> Result<(), &'static str> {
    if !is_own_host(listener, channel, headers) {
        return Err("Host must be an IP address, localhost or the configured host");
    }
    if is_foreign(channel, headers) {
        return Err("requests from other sites are refused");
    }
    Ok(())
}

/// No browser reaches a unix socket, and over TLS the certificate proves the name.
fn is_own_host(listener: &AdminListener, channel: AdminChannel, headers: &HeaderMap) -> bool {
    if channel != AdminChannel::Plain {
        return true;
    }
    let Some(host) = only(headers, &HOST).and_then(host) else {
        return false;
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let configured = match &listener.address {
        Address::Tcp(address) => self::host(address),
        Address::Unix(_) | Address::Systemd(_) => None,
    };
    bare.parse::<IpAddr>().is_ok()
        || host.eq_ignore_ascii_case("localhost")
        || configured.is_some_and(|configured| configured.eq_ignore_ascii_case(&host))
}

fn is_foreign(channel: AdminChannel, headers: &HeaderMap) -> bool {
    let scheme = match channel {
        AdminChannel::Tls => "https",
        AdminChannel::Plain | AdminChannel::Unix => "http",
    };
    let own = only(headers, &HOST).map(|host| format!("{scheme}://{host}"));
    let is_foreign_origin =
        headers.contains_key(ORIGIN) && (own.is_none() || only(headers, &ORIGIN) != own.as_deref());
    let site = only(headers, &SEC_FETCH_SITE);
    let is_foreign_site =
        headers.contains_key(SEC_FETCH_SITE) && !matches!(site, Some("same-origin" | "none"));
    is_foreign_origin || is_foreign_site
}

/// The host of an authority, without its port.
fn host(authority: &str) -> Option<String> {
    let authority: Authority = authority.parse().ok()?;
    Some(authority.host().to_owned())
}

/// The value of a header that is there once.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    let mut lines = headers.get_all(name).iter();
    let line = lines.next().filter(|_| lines.next().is_none())?;
    line.to_str().ok()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderName, HeaderValue};

    use super::{AdminChannel, check};
    use crate::config::{AdminArea, AdminListener};

    fn is_let_through(channel: AdminChannel, lines: &[(&'static str, &'static str)]) -> bool {
        let listener = AdminListener {
            address: "admin.example.com:9774".parse().unwrap(),
            serves: vec![AdminArea::Status],
            tls: None,
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name = HeaderName::from_static(name);
            headers.append(name, HeaderValue::from_static(value));
        }
        check(&listener, channel, &headers).is_ok()
    }

    #[test]
    fn rebound_names_are_refused() {
        for host in [
            "127.0.0.1:9774",
            "[::1]:9774",
            "10.0.0.1",
            "localhost:1",
            "LOCALHOST",
            "admin.example.com:9774",
        ] {
            assert!(
                is_let_through(AdminChannel::Plain, &[("host", host)]),
                "{host}"
            );
        }
        for host in [
            "evil.example.com:9774",
            "localhost.evil.example",
            "127.0.0.1.evil",
            "",
            "a b",
        ] {
            assert!(
                !is_let_through(AdminChannel::Plain, &[("host", host)]),
                "{host}"
            );
            assert!(
                is_let_through(AdminChannel::Unix, &[("host", host)]),
                "{host}"
            );
            assert!(
                is_let_through(AdminChannel::Tls, &[("host", host)]),
                "{host}"
            );
        }
        assert!(!is_let_through(AdminChannel::Plain, &[]));
        let twice = [("host", "localhost"), ("host", "localhost")];
        assert!(!is_let_through(AdminChannel::Plain, &twice));
    }

    #[test]
    fn other_sites_are_refused() {
        let host = ("host", "127.0.0.1:9774");
        for (name, value, is_ours) in [
            ("origin", "http://127.0.0.1:9774", true),
            ("origin", "https://127.0.0.1:9774", false),
            ("origin", "http://127.0.0.1", false),
            ("origin", "http://evil.example", false),
            ("origin", "null", false),
            ("sec-fetch-site", "same-origin", true),
            ("sec-fetch-site", "none", true),
            ("sec-fetch-site", "same-site", false),
            ("sec-fetch-site", "cross-site", false),
        ] {
            let passes = is_let_through(AdminChannel::Plain, &[host, (name, value)]);
            assert_eq!(passes, is_ours, "{name}: {value}");
        }
        let tls = [("host", "a"), ("origin", "https://a")];
        assert!(is_let_through(AdminChannel::Tls, &tls));
        assert!(!is_let_through(
            AdminChannel::Unix,
            &[("origin", "http://a")]
        ));
    }
}
