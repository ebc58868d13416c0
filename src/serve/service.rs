//! Which service a socket runs.
//!
//! [`Acceptor`](super::acceptor::Acceptor) and the connections know sockets, TLS and HTTP. A service knows what its
//! requests are. A further kind of listener is one more [`SocketService`] in a file of its own, and a row in
//! [`start`](super::start) that binds it to its addresses.

use std::future::Future;
use std::sync::Arc;

use http::{Request, Response};
use hyper::body::Incoming;
use rustls::ServerConfig;

use super::snapshot::Shared;
use crate::config::{Limits, Listener, Timeouts};
use crate::net::body::Body;
use crate::proxy;
use crate::proxy::forwarded::Peer;

/// What is run on the connections of one socket.
pub(super) trait SocketService: Send + Sync + 'static {
    /// What a connection is held to that comes in now.
    fn connection_config(&self) -> ConnectionConfig;

    /// Answers one request.
    fn answer(
        &self,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// What a connection is held to from its beginning to its end, whatever is reloaded meanwhile.
#[derive(Debug)]
pub(super) struct ConnectionConfig {
    /// What is shown to the client, where TLS is spoken.
    pub(super) tls: Option<Arc<ServerConfig>>,
    /// How much is too much.
    pub(super) limits: Limits,
    /// How long is too long.
    pub(super) timeouts: Timeouts,
}

/// The proxy, as one `[[listen]]` of the configuration sets it up.
#[derive(Debug)]
pub(super) struct ProxyService {
    shared: Arc<Shared>,
    /// Where the listener stands in every snapshot.
    slot: usize,
    /// The listener that the socket was bound for.
    first: Arc<Listener>,
}

impl ProxyService {
    /// A service for the listener number `slot` of the snapshots.
    pub(super) fn new(shared: &Arc<Shared>, slot: usize, first: Arc<Listener>) -> Self {
        Self {
            shared: Arc::clone(shared),
            slot,
            first,
        }
    }
}

impl SocketService for ProxyService {
    fn connection_config(&self) -> ConnectionConfig {
        let snapshot = self.shared.snapshot();
        let config = &snapshot.proxy.config;
        let listener = snapshot.listeners.get(self.slot).unwrap_or(&self.first);
        ConnectionConfig {
            tls: listener.tls.clone(),
            limits: config.limits.clone(),
            timeouts: config.timeouts.clone(),
        }
    }

    /// A request sees the snapshot of the moment in which it comes in.
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        let snapshot = self.shared.snapshot();
        let listener = snapshot.listeners.get(self.slot).unwrap_or(&self.first);
        proxy::handle(&snapshot.proxy, listener, peer, request).await
    }
}
