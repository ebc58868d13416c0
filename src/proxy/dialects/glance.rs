//! Clients of Glance v2, answered from Nova's images API. Nothing passes through: what Nova has no words for is refused.

use std::sync::Arc;

use http::HeaderName;

use super::{Pairing, Service};
use crate::config::Protocol;
use crate::glance::front::GlanceFrontend;
use crate::net::headers::X_OPENSTACK_REQUEST_ID;
use crate::nova::back::NovaBackend;

static ID_HEADERS: [HeaderName; 1] = [X_OPENSTACK_REQUEST_ID];

pub(super) static PAIRING: Pairing = Pairing {
    speaks: Protocol::Glance,
    frontend: |_| {
        Arc::new(GlanceFrontend {
            settings: Arc::default(),
        })
    },
    backend: |config, caller| {
        let of_token = caller.and_then(|caller| caller.project.clone());
        let fixed = config.nova_images.project.clone();
        Arc::new(NovaBackend {
            settings: Arc::clone(&config.nova_images.settings),
            project: fixed.clone().or_else(|| of_token.clone()),
            caller: of_token.or(fixed),
        })
    },
    id_headers: &ID_HEADERS,
    images: Service::Nova,
    rest: None,
};
