//! The sections of the services that are asked.

use std::path::Path;
use std::sync::Arc;

use rustls::{ClientConfig, RootCertStore};

use super::{identity, public_url};
use crate::config::file::{At, Section};
use crate::config::{Endpoint, Upstream, tls};

/// The Glance that answers images.
pub(super) fn glance(section: &Section<'_, '_>, folder: &Path) -> Option<Upstream> {
    let timeouts = section.section("glance.timeouts");
    let glance = upstream(section, &timeouts, &section.section("glance.tls"), folder)?;
    Some(Upstream {
        public_url: public_url(section),
        ..glance
    })
}

/// The Nova that answers the rest.
pub(super) fn nova(section: &Section<'_, '_>, folder: &Path) -> Option<Upstream> {
    let timeouts = section.section("nova.timeouts");
    upstream(section, &timeouts, &section.section("nova.tls"), folder)
}

/// `None` where the file has no such section; and where its TLS settings are wrong, which has been noted then.
fn upstream(
    section: &Section<'_, '_>,
    timeouts: &Section<'_, '_>,
    tls: &Section<'_, '_>,
    folder: &Path,
) -> Option<Upstream> {
    let listed = section.texts("endpoints");
    let endpoints: Vec<Endpoint> = listed
        .value
        .iter()
        .filter_map(|at| section.keep(&at.span, at.value.parse::<Endpoint>()))
        .map(Endpoint::without_version)
        .collect();
    if listed.value.is_empty() && listed.span != section.span {
        section.note(&listed.span, "`endpoints` names at least one");
    }
    let (connect, first_byte) = (
        timeouts.some_time("connect"),
        timeouts.some_time("first_byte"),
    );
    let (idle, pool_idle) = (timeouts.some_time("idle"), section.duration("pool_idle"));
    let secure = endpoints.iter().any(Endpoint::is_tls);
    let tls = upstream_tls(tls, secure, &listed, folder)?;
    section.is_present().then_some(Upstream {
        endpoints,
        public_url: None,
        tls,
        connect,
        first_byte,
        idle,
        pool_idle,
    })
}

fn upstream_tls(
    section: &Section<'_, '_>,
    secure: bool,
    endpoints: &At<Vec<At<String>>>,
    folder: &Path,
) -> Option<Arc<ClientConfig>> {
    if section.is_present() && !secure {
        section.note(
            &section.span,
            "no endpoint is `https`: `tls` would do nothing",
        );
    }
    let roots = match section.text("ca") {
        Some(at) => section.keep(&at.span, tls::authorities(&folder.join(&at.value))),
        None if secure => section.keep(&endpoints.span, tls::system_authorities()),
        None => Some(RootCertStore::empty()),
    };
    let shown = match (section.text("certificate"), section.text("key")) {
        (None, None) => None,
        (Some(_), Some(_)) => Some(identity(section, folder)?),
        (Some(at), None) | (None, Some(at)) => {
            section.note(&at.span, "`certificate` and `key` go together");
            None
        }
    };
    let config = section.keep(&section.span, tls::client(roots?, shown))?;
    Some(Arc::new(config))
}
