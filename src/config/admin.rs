//! The admin listeners, for probes, scrapers and operators.

use std::sync::Arc;

use rustls::ServerConfig;

use super::Address;

/// One address at which the server can be watched or controlled.
#[derive(Clone, Debug)]
pub struct AdminListener {
    /// The address to listen on.
    pub address: Address,
    /// The areas that it serves.
    pub serves: Vec<AdminArea>,
    /// The TLS settings; `None` if the listener does not use TLS.
    pub tls: Option<Arc<ServerConfig>>,
}

/// The address of an admin listener, as a client needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct AdminAddress {
    pub(crate) address: Address,
    pub(crate) serves: Vec<AdminArea>,
    pub(crate) is_tls: bool,
}

/// An area of requests that an admin listener may serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdminArea {
    /// Whether the server runs and is ready.
    Health,
    /// Numbers for Prometheus.
    Metrics,
    /// What the server does at this moment, and its configuration.
    Status,
    /// Changes: the level of the log, reloads, draining.
    Control,
}

/// What a failing upstream means for readiness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpstreamHealthMode {
    /// It is reported, and the server stays ready.
    Report,
    /// The server is not ready.
    Require,
}

impl AdminArea {
    /// The word in the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Health => "health",
            Self::Metrics => "metrics",
            Self::Status => "status",
            Self::Control => "control",
        }
    }

    /// Whether an address that others can reach may serve it only to clients with a certificate.
    pub(crate) const fn is_private(self) -> bool {
        matches!(self, Self::Status | Self::Control)
    }
}

#[cfg(test)]
mod tests;
