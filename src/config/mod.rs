//! The operator's configuration: a TOML file and environment variables, read into one immutable [`Config`].
//!
//! [`settings`] is the table of all settings. `environment` lays variables over the values of the file, `file` reads
//! them by that table, and `resolve` turns them into the types below. Reading checks everything, certificates and keys included, so code that has a `Config` needs no
//! further checks.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use rustls::ServerConfig;

use crate::model::ScanLimits;
use crate::nova;
use crate::nova::compat::Compat;
use crate::watch::{AccessLogSettings, LogFormat};

mod address;
mod admin;
mod effective;
mod environment;
mod file;
mod nearest;
mod place;
pub mod protocol;
mod reload;
mod resolve;
pub mod settings;
mod source;
#[cfg(test)]
mod tests;
mod text;
mod tls;
mod tls_file;

pub use address::{Address, Endpoint, Trusted, masked};
pub(crate) use admin::AdminAddress;
pub use admin::{AdminArea, AdminListener, UpstreamHealthMode};
pub use environment::{Environment, PREFIX, variable};
pub use place::{LineColumn, Problem, Problems};
pub use protocol::{PROTOCOLS, Protocol};
pub use reload::{ConfigSource, RestartOnly};
pub use source::ConfigFiles;
pub use text::ConfigText;
pub use tls::ClientTls;
pub(crate) use tls::client_tls;
pub(crate) use tls_file::digest_of;
pub use tls_file::{Expiry, TlsFile, TlsRole};

/// The configuration file that is read if the command line names none.
pub const DEFAULT_FILE: &str = "/etc/nova-glance-proxy/config.toml";

/// One snapshot of the whole configuration.
#[derive(Clone, Debug)]
pub struct Config {
    /// The addresses at which clients are accepted; never empty.
    pub listen: Vec<Arc<Listener>>,
    /// The admin listeners, for probes, scrapers and operators.
    pub admin: Vec<Arc<AdminListener>>,
    /// What a failing upstream means for readiness.
    pub upstream_health: UpstreamHealthMode,
    /// The Glance that answers image requests of Nova clients.
    pub glance: Option<UpstreamConfig>,
    /// The Nova that gets all other requests, and that answers image requests of Glance clients.
    pub nova: Option<UpstreamConfig>,
    /// How the proxy requests images from that Nova.
    pub nova_images: NovaImages,
    /// How tokens are validated; `None` if this proxy does not validate them.
    pub identity: Option<IdentityConfig>,
    /// The `Host` that passed-through requests have at Nova.
    pub host: HostHeader,
    /// Whether the `Location` of a `createImage` reply is replaced by the image's address at this proxy.
    pub rewrite_location: bool,
    /// The Nova that the proxy imitates.
    pub compat: Arc<Compat>,
    /// Size and count limits.
    pub limits: Limits,
    /// Timeouts toward clients.
    pub timeouts: Timeouts,
    /// Headers of translated requests that are forwarded, in addition to those that always are.
    pub forward: Vec<HeaderName>,
    /// Log settings.
    pub log: Log,
    /// How often certificates, keys and authorities are looked at; zero means only on a reload.
    pub certificate_poll: Duration,
    /// Every certificate, key and authority that was read.
    pub tls_files: Vec<TlsFile>,
    /// What is allowed, but probably not wanted, sorted by place.
    pub warnings: Vec<Problem>,
    /// Everything that this configuration was read from.
    pub text: Arc<ConfigText>,
    /// The upper bounds of the histograms of durations; ascending, never empty.
    pub metrics_buckets: Vec<Duration>,
}

/// One address at which clients are accepted, and how they are served there.
#[derive(Clone, Debug)]
pub struct Listener {
    /// The address to listen on.
    pub address: Address,
    /// The API that the clients use.
    pub speaks: &'static Protocol,
    /// The path under which the API is mounted, such as `/compute`; empty if it is at the root. No trailing slash.
    pub base_path: String,
    /// The TLS settings; `None` if the listener does not use TLS.
    pub tls: Option<Arc<ServerConfig>>,
    /// The path that a load balancer checks; `None` if there is none.
    pub health_path: Option<String>,
    /// The base URL of links; `None` if links take it from the request. No trailing slash.
    pub public_url: Option<String>,
    /// The peers whose `Forwarded` and `X-Forwarded-*` headers are believed.
    pub trusted: Trusted,
}

/// The `Host` header of a passed-through request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostHeader {
    /// The client's, so that links in Nova's own replies lead to this proxy.
    Client,
    /// The endpoint's, because some clouds route requests by it.
    Endpoint,
}

/// A service that the proxy sends requests to.
#[derive(Clone, Debug)]
pub struct UpstreamConfig {
    /// The base URLs. Never empty.
    pub endpoints: Vec<Endpoint>,
    /// The address at which clients reach the service. No trailing slash.
    pub public_url: Option<String>,
    /// The trusted authorities and the client certificate for `https` endpoints. Trusts no authority if no endpoint is
    /// `https`.
    pub tls: ClientTls,
    /// Timeout for opening a connection, TLS included.
    pub connect: Duration,
    /// Timeout from the end of a request to the head of its reply.
    pub first_byte: Duration,
    /// The longest pause between two pieces of a reply's body.
    pub idle: Duration,
    /// How long an idle connection is kept open.
    pub pool_idle: Duration,
    /// Which endpoint a request goes to.
    pub balance: Balance,
    /// After how many failures in a row an endpoint is ejected; 0 for never.
    pub eject_after: u32,
    /// What is sent again.
    pub retry: RetryPolicy,
    /// How many calls may ask it at once; at least 1. `None` leaves it to the number of files.
    pub max_in_flight: Option<usize>,
    /// How many more may wait for their turn.
    pub max_queued: usize,
    /// How long they may wait.
    pub queue_timeout: Duration,
}

