//! What a server does at one moment: the document at `/status`.
//!
//! The owner of each number hands it in with its own plain snapshot. Their fields are joined in one place, where the
//! server implements `ManagedServer::status`.

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
    /// What is bounded.
    pub(crate) limits: LimitStatus,
    /// The filter of the log.
    pub(crate) log_level: String,
    /// Lines of the log that were lost, because nobody read them.
    pub(crate) log_lines_dropped: u64,
    /// Panics since the start.
    pub(crate) panics: u64,
}

/// Where the configuration came from.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ConfigStatus {
    /// The file.
    pub(crate) file: String,
    /// The SHA-256 of what stood in it, in hexadecimal digits.
    pub(crate) sha256: String,
    /// When it was read (RFC 3339, UTC).
    pub(crate) loaded: String,
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

/// Bounds, and how much of them is used.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct LimitStatus {
    /// How many connections of clients may be open.
    pub(crate) connections: usize,
    /// How many are.
    pub(crate) connections_open: usize,
}
