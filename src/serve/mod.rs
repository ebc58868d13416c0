//! The server: sockets, connections, reload and shutdown.

use std::io;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Address, Config, ConfigSource, Listener, Problems};
use crate::metrics::Metrics;
use crate::upstream::UpstreamSnapshot;
use crate::watch::Observer;

mod accept_errors;
mod acceptor;
mod admin;
mod admission;
mod certificates;
mod connection;
mod counters;
mod drain;
mod frames;
mod head;
mod listen;
mod numbers;
mod reload;
mod service;
mod signals;
mod snapshot;
mod state;
mod streams;
mod systemd;
mod target;
mod tls;
mod upstream_checks;
mod wire;

pub use counters::{ConnectionStats, ListenerStats};
pub use listen::Bound;
pub use reload::{CertificateSnapshot, ReloadCount, ReloadSnapshot, Reloaded};
pub use signals::Signals;
pub use systemd::PassedSockets;

use acceptor::{Acceptor, OpenSockets};
use admin::AdminSockets;
use certificates::watch_certificates;
use numbers::ServerNumbers;
use reload::ReloadTrigger;
use service::ProxyService;
use state::ServerState;

/// What a server needs to start.
#[derive(Debug)]
pub struct Startup {
    /// The configuration to start with.
    pub config: Config,
    /// The source that a reload reads the configuration from.
    pub source: ConfigSource,
    /// Observers of every request, in addition to the access log and the metrics. A reload keeps them.
    pub observers: Vec<Arc<dyn Observer>>,
    /// The sockets that systemd has passed.
    pub passed: PassedSockets,
}

impl Startup {
    /// Makes a server that only the access log and the metrics observe, and that binds its addresses itself.
    pub fn new(config: Config, source: ConfigSource) -> Self {
        Self {
            config,
            source,
            observers: Vec::new(),
            passed: PassedSockets::default(),
        }
    }
}

/// A running server. Dropping it ends everything at once; [`Running::shutdown`] lets requests finish.
#[derive(Debug)]
pub struct Running {
    state: Arc<ServerState>,
    admin_bound: Vec<Bound>,
    sockets: OpenSockets,
    admin: AdminSockets,
    /// The tasks that check failing upstreams and watch certificates. They end with the server.
    _tasks: JoinSet<()>,
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

/// Binds every listener and starts to serve. Admin listeners are bound first, so that `/ready` can tell that the server
/// starts.
pub async fn start(startup: Startup) -> Result<Running, StartError> {
    let Startup {
        config,
        source,
        observers,
        mut passed,
    } = startup;
    let (listeners, admin) = (config.listen.clone(), config.admin.clone());
    let state = ServerState::new(config, source, observers);
    let numbers = ServerNumbers::new(&state);
    state.metrics.add_source(Arc::new(numbers));
    let (admin, admin_bound) = AdminSockets::bind(&state, &admin, &mut passed).await?;
    let (sockets, bound) = bind(&state, &listeners, &mut passed).await?;
    passed.warn_of_unused();
    // Clients are accepted only after every address is bound, so that a server that fails to start serves none.
    let sockets = sockets.open();
    let _ = state.bound.set(bound);
    state.drain.open();
    let mut tasks = JoinSet::new();
    tasks.spawn(upstream_checks::run(Arc::downgrade(&state)));
    tasks.spawn(watch_certificates(Arc::clone(&state.reloader)));
    Ok(Running {
        _tasks: tasks,
        state,
        admin_bound,
        sockets,
        admin,
    })
}

/// Binds the listeners for clients.
async fn bind(
    state: &Arc<ServerState>,
    listeners: &[Arc<Listener>],
    passed: &mut PassedSockets,
) -> Result<(Acceptor, Vec<Bound>), StartError> {
    let mut acceptor = Acceptor::new(state.drain.phases(), Arc::clone(&state.admission));
    let mut bound = Vec::new();
    for (slot, listener) in listeners.iter().enumerate() {
        let service = ProxyService::new(state, slot, Arc::clone(listener));
        let at = acceptor.bind(&listener.address, passed, service).await;
        let at = at.map_err(|error| StartError::bind(&listener.address, error))?;
        let (speaks, tls) = (listener.speaks.word, listener.tls.is_some());
        tracing::info!(address = %at, speaks, tls, "listening");
        bound.push(at);
    }
    Ok((acceptor, bound))
}

impl StartError {
    fn bind(address: &Address, error: io::Error) -> Self {
        Self::Bind {
            address: address.clone(),
            error,
        }
    }
}

impl Running {
    /// The addresses at which clients are accepted, in the order of the configuration.
    pub fn addresses(&self) -> &[Bound] {
        self.state.bound.get().map_or(&[], Vec::as_slice)
    }

    /// The addresses of the admin listeners, in the order of the configuration.
    pub fn admin_addresses(&self) -> &[Bound] {
        &self.admin_bound
    }

    /// Returns the numbers of connections.
    pub fn connections(&self) -> ConnectionStats {
        self.state.admission.stats()
    }

    /// Returns what this server counts.
    pub fn metrics(&self) -> &Arc<Metrics> {
        &self.state.metrics
    }

    /// Returns the state of each upstream.
    pub fn upstreams(&self) -> Vec<UpstreamSnapshot> {
        self.state.upstreams()
    }

    /// Returns the numbers of reloads, and the certificates in use.
    pub fn reloads(&self) -> ReloadSnapshot {
        self.state.reloader.numbers()
    }

    /// Reads the configuration again, with every certificate, key and authority that it names. If anything in it is
    /// wrong, nothing changes. Requests in flight keep the configuration that they began with.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
        self.state.reloader.reload(ReloadTrigger::Signal)
    }

    /// Shuts down gracefully. For `drain.min`, clients are still accepted and are told to close their connections. Then
    /// no new clients are accepted, and requests in flight have up to `drain.max` to finish. Admin listeners close last.
    /// Dropping the future ends everything at once.
    pub async fn shutdown(mut self) {
        let timeouts = self.state.timeouts();
        self.state.drain.end();
        sleep(timeouts.drain_min).await;
        self.state.drain.stop();
        if timeout(timeouts.drain_max, self.sockets.ended())
            .await
            .is_err()
        {
            tracing::warn!(limit = ?timeouts.drain_max, "requests that took longer than drain.max were cut off");
        }
        self.admin.close().await;
    }
}
