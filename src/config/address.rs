//! Addresses of listeners and upstreams, and the peers that are trusted.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;

use http::Uri;
use http::uri::{Authority, Scheme};
use ipnet::IpNet;

/// The address of a listener.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `host:port`; port 0 picks a free port.
    Tcp(String),
    /// The path of a unix socket.
    Unix(PathBuf),
    /// The name of a socket that systemd has bound and passes to the process.
    Systemd(String),
}

impl Address {
    /// Whether only this host can reach it. What a socket of systemd is bound to is not known before the process starts.
    pub(crate) fn is_local(&self) -> bool {
        let text = match self {
            Self::Tcp(text) => text,
            Self::Unix(_) => return true,
            Self::Systemd(_) => return false,
        };
        let bound: Option<Authority> = text.parse().ok();
        let host = bound.as_ref().map_or("", |bound| bound.host());
        let ip: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        host == "localhost" || ip.is_some_and(|ip| ip.to_canonical().is_loopback())
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return if path.is_empty() {
                Err("`unix:` must be followed by the path of a socket".to_owned())
            } else {
                Ok(Self::Unix(PathBuf::from(path)))
            };
        }
        if let Some(name) = text.strip_prefix("systemd:") {
            // What systemd takes for a FileDescriptorName.
            let is_name = (1..256).contains(&name.len())
                && name.bytes().all(|b| (b' '..0x7f).contains(&b) && b != b':');
            return if is_name {
                Ok(Self::Systemd(name.to_owned()))
            } else {
                Err("`systemd:` must be followed by the FileDescriptorName of a socket".to_owned())
            };
        }
        let bound: Option<Authority> = text.parse().ok();
        match bound {
            Some(bound) if bound.port_u16().is_some() && !text.contains('@') => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err(format!(
                "`{}` is not a valid address: write `host:port`, `unix:/path` or `systemd:NAME`",
                masked(text)
            )),
        }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
            Self::Systemd(name) => write!(f, "systemd:{name}"),
        }
    }
}

/// The base URL of a service: `http` or `https`, an authority, and the path under which the service is mounted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// `http` or `https`.
    pub scheme: Scheme,
    /// Host and port.
    pub authority: Authority,
    /// The path under which the service is mounted, such as `/image`; empty if it is at the root. No trailing slash.
    pub path: String,
}

impl Endpoint {
    /// Removes the version that catalogs put at the end of an endpoint: `/v2`, `/v2.1`, or `/v3` of Keystone.
    #[must_use]
    pub fn without_version(mut self) -> Self {
        for version in ["/v2", "/v2.1", "/v3"] {
            if let Some(rest) = self.path.strip_suffix(version) {
                self.path.truncate(rest.len());
                break;
            }
        }
        self
    }

