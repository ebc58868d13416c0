//! The state of a server at one moment: the document at `/status`. The server fills it in where it implements
//! `ManagedServer`.

use serde::Serialize;

/// The whole document.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServerStatus {
    /// The version of the program.
    pub(crate) version: &'static str,
    /// The commit that it was built from; `unknown` if the build did not say.
    pub(crate) commit: &'static str,
    /// When the server was started (RFC 3339, UTC).
    pub(crate) started: String,
    /// Seconds since then.
    pub(crate) uptime_s: u64,
    /// `starting`, `open` or `draining`.
    pub(crate) phase: &'static str,
    /// Why clients should not be sent here; `null` when they should.
    pub(crate) not_ready: Option<String>,
    /// The configuration in effect.
    pub(crate) config: ConfigStatus,
    /// The listeners for clients, in the order of the configuration.
    pub(crate) listeners: Vec<ListenerStatus>,
    /// The services that requests are sent to.
    pub(crate) upstreams: Vec<UpstreamStatus>,
    /// The files of certificates in use, each once for each role.
    pub(crate) certificates: Vec<CertificateStatus>,
    /// What is bounded.
    pub(crate) limits: LimitStatus,
    /// The filter of the log.
    pub(crate) log_level: String,
    /// Lines of the log that were dropped, because standard error took no more.
    pub(crate) log_lines_dropped: u64,
    /// Panics since the start.
    pub(crate) panics: u64,
}

/// Where the configuration came from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConfigStatus {
    /// The file.
    pub(crate) file: String,
    /// The SHA-256 of its text, in hexadecimal digits.
    pub(crate) sha256: String,
    /// When it was read (RFC 3339, UTC).
    pub(crate) loaded: String,
    /// The environment variables that override it.
    pub(crate) overridden_by_environment: Vec<String>,
}

/// A listener for clients.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ListenerStatus {
    /// Where it is bound.
    pub(crate) address: String,
    /// What its clients speak.
    pub(crate) speaks: &'static str,
    /// Whether they use TLS.
    pub(crate) tls: bool,
    /// Connections that are open now.
    pub(crate) connections: usize,
    /// Connections since the start.
    pub(crate) accepted: u64,
}

/// A service that requests are sent to.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct UpstreamStatus {
    /// What the log calls it: `image`, `compute`, `identity`.
    pub(crate) name: &'static str,
    /// Whether every endpoint has failed for a while.
    pub(crate) failing: bool,
    /// Requests in flight, over all endpoints.
    pub(crate) in_flight: usize,
    /// Calls that wait for their turn.
    pub(crate) queued: usize,
    /// How many calls may ask it at a time.
    pub(crate) max_in_flight: usize,
    /// Its base URLs, in the order of the configuration.
    pub(crate) endpoints: Vec<EndpointStatus>,
}

/// One base URL of a service.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct EndpointStatus {
    /// The URL.
    pub(crate) url: String,
    /// Requests that are under way there.
    pub(crate) in_flight: usize,
    /// Failures in a row.
    pub(crate) failures: u32,
    /// If it is ejected, for how many seconds it stays so.
    pub(crate) ejected_for_s: Option<u64>,
}

/// A file of certificates.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CertificateStatus {
    /// `server`, `client_ca`, `upstream_ca` or `upstream_client`.
    pub(crate) role: &'static str,
    /// The file.
    pub(crate) file: String,
    /// When the first of its certificates expires (RFC 3339, UTC).
    pub(crate) not_after: String,
    /// The SHA-256 of its content, in hexadecimal digits.
    pub(crate) sha256: String,
}

/// Bounds, and how much of them is used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LimitStatus {
    /// How many connections of clients may be open.
    pub(crate) connections: usize,
    /// How many are.
    pub(crate) connections_open: usize,
}
