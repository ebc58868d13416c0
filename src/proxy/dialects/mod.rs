//! What answers the clients of a listener: one file and one row a protocol.
//!
//! Here, and nowhere else in the shell, the dialects have names. What a configuration and the commands must know of a
//! protocol is its row in [`config::PROTOCOLS`](crate::config::PROTOCOLS), which a pairing names.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::config::{Config, Protocol, UpstreamConfig};
use crate::model::{Backend, Caller, Frontend};

mod glance;
mod nova;
mod tour;

pub use tour::Tour;

/// What a listener's clients speak, and what stands behind it.
pub struct Pairing {
    /// What the clients speak.
    pub speaks: &'static Protocol,
    /// Makes what reads the clients' requests.
    pub frontend: fn(&Config) -> Arc<dyn Frontend>,
    /// The names under which replies of the imitated service bear the id of their request.
    pub id_headers: &'static [HeaderName],
    /// What answers image requests; `None`: the frontend reads none.
    pub images: Option<ImageSource>,
    /// The service that everything else passes through to; `None`: it is refused.
    pub rest: Option<Service>,
    /// What follows from asking Keystone about a request's token, a line each, for `explain`.
    pub identity: &'static [&'static str],
    /// What the sandbox shows of it; `None`: the sandbox has no such clients.
    pub tour: Option<Tour>,
}

/// What answers image requests.
pub struct ImageSource {
    /// The service that holds the images.
    pub service: Service,
    /// Makes what asks that service, for a request of this caller.
    pub backend: fn(&Config, Option<&Caller>) -> Arc<dyn Backend>,
}

/// The services of a cloud that requests are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The image service.
    Glance,
    /// The compute service.
    Nova,
}

/// Every pairing there is: one for each row of [`config::PROTOCOLS`](crate::config::PROTOCOLS).
pub static PAIRINGS: &[&Pairing] = &[&nova::PAIRING, &glance::PAIRING];

/// A pairing as one configuration has it.
#[derive(Clone, Debug)]
pub struct Dialect {
    /// The pairing.
    pub pairing: &'static Pairing,
    /// Reads the clients' requests.
    pub frontend: Arc<dyn Frontend>,
}

impl Dialect {
    /// Every pairing, as the configuration has it.
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
