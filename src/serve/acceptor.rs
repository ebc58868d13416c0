//! Accepts connections, on whatever a socket is bound to and for whichever service runs on it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::connection;
use super::drain::{Phase, Phases};
use super::listen::{Bound, Socket};
use super::service::SocketService;
use crate::config::Address;

/// The pause after a failed accept, for instance when no file descriptors are left.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Binds the sockets of a server and accepts their clients. This is the only place that decides how many clients are
/// accepted and which runtime serves them.
pub(super) struct Acceptor {
    phases: Phases,
    /// One future per socket, which accepts its clients.
    bound: Vec<Pin<Box<dyn Future<Output = ()> + Send>>>,
}

/// Sockets whose clients are accepted until the server stops. Dropping this ends every connection.
#[derive(Debug)]
pub(super) struct OpenSockets {
    /// One task per socket. It owns the socket's connections, and ends after them.
    tasks: JoinSet<()>,
}

impl Acceptor {
    /// Makes an acceptor without sockets.
    pub(super) fn new(phases: Phases) -> Self {
        Self {
            phases,
            bound: Vec::new(),
        }
    }

    /// Binds a socket and sets the service that runs on it. The kernel queues its clients until [`Acceptor::open`] is
    /// called.
    pub(super) async fn bind(
        &mut self,
        address: &Address,
        service: impl SocketService,
    ) -> io::Result<Bound> {
        let socket = Socket::bind(address).await?;
        let bound = socket.bound()?;
        let accepting = accept(socket, Arc::new(service), self.phases.clone());
        self.bound.push(Box::pin(accepting));
        Ok(bound)
    }

    /// Starts to accept clients on every socket.
    pub(super) fn open(self) -> OpenSockets {
        OpenSockets {
            tasks: self.bound.into_iter().collect(),
        }
    }
}

impl OpenSockets {
    /// Waits until the server is stopping and every connection has ended.
    pub(super) async fn ended(&mut self) {
        while self.tasks.join_next().await.is_some() {}
    }
}

/// Accepts clients of one socket until the server stops, then waits for their connections to end.
async fn accept<V: SocketService>(socket: Socket, service: Arc<V>, mut phases: Phases) {
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
                let serving = connection::serve(accepted, Arc::clone(&service), phases.clone());
                connections.spawn(serving);
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                sleep(ACCEPT_BACKOFF).await;
            }
        }
    }
    drop(socket);
    phases.reached(Phase::Stopping).await;
    while connections.join_next().await.is_some() {}
}
