//! Clients of Nova's images API, answered from Glance. Everything else passes through to Nova, where there is one.

use std::sync::Arc;

use super::{Pairing, Service};
use crate::config::Protocol;
use crate::glance::back::GlanceBackend;
use crate::nova::front::NovaFrontend;

pub(super) const PAIRING: Pairing = Pairing {
    speaks: Protocol::Nova,
    frontend: |config| {
        Arc::new(NovaFrontend {
            compat: Arc::clone(&config.compat),
            passes: config.nova.is_some(),
        })
    },
    backend: |config, _| {
        Arc::new(GlanceBackend {
            page_size: config.limits.page_size,
        })
    },
    images: Service::Glance,
    rest: Some(Service::Nova),
};
