//! The server: sockets, connections, and what happens at a reload and at the end.

use std::io;
use std::sync::Arc;

use tokio::time::{sleep, timeout};

use crate::config::{Address, Config, ConfigSource, Problems, RestartOnly};
use crate::watch::{self, AccessLog, Observer, Recorder};

mod acceptor;
mod connection;
mod drain;
mod frames;
mod head;
mod listen;
mod service;
mod signals;
mod snapshot;
mod streams;
mod target;
mod tls;
mod wire;

pub use listen::Bound;
pub use signals::Signals;

use acceptor::{Acceptor, OpenSockets};
use drain::{Drain, Phase};
use service::ProxyService;
use snapshot::Shared;

/// What a server is started with.
#[derive(Debug)]
pub struct Startup {
    /// What holds at first.
    pub config: Config,
    /// Where a reload reads from.
    pub source: ConfigSource,
    /// Who sees every request besides the access log. A reload leaves them alone.
    pub observers: Vec<Arc<dyn Observer>>,
}

impl Startup {
    /// A server that only the access log observes.
    pub fn new(config: Config, source: ConfigSource) -> Self {
        Self {
            config,
            source,
            observers: Vec::new(),
        }
    }
}

/// A server at work. Dropping it ends everything at once; [`Running::shutdown`] lets requests come to their end.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    source: ConfigSource,
    lasting: RestartOnly,
    access_log: Arc<AccessLog>,
    bound: Vec<Bound>,
    drain: Drain,
    sockets: OpenSockets,
}

/// Why a server did not come up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An address could not be bound.
    #[error("cannot listen on {address}: {error}")]
    Bind {
        /// The address as configured.
        address: Address,
        /// Why.
        error: io::Error,
    },
}

/// What a reload led to.
#[derive(Debug)]
pub enum Reloaded {
    /// There is nothing to read: the configuration was made in this process.
    Fixed,
    /// The new configuration is in effect, but for what is named here, which takes a restart.
    Done(Vec<String>),
}

/// Binds every listener and serves.
pub async fn start(startup: Startup) -> Result<Running, StartError> {
    let Startup {
        config,
        source,
        observers,
    } = startup;
    let lasting = RestartOnly::of(&config);
    let access_log = Arc::new(AccessLog::new(config.log.access.clone()));
    let first: Arc<dyn Observer> = Arc::<AccessLog>::clone(&access_log);
    let recorder = Recorder::new([first].into_iter().chain(observers));
    let listeners = config.listen.clone();
    let shared = Arc::new(Shared::new(config, Arc::new(recorder)));
    let drain = Drain::new();
    let mut acceptor = Acceptor::new(drain.phases());
    let mut bound = Vec::new();
    for (slot, listener) in listeners.into_iter().enumerate() {
        let service = ProxyService::new(&shared, slot, Arc::clone(&listener));
        let at = acceptor.bind(&listener.address, service).await;
        let at = at.map_err(|error| StartError::Bind {
            address: listener.address.clone(),
            error,
        })?;
        let (speaks, tls) = (listener.speaks.word(), listener.tls.is_some());
        tracing::info!(address = %at, speaks, tls, "listening");
        bound.push(at);
    }
    // Not before every address is bound: a server that does not come up serves nobody.
    let sockets = acceptor.open();
    Ok(Running {
        shared,
        source,
        lasting,
        access_log,
        bound,
        drain,
        sockets,
    })
}

impl Running {
    /// Where clients are accepted, in the order of the configuration.
    pub fn addresses(&self) -> &[Bound] {
        &self.bound
    }

    /// Reads the configuration anew, with every certificate, key and authority it names. Where anything is wrong
    /// with it, everything stays as it is. Requests in flight keep what they began with.
    pub fn reload(&self) -> Result<Reloaded, Problems> {
        let Some(read) = self.source.read() else {
            return Ok(Reloaded::Fixed);
        };
        let config = read?;
        let waits = self.lasting.unlike(&config);
        self.access_log.set(config.log.access.clone());
        self.renew_level(config.log.level);
        self.shared.renew(config);
        Ok(Reloaded::Done(waits))
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

    /// Ends in good order: clients are accepted for `drain.min` more and told to go, then no longer; requests in
    /// flight get up to `drain.max` to come to their end. Whoever drops the future before that ends everything.
    pub async fn shutdown(mut self) {
        let timeouts = self.shared.snapshot().proxy.config.timeouts.clone();
        self.drain.enter(Phase::Closing);
        sleep(timeouts.drain_min).await;
        self.drain.enter(Phase::Stopping);
        if timeout(timeouts.drain_max, self.sockets.ended())
            .await
            .is_err()
        {
            tracing::warn!(limit = ?timeouts.drain_max, "requests were cut off: they took longer than drain.max");
        }
    }
}
