//! Clients of Nova's images API, answered from Glance. Other requests pass through to Nova, if there is one.

use std::sync::Arc;

use http::HeaderName;

use super::{ImageSource, Pairing, Service, Tour};
use crate::config::protocol;
use crate::glance::back::GlanceBackend;
use crate::net::headers::{X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID};
use crate::nova::front::{NovaFrontend, Passes};

/// Nova returns its request id under two names.
static ID_HEADERS: [HeaderName; 2] = [X_COMPUTE_REQUEST_ID, X_OPENSTACK_REQUEST_ID];

pub(super) static PAIRING: Pairing = Pairing {
    speaks: &protocol::NOVA,
    frontend: |config| {
        Arc::new(NovaFrontend {
            compat: Arc::clone(&config.compat),
            passes: config.nova.is_some().then_some(Passes {
                rewrites_location: config.rewrite_location,
            }),
        })
    },
    id_headers: &ID_HEADERS,
    images: Some(ImageSource {
        service: Service::Glance,
        backend: |config, _| {
            Arc::new(GlanceBackend {
                page_size: config.limits.page_size,
            })
        },
    }),
    rest: Some(Service::Nova),
    identity: &[
        "answered with 401 where it is refused, with 400 where the URL names another project than the token's",
        "links name the token's project where its id occurs in the URL",
    ],
    tour: Some(TOUR),
};

const TOUR: Tour = Tour {
    client: "A legacy client asks Nova",
    shown: "/v2.1/demo/images/detail?status=SAVING&limit=2",
    asked: Service::Glance,
    to_try: &[
        "/v2.1/demo/images",
        "/v2.1/demo/images/detail?limit=3",
        "/v2/demo/images/detail?type=snapshot&status=ACTIVE",
        "/v2.1/demo/images/detail?changes-since=2024-03-01T00:00:00+02:00",
        "/v2.1/demo/images/{id}",
        "/v2.1/demo/images/{id}/metadata",
        "/v2.1/demo/images?limit=none",
        "/",
    ],
    write: Some((
        r#"-X POST -H 'Content-Type: application/json' -d '{"metadata": {"tried": "yes"}}'"#,
        "/v2.1/demo/images/{id}/metadata",
    )),
};
