//! The state of a server, which the admin listener, signals and the services of the listeners read and change.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use jiff::Timestamp;

use super::admission::Admission;
use super::drain::{Drain, Phase};
use super::listen::Bound;
use super::snapshot::{Shared, Snapshot};
use super::{Reloaded, connection_limit};
use crate::admin::status::{
    ConfigStatus, EndpointStatus, LimitStatus, ListenerStatus, UpstreamStatus,
};
use crate::admin::{ManagedServer, Readiness, ServerStage, ServerStatus, UpstreamHealth};
use crate::config::{
    Config, ConfigSource, OnFailure, Problems, RestartOnly, Timeouts, UpstreamHealthMode,
};
use crate::metrics::{BuildFacts, Metrics};
use crate::upstream::{Upstream, UpstreamSnapshot};
use crate::watch::{self, AccessLog, Observer, Recorder};

/// The state of a server from its start to its end.
#[derive(Debug)]
pub(super) struct ServerState {
    pub(super) shared: Shared,
    pub(super) drain: Drain,
    pub(super) admission: Arc<Admission>,
    /// The addresses at which clients are accepted, in the order of the configuration; set once all of them are bound.
    pub(super) bound: OnceLock<Vec<Bound>>,
    pub(super) metrics: Arc<Metrics>,
    source: ConfigSource,
    restart_only: RestartOnly,
    access_log: Arc<AccessLog>,
    started: Instant,
    started_at: Timestamp,
    /// A reload holds it, so that two reloads do not mix.
    reloading: Mutex<()>,
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
        Arc::new(Self {
            restart_only: RestartOnly::of(&config),
            admission: Admission::new(connection_limit(&config)),
            shared: Shared::new(config, recorder, Some(Arc::<Metrics>::clone(&metrics))),
            drain: Drain::new(),
            bound: OnceLock::new(),
            metrics,
            source,
            access_log,
            started: Instant::now(),
            started_at: Timestamp::now(),
            reloading: Mutex::new(()),
        })
    }

    /// Returns the timeouts toward clients that are configured now.
    pub(super) fn timeouts(&self) -> Timeouts {
        self.shared.snapshot().proxy.config.timeouts.clone()
    }

    /// Reads the configuration again: see [`Running::reload`](super::Running::reload).
    pub(super) fn reload(&self) -> Result<Reloaded, Problems> {
        let _alone = self
            .reloading
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some(read) = self.source.read() else {
            return Ok(Reloaded::Fixed);
        };
        let config = read?;
        let needs_restart = self.restart_only.changes_in(&config);
        self.access_log.set(config.log.access.clone());
        self.renew_level(config.log.level);
        self.admission.set_limit(connection_limit(&config));
        self.shared.renew(config);
        Ok(Reloaded::Done(needs_restart))
    }

    /// Reloads, and logs the result.
    pub(super) fn reload_and_log(&self) -> Result<Reloaded, Problems> {
        let outcome = self.reload();
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

    /// A level that was set in the running process holds until the configured one changes.
    fn renew_level(&self, level: &'static str) {
        if self.shared.snapshot().proxy.config.log.level == level {
            return;
        }
        if let Err(error) = watch::set_level(level) {
            tracing::warn!(%error, level, "the log level stays as it was");
        }
    }

    /// Returns the state of each upstream.
    pub(super) fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        let snapshot = self.shared.snapshot();
        let upstreams = snapshot.proxy.upstreams();
        upstreams.map(|upstream| upstream.snapshot()).collect()
    }

    /// Returns the upstreams that make the server unready because they fail.
    pub(super) fn missed_upstreams(&self) -> Vec<Arc<Upstream>> {
        let snapshot = self.shared.snapshot();
        let config = &snapshot.proxy.config;
        if config.upstream_health != UpstreamHealthMode::Require {
            return Vec::new();
        }
        let upstreams = snapshot.proxy.upstreams();
        let failing = upstreams.filter(|it| health(&it.snapshot(), config).is_failing);
        failing.cloned().collect()
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
        match self.reload_and_log()? {
            Reloaded::Fixed => Ok(Vec::new()),
            Reloaded::Done(needs_restart) => Ok(needs_restart),
        }
    }

    fn set_draining(&self, draining: bool) -> bool {
        let before = self.drain.now();
        let is_so = self.drain.set_draining(draining);
        match (before, self.drain.now()) {
            (Phase::Open, Phase::Closing) => tracing::info!("draining, as an operator asked"),
            (Phase::Closing, Phase::Open) => tracing::info!("no longer draining"),
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
    let endpoints = upstream.endpoints.into_iter();
    UpstreamStatus {
        name: upstream.name,
        failing: upstream.is_failing,
        queued: upstream.queued,
        max_in_flight: upstream.max_in_flight,
        endpoints: endpoints
            .map(|endpoint| EndpointStatus {
                url: endpoint.url.to_string(),
                in_flight: endpoint.in_flight,
                failures: endpoint.failures,
                ejected_for_s: endpoint.ejected_for.map(|left| left.as_secs()),
            })
            .collect(),
    }
}
