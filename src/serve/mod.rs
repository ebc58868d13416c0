//! The server: sockets, connections, reload and shutdown.

use std::io;
use std::sync::Arc;

use tokio::time::{sleep, timeout};

use crate::config::{Address, Config, ConfigSource, Problems, RestartOnly};
use crate::metrics::{BuildFacts, Metrics};
use crate::proxy::open_files;
use crate::upstream::UpstreamSnapshot;
use crate::watch::{self, AccessLog, Observer, Recorder};

mod accept_errors;
mod acceptor;
mod admission;
mod connection;
mod counters;
mod drain;
mod frames;
mod head;
mod listen;
mod numbers;
mod service;
mod signals;
mod snapshot;
mod streams;
mod target;
mod tls;
mod wire;

pub use counters::{ConnectionStats, ListenerStats};
pub use listen::Bound;
pub use signals::Signals;

use acceptor::{Acceptor, OpenSockets};
use admission::Admission;
use drain::{Drain, Phase};
use numbers::ServerNumbers;
use service::ProxyService;
use snapshot::Shared;

/// What a server needs to start.
#[derive(Debug)]
pub struct Startup {
    /// The configuration to start with.
    pub config: Config,
    /// The source that a reload reads the configuration from.
    pub source: ConfigSource,
    /// Observers of every request, in addition to the access log and the metrics. A reload keeps them.
    pub observers: Vec<Arc<dyn Observer>>,
}

impl Startup {
    /// Makes a server that only the access log observes.
    pub fn new(config: Config, source: ConfigSource) -> Self {
        Self {
            config,
            source,
            observers: Vec::new(),
        }
    }
}

/// A running server. Dropping it ends everything at once; [`Running::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    source: ConfigSource,
    restart_only: RestartOnly,
    access_log: Arc<AccessLog>,
    metrics: Arc<Metrics>,
    bound: Vec<Bound>,
    drain: Drain,
    sockets: OpenSockets,
    admission: Arc<Admission>,
}

/// Why a server could not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be bound.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address as configured.
        address: Address,
        /// The error of the system.
        error: io::Error,
    },
}

/// The result of a reload.
#[derive(Debug)]
pub enum Reloaded {
    /// There is nothing to read, because the configuration was made in this process.
    Fixed,
    /// The new configuration is in effect, except for the settings named here, which need a restart.
    Done(Vec<String>),
}

/// Binds every listener and starts to serve.
pub async fn start(startup: Startup) -> Result<Running, StartError> {
    let Startup {
        config,
        source,
        observers,
    } = startup;
    let restart_only = RestartOnly::of(&config);
    let access_log = Arc::new(AccessLog::new(config.log.access.clone()));
    let metrics = Arc::new(Metrics::new(BuildFacts::THIS, &config.metrics_buckets));
    let own: [Arc<dyn Observer>; 2] = [
        Arc::<AccessLog>::clone(&access_log),
        Arc::<Metrics>::clone(&metrics),
    ];
    let recorder = Recorder::new(own.into_iter().chain(observers));
    let listeners = config.listen.clone();
    let admission = Admission::new(connection_limit(&config));
    let shared = Arc::new(Shared::new(
        config,
        Arc::new(recorder),
        Some(Arc::<Metrics>::clone(&metrics)),
    ));
    let drain = Drain::new();
    let mut acceptor = Acceptor::new(drain.phases(), Arc::clone(&admission));
    metrics.add_source(Arc::new(ServerNumbers::new(
        &shared,
        drain.phases(),
        Arc::clone(&admission),
    )));
    let mut bound = Vec::new();
    for (slot, listener) in listeners.into_iter().enumerate() {
        let service = ProxyService::new(&shared, slot, Arc::clone(&listener));
        let at = acceptor.bind(&listener.address, service).await;
        let at = at.map_err(|error| StartError::Bind {
            address: listener.address.clone(),
            error,
        })?;
        let (speaks, tls) = (listener.speaks.word, listener.tls.is_some());
        tracing::info!(address = %at, speaks, tls, "listening");
        bound.push(at);
    }
    // Clients are accepted only after every address is bound, so that a server that fails to start serves none.
    let sockets = acceptor.open();
    Ok(Running {
        shared,
        source,
        restart_only,
        access_log,
        metrics,
        bound,
        drain,
        sockets,
        admission,
    })
}

/// Returns how many client connections may be open, and logs it.
fn connection_limit(config: &Config) -> usize {
    let files = open_files::limit();
    let connections = open_files::connections(config, files);
    tracing::info!(files, connections, "limits");
    if let Some(warning) = open_files::warning(config) {
        tracing::warn!("{warning}");
    }
    connections
}

impl Running {
    /// The addresses at which clients are accepted, in the order of the configuration.
    pub fn addresses(&self) -> &[Bound] {
        &self.bound
    }

    /// Returns the numbers of connections.
    pub fn connections(&self) -> ConnectionStats {
        self.admission.stats()
    }

    /// Returns what this server counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// Returns the state of each upstream.
    pub fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        let snapshot = self.shared.snapshot();
        let upstreams = snapshot.proxy.upstreams();
        upstreams.map(|upstream| upstream.snapshot()).collect()
    }

    /// Reads the configuration again, with every certificate, key and authority that it names. If anything in it is
    /// wrong, nothing changes. Requests in flight keep the configuration that they began with.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
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

    /// A level that was set in the running process holds until the configured one changes.
    fn renew_level(&self, level: &'static str) {
        if self.shared.snapshot().proxy.config.log.level == level {
            return;
        }
        if let Err(error) = watch::set_level(level) {
            tracing::warn!(%error, level, "the log level stays as it was");
        }
    }

    /// Shuts down gracefully. For `drain.min`, clients are still accepted and are told to close their connections. Then
    /// no new clients are accepted, and requests in flight have up to `drain.max` to finish. Dropping the future ends
    /// everything at once.
    pub async fn shutdown(mut self) {
        let timeouts = self.shared.snapshot().proxy.config.timeouts.clone();
        self.drain.enter(Phase::Closing);
        sleep(timeouts.drain_min).await;
        self.drain.enter(Phase::Stopping);
        if timeout(timeouts.drain_max, self.sockets.ended())
            .await
            .is_err()
        {
            tracing::warn!(limit = ?timeouts.drain_max, "requests that took longer than drain.max were cut off");
        }
    }
}
