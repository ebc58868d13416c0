//! `[[admin]]`, and `listen.health_path`.

use std::sync::Arc;

use rustls::ServerConfig;

use super::tls::TlsFiles;
use crate::config::file::Section;
use crate::config::{Address, AdminAddress, AdminArea, AdminListener, Protocol};

/// One `[[admin]]`.
pub(super) fn listener(section: &Section<'_, '_>, tls_files: &TlsFiles<'_>) -> AdminListener {
    let address = section
        .text("address")
        .and_then(|at| section.keep(&at.span, at.value.parse()));
    let serves: Vec<AdminArea> = section.all_said("serves");
    let tls = section.section("tls");
    if let Some(address) = &address {
        refuse_exposed(section, address, &serves, tls.text("client_ca").is_some());
    }
    AdminListener {
        // An invalid address has been noted, so this placeholder never gets into a `Config`.
        address: address.unwrap_or(Address::Tcp(String::new())),
        serves,
        tls: tls_files.listener(&tls).map(only_http1),
    }
}

/// The address of one `[[admin]]`, if it has a valid one.
pub(super) fn address(section: &Section<'_, '_>) -> Option<AdminAddress> {
    Some(AdminAddress {
        address: section.text("address")?.value.parse().ok()?,
        serves: section.all_said("serves"),
        is_tls: section.section("tls").is_present(),
    })
}

/// Notes a port that changes things and that other hosts can reach: they could end the service without a token.
fn refuse_exposed(
    section: &Section<'_, '_>,
    address: &Address,
    serves: &[AdminArea],
    asks_certificates: bool,
) {
    if asks_certificates || address.is_local() {
        return;
    }
    let why = match address {
        Address::Systemd(_) => "of which only systemd knows who can reach it",
        _ => "which other hosts can reach",
    };
    for area in serves.iter().filter(|area| area.is_private()) {
        section.note(
            &section.span,
            format!(
                "`{}` cannot be served at {address}, {why}: use a loopback address or a unix \
                 socket, or set `tls.client_ca`",
                area.word()
            ),
        );
    }
}

fn only_http1(config: Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut config = Arc::unwrap_or_clone(config);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Returns the path that a load balancer checks on a listener for clients.
pub(super) fn health_path(section: &Section<'_, '_>, speaks: &Protocol) -> Option<String> {
    let Some(at) = section.text("health_path") else {
        return speaks.health_path.map(str::to_owned);
    };
    let is_path = at.value.starts_with('/') && !at.value.contains(['?', '#', ' ']);
    if !is_path && !at.value.is_empty() {
        let message = format!(
            "`{}` is not a valid path: `health_path` must begin with a slash and have no query, like `/healthcheck`",
            at.value
        );
        section.note(&at.span, message);
    }
    Some(at.value).filter(|path| !path.is_empty())
}

/// Notes a warning if a load balancer has no time to notice that the proxy drains.
pub(super) fn warn_of_short_drain(listen: &[Section<'_, '_>]) {
    for section in listen {
        if let Some(at) = section
            .text("health_path")
            .filter(|at| !at.value.is_empty())
        {
            section.warn(
                &at.span,
                "`health_path` is set and `timeouts.drain.min` is 0: the load balancer has no time to notice that the \
                 proxy ends; it takes the balancer's check interval times its number of failed checks, and a second",
            );
        }
    }
}
