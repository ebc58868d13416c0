//! What the operator decided: a file of TOML, read into one immutable [`Config`].
//!
//! [`settings`] is the table of all settings. `file` reads a file's values by that table, `resolve` turns them into
//! the types below. A `Config` has everything in it that can be wrong, certificates and keys included, so whoever
//! holds one need check nothing more.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rustls::{ClientConfig, ServerConfig};

use crate::model::ScanLimits;
use crate::nova;
use crate::nova::compat::Compat;
use crate::watch::{AccessLogSettings, LogFormat};

mod address;
mod file;
mod place;
mod reload;
mod resolve;
pub mod settings;
#[cfg(test)]
mod tests;
mod tls;

pub use address::{Address, Endpoint, Trusted, masked};
pub use place::{LineColumn, Problem, Problems};
pub use reload::{ConfigSource, RestartOnly};

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "/etc/nova-glance-proxy/config.toml";

/// Everything that can be set; one snapshot of it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where clients are accepted; never empty.
    pub listen: Vec<Arc<Listener>>,
    /// The Glance that answers images.
    pub glance: Option<UpstreamConfig>,
    /// The Nova that answers the rest; and images, where clients speak Glance's dialect.
    pub nova: Option<UpstreamConfig>,
    /// How that Nova is asked for images.
    pub nova_images: NovaImages,
    /// Who says whose tokens are, where they are to be validated here.
    pub identity: Option<IdentityConfig>,
    /// Which `Host` that Nova gets with what passes through.
    pub host: HostHeader,
    /// Whether the `Location` of a `createImage` reply comes to name the image here.
    pub rewrite_location: bool,
    /// Which Nova is imitated.
    pub compat: Arc<Compat>,
    /// How much is too much.
    pub limits: Limits,
    /// How long is too long, toward clients.
    pub timeouts: Timeouts,
    /// Headers of translated requests that are forwarded besides those that always are.
    pub forward: Vec<HeaderName>,
    /// What is logged.
    pub log: Log,
}

/// One place where clients are accepted.
#[derive(Clone, Debug)]
pub struct Listener {
    /// Where.
    pub address: Address,
    /// The dialect of the clients.
    pub speaks: Protocol,
    /// The path under which the API is mounted, `/compute`; empty at the top. No trailing slash.
    pub base_path: String,
    /// What is shown to clients, where TLS is spoken.
    pub tls: Option<Arc<ServerConfig>>,
    /// What links begin with, where that is not to be taken from requests. No trailing slash.
    pub public_url: Option<String>,
    /// Whose `Forwarded` and `X-Forwarded-*` headers are believed.
    pub trusted: Trusted,
}

/// What the clients of a listener speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Protocol {
    /// The legacy Nova images API
    Nova,
    /// Glance v2
    Glance,
}

/// Which `Host` a request has that passes through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// The client's, so that Nova's own links lead here.
    Client,
    /// The endpoint's, since clouds route by it.
    Endpoint,
}

/// A service that is asked.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// Where it is; the first one that can be reached serves. Never empty.
    pub endpoints: Vec<Endpoint>,
    /// Its address as clients reach it. No trailing slash.
    pub public_url: Option<String>,
    /// Whom to trust at `https` endpoints and what to show there; trusts nobody where no endpoint is `https`.
    pub tls: Arc<ClientConfig>,
    /// To open a connection, TLS included.
    pub connect: Duration,
    /// From the end of a request to the head of its reply.
    pub first_byte: Duration,
    /// Between two pieces of a reply's body.
    pub idle: Duration,
    /// How long an idle connection is kept.
    pub pool_idle: Duration,
}

/// The Keystone that validates tokens, and how.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// Where it is.
    pub upstream: UpstreamConfig,
    /// The challenge of a 401.
    pub challenge: HeaderValue,
    /// How long a valid token is not asked about again.
    pub cache_ttl: Duration,
    /// How many tokens are remembered; not 0.
    pub cache_size: usize,
    /// What happens while it cannot be asked.
    pub on_failure: OnFailure,
    /// The roles one of which a service's token must have; empty where any will do.
    pub service_token_roles: Vec<String>,
}

/// What happens to a request whose token cannot be validated just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It goes on as if no token were ever looked at.
    Continue,
    /// It is refused.
    Refuse,
}

/// How much is too much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head.
    pub header_bytes: usize,
    /// Header lines of a request.
    pub headers: usize,
    /// Bytes of one image in an upstream's list.
    pub element_bytes: usize,
    /// Bytes of the body of a request that is translated.
    pub body_bytes: usize,
    /// Images of one listing; `None` means any number.
    pub max_items: Option<u64>,
    /// Images that are asked of the upstream at a time.
    pub page_size: u64,
}

/// How a Nova is asked for images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NovaImages {
    /// How its API is spoken, and what its images are to Glance clients.
    pub settings: Arc<nova::back::NovaImageSettings>,
    /// The project in its paths, which is also the owner of private images.
    pub project: Option<String>,
    /// What a list may cost that this Nova cannot sort or select itself.
    pub scan: ScanLimits,
}

/// How long is too long, toward clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// To send a request's head; and for the TLS handshake.
    pub header: Duration,
    /// Between two requests.
    pub idle: Duration,
    /// Between two pieces of a request's body.
    pub body: Duration,
    /// While a client takes nothing of a reply.
    pub write: Duration,
    /// How long clients are still accepted once the end has been asked for.
    pub drain_min: Duration,
    /// How long requests in flight may take after that.
    pub drain_max: Duration,
}

/// What is logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// From which level on: a directive of tracing's filter.
    pub level: &'static str,
    /// Which requests are.
    pub access: AccessLogSettings,
    /// The form of the lines; `None`: text on a terminal, else JSON.
    pub format: Option<LogFormat>,
}

impl Config {
    /// Reads a file.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        let text = std::fs::read_to_string(file).map_err(|e| Problems::unreadable(file, &e))?;
        Self::parse(&text, file)
    }

    /// Reads a text; `file` names it in complaints, and file names in it are relative to where that file stands.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        resolve::config(text, file)
    }
}

impl Protocol {
    /// The word in the configuration and in the log.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Nova => "nova",
            Self::Glance => "glance",
        }
    }
}

impl IdentityConfig {
    /// Whether what is remembered under these settings may be remembered under others: it comes from the same place
    /// and is kept as long.
    pub fn remembers_like(&self, other: &Self) -> bool {
        self.upstream.endpoints == other.upstream.endpoints
            && self.cache_ttl == other.cache_ttl
            && self.cache_size == other.cache_size
    }
}

impl Listener {
    /// Whether a peer's word about who asked it is believed; `None` is a peer on a unix socket.
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        self.trusted.believes(peer)
    }
}
