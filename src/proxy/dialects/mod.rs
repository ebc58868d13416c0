//! The code that answers the clients of a listener: one file and one row for each protocol.
//!
//! No other file of the shell names the dialects. The row of a protocol in
//! [`config::PROTOCOLS`](crate::config::PROTOCOLS), which a pairing refers to, has what the configuration and the
//! commands need.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::config::{Config, Protocol, UpstreamConfig};
use crate::model::{Backend, Caller, Frontend};

mod glance;
mod nova;
mod tour;

pub use tour::Tour;

/// The dialect of a listener's clients, and the services that answer them.
pub struct Pairing {
    /// The clients' protocol.
    pub speaks: &'static Protocol,
    /// Makes the frontend that reads the clients' requests.
    pub frontend: fn(&Config) -> Arc<dyn Frontend>,
    /// The headers in which the imitated service returns its request id.
    pub id_headers: &'static [HeaderName],
    /// The source of images; `None` if the frontend reads no image requests.
    pub images: Option<ImageSource>,
    /// The service that other requests pass through to; `None` if they are refused.
    pub rest: Option<Service>,
    /// The consequences of validating a token with Keystone, one line each, for `explain`.
    pub identity: &'static [&'static str],
    /// What the sandbox shows; `None` if it does not support such clients.
    pub tour: Option<Tour>,
}

/// The service that answers image requests.
pub struct ImageSource {
    /// The service.
    pub service: Service,
    /// Makes the backend for a request of this caller.
    pub backend: fn(&Config, Option<&Caller>) -> Arc<dyn Backend>,
}

/// The services of a cloud that the proxy sends requests to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The image service.
    Glance,
    /// The compute service.
    Nova,
}

/// Every pairing: one for each row of [`config::PROTOCOLS`](crate::config::PROTOCOLS).
pub static PAIRINGS: &[&Pairing] = &[&nova::PAIRING, &glance::PAIRING];

/// A pairing under one configuration.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The pairing.
    pub pairing: &'static Pairing,
    /// Reads the clients' requests.
    pub frontend: Arc<dyn Frontend>,
}

impl Dialect {
    /// Every pairing under this configuration.
    #[must_use]
    pub fn all(config: &Config) -> Vec<Self> {
        let made = PAIRINGS.iter().map(|pairing| Self {
            pairing,
            frontend: (pairing.frontend)(config),
        });
        made.collect()
    }
}

impl Service {
    /// Its settings, if it is configured.
    #[must_use]
    pub fn configured(self, config: &Config) -> Option<&UpstreamConfig> {
        match self {
            Self::Glance => config.glance.as_ref(),
            Self::Nova => config.nova.as_ref(),
        }
    }
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("speaks", &self.speaks)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::PAIRINGS;
    use crate::config::PROTOCOLS;

    #[test]
    fn each_protocol_has_one_pairing() {
        for protocol in PROTOCOLS {
            let pairings = PAIRINGS.iter();
            let count = pairings.filter(|it| it.speaks == *protocol).count();
            let word = protocol.word;
            assert_eq!(
                count, 1,
                "PAIRINGS in src/proxy/dialects/mod.rs has {count} rows that speak `{word}`, which is a row of \
                 PROTOCOLS in src/config/protocol.rs"
            );
        }
        for pairing in PAIRINGS {
            let word = pairing.speaks.word;
            assert!(
                PROTOCOLS.contains(&pairing.speaks),
                "no configuration can name `{word}`: PROTOCOLS in src/config/protocol.rs has no such row"
            );
        }
    }
}