/// Which of several endpoints a request goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Balance {
    /// Of two drawn at random, the one with fewer requests in flight.
    LeastInFlight,
    /// The first one that is well, in the order written.
    Failover,
}

/// What is sent again after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryPolicy {
    /// Only what was not sent at all.
    Unsent,
    /// Also a GET or HEAD whose connection ended before a reply.
    Broken,
}

/// The Keystone that validates tokens, and how it is used.
#[derive(Clone, Debug)]
pub struct IdentityConfig {
    /// How to reach Keystone.
    pub upstream: UpstreamConfig,
    /// The `WWW-Authenticate` challenge of a 401.
    pub challenge: HeaderValue,
    /// How long a valid token is cached.
    pub cache_ttl: Duration,
    /// The maximum number of cached tokens; not 0.
    pub cache_size: usize,
    /// What happens to requests while Keystone cannot be asked.
    pub on_failure: OnFailure,
    /// The accepted roles of a service token, which needs one of them; empty if any valid service token will do.
    pub service_token_roles: Vec<String>,
}

/// What happens to a request whose token cannot be validated at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// The request is handled as if tokens were not validated.
    Continue,
    /// The request is refused.
    Refuse,
}

/// Size and count limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The maximum number of open connections of clients; `None`: as many as the limit on open files allows.
    pub connections: Option<usize>,
    /// How long a list may go on without an image that matches.
    pub silent: Duration,
    /// The maximum size of a request's head, in bytes.
    pub header_bytes: usize,
    /// The maximum number of header lines in a request.
    pub headers: usize,
    /// The maximum size of one image in an upstream's list, in bytes.
    pub element_bytes: usize,
    /// The maximum body size of a translated request, in bytes.
    pub body_bytes: usize,
    /// The maximum number of images in one list; `None` means no limit.
    pub max_items: Option<u64>,
    /// The number of images requested from the upstream per page.
    pub page_size: u64,
}

/// How the proxy requests images from a Nova.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NovaImages {
    /// Which version of the API to use, and how Nova's images look to Glance clients.
    pub settings: Arc<nova::back::NovaImageSettings>,
    /// The project in the paths, which is also the owner of private images.
    pub project: Option<String>,
    /// The limits for a list that this Nova cannot sort or filter itself.
    pub scan: ScanLimits,
    /// The maximum size of the images that are kept for all such lists together, in bytes.
    pub scan_bytes_total: usize,
}

/// Timeouts toward clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// The time to send a request's head; also the time for the TLS handshake.
    pub header: Duration,
    /// The time between two requests.
    pub idle: Duration,
    /// The time for the next piece of a request's body.
    pub body: Duration,
    /// The time in which a client must accept more of a reply.
    pub write: Duration,
    /// How long clients are still accepted after a signal to stop.
    pub drain_min: Duration,
    /// How long requests in flight may take after that.
    pub drain_max: Duration,
}

/// Log settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The lowest level that is logged, as a directive of tracing's filter.
    pub level: &'static str,
    /// Which requests are.
    pub access: AccessLogSettings,
    /// The form of the lines; `None`: text on a terminal, else JSON.
    pub format: Option<LogFormat>,
}

impl Config {
    /// Returns every upstream that is configured, with its name in the log and in metrics.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = (&'static str, &UpstreamConfig)> {
        let identity = self.identity.as_ref().map(|identity| &identity.upstream);
        [
            ("image", self.glance.as_ref()),
            ("compute", self.nova.as_ref()),
            ("identity", identity),
        ]
        .into_iter()
        .filter_map(|(name, upstream)| Some((name, upstream?)))
    }

    /// Reads and checks a configuration file. Returns every problem that it has.
    pub fn load(file: &Path) -> Result<Self, Problems> {
        ConfigFiles::only(file).load()
    }

    /// Reads a configuration from `text`. Problems name it as `file`, and relative file names in it start from that
    /// file's folder.
    pub fn parse(text: &str, file: &Path) -> Result<Self, Problems> {
        let text = ConfigText::new(file, text.to_owned(), Environment::default());
        resolve::config(&Arc::new(text))
    }

    /// Reads the same text again, with certificates, keys and authorities as they are now. Changes to the file itself
    /// have no effect.
    ///
    /// # Errors
    /// Every problem, with its place.
    pub fn with_new_certificates(&self) -> Result<Self, Problems> {
        resolve::config(&self.text)
    }
}

impl IdentityConfig {
    /// Whether tokens cached under these settings may still be used under `other`: the Keystone, the lifetime and the
    /// size of the cache are the same.
    pub fn remembers_like(&self, other: &Self) -> bool {
        self.upstream.endpoints == other.upstream.endpoints
            && self.cache_ttl == other.cache_ttl
            && self.cache_size == other.cache_size
    }
}

impl Listener {
    /// Whether `Forwarded` headers of a peer are believed; `None` is a peer on a unix socket.
    pub fn believes(&self, peer: Option<IpAddr>) -> bool {
        self.trusted.believes(peer)
    }
}
