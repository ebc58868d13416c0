//! Accepts connections, on whatever a socket is bound to and for whichever service runs on it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::accept_errors::{AcceptErrors, is_of_client, is_out_of_files};
use super::admission::Admission;
use super::connection;
use super::counters::ListenerCounters;
use super::drain::{Phase, Phases};
use super::listen::{Bound, Socket};
use super::service::SocketService;
use super::systemd::PassedSockets;
use crate::config::Address;

/// The pause after a failed accept, if nothing can be done about the failure.
const ACCEPT_BACKOFF: Duration = Duration::from_millis(100);

/// Binds the sockets of a server and accepts their clients. This is the only place that decides how many clients are
/// accepted and which runtime serves them.
pub(super) struct Acceptor {
    phases: Phases,
    admission: Arc<Admission>,
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
    /// Makes an acceptor without sockets. The clients of all its sockets share one limit.
    pub(super) fn new(phases: Phases, admission: Arc<Admission>) -> Self {
        Self {
            phases,
            admission,
            bound: Vec::new(),
        }
    }

    /// Binds a socket and sets the service that runs on it. The kernel queues its clients until [`Acceptor::open`] is
    /// called.
    pub(super) async fn bind<V: SocketService>(
        &mut self,
        address: &Address,
        passed: &mut PassedSockets,
        service: V,
    ) -> io::Result<Bound> {
        let socket = Socket::bind(address, V::FILE_MODE, passed).await?;
        let bound = socket.bound()?;
        let listening = Listening {
            socket,
            service: Arc::new(service),
            counters: self.admission.listener(address),
            admission: Arc::clone(&self.admission),
            phases: self.phases.clone(),
        };
        self.bound.push(Box::pin(listening.accept_all()));
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

/// One socket, and the service that runs on it.
struct Listening<V> {
    socket: Socket,
    service: Arc<V>,
    counters: Arc<ListenerCounters>,
    admission: Arc<Admission>,
    phases: Phases,
}

impl<V: SocketService> Listening<V> {
    /// Accepts clients until the server stops, then waits for their connections to end.
    async fn accept_all(mut self) {
        let mut connections = JoinSet::new();
        let mut stop = self.phases.clone();
        let mut errors = AcceptErrors::default();
        let mut has_failed = false;
        loop {
            let accepted = tokio::select! {
                accepted = self.socket.accept() => accepted,
                () = stop.reached(Phase::Stopping) => break,
                Some(_) = connections.join_next() => continue,
            };
            let accepted = match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    self.counters.accept_failed();
                    errors.note(self.counters.address(), &error);
                    self.recover(&error, has_failed).await;
                    has_failed = true;
                    continue;
                }
            };
            has_failed = false;
            let admitted = tokio::select! {
                // A client that was accepted is served if there is room for it.
                biased;
                admitted = self.admission.admit(&self.counters) => admitted,
                () = stop.reached(Phase::Stopping) => break,
            };
            let (service, phases) = (Arc::clone(&self.service), self.phases.clone());
            connections.spawn(connection::serve(accepted, service, phases, admitted));
        }
        drop(self.socket);
        self.phases.reached(Phase::Stopping).await;
        while connections.join_next().await.is_some() {}
    }

    /// Recovers from a failed accept: closes an idle connection if there are no files left, and waits if that does not
    /// help.
    async fn recover(&self, error: &io::Error, has_failed: bool) {
        if is_of_client(error) {
            return;
        }
        let has_closed = is_out_of_files(error) && self.admission.close_one().await;
        if has_failed || !has_closed {
            sleep(ACCEPT_BACKOFF).await;
        }
    }
}
