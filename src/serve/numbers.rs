//! Hands numbers that the server keeps to the metrics.

use std::sync::{Arc, Weak};

use super::counters::ConnectionStats;
use super::drain::Phase;
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
