//! The server: sockets, connections, and what happens at a reload and at the end.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::config::{Address, Config, ConfigSource, Listener, Problems, RestartOnly};
use crate::proxy::Proxy;

mod connection;
mod drain;
mod frames;
mod head;
mod listen;
mod signals;
mod streams;
mod target;
mod tls;
mod wire;

pub use listen::Bound;
pub use signals::Signals;

use drain::{Drain, Phase, Phases};
use listen::Socket;

/// How long to wait when no connection can be accepted, for want of file descriptors for instance.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// A server at work. Dropping it ends everything at once; [`Running::shutdown`] lets requests come to their end.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    source: ConfigSource,
    lasting: RestartOnly,
    bound: Vec<Bound>,
    drain: Drain,
    acceptors: JoinSet<()>,
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

/// What connections look at.
#[derive(Debug)]
struct Shared(ArcSwap<Snapshot>);

/// What a request sees, and each socket's listener as configured now.
#[derive(Debug)]
struct Snapshot {
    proxy: Arc<Proxy>,
    /// In the order of the sockets.
    listeners: Vec<Arc<Listener>>,
}

impl Shared {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.0.load_full()
    }
}

/// Binds every listener and serves. `source` is where a reload reads from.
pub async fn start(config: Config, source: ConfigSource) -> Result<Running, StartError> {
    let listeners = config.listen.clone();
    let lasting = RestartOnly::of(&config);
    let mut sockets = Vec::new();
    let mut bound = Vec::new();
    for listener in &listeners {
        let failed = |error| StartError::Bind {
            address: listener.address.clone(),
            error,
        };
        let socket = Socket::bind(&listener.address).await.map_err(failed)?;
        let at = socket.bound().map_err(failed)?;
        tracing::info!(address = %at, speaks = ?listener.speaks, tls = listener.tls.is_some(), "listening");
        sockets.push(socket);
        bound.push(at);
    }
    let proxy = Arc::new(Proxy::new(config));
    let shared = Arc::new(Shared(ArcSwap::from_pointee(Snapshot { proxy, listeners })));
    let drain = Drain::new();
    let mut acceptors = JoinSet::new();
    for (slot, socket) in sockets.into_iter().enumerate() {
        acceptors.spawn(accept(socket, slot, Arc::clone(&shared), drain.phases()));
    }
    Ok(Running {
        shared,
        source,
        lasting,
        bound,
        drain,
        acceptors,
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
        let old = self.shared.snapshot();
        let waits = self.lasting.unlike(&config);
        let renewed = |before: &Arc<Listener>| {
            let now = config
                .listen
                .iter()
                .find(|now| now.address == before.address);
            Arc::clone(now.unwrap_or(before))
        };
        let listeners = old.listeners.iter().map(renewed).collect();
        let proxy = Arc::new(old.proxy.renewed(config));
        self.shared.0.store(Arc::new(Snapshot { proxy, listeners }));
        Ok(Reloaded::Done(waits))
    }

    /// Ends in good order: clients are accepted for `drain.min` more and told to go, then no longer; requests in
    /// flight get up to `drain.max` to come to their end. Whoever drops the future before that ends everything.
    pub async fn shutdown(mut self) {
        let timeouts = self.shared.snapshot().proxy.config.timeouts.clone();
        self.drain.enter(Phase::Closing);
        sleep(timeouts.drain_min).await;
        self.drain.enter(Phase::Stopping);
        let all_done = async { while self.acceptors.join_next().await.is_some() {} };
        if timeout(timeouts.drain_max, all_done).await.is_err() {
            tracing::warn!(limit = ?timeouts.drain_max, "requests were cut off: they took longer than drain.max");
        }
    }
}

/// Accepts clients of one socket until the server stops, then waits for their connections to end.
async fn accept(socket: Socket, slot: usize, shared: Arc<Shared>, mut phases: Phases) {
    let mut connections = JoinSet::new();
    let mut stop = phases.clone();
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            () = stop.reached(Phase::Stopping) => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok(accepted) => {
                let serving =
                    connection::serve(accepted, slot, Arc::clone(&shared), phases.clone());
                connections.spawn(serving);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept");
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(socket);
    phases.reached(Phase::Stopping).await;
    while connections.join_next().await.is_some() {}
}