    /// Whether the endpoint uses TLS.
    pub fn is_tls(&self) -> bool {
        self.scheme == Scheme::HTTPS
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{}` is not a valid base URL: {why}", masked(text));
        // An `@` is refused even in the path, because the text before it may be meant as a password.
        if text.contains('@') {
            return Err(wrong("it must not contain a user or a password"));
        }
        let uri: Uri = text.parse().map_err(|error| wrong(&format!("{error}")))?;
        let parts = uri.into_parts();
        let scheme = parts
            .scheme
            .filter(|scheme| *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS)
            .ok_or_else(|| wrong("it must begin with http:// or https://"))?;
        let authority = parts
            .authority
            .ok_or_else(|| wrong("it must name a host"))?;
        let target = parts.path_and_query;
        if target.as_ref().is_some_and(|t| t.query().is_some()) || text.contains('#') {
            return Err(wrong("it must not have a query or a fragment"));
        }
        let path = target.map_or(String::new(), |t| t.path().trim_end_matches('/').to_owned());
        Ok(Self {
            scheme,
            authority,
            path,
        })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}{}", self.scheme, self.authority, self.path)
    }
}

/// Masks the text before an `@` in a URL or an address, because it may be a password.
#[must_use]
pub fn masked(text: &str) -> Cow<'_, str> {
    let Some((user, rest)) = text.rsplit_once('@') else {
        return Cow::Borrowed(text);
    };
    let scheme = user.split_once("://").map_or("", |(scheme, _)| scheme);
    let mark = if scheme.is_empty() { "" } else { "://" };
    Cow::Owned(format!("{scheme}{mark}***@{rest}"))
}

/// The peers whose `Forwarded` and `X-Forwarded-*` headers are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trusted {
    /// Peers by address.
    pub networks: Vec<IpNet>,
    /// Peers on unix sockets.
    pub unix: bool,
}

impl Trusted {
    /// Whether a peer is trusted; `None` is a peer on a unix socket.
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            None => self.unix,
            Some(address) => {
                let address = address.to_canonical();
                self.networks.iter().any(|net| net.contains(&address))
            }
        }
    }

    /// Adds a network, an address, or the word `unix`.
    pub(super) fn add(&mut self, text: &str) -> Result<(), String> {
        if text == "unix" {
            self.unix = true;
        } else if let Ok(network) = text.parse::<IpNet>() {
            self.networks.push(network);
        } else if let Ok(address) = text.parse::<IpAddr>() {
            self.networks.push(IpNet::from(address));
        } else {
            return Err(format!(
                "`{text}` is not a valid network: write `10.0.0.0/8`, `::1` or `unix`"
            ));
        }
        Ok(())
    }
}

/// Reads a mount point: empty, or a path of non-empty segments. Returns it without a trailing slash.
pub(super) fn base_path(text: &str) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let plain = path
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
    if path.is_empty() || (path.starts_with('/') && plain && !path.contains("//")) {
        Ok(path.to_owned())
    } else {
        Err(format!(
            "`{text}` is not a valid base path: write a plain path such as `/compute`"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::{Address, Endpoint, Trusted, base_path, masked};

    #[test]
    fn addresses_are_tcp_unix_or_of_systemd() {
        for good in [
            "127.0.0.1:8774",
            "[::1]:0",
            "localhost:80",
            "unix:/run/x",
            "systemd:nova",
            "systemd:nova-glance-proxy.socket",
        ] {
            let address: Address = good.parse().unwrap();
            assert_eq!(address.to_string(), good);
        }
        for bad in [
            "",
            "8774",
            "localhost",
            "unix:",
            "a:b",
            "u@h:1",
            "h:99999",
            "systemd:",
            "systemd:a:b",
            "systemd:a\n",
        ] {
            assert!(bad.parse::<Address>().is_err(), "{bad}");
        }
    }

    #[test]
    fn an_address_is_local_or_exposed() {
        for local in [
            "127.0.0.1:1",
            "127.1.2.3:1",
            "[::1]:1",
            "[::ffff:127.0.0.1]:1",
            "localhost:1",
            "unix:/x",
        ] {
            assert!(local.parse::<Address>().unwrap().is_local(), "{local}");
        }
        for exposed in [
            "0.0.0.0:1",
            "[::]:1",
            "10.0.0.1:1",
            "localhost.example.com:1",
            "systemd:nova",
        ] {
            assert!(!exposed.parse::<Address>().unwrap().is_local(), "{exposed}");
        }
    }

    #[test]
    fn endpoints_keep_their_path_and_lose_the_version() {
        for (text, means) in [
            ("http://h:9292", "http://h:9292"),
            ("http://h:9292/", "http://h:9292"),
            ("https://h/image/v2/", "https://h/image"),
            ("https://h/compute/v2.1", "https://h/compute"),
            ("http://[::1]:1/v2", "http://[::1]:1"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!(endpoint.without_version().to_string(), means);
        }
        for bad in [
            "",
            "h:1",
            "/x",
            "ftp://h",
            "http://u@h",
            "http://h/a@b",
            "http://h?x",
            "http://h/#f",
        ] {
            assert!(bad.parse::<Endpoint>().is_err(), "{bad}");
        }
    }

    #[test]
    fn passwords_are_masked() {
        for (text, shown) in [
            ("http://h:1/x", "http://h:1/x"),
            ("http://u:pw@h:1/x", "http://***@h:1/x"),
            ("https://u:p/w@x?@h", "https://***@h"),
            ("u:pw@h:1", "***@h:1"),
            ("://pw@h", "***@h"),
        ] {
            assert_eq!(masked(text), shown);
        }
        let told = "http://u:pw@h".parse::<Endpoint>().unwrap_err();
        assert_eq!(
            told,
            "`http://***@h` is not a valid base URL: it must not contain a user or a password"
        );
    }

    #[test]
    fn trust_is_by_network() {
        let mut trusted = Trusted::default();
        assert!(!trusted.believes(None));
        for text in ["10.0.0.0/8", "::1", "unix"] {
            trusted.add(text).unwrap();
        }
        assert!(trusted.add("nonsense").is_err());
        for (peer, believed) in [
            ("10.1.2.3", true),
            ("::ffff:10.1.2.3", true),
            ("::1", true),
            ("11.0.0.1", false),
        ] {
            assert_eq!(trusted.believes(Some(peer.parse().unwrap())), believed);
        }
        assert!(trusted.believes(None));
    }

    #[test]
    fn base_paths_are_plain() {
        assert_eq!(base_path("/compute/").as_deref(), Ok("/compute"));
        assert_eq!(base_path("/").as_deref(), Ok(""));
        for bad in ["compute", "/a//b", "/a b", "/a%2f"] {
            assert!(base_path(bad).is_err(), "{bad}");
        }
    }
}
