//! Which dialect a listener's clients speak, and what answers them: one file and one row a pairing.
//!
//! Here, and nowhere else in the shell, the two dialects have names: a listener that speaks one of them is answered from
//! the other one's upstream.

use std::fmt;
use std::sync::Arc;

use http::HeaderName;

use crate::config::{Config, Protocol};
use crate::model::{Backend, Caller, Frontend};

mod glance;
mod nova;

/// What a listener's clients speak, and what stands behind it.
pub struct Pairing {
    /// What the clients speak.
    pub speaks: Protocol,
    /// Makes what reads the clients' requests.
    pub frontend: fn(&Config) -> Arc<dyn Frontend>,
    /// Makes what asks the upstream of images, for a request of this caller.
    pub backend: fn(&Config, Option<&Caller>) -> Arc<dyn Backend>,
    /// The names under which replies of the imitated service bear the id of their request.
    pub id_headers: &'static [HeaderName],
    /// The service that holds the images.
    pub images: Service,
    /// The service that everything else passes through to; `None`: it is refused.
    pub rest: Option<Service>,
}

/// The services of a cloud that requests are sent to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The image service.
    Glance,
    /// The compute service.
    Nova,
}

/// Every pairing there is.
pub static PAIRINGS: [&Pairing; 2] = [&nova::PAIRING, &glance::PAIRING];

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
        let made = PAIRINGS.into_iter().map(|pairing| Self {
            pairing,
            frontend: (pairing.frontend)(config),
        });
        made.collect()
    }
}

impl fmt::Debug for Pairing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pairing")
            .field("speaks", &self.speaks)
            .finish_non_exhaustive()
    }
}
