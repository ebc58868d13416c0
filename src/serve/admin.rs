//! The sockets of the admin listeners. They are bound before those for clients and closed after them.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use tokio::time::timeout;

use super::StartError;
use super::acceptor::{Acceptor, OpenSockets};
use super::admission::Admission;
use super::drain::Drain;
use super::listen::Bound;
use super::service::{ConnectionConfig, SocketService};
use super::state::ServerState;
use super::systemd::PassedSockets;
use crate::admin::{self, AdminChannel, ManagedServer};
use crate::config::{AdminListener, Limits, Timeouts};
use crate::net::body::{self, Body};
use crate::proxy::forwarded::Peer;

/// Connections to all admin listeners together. Clients have their own bound, so that neither can starve the other.
const CONNECTIONS: usize = 64;

/// How long a request's head may take, and its body.
const REQUEST: Duration = Duration::from_secs(5);

/// How long an idle connection is kept: scrapers and probes come back within a minute.
const IDLE: Duration = Duration::from_secs(75);

/// How long a client may take nothing of a reply.
const WRITE: Duration = Duration::from_secs(30);

/// How long the last requests may take once everything else has ended.
const LAST: Duration = Duration::from_secs(1);

/// hyper's smallest read buffer, in bytes.
const HEADER_BYTES: usize = 8192;

/// Open admin listeners. Dropping this ends every connection.
#[derive(Debug)]
pub(super) struct AdminSockets {
    sockets: OpenSockets,
    /// They stay open while the server drains.
    drain: Drain,
}

/// One admin listener.
#[derive(Debug)]
struct AdminService {
    state: Arc<ServerState>,
    /// The listener that the socket was bound for.
    first: Arc<AdminListener>,
}

impl AdminSockets {
    /// Binds the listeners and serves at once.
    pub(super) async fn bind(
        state: &Arc<ServerState>,
        listeners: &[Arc<AdminListener>],
        passed: &mut PassedSockets,
    ) -> Result<(Self, Vec<Bound>), StartError> {
        let drain = Drain::new();
        let mut acceptor = Acceptor::new(drain.phases(), Admission::new(CONNECTIONS));
        let mut bound = Vec::new();
        for listener in listeners {
            let service = AdminService {
                state: Arc::clone(state),
                first: Arc::clone(listener),
            };
            let at = acceptor.bind(&listener.address, passed, service).await;
            let at = at.map_err(|error| StartError::bind(&listener.address, error))?;
            let serves: Vec<_> = listener.serves.iter().map(|area| area.word()).collect();
            let (serves, tls) = (serves.join(", "), listener.tls.is_some());
            tracing::info!(address = %at, serves, tls, "admin listening");
            bound.push(at);
        }
        drain.open();
        let sockets = acceptor.open();
        Ok((Self { sockets, drain }, bound))
    }

    /// Gives requests in flight up to `LAST` to finish.
    pub(super) async fn close(mut self) {
        self.drain.stop();
        let _ = timeout(LAST, self.sockets.ended()).await;
    }
}

impl AdminService {
    /// The listener as configured now. A socket whose address is no longer configured keeps its listener.
    fn listener(&self) -> Arc<AdminListener> {
        let snapshot = self.state.shared.snapshot();
        let mut listeners = snapshot.proxy.config.admin.iter();
        let now = listeners.find(|now| now.address == self.first.address);
        Arc::clone(now.unwrap_or(&self.first))
    }
}

impl SocketService for AdminService {
    /// The owner may connect.
    const FILE_MODE: u32 = 0o600;

    fn connection_config(&self) -> ConnectionConfig {
        let config = &self.state.shared.snapshot().proxy.config;
        ConnectionConfig {
            tls: self.listener().tls.clone(),
            limits: Limits {
                header_bytes: HEADER_BYTES,
                headers: 100,
                ..config.limits.clone()
            },
            timeouts: Timeouts {
                header: REQUEST,
                idle: IDLE,
                body: REQUEST,
                write: WRITE,
                ..config.timeouts.clone()
            },
            is_http1_only: true,
        }
    }

    async fn answer(&self, peer: &Peer, request: Request<Incoming>) -> Response<Body> {
        let channel = match (peer.address, peer.tls) {
            (None, _) => AdminChannel::Unix,
            (Some(_), true) => AdminChannel::Tls,
            (Some(_), false) => AdminChannel::Plain,
        };
        let server: Arc<dyn ManagedServer> = Arc::<ServerState>::clone(&self.state);
        let request = request.map(|incoming| body::from_client(incoming, REQUEST, |_| {}).0);
        admin::answer(&server, &self.listener(), channel, request).await
    }
}
