//! The service that runs on a socket.
//!
//! [`Acceptor`](super::acceptor::Acceptor) and the connections know sockets, TLS and HTTP; a service knows its
//! requests. Another kind of listener is one more [`SocketService`] in a file of its own, and a row in
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

/// A service that runs on the connections of one socket.
pub(super) trait SocketService: Send + Sync + 'static {
    /// The settings of a connection that is accepted now.
    fn connection_config(&self) -> ConnectionConfig;

    /// Answers one request.
    fn answer(
        &self,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> impl Future<Output = Response<Body>> + Send;
}

/// The settings of one connection for its whole life; a reload does not change them.
#[derive(Debug)]
pub(super) struct ConnectionConfig {
    /// The TLS settings; `None` if the connection does not use TLS.
    pub(super) tls: Option<Arc<ServerConfig>>,
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
}

/// The proxy, as one `[[listen]]` of the configuration sets it up.
#[derive(Debug)]
pub(super) struct ProxyService {
    shared: Arc<Shared>,
    /// The index of the listener in every snapshot.
    slot: usize,
    /// The listener that the socket was bound for.
    first: Arc<Listener>,
}

impl ProxyService {
    /// Makes a service for the listener at index `slot` of the snapshots.
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

    /// Uses the configuration snapshot of the moment in which the request arrives.
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        let snapshot = self.shared.snapshot();
        let listener = snapshot.listeners.get(self.slot).unwrap_or(&self.first);
        proxy::handle(&snapshot.proxy, listener, peer, request).await
    }
}
