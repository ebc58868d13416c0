//! The state of a server, which the admin listener, signals and the services of the listeners read and change.

use std::sync::{Arc, OnceLock};
use std::time::Instant;

use jiff::Timestamp;

use super::admission::Admission;
use super::drain::{Drain, Phase};
use super::listen::Bound;
use super::reload::{CertificateSnapshot, ReloadTrigger, Reloaded, Reloader};
use super::snapshot::{Shared, Snapshot};
use super::systemd;
use crate::admin::status::{
    CertificateStatus, ConfigStatus, EndpointStatus, LimitStatus, ListenerStatus, UpstreamStatus,
};
use crate::admin::{ManagedServer, Readiness, ServerStage, ServerStatus, UpstreamHealth};
use crate::config::{Config, ConfigSource, OnFailure, Problems, Timeouts, UpstreamHealthMode};
use crate::metrics::{BuildFacts, Metrics};
use crate::proxy::open_files;
use crate::upstream::{Upstream, UpstreamSnapshot};
use crate::watch::{self, AccessLog, Observer, Recorder};

/// The state of a server from its start to its end.
#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) shared: Arc<Shared>,
    pub(super) drain: Drain,
    pub(super) admission: Arc<Admission>,
    /// The addresses at which clients are accepted, in the order of the configuration; set once all of them are bound.
    pub(super) bound: OnceLock<Vec<Bound>>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) reloader: Arc<Reloader>,
    started: Instant,
    started_at: Timestamp,
}

impl ServerState {
    /// Makes the state of a server that starts. The access log, the metrics and these observers see every request.
    pub(super) fn new(
        config: Config,
        source: ConfigSource,
        observers: Vec<Arc<dyn Observer>>,
    ) -> Arc<Self> {
        let access_log = Arc::new(AccessLog::new(config.log.access.clone()));
        let metrics = Arc::new(Metrics::new(BuildFacts::THIS, &config.metrics_buckets));
        let own: [Arc<dyn Observer>; 2] = [
            Arc::<AccessLog>::clone(&access_log),
            Arc::<Metrics>::clone(&metrics),
        ];
        let recorder = Arc::new(Recorder::new(own.into_iter().chain(observers)));
        let admission = Admission::new(open_files::connection_limit(&config));
        let observer = Some(Arc::<Metrics>::clone(&metrics) as _);
        let shared = Arc::new(Shared::new(config, recorder, observer));
        let reloader = Reloader::new(&shared, source, access_log, Arc::clone(&admission));
        Arc::new(Self {
            shared,
            drain: Drain::new(),
            admission,
            bound: OnceLock::new(),
            metrics,
            reloader: Arc::new(reloader),
            started: Instant::now(),
            started_at: Timestamp::now(),
        })
    }

    /// Returns the timeouts toward clients that are configured now.
    pub(super) fn timeouts(&self) -> Timeouts {
        self.shared.snapshot().proxy.config.timeouts.clone()
    }

    /// Reloads, and logs the result.
    pub(super) fn reload_and_log(&self, trigger: ReloadTrigger) -> Result<Reloaded, Problems> {
        let outcome = self.reloader.reload(trigger);
        match &outcome {
            Ok(Reloaded::Fixed) => tracing::info!("nothing to reload"),
            Ok(Reloaded::Done(needs_restart)) if needs_restart.is_empty() => {
                tracing::info!("reloaded");
            }
            Ok(Reloaded::Done(needs_restart)) => {
                tracing::warn!(
                    takes_a_restart = needs_restart.join(", "),
                    "reloaded in part"
                );
            }
            Err(problems) => {
                tracing::error!(%problems, "reload failed, keeping the running configuration");
            }
        }
        outcome
    }

    /// Returns the state of each upstream.
    pub(super) fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        let snapshot = self.shared.snapshot();
        let upstreams = snapshot.proxy.upstreams();
        upstreams.map(|upstream| upstream.snapshot()).collect()
    }

    /// Returns the upstreams that fail.
    pub(super) fn failing_upstreams(&self) -> Vec<Arc<Upstream>> {
        let snapshot = self.shared.snapshot();
        let upstreams = snapshot.proxy.upstreams();
        upstreams.filter(|it| it.is_failing()).cloned().collect()
    }

    fn certificates(&self) -> Vec<CertificateStatus> {
        let certificates = self.reloader.numbers().certificates.into_iter();
        let status = |it: CertificateSnapshot| CertificateStatus {
            role: it.role,
            file: it.file.display().to_string(),
            not_after: Timestamp::try_from(it.not_after)
                .map_or_else(|_| String::new(), |at| at.to_string()),
            sha256: it.sha256,
        };
        certificates.map(status).collect()
    }

    fn stage(&self) -> ServerStage {
        match self.drain.now() {
            Phase::Starting => ServerStage::Starting,
            Phase::Open => ServerStage::Open,
            Phase::Closing | Phase::Ending | Phase::Stopping => ServerStage::Draining,
        }
    }

    fn listeners(&self, snapshot: &Snapshot) -> Vec<ListenerStatus> {
        let bound = self.bound.get().map_or(&[][..], Vec::as_slice);
        let numbers = self.admission.stats().listeners;
        let listeners = snapshot.listeners.iter().zip(bound).zip(numbers);
        listeners
            .map(|((listener, bound), numbers)| ListenerStatus {
                address: bound.to_string(),
                speaks: listener.speaks.word,
                tls: listener.tls.is_some(),
                connections: numbers.open,
                accepted: numbers.accepted,
            })
            .collect()
    }
}

