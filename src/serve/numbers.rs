//! Hands numbers that the server keeps to the metrics.

use std::sync::{Arc, Weak};

use super::admission::Admission;
use super::counters::ConnectionStats;
use super::drain::{Phase, Phases};
use super::snapshot::Shared;
use crate::metrics::{FamilyId, MetricsSource, Samples};
use crate::upstream::{EndpointSnapshot, UpstreamSnapshot};

/// The numbers of one server.
#[derive(Debug)]
pub(super) struct ServerNumbers {
    admission: Arc<Admission>,
    /// The snapshot holds the recorder, and so the metrics that hold this.
    shared: Weak<Shared>,
    phases: Phases,
}

impl ServerNumbers {
    /// The numbers of the server that has this snapshot and these phases.
    pub(super) fn new(shared: &Arc<Shared>, phases: Phases, admission: Arc<Admission>) -> Self {
        Self {
            admission,
            shared: Arc::downgrade(shared),
            phases,
        }
    }
}

impl MetricsSource for ServerNumbers {
    fn collect(&self, out: &mut Samples) {
        add_connections(out, &self.admission.stats());
        out.add(FamilyId::Draining, &[], self.phases.now() >= Phase::Closing);
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let proxy = &shared.snapshot().proxy;
        out.add(FamilyId::ConfigInfo, &[&proxy.config.sha256], true);
        for upstream in proxy.upstreams() {
            add_upstream(out, &upstream.snapshot());
        }
        let Some(identity) = &proxy.identity else {
            return;
        };
        for (outcome, count) in identity.checks() {
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
