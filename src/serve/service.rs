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

use super::state::ServerState;
use crate::admin::ManagedServer as _;
use crate::admin::health::check_on_api;
use crate::config::{Limits, Listener, Timeouts};
use crate::net::body::{self, Body};
use crate::proxy;
use crate::proxy::forwarded::Peer;

/// A service that runs on the connections of one socket.
pub(super) trait SocketService: Send + Sync + 'static {
    /// The mode of the socket's file, if it has one.
    const FILE_MODE: u32;

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
    /// Whether HTTP/2 is refused.
    pub(super) is_http1_only: bool,
}

/// The proxy, as one `[[listen]]` of the configuration sets it up.
#[derive(Debug)]
pub(super) struct ProxyService {
    state: Arc<ServerState>,
    /// The index of the listener in every snapshot.
    slot: usize,
    /// The listener that the socket was bound for.
    first: Arc<Listener>,
}

impl ProxyService {
    /// Makes a service for the listener at index `slot` of the snapshots.
    pub(super) fn new(state: &Arc<ServerState>, slot: usize, first: Arc<Listener>) -> Self {
        Self {
            state: Arc::clone(state),
            slot,
            first,
        }
    }
}

impl SocketService for ProxyService {
    /// Owner and group may connect.
    const FILE_MODE: u32 = 0o660;

    fn connection_config(&self) -> ConnectionConfig {
        let snapshot = self.state.shared.snapshot();
        let config = &snapshot.proxy.config;
        let listener = snapshot.listeners.get(self.slot).unwrap_or(&self.first);
        ConnectionConfig {
            tls: listener.tls.clone(),
            limits: config.limits.clone(),
            timeouts: config.timeouts.clone(),
            is_http1_only: false,
        }
    }

    /// Uses the configuration snapshot of the moment in which the request arrives.
    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        let snapshot = self.state.shared.snapshot();
        let listener = snapshot.listeners.get(self.slot).unwrap_or(&self.first);
        let (parts, incoming) = request.into_parts();
        let readiness = || self.state.readiness();
        if let Some(reply) = check_on_api(listener.health_path.as_deref(), &parts, readiness) {
            return reply.map(body::full);
        }
        let request = Request::from_parts(parts, incoming);
        proxy::handle(&snapshot.proxy, listener, peer, request).await
    }
}