impl ManagedServer for ServerState {
    fn readiness(&self) -> Readiness {
        let upstreams = self.upstreams();
        let snapshot = self.shared.snapshot();
        let config = &snapshot.proxy.config;
        Readiness {
            stage: self.stage(),
            requires_upstreams: config.upstream_health == UpstreamHealthMode::Require,
            upstreams: upstreams.iter().map(|it| health(it, config)).collect(),
        }
    }

    fn status(&self) -> ServerStatus {
        let snapshot = self.shared.snapshot();
        let config = &snapshot.proxy.config;
        let (connections, upstreams) = (self.admission.stats(), self.upstreams());
        ServerStatus {
            version: env!("CARGO_PKG_VERSION"),
            commit: BuildFacts::THIS.commit,
            started: self.started_at.to_string(),
            uptime_s: self.started.elapsed().as_secs(),
            phase: self.stage().word(),
            not_ready: self.readiness().refusal(),
            config: config_status(config),
            listeners: self.listeners(&snapshot),
            upstreams: upstreams.into_iter().map(upstream_status).collect(),
            certificates: self.certificates(),
            limits: LimitStatus {
                connections: connections.limit,
                connections_open: connections.open,
            },
            log_level: watch::level(),
            log_lines_dropped: watch::log_lines_dropped(),
            panics: watch::panics(),
        }
    }

    fn metrics(&self) -> String {
        self.metrics.text()
    }

    fn effective_config(&self) -> String {
        self.shared.snapshot().proxy.config.effective()
    }

    fn reload(&self) -> Result<Vec<String>, Problems> {
        let outcome = self.reload_and_log(ReloadTrigger::Admin);
        systemd::tell_status(&systemd::reload_status(&outcome));
        match outcome? {
            Reloaded::Fixed => Ok(Vec::new()),
            Reloaded::Done(needs_restart) => Ok(needs_restart),
        }
    }

    fn set_draining(&self, draining: bool) -> bool {
        let before = self.drain.now();
        let is_so = self.drain.set_draining(draining);
        match (before, self.drain.now()) {
            (Phase::Open, Phase::Closing) => {
                tracing::info!("draining, as an operator asked");
                systemd::tell_status("draining, as an operator asked");
            }
            (Phase::Closing, Phase::Open) => {
                tracing::info!("no longer draining");
                systemd::tell_status("no longer draining");
            }
            _ => {}
        }
        is_so
    }
}

fn config_status(config: &Config) -> ConfigStatus {
    let text = &config.text;
    ConfigStatus {
        file: text.file.display().to_string(),
        sha256: text.sha256.clone(),
        loaded: text.read_at.to_string(),
        overridden_by_environment: text.environment.names().map(str::to_owned).collect(),
    }
}

/// Returns the health of an upstream for readiness. A Keystone that cannot be asked matters only if the configuration then
/// refuses requests.
fn health(upstream: &UpstreamSnapshot, config: &Config) -> UpstreamHealth {
    let identity = config.identity.as_ref();
    let is_needed = upstream.name != "identity"
        || identity.is_some_and(|identity| identity.on_failure == OnFailure::Refuse);
    let endpoints = upstream.endpoints.iter();
    UpstreamHealth {
        name: upstream.name,
        endpoints: upstream.endpoints.len(),
        failing: endpoints.filter(|endpoint| endpoint.failures > 0).count(),
        is_failing: is_needed && upstream.is_failing,
    }
}

fn upstream_status(upstream: UpstreamSnapshot) -> UpstreamStatus {
    UpstreamStatus {
        name: upstream.name,
        failing: upstream.is_failing,
        in_flight: upstream.endpoints.iter().map(|it| it.in_flight).sum(),
        queued: upstream.queued,
        max_in_flight: upstream.max_in_flight,
        endpoints: upstream
            .endpoints
            .into_iter()
            .map(|endpoint| EndpointStatus {
                url: endpoint.url.to_string(),
                in_flight: endpoint.in_flight,
                failures: endpoint.failures,
                ejected_for_s: endpoint.ejected_for.map(|left| left.as_secs()),
            })
            .collect(),
    }
}
