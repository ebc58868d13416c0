//! Hands numbers that the server keeps to the metrics.

use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::counters::ConnectionStats;
use super::drain::Phase;
use super::reload::ReloadSnapshot;
use super::state::ServerState;
use crate::metrics::{FamilyId, MetricsSource, Samples};
use crate::upstream::{EndpointSnapshot, UpstreamSnapshot};

/// The numbers of one server. The server holds the metrics, and so this.
#[derive(Debug)]
pub(super) struct ServerNumbers(Weak<ServerState>);

impl ServerNumbers {
    pub(super) fn new(state: &Arc<ServerState>) -> Self {
        Self(Arc::downgrade(state))
    }
}

impl MetricsSource for ServerNumbers {
    fn collect(&self, out: &mut Samples) {
        let Some(state) = self.0.upgrade() else {
            return;
        };
        let is_draining = state.drain.now() >= Phase::Closing;
        out.add(FamilyId::Draining, &[], is_draining);
        add_connections(out, &state.admission.stats());
        let proxy = &state.shared.snapshot().proxy;
        out.add(FamilyId::ConfigInfo, &[&proxy.config.text.sha256], true);
        for upstream in proxy.upstreams() {
            add_upstream(out, &upstream.snapshot());
        }
        add_reloads(out, &state.reloader.numbers());
        let checks = proxy.identity.iter().flat_map(|identity| identity.checks());
        for (outcome, count) in checks {
            out.add(FamilyId::TokenChecks, &[outcome], count);
        }
    }
}

fn add_connections(out: &mut Samples, stats: &ConnectionStats) {
    out.add(FamilyId::ConnectionsLimit, &[], stats.limit);
    for listener in &stats.listeners {
        let address = listener.address.to_string();
        let address = address.as_str();
        out.add(FamilyId::Connections, &[address], listener.open);
        out.add(FamilyId::ConnectionsAccepted, &[address], listener.accepted);
        out.add(FamilyId::AcceptErrors, &[address], listener.accept_errors);
        out.add(FamilyId::HeadsRefused, &[address], listener.heads_refused);
        for (outcome, count) in [
            ("ok", listener.tls_ok),
            ("failed", listener.tls_failed),
            ("timeout", listener.tls_timed_out),
        ] {
            out.add(FamilyId::TlsHandshakes, &[address, outcome], count);
        }
    }
}

fn add_upstream(out: &mut Samples, upstream: &UpstreamSnapshot) {
    let name = upstream.name;
    out.add(FamilyId::UpstreamFailing, &[name], upstream.is_failing);
    out.add(FamilyId::UpstreamQueued, &[name], upstream.queued);
    let opened = upstream.connections_opened;
    out.add(FamilyId::UpstreamConnectionsOpened, &[name], opened);
    let denied = upstream.retries_denied;
    out.add(FamilyId::UpstreamRetriesDenied, &[name], denied);
    for (cause, count) in &upstream.retries {
        out.add(FamilyId::UpstreamRetries, &[name, cause.word()], *count);
    }
    for (shed, count) in &upstream.shed {
        out.add(FamilyId::Shed, &[name, shed.word()], *count);
    }
    for endpoint in &upstream.endpoints {
        add_endpoint(out, name, endpoint);
    }
}

fn add_endpoint(out: &mut Samples, upstream: &str, endpoint: &EndpointSnapshot) {
    let labels = [upstream, &endpoint.url];
    let is_ejected = endpoint.ejected_for.is_some();
    out.add(FamilyId::UpstreamInFlight, &labels, endpoint.in_flight);
    out.add(FamilyId::UpstreamEjected, &labels, is_ejected);
    out.add(FamilyId::UpstreamEjections, &labels, endpoint.ejections);
    for (outcome, count) in endpoint.outcomes.iter().filter(|(_, count)| *count > 0) {
        let labels = [upstream, &endpoint.url, outcome.word()];
        out.add(FamilyId::UpstreamRequests, &labels, *count);
    }
}

fn add_reloads(out: &mut Samples, reloads: &ReloadSnapshot) {
    out.add(
        FamilyId::ConfigReloadSuccessful,
        &[],
        reloads.last_succeeded,
    );
    let read_at = reloads.config_read_at.as_duration().as_secs_f64();
    out.add(FamilyId::ConfigReloadSuccess, &[], read_at);
    for (family, counts) in [
        (FamilyId::ConfigReloads, &reloads.config),
        (FamilyId::TlsReloads, &reloads.tls),
    ] {
        for count in counts {
            out.add(family, &[count.trigger, count.outcome], count.count);
        }
    }
    for certificate in &reloads.certificates {
        let file = certificate.file.to_string_lossy();
        let since = certificate.not_after.duration_since(SystemTime::UNIX_EPOCH);
        let not_after = since.map_or(0, |since| since.as_secs());
        out.add(
            FamilyId::CertificateNotAfter,
            &[certificate.role, &file],
            not_after,
        );
    }
}
