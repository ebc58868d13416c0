//! Clients of Glance v2, answered from Nova's images API. Nothing passes through: requests that Nova cannot answer are
//! refused.

use std::sync::Arc;

use http::HeaderName;

use super::{ImageSource, Pairing, Service, Tour};
use crate::config::protocol;
use crate::glance::front::GlanceFrontend;
use crate::net::headers::X_OPENSTACK_REQUEST_ID;
use crate::nova::back::NovaBackend;

static ID_HEADERS: [HeaderName; 1] = [X_OPENSTACK_REQUEST_ID];

pub(super) static PAIRING: Pairing = Pairing {
    speaks: &protocol::GLANCE,
    frontend: |_| {
        Arc::new(GlanceFrontend {
            settings: Arc::default(),
        })
    },
    id_headers: &ID_HEADERS,
    images: Some(ImageSource {
        service: Service::Nova,
        backend: |config, caller| {
            let of_token = caller.and_then(|caller| caller.project.clone());
            let fixed = config.nova_images.project.clone();
            Arc::new(NovaBackend {
                settings: Arc::clone(&config.nova_images.settings),
                project: fixed.clone().or_else(|| of_token.clone()),
                caller: of_token.or(fixed),
            })
        },
    }),
    rest: None,
    identity: &["answered with 401 where it is refused"],
    tour: Some(TOUR),
};

const TOUR: Tour = Tour {
    client: "A Glance v2 client asks",
    shown: "/v2/images?architecture=aarch64&status=active&limit=1",
    asked: Service::Nova,
    to_try: &[
        "/v2/images",
        "/v2/images?limit=3",
        "/v2/images?sort=name:asc,created_at:desc&limit=3",
        "/v2/images?name=in:netboot.xyz,nothing&status=active",
        "/v2/images?created_at=gte:2024-03-01T00:00:00Z",
        "/v2/images/{id}",
        "/v2/schemas/image",
        "/v2/images?limit=none",
        "/",
    ],
    write: None,
};
