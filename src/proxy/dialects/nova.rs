//! Clients of Nova's images API, answered from Glance. Everything else passes through to Nova, where there is one.

use std::sync::Arc;

use http::HeaderName;

use super::{Pairing, Service};
use crate::config::Protocol;
use crate::glance::back::GlanceBackend;
use crate::net::headers::{X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID};
use crate::nova::front::NovaFrontend;

/// Nova has two names for it.
static ID_HEADERS: [HeaderName; 2] = [X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID];

pub(super) static PAIRING: Pairing = Pairing {
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
    id_headers: &ID_HEADERS,
    images: Service::Glance,
    rest: Some(Service::Nova),
};
