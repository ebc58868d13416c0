//! Clients of Glance v2, answered from Nova's images API. Nothing passes through: what Nova has no words for is refused.

use std::sync::Arc;

use super::{Pairing, Service};
use crate::config::Protocol;
use crate::glance::front::GlanceFrontend;
use crate::nova::back::NovaBackend;

pub(super) const PAIRING: Pairing = Pairing {
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
    images: Service::Nova,
    rest: None,
};
